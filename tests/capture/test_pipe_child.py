"""A child's life: how it is read, how it ends, and that it is never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from media import eventually
from programs import RED, Hurried, Open, frames, members, opening, process_of, python

from edge.errors import UnavailableError

FOREVER = "import time; time.sleep(1000)"
ONE_FRAME = "import sys; sys.stdout.buffer.write(bytes(2304)); sys.stdout.flush(); "

opened = pytest.fixture(opening)


def test_short_reads_are_joined(opened: Open) -> None:
    program = (
        "import sys, time\n"
        "for n in range(5):\n"
        "    frame = bytes([40 * n]) * (48 * 32 * 3)\n"
        "    for at in range(0, len(frame), 611):\n"
        "        sys.stdout.buffer.write(frame[at:at + 611]); sys.stdout.buffer.flush()\n"
        "        time.sleep(0.002)\n"
        "time.sleep(60)\n"
    )
    source = opened(python(program), clock=Hurried(), size=(48, 32), format="bgr24")
    assert [set(frame.image.reshape(-1)) for frame in frames(source, 5)] == [{40 * n} for n in range(5)]


def test_no_frame_is_waited_for_longer_than_asked(opened: Open) -> None:
    program = (
        "import sys, time; sys.stdout.buffer.write(bytes(48 * 32 * 3 + 7)); sys.stdout.flush(); " + FOREVER
    )
    source = opened(python(program), size=(48, 32), format="bgr24", read_timeout=0.6)
    source.read()
    begun = time.monotonic()
    with pytest.raises(UnavailableError, match=r"no frames for 0\.6 s"):
        source.read()
    assert 0.5 < time.monotonic() - begun < 5
    assert source.counters() == {"corrupt": 0, "skipped": 0, "killed": 1}


@pytest.mark.parametrize("garbage", ["b'x'", "b'\\xff\\xd8\\xff'", "b'\\xff\\xd8\\xff\\xe0\\x00\\x02'"])
def test_garbage_without_end_is_given_up_like_silence(opened: Open, garbage: str) -> None:
    flood = f"import sys\nwhile True: sys.stdout.buffer.write({garbage} * 100000)"
    source = opened(python(flood), format="mjpeg", open_timeout=1)
    begun = time.monotonic()
    with pytest.raises(UnavailableError, match="no frames for 1 s") as caught:
        source.read()
    assert time.monotonic() - begun < 10
    assert caught.value.hint == "no JPEG in what it sends: does camera.format fit?"
    assert source.counters()["killed"] == 1


def test_a_program_that_never_pauses_does_not_hold_up_the_end(opened: Open) -> None:
    source = opened("command: cat /dev/zero", size=(16, 16), fps=0.1)
    source.read()
    timer = threading.Timer(0.5, source.interrupt)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(UnavailableError, match="interrupted"):
        source.read()
    assert time.monotonic() - begun < 5


def test_a_frame_that_never_becomes_whole_is_doubted(opened: Open) -> None:
    source = opened(python("import sys; sys.stdout.buffer.write(bytes(1000))"), size=(48, 32))
    with pytest.raises(UnavailableError) as caught:
        source.read()
    assert caught.value.message == "process exited: code 0"
    assert caught.value.hint == "1000 of a frame's 2304 bytes came: do camera.size and camera.format fit?"
    assert source.counters()["corrupt"] == 1


def test_close_leaves_nothing_behind_not_even_children_of_the_child(opened: Open) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); "
    program = (
        "import subprocess, sys, signal\n"
        f"child = subprocess.Popen([sys.executable, '-c', {stubborn + FOREVER!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "sys.stdout.buffer.write(bytes(2304)); sys.stdout.flush()\n"
        f"{FOREVER}\n"
    )
    source = opened(python(program), size=(48, 32))
    source.read()
    group = process_of(source)
    assert len(members(group)) == 2
    source.close()
    eventually(lambda: not members(group), within=5)
    source.open()
    assert source.read().sequence == 1


def test_a_hung_child_dies_with_us_however_we_end() -> None:
    program = (
        "import sys\n"
        "from edge.capture.settings import CameraSettings\n"
        "from edge.capture.source import open_source\n"
        "from edge.clock import SystemClock\n"
        "source = open_source(CameraSettings(source=sys.argv[1], size=(48, 32)), SystemClock())\n"
        "source.open()\n"
        "print(source._child.process_id, flush=True)\n"
        "source.read()\n"
    )
    spec = python(FOREVER)
    with subprocess.Popen([sys.executable, "-c", program, spec], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        assert members(group)
        parent.kill()
    eventually(lambda: not members(group), within=5)


def test_how_it_ended_and_its_last_lines_are_the_reason(opened: Open) -> None:
    said = (
        "import sys\n"
        "for n in range(20000): print('line', n, 'x' * 300, file=sys.stderr)\n"
        "print('\\x1b[31mred\\x1b[0m \\x07alarm\\x00 caf\\u00e9', file=sys.stderr)\n"
        "print('opening rtsp://me:cret@10.0.0.7/ch0', file=sys.stderr)\n"
        "sys.stderr.flush(); sys.stderr.buffer.write(b'\\xff\\xfe no end of line'); sys.stderr.flush()\n"
        "sys.exit(3)\n"
    )
    source = opened(python(said), size=(48, 32))
    with pytest.raises(UnavailableError) as caught:
        source.read()
    text = caught.value.message
    assert text.startswith("process exited: code 3: red alarm café | opening rtsp://***@10.0.0.7/ch0")
    assert text.endswith("no end of line")
    assert text.isprintable()
    assert len(text) < 600
    assert "cret" not in text


def test_a_signal_is_named(opened: Open) -> None:
    source = opened(python("import os; os.kill(os.getpid(), 11)"), size=(48, 32))
    with pytest.raises(UnavailableError, match=r"^process exited: signal 11 \(SIGSEGV\)$"):
        source.read()


def test_what_systemd_tells_us_is_not_for_a_child(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY"):
        monkeypatch.setenv(name, "ours")
    monkeypatch.setenv("LIBCAMERA_LOG_LEVELS", "theirs")
    source = opened(python("import os, sys; sys.exit(' '.join(k for k, v in os.environ.items() if v in "
                           "('ours', 'theirs')))"))  # fmt: skip
    with pytest.raises(UnavailableError, match=r"^process exited: code 1: LIBCAMERA_LOG_LEVELS$"):
        source.read()


def test_much_on_standard_error_does_not_hold_up_the_frames(opened: Open) -> None:
    program = (
        "import sys\n"
        "while True:\n"
        "    sys.stderr.write('noise ' * 40000 + chr(10)); sys.stderr.flush()\n"
        "    sys.stdout.buffer.write(bytes(2304)); sys.stdout.flush()\n"
    )
    source = opened(python(program), clock=Hurried(), size=(48, 32))
    assert len(frames(source, 10)) == 10


def test_frames_above_the_rate_are_read_but_not_converted(opened: Open) -> None:
    source = opened(f"gst: {RED} ! video/x-raw,framerate=100/1", fps=10)
    begun = time.monotonic()
    frames(source, 5)
    assert time.monotonic() - begun > 0.3
    assert source.counters()["skipped"] > 10


def test_a_rate_below_the_time_out_is_no_fault(opened: Open) -> None:
    source = opened(f"gst: {RED}", fps=1.5, read_timeout=0.5)
    assert len(frames(source, 3)) == 3


def test_reopening_leaks_neither_descriptors_nor_processes(opened: Open) -> None:
    source = opened(python(ONE_FRAME + FOREVER), size=(48, 32))
    source.read()
    groups, before = [process_of(source)], len(os.listdir("/proc/self/fd"))
    for _ in range(6):
        source.open()
        source.read()
        groups.append(process_of(source))
    assert len(os.listdir("/proc/self/fd")) == before
    source.close()
    assert not any(members(group) for group in groups)
    source.close()  # may be called twice


def test_a_process_that_is_stopped_is_killed_all_the_same(opened: Open) -> None:
    source = opened(python(ONE_FRAME + FOREVER), size=(48, 32))
    source.read()
    group = process_of(source)
    os.killpg(group, signal.SIGSTOP)
    source.close()
    eventually(lambda: not members(group), within=5)
