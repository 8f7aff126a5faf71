"""Where commands wait: the queue that the loop empties between two frames, and the one place of a reload."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from edge.records import Reply, Request
from edge.refusals import refusal

ROOM = 32
"""Requests that wait at most. The loop takes some between any two frames, so only a hung one lets it fill."""


class CommandQueue:
    """The meeting place of whoever brings commands (the broker, the run socket) and the loop. Any thread may
    call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Request] = deque()
        self._closed = False
        self._counts = {"commands": 0, "commands_refused_busy": 0}

    def put(self, request: Request) -> Reply | None:
        """Keeps a request, whose ``answer`` is then called once, soon; or gives the refusal. Never waits."""
        with self._lock:
            if self._closed:
                return refusal("ending", "the service is ending")
            if len(self._waiting) >= ROOM:
                self._counts["commands_refused_busy"] += 1
                return refusal("busy", f"{ROOM} commands wait already; send it again later")
            self._waiting.append(request)
            self._counts["commands"] += 1
            return None

    def take(self) -> Request | None:
        """The oldest request, or None. The caller answers it."""
        # Without the lock where nothing waits, as before nearly every frame.
        if not self._waiting:
            return None
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def close(self) -> None:
        """Takes no more, and refuses what waits."""
        with self._lock:
            self._closed = True
            left = list(self._waiting)
            self._waiting.clear()
        for request in left:
            request.answer(refusal("ending", "the service is ending"))

    def counters(self) -> dict[str, int]:
        """``commands`` taken and ``commands_refused_busy`` at the bound, since the start."""
        with self._lock:
            return dict(self._counts)


@dataclass(frozen=True, slots=True)
class Reload:
    """A wish that the settings be read again. ``request``: who asked and wants an answer, None: a signal.
    ``reset``: what commands have changed is dropped too."""

    request: Request | None = None
    reset: bool = False


class ReloadPlace:
    """Where the main thread finds that wish; one at a time. Any thread may call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Reload | None = None

    def ask(self, reload: Reload) -> Reply | None:
        """Lays the wish down; gives the refusal where one lies there whose asker waits for its answer.

        Of a signal nobody waits for the answer, so its wish joins the one that lies there.
        """
        with self._lock:
            lies = self._waiting
            if lies is None or lies.request is None:
                self._waiting = Reload(reload.request, reload.reset or (lies is not None and lies.reset))
                return None
        return refusal("busy", "the settings are about to be read again already") if reload.request else None

    def take(self) -> Reload | None:
        """The wish, which the caller fulfils and answers; None where there is none."""
        with self._lock:
            wish, self._waiting = self._waiting, None
            return wish
