"""What a process holds, as /proc tells it: memory, threads, descriptors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Footprint:
    """At one moment. ``memory``: resident, MiB; ``processor``: seconds spent so far, all threads."""

    memory: float
    threads: int
    descriptors: int
    processor: float


def footprint(pid: int) -> Footprint:
    """Of a living process. Raises ``OSError`` where it is gone."""
    folder = Path(f"/proc/{pid}")
    pages = int((folder / "statm").read_text().split()[1])
    ticks = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]  # utime, stime: proc(5)
    return Footprint(
        pages * PAGE / MIB,
        len(os.listdir(folder / "task")),
        len(os.listdir(folder / "fd")),
        sum(map(int, ticks)) / TICKS,
    )


def slope(times: Sequence[float], values: Sequence[float], most: int = 600) -> float:
    """The median of the slopes between all pairs (Theil 1950, Sen 1968), which a single peak does not turn;
    of ``most`` medians of equal spans, where there are more values. 0 for fewer than two."""
    x, y = np.asarray(times, float), np.asarray(values, float)
    if len(x) > most:
        spans = np.array_split(np.arange(len(x)), most)
        x = np.array([np.median(x[span]) for span in spans])
        y = np.array([np.median(y[span]) for span in spans])
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] != x[first]
    if not apart.any():
        return 0.0
    return float(np.median((y[second] - y[first])[apart] / (x[second] - x[first])[apart]))
