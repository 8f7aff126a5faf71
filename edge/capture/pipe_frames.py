"""Bytes become pictures: what lies where in a raw frame, and where a JPEG ends in a stream of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.chatter import damaged
from edge.capture.settings import PipeFormat
from edge.errors import ConfigError
from edge.pictures.header import read_header
from edge.pictures.quiet import silence
from edge.records import Image

RAW = ("i420", "nv12", "bgr24")

BUFFER = 1 << 18
"""Bytes of a JPEG that there is room for at first; the room doubles when it must."""

MOST = 1 << 25
"""Bytes of a JPEG: 32 MiB are more than any camera sends; what is longer is garbage, and left out."""

SEGMENTS = 1024
"""Segments and fill bytes of a header at most, since it is read anew with each piece that comes; the longest
have some 300, with a colour profile in 255 pieces (ICC.1, annex B)."""

SOI, EOI = b"\xff\xd8\xff", b"\xff\xd9"


class Framing(Protocol):
    """Takes bytes in any pieces and says when a frame is whole. Owned by one thread."""

    def room(self) -> memoryview:
        """Where the next bytes are to be written; never empty."""
        ...

    def wrote(self, count: int) -> bool:
        """So many were written there; gives whether a frame is whole."""
        ...

    def take(self, wanted: bool) -> Image | None:
        """The whole frame, in BGR; None where it is corrupt or not ``wanted``. Makes place for the next."""
        ...

    @property
    def ready(self) -> bool:
        """Whether a further whole frame lies here."""
        ...

    @property
    def begun(self) -> int:
        """Bytes of a frame that is not whole yet."""
        ...

    def reset(self) -> None:
        """Forgets what has begun: another child speaks now."""
        ...

    def left_out(self) -> int:
        """Frames, or what should have been some, that were left out since the start; a total."""
        ...


@dataclass(frozen=True, slots=True)
class Layout:
    """A raw frame: ``size`` is (width, height); ``stride`` the bytes from one row of its first plane to the
    next. ``full_range``: luma uses 0..255 (JPEG) rather than 16..235 (video)."""

    format: PipeFormat
    size: tuple[int, int]
    stride: int
    full_range: bool = False

    @property
    def bytes(self) -> int:
        """Of one frame."""
        rows = self.size[1] if self.format == "bgr24" else self.size[1] * 3 // 2
        return self.stride * rows


def layout(kind: PipeFormat, size: tuple[int, int], align: int = 1, *, full_range: bool = False) -> Layout:
    """The layout of frames whose rows are padded to a multiple of ``align`` bytes (the first plane's).

    Raises ``ConfigError`` for a size that the format cannot have.
    """
    width, height = size
    if kind != "bgr24" and (width % 2 or height % 2):
        raise ConfigError(
            f"camera.size: {width} x {height} does not fit camera.format {kind}", "allowed: even numbers"
        )
    row = width * (3 if kind == "bgr24" else 1)
    return Layout(kind, size, -(-row // align) * align, full_range)


class RawFraming:
    """Frames of one size, one after the other, nothing between them."""

    ready = False

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        width, height = layout.size
        rows = layout.bytes // layout.stride
        self._raw = np.empty((rows, layout.stride), np.uint8)
        self._view = self._raw.data.cast("B")
        self._begun = 0
        self._shown = (height, width)

    @property
    def begun(self) -> int:
        """See ``Framing``."""
        return self._begun

    def room(self) -> memoryview:
        """See ``Framing``."""
        return self._view[self._begun :]

    def wrote(self, count: int) -> bool:
        """See ``Framing``."""
        self._begun += count
        return self._begun == len(self._view)

    def take(self, wanted: bool) -> Image | None:
        """See ``Framing``."""
        self._begun = 0
        return self._converted() if wanted else None

    def reset(self) -> None:
        """See ``Framing``."""
        self._begun = 0

    def left_out(self) -> int:
        """None ever: raw bytes are always a picture."""
        return 0

    def _converted(self) -> Image:
        height, width = self._shown
        if self._layout.format == "bgr24":
            image: Image = self._raw[:, : 3 * width].reshape(height, width, 3).copy()
            return image
        if self._layout.full_range:
            _narrow(self._raw, height)
        code = cv2.COLOR_YUV2BGR_I420 if self._layout.format == "i420" else cv2.COLOR_YUV2BGR_NV12
        image = cv2.cvtColor(self._raw, code)  # type: ignore[assignment]
        return image if image.shape[1] == width else np.ascontiguousarray(image[:, :width])


def _narrow(raw: NDArray[np.uint8], height: int) -> None:
    """Brings YUV of full range into that of video, which OpenCV's conversions expect."""
    cv2.LUT(raw[:height], _LUMA, dst=raw[:height])
    cv2.LUT(raw[height:], _CHROMA, dst=raw[height:])


_LEVELS = np.arange(256)
# ITU-T T.871 (full range) against ITU-R BT.601 (16..235 and 16..240).
_LUMA = np.rint(16 + _LEVELS * 219 / 255).astype(np.uint8)
_CHROMA = np.rint(128 + (_LEVELS - 128) * 224 / 255).astype(np.uint8)


class JpegFraming:
    """JPEG after JPEG (ITU-T T.81), with anything between them: garbage, part headers, nothing."""

    def __init__(self, max_pixels: int) -> None:
        silence()
        self._max_pixels = max_pixels
        self._buffer = bytearray(BUFFER)
        self._filled = 0
        self._scan = 0
        self._end = 0
        self._left_out = 0

    @property
    def begun(self) -> int:
        """See ``Framing``."""
        return self._filled

    @property
    def ready(self) -> bool:
        """See ``Framing``."""
        return self._end > 0

    def room(self) -> memoryview:
        """See ``Framing``."""
        if self._filled == len(self._buffer):
            if self._filled >= MOST:
                self._left_out += 1
                self._drop(self._filled - len(SOI) + 1)
            else:
                self._buffer += bytes(len(self._buffer))
        return memoryview(self._buffer)[self._filled :]

    def wrote(self, count: int) -> bool:
        """See ``Framing``."""
        self._filled += count
        self._find()
        return self.ready

    def take(self, wanted: bool) -> Image | None:
        """See ``Framing``."""
        image = self._decoded() if wanted else None
        self._left_out += wanted and image is None
        self._drop(self._end)
        self._find()
        return image

    def reset(self) -> None:
        """See ``Framing``."""
        self._filled = self._scan = self._end = 0

    def left_out(self) -> int:
        """See ``Framing``."""
        return self._left_out

    def _find(self) -> None:
        """Looks for the end of the next picture, and brings its beginning to the front of the buffer."""
        begin = 0
        while not self._end:
            start = self._buffer.find(SOI, begin, self._filled)
            if start < 0:
                # The last two bytes may be the first of the next picture.
                begin, self._scan = max(self._filled - len(SOI) + 1, begin), 0
                break
            begin = start
            if not self._scan and not self._skip_header(begin):
                break
            if not self._scan:  # what follows is no header
                self._left_out += 1
                begin += 2
                continue
            again = self._buffer.find(SOI, self._scan, self._filled)
            end = self._buffer.find(EOI, self._scan, self._filled if again < 0 else again)
            if end < 0 <= again:  # the end of this one is missing
                self._left_out += 1
                begin, self._scan = again, 0
                continue
            if end < 0:
                self._scan = max(self._scan, self._filled - len(SOI) + 1)
                break
            self._end = end + len(EOI)
        if begin:  # once, however many false beginnings lie before it: each moves all that follows
            scan, end = max(self._scan - begin, 0), max(self._end - begin, 0)
            self._drop(begin)
            self._scan, self._end = scan, end

    def _skip_header(self, begin: int) -> bool:
        """Finds where the compressed data begins: segments before it may hold a whole JPEG, a thumbnail.

        False: not all of it has come. Where what follows ``begin`` is no header there is no such place.
        """
        place = begin + 2
        for _ in range(SEGMENTS):
            if place + 4 > self._filled:
                return False
            lead, marker = self._buffer[place], self._buffer[place + 1]
            if lead != 0xFF or marker in (0x00, 0xD8, 0xD9):
                return True
            if marker == 0xFF:  # fill bytes before a marker
                place += 1
                continue
            place += 2 + int.from_bytes(self._buffer[place + 2 : place + 4], "big")
            if marker == 0xDA:  # start of scan
                self._scan = place
                return True
        return True

    def _drop(self, count: int) -> None:
        left = self._filled - count
        self._buffer[:left] = self._buffer[count : self._filled]
        self._filled, self._scan, self._end = left, 0, 0

    def _decoded(self) -> Image | None:
        data = bytes(memoryview(self._buffer)[: self._end])
        header = read_header(data)
        if header is None or header.width * header.height > self._max_pixels:
            return None
        damaged()  # what was said before is of something else
        try:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            return None
        return None if damaged() else image  # type: ignore[return-value]
