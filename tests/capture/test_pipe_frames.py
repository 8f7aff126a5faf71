"""Where a frame begins and ends in a stream of bytes, whatever the bytes are."""

from __future__ import annotations

import random
import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media import flat, jpeg

from edge.capture import pipe_frames
from edge.capture.pipe_frames import SOI, JpegFraming, RawFraming, layout
from edge.errors import ConfigError
from edge.records import Image

LIMIT = 1_000_000


def feed(framing: JpegFraming, data: bytes, pieces: int = 0) -> list[Image | None]:
    """Writes all of it, in pieces of random sizes up to ``pieces`` bytes; takes what gets whole."""
    chance, taken, place = random.Random(1), [], 0
    while place < len(data):
        with framing.room() as room:
            count = min(len(room), len(data) - place)
            if pieces:
                count = min(count, chance.randint(1, pieces))
            room[:count] = data[place : place + count]
        place += count
        framing.wrote(count)
        while framing.ready:
            taken.append(framing.take(wanted=True))
    return taken


def levels(images: list[Image | None]) -> list[int | None]:
    return [None if image is None else round(float(image.mean()) / 20) for image in images]


@pytest.mark.parametrize("pieces", [0, 1, 7, 900])
def test_jpegs_are_found_between_anything(pieces: int) -> None:
    stream = b"\xff\xd8 no picture \xff\xd9" + b"".join(
        b"--part\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg(flat(20 * n)) + bytes(n) for n in range(6)
    )
    framing = JpegFraming(LIMIT)
    assert levels(feed(framing, stream, pieces)) == [0, 1, 2, 3, 4, 5]
    assert framing.left_out() == 0


def test_a_thumbnail_inside_is_no_frame() -> None:
    whole, small = jpeg(flat(200)), jpeg(flat(20, (16, 16)))
    segment = b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small
    (image,) = feed(JpegFraming(LIMIT), whole[:2] + segment + whole[2:], 50)
    assert image is not None
    assert image.shape == flat(0).shape


@pytest.mark.parametrize("kept", [3, 30, 300, 0.6, 0.99])
def test_a_short_frame_is_counted_and_the_next_one_read(kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    whole = jpeg(noise)
    short = whole[: int(kept if kept >= 1 else kept * len(whole))]
    framing = JpegFraming(LIMIT)
    assert levels([*feed(framing, jpeg(flat(20)) + short + jpeg(flat(40)) + jpeg(flat(60)), 100)]) == [
        1,
        2,
        3,
    ]
    assert framing.left_out() == 1


def test_a_size_that_changes_is_given_as_it_comes() -> None:
    images = feed(JpegFraming(LIMIT), jpeg(flat(20)) + jpeg(flat(20, (128, 96))) + jpeg(flat(20)))
    assert [image.shape for image in images if image is not None] == [(48, 64, 3), (96, 128, 3), (48, 64, 3)]


def test_a_picture_that_is_too_large_is_not_decoded() -> None:
    framing = JpegFraming(max_pixels=64 * 48)
    assert levels(feed(framing, jpeg(flat(20, (65, 48))) + jpeg(flat(20)))) == [None, 1]
    assert framing.left_out() == 1


def test_what_never_ends_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe_frames, "BUFFER", 1024)
    monkeypatch.setattr(pipe_frames, "MOST", 8192)
    framing = JpegFraming(LIMIT)
    whole = jpeg(flat(20))
    scan = whole.index(b"\xff\xda") + 14
    endless = whole[:scan] + bytes(50_000)
    assert feed(framing, endless, 999) == []
    assert framing.left_out() >= 1
    assert len(framing._buffer) == 8192
    assert levels(feed(framing, b"\xff\xd9" + whole)) == [1]


@pytest.mark.parametrize(
    "hostile",
    [
        SOI,
        SOI[:2],
        SOI + b"\xe0\x00\x02\xff\xda\x00\x02",  # a header, then another picture
        b"\xff\xe0\x00\x02",  # a header without end
        b"\xff",
    ],
)
def test_the_work_grows_with_the_bytes_and_not_with_their_square(hostile: bytes) -> None:
    framing = JpegFraming(LIMIT)
    begun = time.process_time()
    feed(framing, SOI + hostile * (2**20 // len(hostile)))
    assert time.process_time() - begun < 6  # a minute and more, where each false beginning moves the rest
    assert levels(feed(framing, bytes(4) + jpeg(flat(20)))) == [1]


@settings(max_examples=200, deadline=None)
@given(
    garbage=st.lists(st.one_of(st.binary(max_size=80), st.sampled_from(
        [b"\xff\xd8\xff", b"\xff\xd9", b"\xff\xda\x00\x08", b"\xff\xe0\xff\xff", jpeg(flat(40))[:200]]
    )), max_size=30),
    pieces=st.integers(1, 400),
)  # fmt: skip
def test_any_bytes_are_survived_and_a_frame_behind_them_is_found(garbage: list[bytes], pieces: int) -> None:
    framing = JpegFraming(LIMIT)
    feed(framing, b"".join(garbage), pieces)
    # The longest segment that garbage can promise, and the end of it.
    feed(framing, bytes(1 << 17) + b"\xff\xd9", pieces=4096)
    assert levels(feed(framing, jpeg(flat(60)) + jpeg(flat(60)), pieces))[-1] == 3


@pytest.mark.parametrize("align", [1, 4, 64])
@pytest.mark.parametrize("kind", ["i420", "nv12", "bgr24"])
def test_raw_frames_are_what_they_were(kind: str, align: int) -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 255, (40, 96, 3), np.uint8), (0, 0), 4)
    form = layout(kind, (96, 40), align)  # type: ignore[arg-type]
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    if kind == "bgr24":
        rows = picture.reshape(40, 288)
    elif kind == "nv12":
        chroma = planes[40:].reshape(2, 20, 48)
        rows = np.vstack([planes[:40], np.dstack([chroma[0], chroma[1]]).reshape(20, 96)])
    else:
        rows = planes
    padded = np.full((len(rows), form.stride), 99, np.uint8)
    if kind == "i420":  # half a row of the first plane is a row of the others
        padded[:40, :96] = rows[:40]
        padded[40:].reshape(40, form.stride // 2)[:, :48] = rows[40:].reshape(40, 48)
    else:
        padded[:, : rows.shape[1]] = rows
    framing = RawFraming(form)
    with framing.room() as room:
        assert len(room) == form.bytes == padded.size
        room[:] = padded.data.cast("B")
    assert framing.wrote(form.bytes)
    image = framing.take(wanted=True)
    assert image is not None
    assert image.shape == picture.shape
    assert np.abs(image.astype(int) - picture).mean() < (1e-9 if kind == "bgr24" else 4)


def test_full_range_is_kept_in_full() -> None:
    form = layout("i420", (64, 2), full_range=True)
    framing = RawFraming(form)
    ramp = np.linspace(0, 255, 64).round().astype(np.uint8)
    with framing.room() as room:
        room[:] = bytes(ramp) * 2 + bytes([128]) * 64
    assert framing.wrote(form.bytes)
    image = framing.take(wanted=True)
    assert image is not None
    assert np.abs(image[0].astype(int) - ramp[:, None]).max() <= 2


def test_sizes_that_a_format_cannot_have() -> None:
    assert layout("bgr24", (33, 17)).bytes == 33 * 17 * 3
    assert layout("i420", (780, 360), 64).stride == 832  # as rpicam-apps reports it
    with pytest.raises(ConfigError, match="even numbers"):
        layout("nv12", (33, 18))
