"""Decimal marks are seen where they are printed, at any tilt, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

import cv2
import numpy as np
import pytest
from drawing import INK, PAPER, sheet, write
from PIL import ImageDraw
from typeset import typed

from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.digits.classify import Readings
from edge.recognize.digits.marks import marked
from edge.recognize.digits.recognizer import DigitRecognizer, build
from edge.recognize.digits.settings import DigitsSettings
from edge.recognize.digits.strokes import ink_plane
from edge.records import Box, Frame, Image
from edge.track.numbers import Glyph, group

DIGITS = "0123456789"

Extra = Callable[[ImageDraw.ImageDraw, tuple[float, float, float, float]], None]


def page(text: str, height: int, *, light: bool = False) -> tuple[Image, Readings]:
    """``text`` written in a row; what is no digit is drawn as it is, between the digits."""
    paper, ink = (INK, PAPER) if light else (PAPER, INK)
    image = sheet(120 + len(text) * height, 3 * height, paper)
    boxes: list[Box] = []
    x, y = 40, height
    for character in text:
        if character.isdigit():
            box = write(image, character, (x, y), height, ink)
            boxes.append(box)
            x = round(box.x + box.w + 0.18 * height)
        elif character == " ":
            x += round(0.7 * height)
        else:
            mark(image, character, (x, y + height), height, ink)
            x += round(0.25 * height)
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    n = len(rows)
    classes = np.array([int(character) for character in text if character.isdigit()], np.intp)
    return image, Readings(rows, classes, np.ones(n, np.float32), np.full(n, not light))


def mark(image: Image, kind: str, line: tuple[int, int], height: int, ink: tuple[int, int, int]) -> None:
    x, y = line
    size = max(round(0.13 * height), 2)
    if kind == ".":
        cv2.rectangle(image, (x, y - size), (x + size - 1, y - 1), ink, -1)
    elif kind == ",":
        cv2.rectangle(image, (x, y - size), (x + size - 1, y - 1), ink, -1)
        cv2.line(image, (x + size - 1, y), (x, y + size), ink, max(size // 2, 1))
    elif kind == "-":
        cv2.rectangle(image, (x, y - height // 2), (x + 2 * size, y - height // 2 + size // 2), ink, -1)
    elif kind == ":":
        for up in (0.25, 0.7):
            top = y - round(up * height)
            cv2.rectangle(image, (x, top), (x + size - 1, top + size - 1), ink, -1)
    elif kind == "|":
        cv2.rectangle(image, (x, y - height), (x + size // 2, y), ink, -1)
    elif kind == "'":
        cv2.rectangle(image, (x, y - height), (x + size - 1, y - height + size), ink, -1)
    else:
        raise AssertionError(kind)


def probable(image: Image, readings: Readings) -> list[float]:
    planes = {dark: ink_plane(image, dark=dark) for dark in (True, False)}
    left, result = marked(readings, planes, DIGITS)
    assert len(left) == len(result) == len(readings)
    assert result.dtype == np.float32
    return [float(one) for one in result]


def found(image: Image, readings: Readings) -> list[bool]:
    return [one > 0.5 for one in probable(image, readings)]


@pytest.mark.parametrize("height", [20, 36, 90])
@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("kind", [".", ","])
def test_a_dot_or_comma_is_a_mark(kind: str, light: bool, height: int) -> None:
    assert found(*page(f"18{kind}25", height, light=light)) == [False, True, False, False]


@pytest.mark.parametrize(
    "text", ["1825", "18 25", "18-25", "18:25", "18|25", "18'25", "18..25", "1825.", "7"]
)
def test_everything_else_is_none(text: str) -> None:
    assert not any(probable(*page(text, 40)))


def test_each_number_has_its_own() -> None:
    assert found(*page("0.5  12.75", 40)) == [True, False, False, True, False, False]


def test_small_print_and_noise_have_none() -> None:
    assert not any(found(*page("1.5", 10)))
    image, readings = page("1825", 40)
    noise = np.random.default_rng(1).normal(0, 12, image.shape)
    assert not any(found(np.clip(image + noise, 0, 255).astype(np.uint8), readings))


def test_a_mark_survives_noise_blur_and_a_shadow() -> None:
    image, readings = page("18.25", 60)
    shadow = np.linspace(0.5, 1.0, image.shape[1])[None, :, None]
    noise = np.random.default_rng(2).normal(0, 6, image.shape)
    blurred = cv2.GaussianBlur(image, (0, 0), 1.5)
    assert found(np.clip(blurred * shadow + noise, 0, 255).astype(np.uint8), readings) == [
        False, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(("place", "seen"), [(-12, True), (0, False)])
def test_the_dot_under_an_exclamation_is_its_own(place: int, seen: bool) -> None:
    """Its stroke alone is read as a 1 easily."""
    image, readings = page("48", 60)
    x, y, w, h = (round(float(side)) for side in readings.boxes[1])
    begin = x + w + 26
    cv2.rectangle(image, (begin, y), (begin + 6, y + h - 14), INK, -1)
    cv2.rectangle(image, (begin + place, y + h - 8), (begin + place + 6, y + h - 1), INK, -1)
    readings = with_reading(readings, (begin, y, 7, h - 14), 1)
    assert found(image, readings) == [False, seen, False]


def spotted(grey: int) -> float:
    """How probable a mark of this grey is between two digits in ``INK``."""
    image, readings = page("18 25", 40)
    (_, one, two, _) = readings.boxes
    x, y = round(float(one[0] + one[2] + two[0]) / 2), round(float(one[1] + one[3]))
    cv2.rectangle(image, (x - 2, y - 5), (x + 2, y), (grey, grey, grey), -1)
    return probable(image, readings)[1]


def test_the_paler_a_mark_the_less_probable() -> None:
    steps = [spotted(grey) for grey in range(INK[0], PAPER[0], 5)]
    assert steps[0] == 1
    assert steps[-1] == 0
    assert steps == sorted(steps, reverse=True)
    assert any(0.2 < step < 0.8 for step in steps)


def with_reading(readings: Readings, box: tuple[int, int, int, int], digit: int) -> Readings:
    return Readings(
        np.vstack([readings.boxes, np.array([box], np.float32)]),
        np.append(readings.classes, digit),
        np.append(readings.scores, np.float32(0.9)),
        np.append(readings.dark, True),
    )


@pytest.mark.parametrize("drawn", [",", "|", "'"])
def test_a_one_that_is_the_comma_goes_and_no_other_does(drawn: str) -> None:
    image, readings = page(f"48{drawn}25", 60)
    _, y, _, h = readings.boxes[1].tolist()
    start, stop = round(readings.boxes[1, 0] + readings.boxes[1, 2]) + 1, round(readings.boxes[2, 0])
    top, bottom = (
        (y, y + h) if drawn == "|" else (y - 5, y + 12) if drawn == "'" else (y + h - 10, y + h + 10)
    )
    planes = {True: ink_plane(image, dark=True)}
    box = start, round(top), stop - start, round(bottom - top)
    left, marks = marked(with_reading(readings, box, 1), planes, DIGITS)
    assert (left.classes.tolist() == [4, 8, 2, 5]) is (drawn == ",")
    assert (marks > 0.5).any() == (drawn == ",")
    # What is no 1 stays whatever it stands on: another digit is not what a comma is mistaken for.
    left, _ = marked(with_reading(readings, box, 8), planes, DIGITS)
    assert left.classes.tolist() == [4, 8, 2, 5, 8]


@pytest.fixture(scope="module")
def reader() -> DigitRecognizer:
    return build(DigitsSettings(), lambda name: Model.load(name, InferSettings(threads=1)))


def numbers(reader: DigitRecognizer, image: Image) -> list[str]:
    image.flags.writeable = False
    told = reader.detect(Frame(image, 1, 0, datetime.now(timezone.utc)))
    glyphs = [Glyph(item.box, item.label or "", item.score, i, item.mark) for i, item in enumerate(told)]
    return [number.text for number in group(glyphs)]


@pytest.mark.parametrize("text", ["2.05", "7,4"])
@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("degrees", [0, 10, -10, 20])
def test_type_is_read_with_its_mark_at_any_tilt(
    reader: DigitRecognizer, degrees: int, light: bool, text: str
) -> None:
    expected = [text.replace(",", ".")]
    for size in (26, 44, 80):
        assert numbers(reader, typed(text, size, degrees=degrees, light=light)) == expected, f"size {size}"


@pytest.mark.parametrize("text", ["205", "20 94", "2:05", "20-5", "20'5", "205.", "2·05", "20. 94"])
@pytest.mark.parametrize("degrees", [0, 10, 20])
def test_type_without_a_mark_gets_none(reader: DigitRecognizer, degrees: int, text: str) -> None:
    for size in (26, 44, 80):
        read = numbers(reader, typed(text, size, degrees=degrees))
        assert read
        assert not any("." in number for number in read), f"size {size}: {read}"


def under_a_rule(pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float]) -> None:
    pen.line((0, box[3] + 2, 2000, box[3] + 2), fill=(60, 60, 60), width=2)


def on_squares(pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float]) -> None:
    for place in range(0, 2000, round(box[3] - box[1]) // 2):
        pen.line((place, 0, place, 2000), fill=(160, 160, 160))
        pen.line((0, place, 2000, place), fill=(160, 160, 160))


def among_specks(pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float]) -> None:
    chance, high = np.random.default_rng(4), box[3] - box[1]
    for x, y, size in chance.uniform((0, 0, 0.01), (1, 1, 0.05), (150, 3)) * (8 * high, 8 * high, high):
        pen.ellipse((x, y, x + size, y + size), fill=(60, 60, 60))


def above_another(pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float]) -> None:
    for place in range(6):
        x, y = box[0] + place * 0.4 * (box[3] - box[1]), box[3] + 0.35 * (box[3] - box[1])
        pen.line((x, y, x, y + 1.0 * (box[3] - box[1])), fill=(35, 35, 35), width=4)


@pytest.mark.parametrize("extra", [under_a_rule, on_squares, among_specks, above_another])
@pytest.mark.parametrize("degrees", [0, 10, 20])
def test_what_lies_around_a_number_makes_no_mark(reader: DigitRecognizer, degrees: int, extra: Extra) -> None:
    for size in (26, 44, 80):
        for text in ("205", "3 84"):
            read = numbers(reader, typed(text, size, degrees=degrees, extra=extra))
            assert not any("." in number for number in read), f"size {size}: {read}"
