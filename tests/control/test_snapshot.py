"""The picture for people: what it shows, how large it may be, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

import cv2
import numpy as np
import pytest

from edge.control.settings import SnapshotSettings
from edge.control.snapshot import Snapshots
from edge.records import Box, Frame, Image, Reply, Request, Track

WALL = datetime(2026, 1, 1, tzinfo=timezone.utc)
REQUEST = Request("snapshot", {}, None, lambda _reply: None)
NOISE = np.random.default_rng(1).integers(0, 256, (900, 1600, 3), np.uint8)
PLAIN = np.full((240, 320, 3), 200, np.uint8)


class Gallery:
    """Snapshots of one picture, and what was shown of it."""

    def __init__(self, image: Image | None = PLAIN, largest: int = 130_000, **settings: object) -> None:
        self.shown: list[bytes] = []
        self._image = image
        made = SnapshotSettings.model_validate(settings)
        self.snapshots = Snapshots(made, largest, self._newest, self.shown.append)

    def take(self, now: float = 0.0, **fields: bool) -> Reply:
        return self.snapshots.command(fields, REQUEST, now)

    def picture(self) -> Image:
        found = cv2.imdecode(np.frombuffer(self.shown[-1], np.uint8), cv2.IMREAD_COLOR)
        assert found is not None
        return np.asarray(found, np.uint8)

    def _newest(self) -> tuple[Frame, Sequence[Track]] | None:
        if self._image is None:
            return None
        track = Track(1, Box(100, 60, 80, 120), "7", 0.95, 0.0, 0.0, confirmed=True)
        return Frame(self._image, 42, 0, WALL), [track]


def test_it_is_the_newest_picture_and_nothing_is_drawn_into_it() -> None:
    gallery = Gallery()
    reply = gallery.take(7.5)
    assert reply.ok
    assert reply.data == {"size": [320, 240], "bytes": len(gallery.shown[0]), "frame": 42, "age_ms": 7500}
    assert np.abs(gallery.picture().astype(int) - 200).max() <= 3
    assert (PLAIN == 200).all()
    assert gallery.snapshots.counters() == {"snapshots": 1}


def test_what_is_in_view_is_drawn_where_that_is_wanted() -> None:
    gallery = Gallery(np.full((480, 640, 3), 200, np.uint8), side=320)
    gallery.take(annotate=True)
    picture = gallery.picture()
    assert picture.shape == (240, 320, 3)
    drawn = np.abs(picture.astype(int) - 200).max(axis=2) > 30
    ys, xs = np.nonzero(drawn)
    assert (xs.min(), xs.max()) == pytest.approx((50, 90), abs=4), "the box, scaled with the picture"
    assert ys.max() == pytest.approx(90, abs=4)


def test_the_largest_picture_fits_into_its_bytes() -> None:
    gallery = Gallery(NOISE, bytes=40_000)
    reply = gallery.take()
    assert reply.ok
    assert 4000 < len(gallery.shown[0]) <= 40_000
    assert list(gallery.picture().shape[1::-1]) == reply.data["size"]


def test_a_message_is_never_larger_than_the_connection_takes() -> None:
    gallery = Gallery(NOISE, largest=20_000)
    assert gallery.take().ok
    assert len(gallery.shown[0]) <= 20_000
    hopeless = Gallery(NOISE, largest=500)
    assert hopeless.take().error == "too-large"
    assert not hopeless.shown


def test_they_come_no_more_often_than_is_set() -> None:
    gallery = Gallery(interval=2.0)
    assert gallery.take(10.0).ok
    assert gallery.take(11.9).error == "too-often"
    assert gallery.take(12.0).ok


def test_without_a_picture_a_broker_or_leave_there_is_none() -> None:
    assert Gallery(None).take().error == "no-frame"
    assert Gallery(enabled=False).take().error == "switched-off"
    alone = Snapshots(SnapshotSettings(), 1000, lambda: None, None)
    assert alone.command({}, REQUEST, 0.0).error == "not-running"


def test_by_themselves_they_come_only_where_that_is_set() -> None:
    never, every, off = Gallery(), Gallery(every=5.0), Gallery(every=5.0, enabled=False)
    for now in range(21):
        for gallery in (never, every, off):
            gallery.snapshots.turn(float(now))
    assert [len(gallery.shown) for gallery in (never, every, off)] == [0, 5, 0]
