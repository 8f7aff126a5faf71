"""What a command does: a table of actions, and the turn in which the loop carries out what waits.

Everything here runs in the loop's thread, between two frames: that owns trackers, recognizers and thresholds,
so nothing of them changes within a frame.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.control.parameters import ParameterError, checked
from edge.control.queue import CommandQueue
from edge.records import Parameter, Reply, Request
from edge.refusals import refusal

log = logging.getLogger("edge.control")

EACH_TURN = 4
"""Commands that are carried out between two frames at most, so that a flood does not hold up the camera."""

CONTRACT = ("detect", "threshold", "snapshot", "reload", "enroll", "deny", "forget", "people", "reading")
"""Commands that exist, whether what takes them runs here or not."""

Act = Callable[[Mapping[str, Any], Request], Reply | None]
"""Gives the reply, or None where it is answered later, by whoever was handed the request."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a command takes, and what is done."""

    act: Act
    parameters: tuple[Parameter, ...] = ()


class Commands:
    """Owned by the loop's thread, but for ``counters``."""

    def __init__(self, queue: CommandQueue, actions: Mapping[str, Action]) -> None:
        self._queue = queue
        self._actions = dict(actions)
        self._told: set[str] = set()
        self._counts = {"commands_done": 0, "commands_failed": 0, "command_faults": 0}

    def change(self, actions: Mapping[str, Action]) -> None:
        """Other actions from the next turn on."""
        self._actions = dict(actions)

    def turn(self) -> None:
        """Carries out what waits, some of it at a time."""
        for _ in range(EACH_TURN):
            request = self._queue.take()
            if request is None:
                return
            reply = self._obey(request)
            self._counts["commands_done" if reply is None or reply.ok else "commands_failed"] += 1
            if reply is not None:
                request.answer(reply)

    def counters(self) -> dict[str, int]:
        """Of the queue; ``commands_done``, with those that are answered later, and ``commands_failed`` as the
        replies said; ``command_faults``: faults of ours among the failed."""
        return {**self._queue.counters(), **self._counts}

    def _obey(self, request: Request) -> Reply | None:
        action = self._actions.get(request.command)
        if action is None:
            return self._unknown(request.command)
        try:
            return action.act(checked(request.fields, action.parameters), request)
        except ParameterError as error:
            return refusal("bad-field", str(error))
        except Exception:
            self._counts["command_faults"] += 1
            if request.command not in self._told:
                self._told.add(request.command)
                log.exception("the command %s failed; such faults are counted from now on", request.command)
            return refusal("failed", "a fault of ours; the log of the device says more")

    def _unknown(self, command: str) -> Reply:
        if command in CONTRACT:
            return refusal("not-running", f"{command}: what takes this command does not run on this device")
        return refusal("unknown-command", f"there is no such command; there are: {', '.join(CONTRACT)}")
