"""The machine underneath: temperature, throttling, memory, disk, clock, uptime. Read, never changed.

Whatever a board does not tell is None; nothing here raises. The paths are those of Linux' own documentation
(``Documentation/ABI/testing/sysfs-class-thermal``, proc(5)); what the firmware of a Raspberry Pi means by its
bits stands in its documentation of ``vcgencmd get_throttled``. No board has confirmed these readings yet but
for those of every Linux.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

EVERY = 5.0
"""Seconds for which readings are good: temperatures move slower, and a look costs some twenty small files."""

FIRMWARE_EVERY = 30.0
"""Seconds between two runs of ``vcgencmd``, which is a process each time."""

FIRMWARE_WITHIN = 1.0
"""Seconds for ``vcgencmd``; one that takes longer, or fails, is not asked again."""

CREDIBLE = (-40.0, 150.0)
"""Degrees Celsius; what lies outside is a sensor without power (-256 on a Jetson) or without meaning."""

FIXED = ("pmic",)
"""Zones that begin so always say the same (PMIC-Die of a Jetson Nano: 100)."""

MODEL_BYTES = 200
"""Of a board's name at most."""

NOW = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
"""Bits of ``get_throttled``; the same 16 places further up: it has happened since the board started."""

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Condition:
    """How the machine is. ``temperatures``: degrees Celsius by zone. ``throttled``: in words what slows it
    down now, empty: nothing; ``throttled_before``: what did since it started. Memory and disk in bytes.
    ``uptime``: seconds since it started."""

    temperatures: Mapping[str, float] = field(default_factory=dict)
    throttled: tuple[str, ...] | None = None
    throttled_before: tuple[str, ...] | None = None
    memory: int | None = None
    memory_available: int | None = None
    disk_free: int | None = None
    clock_synced: bool | None = None
    uptime: float | None = None

    @property
    def temperature(self) -> float | None:
        """The hottest zone."""
        return max(self.temperatures.values(), default=None)

    def fields(self) -> dict[str, object]:
        """As ``stats`` tells them, in MiB where they are bytes."""
        return {
            "temperatures_c": {name: round(value, 1) for name, value in self.temperatures.items()},
            "throttled": None if self.throttled is None else list(self.throttled),
            "throttled_before": None if self.throttled_before is None else list(self.throttled_before),
            "memory_available_mb": _mib(self.memory_available),
            "disk_free_mb": _mib(self.disk_free),
            "clock_synced": self.clock_synced,
            "uptime_s": None if self.uptime is None else round(self.uptime),
        }


