"""The picture as the recognizers see it, for people who ask for it: scaled, bounded, not more often than set.

Called in the loop's thread; a picture takes some milliseconds, at most those of ``TRIES`` encodings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.annotate import annotate
from edge.records import Box, Detection, Frame, Image, Reply, Request, Track
from edge.refusals import refusal

if TYPE_CHECKING:
    from edge.control.settings import SnapshotSettings

TRIES = 8
"""Encodings of one picture at most."""

LOWEST_QUALITY = 40
"""Of a JPEG; below it a smaller picture shows more."""


class Snapshots:
    """One thread; ``now``: monotonic seconds."""

    def __init__(
        self,
        settings: SnapshotSettings,
        largest: int,
        newest: Callable[[], tuple[Frame, Sequence[Track]] | None],
        show: Callable[[bytes], None] | None,
    ) -> None:
        """``largest``: bytes that a message may have. ``newest``: the newest frame and what is in view there.
        ``show`` sends it; None: there is no broker to send it to."""
        self._settings = settings
        self._largest = min(settings.bytes, largest)
        self._newest = newest
        self._show = show
        self._taken = float("-inf")
        self._sent = 0

    def command(self, fields: Mapping[str, Any], request: Request, now: float) -> Reply:
        """``{"annotate": bool}``: sends one now."""
        if not self._settings.enabled:
            return refusal("switched-off", "snapshot.enabled is false: no picture leaves this device")
        if self._show is None:
            return refusal("not-running", "snapshots go to a broker, and sinks does not name mqtt")
        if now - self._taken < self._settings.interval:
            return refusal("too-often", f"at most one in {self._settings.interval:g} s is sent")
        return self._take(now, annotated=fields.get("annotate", False))

    def turn(self, now: float) -> None:
        """Sends one where ``snapshot.every`` wants it; at every turn of the loop."""
        every = self._settings.every
        if every is not None and self._settings.enabled and now - self._taken >= every:
            self._take(now, annotated=False)

    def counters(self) -> dict[str, int]:
        """``snapshots`` sent since the start."""
        return {"snapshots": self._sent}

    def _take(self, now: float, *, annotated: bool) -> Reply:
        newest = self._newest()
        if newest is None or self._show is None:
            return refusal("no-frame", "the camera has not given a picture yet")
        frame, tracks = newest
        self._taken = now
        image, scale = _fitted(frame.image, self._settings.side)
        if annotated:
            image = annotate(image, [_scaled(track, scale) for track in tracks], [])
        jpeg, image = _encoded(image, self._settings.quality, self._largest)
        if jpeg is None:
            return refusal("too-large", f"this picture does not fit into {self._largest} bytes")
        self._show(jpeg)
        self._sent += 1
        height, width = image.shape[:2]
        return Reply(
            ok=True,
            message="the picture is sent on the topic snapshot",
            data={
                "size": [width, height],
                "bytes": len(jpeg),
                "frame": frame.sequence,
                # While the camera is lost the newest picture may be an old one.
                "age_ms": max(round(now * 1000 - frame.captured / 1e6), 0),
            },
        )


def _fitted(image: Image, side: int) -> tuple[Image, float]:
    """The picture with a longer side of at most ``side``, and its size over the given one's."""
    height, width = image.shape[:2]
    scale = min(side / max(height, width), 1.0)
    if scale == 1.0:
        return image, scale
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _scaled(track: Track, scale: float) -> Detection:
    return Detection(Box(*(value * scale for value in track.box)), track.label, track.score)


def _encoded(image: Image, quality: int, largest: int) -> tuple[bytes | None, Image]:
    """The JPEG of at most ``largest`` bytes and the picture that is in it, smaller where it had to be; None
    where ``TRIES`` were not enough."""
    for _ in range(TRIES):
        done, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            break
        if len(jpeg) <= largest:
            return jpeg.tobytes(), image
        if quality > LOWEST_QUALITY:
            quality = max(quality - 20, LOWEST_QUALITY)
        else:
            image, _scale = _fitted(image, max(max(image.shape[:2]) * 2 // 3, 1))
    return None, image
