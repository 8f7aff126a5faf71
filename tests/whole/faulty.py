"""The real service with one part that fails in a way that nothing outside can cause at will.

    python tests/whole/faulty.py FAULT CONFIG

The part is put in place of the real one before the service is built; the service itself is as it is.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from fakes import Blocked, FakeSource

from edge.cli.main import main
from edge.clock import Clock

BULLETIN: Any = import_module("edge.bulletin")
WORKER: Any = import_module("edge.capture.worker")
RECOGNITION: Any = import_module("edge.recognition")
DRIVER: Any = import_module("edge.transmit.driver")
LINK: Any = import_module("edge.transmit.link")
PUBLISHER: Any = import_module("edge.transmit.publisher")

PICTURE = np.full((120, 160, 3), 200, np.uint8)


def for_ever(*_args: Any, **_named: Any) -> Any:
    """What never comes back."""
    threading.Event().wait()


def after(calls: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, so many times; then ``for_ever``."""
    left = iter([function] * calls)

    def limited(*args: Any) -> Any:
        return next(left, for_ever)(*args)

    return limited


def blocked_source() -> None:
    """A driver whose read() never returns after some frames."""

    def fake(_settings: object, clock: Clock) -> FakeSource:
        return FakeSource([[PICTURE] * 5 + [Blocked()]], clock, live=True)

    WORKER.open_source = fake


def endless_model() -> None:
    """A model whose run() never returns after some frames."""
    resolve = RECOGNITION.resolve

    def faulty(reference: str) -> Any:
        factory = resolve(reference)

        def build(settings: Any, load_model: Any, state: Any) -> Any:
            recognizer = factory(settings, load_model, state)
            recognizer.detect = after(5, recognizer.detect)
            return recognizer

        return build

    RECOGNITION.resolve = faulty


def waiting_publisher() -> None:
    """A publisher that waits for ever once it is connected."""
    PUBLISHER.Publisher.send = for_ever


def dead_network(times: int) -> None:
    """A network loop that hangs after a while, in so many connections."""
    LINK.HUNG = 2.0
    turn = DRIVER.Driver.turn
    turns: dict[int, int] = {}
    hung: set[int] = set()

    def faulty(self: Any, timeout: float) -> Any:
        turns[id(self)] = turns.get(id(self), 0) + 1
        if turns[id(self)] > 8 and (id(self) in hung or len(hung) < times):
            hung.add(id(self))
            for_ever()
        return turn(self, timeout)

    DRIVER.Driver.turn = faulty


def held_main() -> None:
    """A main thread that is held by something."""
    BULLETIN.Bulletin.stats = after(2, BULLETIN.Bulletin.stats)


def slow_models(seconds: float) -> None:
    """Models whose loading takes a while, in the library's own code."""
    load = RECOGNITION.Model.load

    def slow(*args: Any) -> Any:
        threading.Event().wait(seconds)
        return load(*args)

    RECOGNITION.Model.load = slow


FAULTS: dict[str, Callable[[], None]] = {
    "blocked-source": blocked_source,
    "endless-model": endless_model,
    "waiting-publisher": waiting_publisher,
    "network-hangs-once": lambda: dead_network(1),
    "network-hangs-always": lambda: dead_network(1000),
    "held-main": held_main,
    "slow-models": lambda: slow_models(3),
}

if __name__ == "__main__":
    FAULTS[sys.argv[1]]()
    sys.exit(main(["run", "-c", sys.argv[2]]))
