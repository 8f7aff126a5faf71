"""Decimal marks are seen where they are printed, and nothing else is taken for one."""

from __future__ import annotations

from datetime import datetime, timezone

import cv2
import numpy as np
import pytest
from drawing import INK, PAPER, sheet, write
from numpy.typing import NDArray

from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.digits.classify import Readings
from edge.recognize.digits.marks import marked
from edge.recognize.digits.recognizer import build
from edge.recognize.digits.settings import DigitsSettings
from edge.recognize.digits.strokes import ink_plane
from edge.records import Frame, Image


def page(text: str, height: int, *, light: bool = False) -> tuple[Image, Readings]:
    """``text`` written in a row; what is no digit is drawn as it is, between the digits."""
    paper, ink = (INK, PAPER) if light else (PAPER, INK)
    image = sheet(120 + len(text) * height, 3 * height, paper)
    boxes, x, y = [], 40, height
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
    return image, Readings(rows, np.zeros(n, np.intp), np.ones(n, np.float32), np.full(n, not light))


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


def test_the_recognizer_tells_the_mark_with_its_digit() -> None:
    image, _ = page("18.25", 60)
    reader = build(DigitsSettings(), lambda name: Model.load(name, InferSettings(threads=1)))
    image.flags.writeable = False
    told = reader.detect(Frame(image, 1, 0, datetime.now(timezone.utc)))
    read = sorted(told, key=lambda item: item.box.x)
    assert [(item.label, item.mark) for item in read] == [
        ("1", False), ("8", True), ("2", False), ("5", False),
    ]  # fmt: skip


def found(image: Image, readings: Readings) -> list[bool]:
    planes = {dark: ink_plane(image, dark=dark) for dark in (True, False)}
    result: NDArray[np.bool_] = marked(readings, planes)
    return [bool(one) for one in result]


@pytest.mark.parametrize("height", [20, 36, 90])
@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("kind", [".", ","])
def test_a_dot_or_comma_is_a_mark(kind: str, light: bool, height: int) -> None:
    assert found(*page(f"18{kind}25", height, light=light)) == [False, True, False, False]


@pytest.mark.parametrize(
    "text", ["1825", "18 25", "18-25", "18:25", "18|25", "18'25", "18..25", "1825.", "7"]
)
def test_everything_else_is_none(text: str) -> None:
    assert not any(found(*page(text, 40)))


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
