"""People before a camera, as a detector and closer looks with errors see them: for scenes of known truth."""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from script import Script

from edge.geometry import centre, iou
from edge.records import Box, Description, Detection, Target
from edge.track.behaviour import Behaviour

PEOPLE = Behaviour(
    "faces", "name", "string", "present", "label", named_by="describe", extras=("margin", "quality")
)

Place = tuple[float, float, float]
"""Middle of a face and its height, in pixels; a larger one is nearer."""


@dataclass(frozen=True)
class Person:
    """``at`` gives the place at a second, or None while out of view. ``known``: whether enrolled.
    ``covered``: whether there is a hand before the face."""

    name: str
    at: Callable[[float], Place | None]
    known: bool = True
    covered: Callable[[float], bool] = lambda t: False
    turned: Callable[[float], float] = lambda t: 0.0


@dataclass
class Crowd:
    """What is detected, and what looks tell, both with errors that ``seed`` draws."""

    people: Sequence[Person]
    seed: int = 0
    missed: float = 0.05
    jitter: float = 0.03
    wrong: float = 0.02
    told: float = 0.85
    _chance: random.Random = field(init=False)
    _who: dict[Box, Person] = field(init=False, default_factory=dict)
    _sums: dict[int, deque[str]] = field(init=False, default_factory=dict)
    looks: Counter[str] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def detections(self, t: float) -> list[Detection]:
        """In no order. A face behind another by a third of it is not found."""
        places = [(person, place) for person in self.people if (place := person.at(t))]
        places.sort(key=lambda one: -one[1][2])
        self._who = {}
        found: list[Detection] = []
        nearer: list[Box] = []
        for person, (x, y, h) in places:
            whole = Box(x - 0.4 * h, y - h / 2, 0.8 * h, h)
            hidden = any(iou(whole, other) > 0.3 for other in nearer)
            nearer.append(whole)
            covered = person.covered(t)
            if hidden or self._chance.random() < (0.6 if covered else self.missed):
                continue
            noise = [self._chance.gauss(0, self.jitter * h) for _ in range(4)]
            box = Box(*(side + error for side, error in zip(whole, noise, strict=True)))
            self._who[box] = person
            marks = None if covered else landmarks(box, person.turned(t))
            found.append(Detection(box, None, 0.5 if covered else self._chance.uniform(0.8, 0.99), marks))
        self._chance.shuffle(found)
        return found

    def describe(self, targets: Sequence[Target]) -> list[Description]:
        """As a recognizer that compares the mean of what it saw of a track since it was to begin afresh."""
        return [self._describe(target) for target in targets]

    def person(self, box: Box) -> Person | None:
        """Who stands there in the newest frame, by the nearest detection."""
        near = [(math.dist(centre(box), centre(seen)) / seen.h, person) for seen, person in self._who.items()]
        distance, person = min(near, key=lambda one: one[0], default=(math.inf, None))
        return person if distance < 0.4 else None

    def _describe(self, target: Target) -> Description:
        person = self._who[target.box]
        self.looks[person.name] += 1
        if target.landmarks is None:
            return Description(target.track, None, 0.0, 0.0)
        quality = self._chance.uniform(0.3, 0.9)
        if getattr(target, "afresh", False):
            self._sums.pop(target.track, None)
        seen = self._sums.setdefault(target.track, deque(maxlen=8))
        seen.append(person.name)
        name, count = Counter(seen).most_common(1)[0]
        if count < 0.6 * len(seen):
            return Description(target.track, None, 0.0, quality)
        meant = next(one for one in self.people if one.name == name)
        return self._answer(target.track, meant, quality)

    def _answer(self, track: int, person: Person, quality: float) -> Description:
        draw = self._chance.random()
        score, extras = self._chance.uniform(0.8, 0.99), {"margin": self._chance.uniform(0.1, 0.4)}
        if draw < self.wrong:
            other = self._chance.choice([one.name for one in self.people if one.known] or ["nobody"])
            return Description(track, other, 0.7, quality, extras)
        if draw > self.wrong + self.told:
            return Description(track, None, 0.0, quality)
        return Description(track, person.name if person.known else "unknown", score, quality, extras)


@dataclass
class Outcome:
    """What came of a scene, in faces of frames that a track saw: ``known`` of people who are enrolled,
    ``named`` under a name in the state, ``wrong`` under another's; seconds of the longest time under that."""

    known: int = 0
    named: int = 0
    wrong: int = 0
    longest_wrong: float = 0.0
    swaps: int = 0
    tracks: int = 0
    looks: int = 0
    news: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)


def play(script: Script, crowd: Crowd, seconds: float, fps: float, *, dropped: float = 0.0) -> Outcome:
    """Shows ``crowd`` to the tracker of ``script``; a share of frames is ``dropped`` (time goes by)."""
    result, chance = Outcome(), random.Random(crowd.seed + 1)
    owner: dict[int, str] = {}
    wrong_since: dict[int, float] = {}
    t = last = 0.0
    while t < seconds:
        t += 1 / fps
        if chance.random() < dropped:
            continue
        script.see(crowd.detections(t), t - last, crowd.describe)
        step, last = t - last, t
        tracks = {track.id: track for track in script.tracker.tracks()}
        shown = {item["track"]: item["name"] for item in script.states[-1].fields["present"]}
        for number, track in tracks.items():
            person = crowd.person(track.box) if track.seen >= script.now else None
            if person is None:
                continue
            result.known += person.known
            if owner.setdefault(number, person.name) != person.name:
                result.swaps += 1
                owner[number] = person.name
            if number in shown:
                result.named += 1
                if shown[number] != person.name:
                    result.wrong += 1
                    since = wrong_since.setdefault(number, t - step)
                    result.longest_wrong = max(result.longest_wrong, t - since)
                else:
                    wrong_since.pop(number, None)
    result.tracks = script.tracker.counters()["tracks"]
    result.looks = sum(crowd.looks.values())
    result.news = Counter(event.fields["name"] for event in script.told("new"))
    result.ends = Counter(event.fields["name"] for event in script.told("end"))
    return result


def landmarks(box: Box, turned: float = 0.0) -> np.ndarray:
    """Five points in a box, (5, 2) float32; ``turned``: how far the nose is beside the middle, -1 to 1."""
    x, y, w, h = box
    eye = 0.2 * w
    middle = x + w / 2
    points = [
        (middle - eye, y + 0.4 * h),
        (middle + eye, y + 0.4 * h),
        (middle + turned * eye, y + 0.6 * h),
        (middle - 0.8 * eye, y + 0.78 * h),
        (middle + 0.8 * eye, y + 0.78 * h),
    ]
    return np.array(points, np.float32)


def standing(x: float, y: float = 240.0, h: float = 100.0) -> Callable[[float], Place | None]:
    """There all the time."""
    return lambda t: (x, y, h)


def walking(
    begin: float, end: float, seconds: float, *, y: float = 240.0, h: float = 100.0, after: float = 1.0
) -> Callable[[float], Place | None]:
    """Stands, walks to ``end`` in so many seconds from second ``after`` on, and stands there."""
    return lambda t: (begin + (end - begin) * min(max((t - after) / seconds, 0.0), 1.0), y, h)


def pacing(
    left: float, right: float, period: float, *, y: float = 240.0, h: float = 100.0, phase: float = 0.0
) -> Callable[[float], Place | None]:
    """To and fro, as a pendulum goes."""
    middle, half = (left + right) / 2, (right - left) / 2
    return lambda t: (middle + half * math.sin(2 * math.pi * t / period + phase), y, h)