class Device:
    """Reads at most every ``EVERY`` seconds. One thread; ``now``: monotonic seconds."""

    def __init__(
        self,
        state: Path,
        synced: Callable[[], bool],
        *,
        root: Path = Path("/"),
        vcgencmd: str | None = shutil.which("vcgencmd"),
    ) -> None:
        """``state``: where the free space matters. ``synced``: whether the clock is kept. ``root``: below
        which /proc and /sys lie. ``vcgencmd``: the program, None: there is none."""
        self._state = state
        self._synced = synced
        self._root = root
        self._vcgencmd = vcgencmd
        self._asked = float("-inf")
        self._told: int | None = None
        self._read = float("-inf")
        self._condition = Condition()
        self.model = self._model()

    def condition(self, now: float) -> Condition:
        """How the machine is, ``EVERY`` seconds old at most."""
        if now - self._read >= EVERY:
            self._read = now
            self._condition = self._look(now)
        return self._condition

    def _look(self, now: float) -> Condition:
        bits = self._bits(now)
        pages = _number(next(iter(self._words("proc/self/statm")[1:]), ""))
        return Condition(
            temperatures=self._temperatures(),
            throttled=self._throttled(bits),
            throttled_before=None if bits is None else _decoded(bits >> 16),
            memory=None if pages is None else int(pages) * os.sysconf("SC_PAGE_SIZE"),
            memory_available=self._available(),
            disk_free=self._free(),
            clock_synced=self._kept(),
            uptime=_number(next(iter(self._words("proc/uptime")), "")),
        )

    def _model(self) -> str | None:
        for path in ("proc/device-tree/model", "sys/class/dmi/id/product_name"):
            text = self._text(path).replace("\0", " ")
            shown = "".join(sign for sign in text if sign.isprintable()).strip()
            if shown:
                return shown[:MODEL_BYTES]
        return None

    def _temperatures(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for zone in self._folders("sys/class/thermal", "thermal_zone*"):
            name = self._text(zone / "type").strip() or zone.name
            value = _number(self._text(zone / "temp"))
            if value is None or name.lower().startswith(FIXED):
                continue
            degrees = value / 1000
            if CREDIBLE[0] <= degrees <= CREDIBLE[1]:
                # Two zones of one name are told as the hotter.
                found[name] = max(degrees, found.get(name, degrees))
        return found

    def _throttled(self, bits: int | None) -> tuple[str, ...] | None:
        """By the firmware of a Raspberry Pi, else by what Linux itself does and sees."""
        if bits is not None:
            return _decoded(bits)
        found, known = set(), False
        for device in self._folders("sys/class/thermal", "cooling_device*"):
            kind = self._text(device / "type").strip().lower()
            if "cpufreq" in kind or kind == "processor":
                known = True
                if (_number(self._text(device / "cur_state")) or 0) > 0:
                    found.add("frequency capped")
        for sensor in self._folders("sys/class/hwmon", "hwmon*"):
            if self._text(sensor / "name").strip() == "rpi_volt":
                known = True
                if _number(self._text(sensor / "in0_lcrit_alarm")):
                    found.add("under-voltage")
        return tuple(sorted(found)) if known else None

    def _bits(self, now: float) -> int | None:
        """``get_throttled`` of a Raspberry Pi's firmware: from its driver, else from its program."""
        for file in self._folders("sys/devices/platform", "soc*/*firmware*/get_throttled"):
            return _hexadecimal(self._text(file))
        if self._vcgencmd and now - self._asked >= FIRMWARE_EVERY:
            self._asked = now
            self._told = _ask(self._vcgencmd)
            if self._told is None:
                self._vcgencmd = None
        return self._told

    def _available(self) -> int | None:
        for line in self._text("proc/meminfo").splitlines():
            if line.startswith("MemAvailable:"):
                kilobytes = _number(line.split()[1]) if len(line.split()) > 1 else None
                return None if kilobytes is None else int(kilobytes) * 1024
        return None

    def _free(self) -> int | None:
        # It is made when there is something to keep.
        for folder in (self._state, *self._state.parents):
            try:
                found = os.statvfs(folder)
            except FileNotFoundError:
                continue
            except OSError:
                return None
            return found.f_bavail * found.f_frsize
        return None

    def _kept(self) -> bool | None:
        try:
            return self._synced()
        except (OSError, AttributeError):
            return None

    def _folders(self, below: str, pattern: str) -> list[Path]:
        try:
            return sorted((self._root / below).glob(pattern))
        except OSError:
            return []

    def _words(self, path: str) -> list[str]:
        return self._text(path).split()

    def _text(self, path: str | Path) -> str:
        try:
            with (self._root / path).open("rb") as file:
                return file.read(65_536).decode("utf-8", "replace")
        except OSError:  # not there; a sensor without power answers with an error, too
            return ""


class CpuShare:
    """How much processor time this process takes, without its children: 1 is one core all the time."""

    def __init__(self, window: float, used: Callable[[], float] = time.process_time) -> None:
        """``window``: seconds looked back at. ``used``: seconds of processor time."""
        self._window = window
        self._used = used
        self._marks: list[tuple[float, float]] = []

    def update(self, now: float) -> float | None:
        """The share over the window that ends ``now``; None before it has passed once."""
        self._marks.append((now, self._used()))
        while len(self._marks) > 2 and now - self._marks[1][0] >= self._window:
            self._marks.pop(0)
        (then, before), (_, used) = self._marks[0], self._marks[-1]
        return (used - before) / (now - then) if now - then >= self._window else None

    def forget(self) -> None:
        """What was before is no measure any more."""
        self._marks.clear()


def _decoded(bits: int) -> tuple[str, ...]:
    return tuple(words for bit, words in NOW.items() if bits >> bit & 1)


def _ask(program: str) -> int | None:
    try:
        done = subprocess.run(
            [program, "get_throttled"],
            capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=FIRMWARE_WITHIN, check=False,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return _hexadecimal(done.stdout.rpartition("=")[2]) if done.returncode == 0 else None


def _hexadecimal(text: str) -> int | None:
    try:
        return int(text.strip(), 16)
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _mib(count: int | None) -> float | None:
    return None if count is None else round(count / MIB, 1)
