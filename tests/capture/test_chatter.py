"""What libraries write to standard error themselves: not there, and yet not lost."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import logging, os, sys
import cv2, numpy as np
from edge.capture.chatter import damaged, divert
from edge.capture.pipe_frames import JpegFraming

def feed(data):
    framing = JpegFraming(10**6)
    while not framing.ready:
        with framing.room() as room:
            count = min(len(room), len(data))
            room[:count] = data[:count]
        data = data[count:]
        framing.wrote(count)
    return framing.take(wanted=True), framing.left_out()

noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
whole = cv2.imencode('.jpg', noise)[1].tobytes()
broken = bytearray(whole)
broken[5000:5100] = bytes(range(100))
padded = whole[:-2] + bytes(40) + whole[-2:]

divert()
divert()
logging.basicConfig(level='INFO')
assert not damaged()
image, left_out = feed(whole)
assert image is not None and not left_out
image, left_out = feed(padded)
assert image is not None and not left_out
image, left_out = feed(bytes(broken))
assert image is None and left_out == 1
for number in range(750):  # more than the pipe holds
    os.write(2, b'x' * 100) if number < 600 else cv2.imdecode(np.frombuffer(bytes(broken), np.uint8), 1)
logging.warning('ours')
print('ours, too', file=sys.stderr)
"""


def test_libjpeg_does_not_reach_standard_error_and_what_it_finds_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr.splitlines()) == (0, ["WARNING:root:ours", "ours, too"])


def test_a_crash_still_tells_of_itself() -> None:
    program = "import ctypes; from edge.capture.chatter import divert; divert(); ctypes.string_at(0)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode < 0
    assert "Fatal Python error: Segmentation fault" in done.stderr
