"""A process that draws crops while another learns from them; they meet in a ring of shared memory.

The learner takes random crops of the ring and never waits for the drawer once some are there, so each
crop is seen a few times, and a slow drawer makes no idle learner.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import FaultError
from edge.records import Image
from tools.data import Labelled
from tools.ink.alphabet import Alphabet, Part, alphabet, scans_of
from tools.train_digits.calibrate import REJECT
from tools.train_digits.crops import SIZE, drawn, scanned
from tools.train_digits.mined import Mined
from tools.train_digits.pool import Pool
from tools.train_digits.rejects import Rejects
from tools.train_digits.scans import scans

SCANNED = 0.28
"""Share of scanned pictures, MNIST's mostly, among all crops."""

MINED = 0.46
"""Share of mined crops among all, where there are any."""

DRAWN = 0.65
"""Share of digits among those drawn one by one, the others; the rest of these are rejects."""

_CHUNK = 100

_PATIENCE = 10
"""By how much nicer the drawers are than the learner: where cores are lacking, learning goes first."""

_GROWN = 400
"""Samples between two looks for further shards of mined crops."""


class Drawer:
    """Draws labelled crops of one part, from a seed."""

    def __init__(self, shapes: Alphabet, seed: list[int]) -> None:
        self._shapes = shapes
        self._rng = np.random.default_rng(seed)
        self._rejects = Rejects(shapes)

    def fill(self, crops: Image, labels: NDArray[np.uint8]) -> None:
        """Draws as many crops (N, 32, 32) uint8 and labels (N,) uint8, 0 to 10, as there are places."""
        rng = self._rng
        for i, out in enumerate(crops):
            if rng.random() < DRAWN:
                labels[i] = drawn(rng, self._shapes, out)
            else:
                self._rejects.draw(rng, out)
                labels[i] = REJECT


def scan(
    rng: np.random.Generator,
    scans: Labelled,
    crops: Image,
    labels: NDArray[np.uint8],
    places: NDArray[np.intp] | None = None,
) -> None:
    """Fills crops (N, 32, 32) and labels (N,) uint8 with scanned pictures, as they are or bent a little.

    ``places`` (N,) tells which; by chance without them.
    """
    if places is None:
        places = rng.integers(len(scans.digits), size=len(crops))
    for i, chosen in enumerate(places):
        scanned(rng, scans.pictures[chosen], crops[i])
        labels[i] = scans.digits[chosen]


def drawn_set(root: Path, part: Part, count: int, seed: int) -> tuple[Image, NDArray[np.uint8]]:
    """``count`` crops (N, 32, 32) and labels (N,) of a part, the same for the same seed and fonts."""
    crops, labels = np.empty((count, SIZE, SIZE), np.uint8), np.empty(count, np.uint8)
    first = round(count * SCANNED)
    scan(np.random.default_rng([seed, 0]), scans_of(root, part), crops[:first], labels[:first])
    Drawer(alphabet(root, part), [seed, count]).fill(crops[first:], labels[first:])
    return crops, labels


class Ring(NamedTuple):
    """The shared memory by name, its places, and how many of them each drawer has."""

    name: str
    places: int
    share: int


class Feed:
    """The ring and the processes that fill it, as a context."""

    def __init__(
        self, root: Path, seed: list[int], *, places: int, workers: int, mined: Mined | None = None
    ) -> None:
        self._mined = mined
        self._scans = scans(root)
        self._samples = 0
        self._pool = Pool(len(self._scans.digits))
        self._last: NDArray[np.intp] = np.empty(0, np.intp)
        self.proposed = slice(0, 0)
        """Where in the sample handed out last the mined crops are."""
        self._memory = SharedMemory(create=True, size=places * (SIZE * SIZE + 1))
        self._ring = Ring(self._memory.name, places, places // workers)
        self._crops, self._labels = _views(self._memory, places)
        context = multiprocessing.get_context("spawn")
        self._counts: list[Synchronized[int]] = [context.Value("q", 0) for _ in range(workers)]
        self._stop = context.Event()
        self._processes = [
            context.Process(
                target=_run,
                args=(root, [*seed, worker], self._ring, worker, count, self._stop),
                name=f"drawer-{worker}",
                daemon=True,
            )
            for worker, count in enumerate(self._counts)
        ]

    def __enter__(self) -> Feed:
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for process in self._processes:
            process.join(timeout=10)
            if process.is_alive():
                process.terminate()
        del self._crops, self._labels
        self._memory.close()
        self._memory.unlink()

    @property
    def drawn(self) -> int:
        """How many crops were drawn so far."""
        return sum(count.value for count in self._counts)

    def ready(self, least: int) -> None:
        """Waits until ``least`` crops are there. Raises FaultError where a drawer died."""
        while self.drawn < least:
            if not all(process.is_alive() for process in self._processes):
                raise FaultError("a process that draws crops ended", "its own error stands above")
            time.sleep(0.2)

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Image, NDArray[np.uint8]]:
        """``count`` crops (N, 32, 32) uint8 with labels: scans bent anew, mined ones, those of the ring."""
        crops, labels = np.empty((count, SIZE, SIZE), np.uint8), np.empty(count, np.uint8)
        first = round(count * SCANNED)
        self._last = self._pool.draw(rng, first)
        scan(rng, self._scans, crops[:first], labels[:first], self._last)
        if self._mined is not None:
            self._samples += 1
            if self._samples % _GROWN == 0:
                self._mined.grow()
            self.proposed = slice(first, first + round(count * MINED))
            self._mined.sample(rng, crops[self.proposed], labels[self.proposed])
            first = self.proposed.stop
        worker = rng.integers(len(self._processes), size=count - first)
        filled = np.array([min(value.value, self._ring.share) for value in self._counts])
        chosen = worker * self._ring.share + (rng.random(count - first) * filled[worker]).astype(np.int64)
        crops[first:], labels[first:] = self._crops[chosen], self._labels[chosen]
        return crops, labels

    def learnt(self, losses: NDArray[np.float32]) -> None:
        """Tells the losses (N,) of the sample handed out last: what is known is shown less often."""
        self._pool.learnt(self._last, losses[: len(self._last)])
        if self._mined is not None:
            self._mined.learnt(losses[self.proposed])


def _views(memory: SharedMemory, places: int) -> tuple[Image, NDArray[np.uint8]]:
    flat: NDArray[np.uint8] = np.ndarray((memory.size,), np.uint8, memory.buf)
    crops = places * SIZE * SIZE
    return flat[:crops].reshape(places, SIZE, SIZE), flat[crops : crops + places]


def _run(root: Path, seed: list[int], ring: Ring, worker: int, count: Synchronized[int], stop: Event) -> None:  # noqa: PLR0917
    """The drawing process: fills its share of the ring, round and round."""
    # A signal from the terminal reaches the learner alone, which ends this in order. The session stays the
    # learner's: Linux weighs niceness within a session only (sched(7), autogroups).
    os.setpgrp()
    os.nice(_PATIENCE)
    cv2.setNumThreads(1)
    memory = SharedMemory(name=ring.name)
    crops, labels = _views(memory, ring.places)
    drawer = Drawer(alphabet(root, "train"), seed)
    parent = os.getppid()
    while not stop.is_set() and os.getppid() == parent:  # a killed learner leaves no drawer behind
        start = worker * ring.share + count.value % ring.share
        end = min(start + _CHUNK, (worker + 1) * ring.share)
        drawer.fill(crops[start:end], labels[start:end])
        count.value += end - start
    del crops, labels
    memory.close()
