"""The drawn scene: repeatable, true to its truth, varied, and cheap."""

from __future__ import annotations

import time
from itertools import pairwise

import cv2
import numpy as np
import pytest

from edge.capture.scene import Scene, SceneSource, Story, Truth
from edge.capture.scene.glyphs import FORMS, trace
from edge.capture.scene.hand import PENCIL, some_hand, write
from edge.capture.scene.motion import SLIDE, Motion
from edge.capture.scene.page import COUNTED, HEIGHT, PERIOD, REWRITTEN, WIDTH, some_page
from edge.capture.scene.scene import FINER
from edge.capture.scene.sheet import Sheet
from edge.capture.settings import CameraSettings
from edge.clock import SystemClock
from edge.errors import UnavailableError
from edge.records import Image

FIRST_ROW_AWAY = 13.0
"""A second of the page at which the camera looks too low for the first row."""


def ink(seed: int, t: float) -> Image:
    """What is written, and nothing else, as the camera sees it at second ``t``: (480, 640), 0..255."""
    number, second = int(t // PERIOD), t % PERIOD
    blank = np.full((round(HEIGHT * FINER), round(WIDTH * FINER), 3), 255, np.uint8)
    sheet = Sheet(some_page(seed, number), blank, FINER)
    sheet.show(second)
    motion = Motion(seed, number)
    move = motion.camera(second).matrix(640, 480) @ motion.page(second) @ np.diag([1 / FINER, 1 / FINER, 1])
    return np.asarray(cv2.warpPerspective(sheet.ink, move, (640, 480)), np.uint8)


def test_a_moment_looks_the_same_whatever_was_drawn_before() -> None:
    straight, jumping = Scene(3), Scene(3)
    moments = [0.0, 5.6, 7.3, 12.0, 19.5, 20.5, 22.4]
    pictures = [straight.draw(t, int(t * 15)) for t in moments]
    for t, (image, truth) in reversed(list(zip(moments, pictures, strict=True))):
        again, same = jumping.draw(t, int(t * 15))
        assert np.array_equal(image, again)
        assert truth == same == Story(3).truth(t)


def test_seeds_differ() -> None:
    assert Story(1).truth(1.0).lines != Story(2).truth(1.0).lines


def test_a_rest_shows_nothing_but_noise() -> None:
    scene = Scene(4)
    (first, truth), (second, same) = scene.draw(1.2, 18), scene.draw(2.2, 33)
    difference = cv2.absdiff(first, second)
    assert truth == same
    assert 0.5 < difference.mean() < 6
    assert np.percentile(difference, 99.9) < 30


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("t", [5.7, 9.0, 12.5, 15.0, PERIOD + SLIDE + 0.1])
def test_boxes_are_tight_to_the_ink(seed: int, t: float) -> None:
    written = ink(seed, t)
    truth = Story(seed).truth(t)
    assert truth.digits
    for digit in truth.digits:
        left, top = round(digit.box.x) - 3, round(digit.box.y) - 3
        around = written[max(top, 0) :, max(left, 0) :][: round(digit.box.h) + 6, : round(digit.box.w) + 6]
        rows, columns = np.nonzero(around > 100)
        found = (
            max(left, 0) + columns.min(),
            max(top, 0) + rows.min(),
            columns.max() + 1 - columns.min(),
            rows.max() + 1 - rows.min(),
        )
        assert found == pytest.approx(tuple(digit.box), abs=2.5)


def test_no_ink_is_outside_of_all_boxes() -> None:
    for t in np.arange(0.2, PERIOD, 1.7):
        written, truth = ink(5, t), Story(5).truth(t)
        for box in [*(digit.box for digit in truth.digits), *truth.unclear]:
            left, top = max(round(box.x) - 2, 0), max(round(box.y) - 2, 0)
            written[top : round(box.y + box.h) + 2, left : round(box.x + box.w) + 2] = 0
        assert written.max() < 100, t


def test_every_digit_can_be_seen() -> None:
    for seed in range(4):
        scene = Scene(seed)
        for t in (1.0, 9.0, 13.0):
            image, truth = scene.draw(t)
            grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            for digit in truth.digits:
                x, y, w, h = (round(side) for side in digit.box)
                part = grey[y : y + h, x : x + w]
                assert np.percentile(part, 75) - np.percentile(part, 3) > 20, (seed, t, digit)


def test_every_page_shows_every_digit() -> None:
    for number in range(5):
        shown = {mark.glyph.digit for row in some_page(7, number).rows for mark in row.marks}
        assert shown == set(range(10))


def test_the_counter_counts_up() -> None:
    story = Story(8)
    moments = [0.5, *(start + 1.55 for start in COUNTED)]
    values = [int(story.truth(t).lines[-1]) for t in moments]
    assert [after - before for before, after in pairwise(values)] == [1] * len(COUNTED)


def test_a_line_is_erased_and_written_anew_digit_by_digit() -> None:
    story = Story(8)
    before, during, after = (story.truth(REWRITTEN + wait) for wait in (-0.1, 1.2, 2.9))
    assert before.lines[2] != after.lines[2]
    assert before.lines[:2] == after.lines[:2]
    assert len(during.digits) < len(after.digits)
    assert any(story.truth(REWRITTEN + wait / 15).unclear for wait in range(12, 30))


def test_the_first_line_leaves_the_view_and_returns() -> None:
    story = Story(9)
    here, away, back = (story.truth(t).lines for t in (4.0, FIRST_ROW_AWAY, 18.0))
    assert here[0] == back[0]
    assert away[:2] == here[1:2] + away[1:2]
    assert len(away) == 4


def test_what_is_cut_by_the_edge_is_unclear() -> None:
    story = Story(9)
    cut = [story.truth(t) for t in np.arange(9.6, 11.4, 1 / 15)]
    assert any(box.y == 0 for truth in cut for box in truth.unclear)
    for truth in cut:
        assert all(digit.box.y >= 0 and digit.box.y + digit.box.h <= 480 for digit in truth.digits)


def test_lines_tell_the_digits_in_order() -> None:
    truth = Story(2).truth(1.0)
    assert "".join(truth.lines).replace(" ", "") == "".join(str(digit.digit) for digit in truth.digits)
    numbers = [text for line in truth.lines for text in line.split()]
    assert len(numbers) == len({digit.number for digit in truth.digits})


def test_pages_follow_each_other_and_differ() -> None:
    story = Story(6)
    pages = [story.truth(number * PERIOD + 3.0) for number in range(3)]
    assert len({page.lines for page in pages}) == 3
    marks = [digit.mark for page in pages for digit in page.digits]
    assert len(marks) == len(set(marks))


@pytest.mark.parametrize("size", [(16, 16), (320, 240), (1280, 720), (480, 640)])
def test_any_size(size: tuple[int, int]) -> None:
    image, truth = Scene(0, size).draw(1.0)
    assert image.shape == (size[1], size[0], 3)
    assert image.dtype == np.uint8
    assert truth.digits


def test_a_larger_picture_shows_the_same_larger() -> None:
    small, large = Story(0, (640, 480)).truth(8.0), Story(0, (1280, 960)).truth(8.0)
    assert small.lines == large.lines
    for one, other in zip(small.digits, large.digits, strict=True):
        assert other.box == pytest.approx(tuple(2 * side for side in one.box))


def test_a_line_runs_through_all_its_points() -> None:
    for forms in FORMS.values():
        for form in forms:
            for stroke, line in zip(form.split("/"), trace(form), strict=True):
                points = np.array([place.rstrip("!").split(",") for place in stroke.split()], float) / 100
                nearest = np.linalg.norm(points[:, None] - line[None], axis=2).min(axis=1)
                assert nearest.max() < 1e-9
                # Smooth: no step is longer than the distance of neighbouring points would allow.
                assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 0.08


def test_hands_differ_as_people_do() -> None:
    random = np.random.default_rng(0)
    hands = [some_hand(random) for _ in range(60)]
    assert {hand.forms[1] for hand in hands} == {0, 1, 2}
    assert {hand.forms[7] for hand in hands} == {0, 1, 2, 3}
    assert {hand.pen.name for hand in hands} > {"ballpoint, blue", "fibre pen, black"}
    assert max(hand.slant for hand in hands) - min(hand.slant for hand in hands) > 0.3
    seven = [write(hand, 7, 0, 0, random) for hand in hands]
    assert {len(glyph.lines) for glyph in seven} == {1, 2}


def test_a_hand_never_writes_a_digit_twice_alike() -> None:
    random = np.random.default_rng(1)
    hand = some_hand(random, PENCIL)
    first, second = (write(hand, 8, 10, 50, random) for _ in range(2))
    assert first.outline[:, 0].min() == pytest.approx(10, abs=0.2)
    assert first.lines[0].shape != second.lines[0].shape or not np.allclose(first.lines[0], second.lines[0])


def test_drawing_leaves_time_for_reading() -> None:
    scene = Scene(0)
    spent = []
    for sequence in range(75, 135):
        begun = time.thread_time()
        scene.draw(sequence / 15, sequence)
        spent.append(time.thread_time() - begun)
    assert np.median(spent) < 0.012


class TestSource:
    settings = CameraSettings(source="demo:3", size=(320, 240), fps=15.0)

    def truth_and_picture(self, sequence: int) -> tuple[Image, Truth]:
        return Scene(3, (320, 240)).draw(sequence / 15, sequence)

    def test_frames_are_the_scene_at_their_sequence(self) -> None:
        source = SceneSource(self.settings, SystemClock(), seed=3)
        source.open()
        frames = [source.read() for _ in range(4)]
        assert [frame.sequence for frame in frames] == [0, 1, 2, 3]
        assert np.array_equal(frames[2].image, self.truth_and_picture(2)[0])
        assert (source.live, source.rate, source.name) == (False, 15.0, "demo:3")

    def test_reopened_it_goes_on(self) -> None:
        source = SceneSource(self.settings, SystemClock(), seed=3)
        source.open()
        source.read()
        source.close()
        with pytest.raises(UnavailableError, match="not open"):
            source.read()
        source.open()
        frame = source.read()
        assert frame.sequence == 1
        assert np.array_equal(frame.image, self.truth_and_picture(1)[0])
