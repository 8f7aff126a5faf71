"""What the subscriber has received, and when: all that the demo knows of the service."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge.clock import Clock, from_rfc3339
from edge.demo.faces import FaceJudge
from edge.demo.truth import Judge, Verdict

SHOWN = 12
"""Newest events that are kept to be shown."""
VIEWS = 256
"""States of digits that are kept: some minutes."""
KEPT = 10_000
"""Latencies and ids of events that are kept."""

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it arrived, with its verdict (None: not judged) and its way in milliseconds."""

    event: Payload
    verdict: Verdict | None
    delay_ms: float


class Received:
    """Filled by the subscriber's thread, read by any."""

    def __init__(
        self, prefix: str, clock: Clock, judge: Judge | None = None, faces: FaceJudge | None = None
    ) -> None:
        """``prefix``: base and device, ``edge/demo``; ``judge``, ``faces``: where the truth is known."""
        self._prefix = prefix + "/"
        self._clock = clock
        self._judge = judge
        self._faces = faces
        self._lock = threading.Lock()
        self._ids: dict[str, None] = {}
        self._events: deque[Told] = deque(maxlen=SHOWN)
        self._delays: deque[float] = deque(maxlen=KEPT)
        self._states: dict[str, Payload] = {}
        self._views: deque[Payload] = deque(maxlen=VIEWS)
        self._anchor: Payload | None = None
        self._anchors: deque[tuple[datetime, int]] = deque(maxlen=KEPT)
        self._presences: deque[Payload] = deque(maxlen=KEPT)
        self._available: str | None = None
        self._fps = 0.0
        self._delivered = 0
        self._verdicts: dict[Verdict, int] = {"right": 0, "wrong": 0, "unclear": 0}
        self._face_verdicts: dict[Verdict, int] = {"right": 0, "wrong": 0, "unclear": 0}

    def take(self, topic: str, payload: bytes, _retained: bool) -> None:
        """A message has arrived."""
        wall = self._clock.wall()
        name = topic.removeprefix(self._prefix)
        with self._lock:
            if name == "availability":
                self._available = payload.decode()
            elif name.endswith("/event"):
                self._take_event(json.loads(payload), wall)
            elif name != "snapshot":
                self._take_state(name, json.loads(payload))

    @property
    def available(self) -> str | None:
        """``online``, ``offline``, or None before either was told."""
        with self._lock:
            return self._available

    @property
    def delivered(self) -> int:
        """Events, each counted once."""
        with self._lock:
            return self._delivered

    @property
    def verdicts(self) -> dict[Verdict, int]:
        """How many events of digits were judged how."""
        with self._lock:
            return dict(self._verdicts)

    @property
    def face_verdicts(self) -> dict[Verdict, int]:
        """How many events of faces were judged how."""
        with self._lock:
            return dict(self._face_verdicts)

    @property
    def presences(self) -> list[Payload]:
        """The newest states of faces, the oldest first."""
        with self._lock:
            return sorted(self._presences, key=lambda state: str(state["time"]))

    @property
    def anchors(self) -> list[tuple[datetime, int]]:
        """Times and numbers of the frames that events name, in the order of time."""
        with self._lock:
            return sorted(self._anchors)

    @property
    def delays_ms(self) -> list[float]:
        """From the picture to the arrival, of the newest events."""
        with self._lock:
            return list(self._delays)

    @property
    def events(self) -> list[Told]:
        """The newest, the last one first."""
        with self._lock:
            return list(reversed(self._events))

    @property
    def fps(self) -> float:
        """Frames per second by the newest statistics that were made while frames came."""
        with self._lock:
            return self._fps

    @property
    def views(self) -> list[Payload]:
        """The newest states of digits."""
        with self._lock:
            return list(self._views)

    @property
    def anchor(self) -> Payload | None:
        """An event: it says which frame belongs to which time."""
        with self._lock:
            return self._anchor

    def state(self, name: str) -> Payload:
        """The newest payload of a state by its relative topic; empty before the first."""
        with self._lock:
            return self._states.get(name, {})

    def _take_event(self, event: Payload, wall: datetime) -> None:
        # Delivery is at least once: a repeat has the same id.
        if event["id"] in self._ids:
            return
        self._ids[event["id"]] = None
        if len(self._ids) > KEPT:
            del self._ids[next(iter(self._ids))]
        self._delivered += 1
        verdict: Verdict | None = None
        if self._judge and "digit" in event:
            verdict = self._judge.judge(event)
            self._verdicts.update({verdict: self._verdicts[verdict] + 1} if verdict else {})
        elif self._faces and "name" in event:
            verdict = self._faces.judge(event)
            self._face_verdicts.update({verdict: self._face_verdicts[verdict] + 1} if verdict else {})
        if event["event_type"] != "end":
            self._anchor = event
            self._anchors.append((from_rfc3339(event["time"]), int(event["frame"]["sequence"])))
        delay = (wall - from_rfc3339(event["time"])).total_seconds() * 1e3
        self._delays.append(delay)
        self._events.append(Told(event, verdict, delay))

    def _take_state(self, name: str, state: Payload) -> None:
        self._states[name] = state
        if name == "stats":
            self._fps = state["loop"]["fps"] or self._fps
        elif name == "digits/state":
            self._views.append(state)
        elif name == "faces/state":
            self._presences.append(state)
