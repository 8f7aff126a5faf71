"""Stands in for rpicam-vid: takes its documented options, as strictly as it does, and gives I420 or JPEG.

Documented in rpicam_options_common.adoc and rpicam_options_vid.adoc of raspberrypi/documentation: ``yuv420``
gives uncompressed frames, of full range; libcamera pads their rows to 64 bytes. The picture is a ramp from
black on the left to white on the right; the bytes of the padding are 77. Like the real one, it
refuses an option that comes twice and one that it does not know, and says so on standard error.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import NoReturn

FLAGS = ("--nopreview", "--inline", "--flush", "--hflip", "--vflip", "--no-raw")
NUMBERS = (
    "--camera",
    "--ev",
    "--gain",
    "--analoggain",
    "--brightness",
    "--contrast",
    "--sharpness",
    "--lens-position",
)
TEXTS = (
    "--shutter", "--exposure", "--metering", "--awb", "--awbgains", "--denoise", "--autofocus-mode",
    "--tuning-file", "--mode", "--roi", "--hdr",
)  # fmt: skip


class Options(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"ERROR: *** {message} ***", file=sys.stderr)
        sys.exit(255)


def options() -> argparse.Namespace:
    for argument in sys.argv[1:]:
        if argument.startswith("--") and sys.argv.count(argument) > 1:
            print(f"ERROR: *** option '{argument}' cannot be specified more than once ***", file=sys.stderr)
            sys.exit(255)
    parser = Options(allow_abbrev=False, add_help=False)
    parser.add_argument("--codec", choices=("h264", "mjpeg", "yuv420", "libav"), default="h264")
    parser.add_argument("--width", type=int, default=0)
    parser.add_argument("--height", type=int, default=0)
    parser.add_argument("--framerate", type=float, default=30)
    parser.add_argument("--rotation", type=int, choices=(0, 180), default=0)
    parser.add_argument("-t", "--timeout", type=int, default=5000)
    parser.add_argument("-o", "--output", required=True)
    for flag in FLAGS:
        parser.add_argument(flag, action="store_true")
    for number in NUMBERS:
        parser.add_argument(number, type=float)
    for text in TEXTS:
        parser.add_argument(text)
    return parser.parse_args()


def ramp(width: int, height: int, *, turned: bool) -> bytes:
    stride = -(-width // 64) * 64
    row = bytes(255 * x // (width - 1) for x in range(width))
    luma = ((row[::-1] if turned else row) + bytes([77]) * (stride - width)) * height
    return luma + (bytes([128]) * (width // 2) + bytes([77]) * ((stride - width) // 2)) * height


def compressed(raw: bytes, width: int, height: int) -> bytes:
    import cv2
    import numpy as np

    luma = np.frombuffer(raw, np.uint8)[: len(raw) * 2 // 3].reshape(height, -1)[:, :width]
    return bytes(cv2.imencode(".jpg", luma)[1])


asked = options()
assert min(asked.width, asked.height) > 0, "the default size of this camera is not known"
assert asked.output == "-"
assert asked.nopreview, "a headless system has no preview"
print("[0:11:29.72] [2124]  INFO Camera camera_manager.cpp:326 libcamera v0.5.1", file=sys.stderr, flush=True)
frame = ramp(asked.width, asked.height, turned=asked.rotation == 180)
if asked.codec == "mjpeg":
    frame = compressed(frame, asked.width, asked.height)
else:
    assert asked.codec == "yuv420", "that is no picture"
begun = time.monotonic()
while not asked.timeout or time.monotonic() - begun < asked.timeout / 1000:
    sys.stdout.buffer.write(frame)
    if asked.flush:
        sys.stdout.buffer.flush()
    time.sleep(1 / asked.framerate)
