"""What the looks at each track add up to: a mean embedding, weighted by how good the looks were.

Comparing the mean and not each look is where thresholds gain most: light, pose and blur of single pictures
average out, and who it is stays.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.recognize.faces.similarity import Distance, alike, comparable, resultant

MOST = 256
"""Tracks of which something is kept; of more the one that was looked at longest ago is forgotten."""

KEPT_FOR = 300.0
"""Seconds after its last look that a track is remembered: trackers let go of it long before."""

FULL = 6.0
"""Sum of qualities at which old looks begin to fade: a face that changes with the day is followed."""

ODD = 2
"""Looks unlike the mean, one after the other, after which the mean is taken to be somebody else's."""


@dataclass(slots=True, eq=False)
class Seen:
    """The looks at one track. ``embedding``: their mean (D,), ready to be compared; ``resultant``: how much
    they agree, 0..1; ``quality``: 0..1 of the best; ``looks``: how many; ``picture``: JPEG of the best crop,
    where pictures are kept."""

    embedding: NDArray[np.float32]
    resultant: float
    quality: float
    looks: int
    picture: bytes | None
    _mean: NDArray[np.float32]
    _weight: float
    _last: float
    _odd: int = 0


class Sightings:
    """Of all tracks. Owned by one thread; ``now``: monotonic seconds."""

    def __init__(self, distance: Distance, unlike: float) -> None:
        """``unlike``: the similarity below which a look is odd for its track."""
        self._distance = distance
        self._unlike = unlike
        self._tracks: OrderedDict[int, Seen] = OrderedDict()
        self.restarted = 0
        """Means that were begun anew, because the looks were no longer of the same face."""
        self.dropped = 0
        """Tracks that were forgotten at the bound."""

    def get(self, track: int) -> Seen | None:
        """What is known of a track."""
        return self._tracks.get(track)

    def add(
        self,
        track: int,
        vector: NDArray[np.float32],
        quality: float,
        now: float,
        picture: bytes | None = None,
    ) -> Seen:
        """Counts a look: ``vector`` (D,) with ``quality`` 0..1 as its weight. Gives what it adds up to."""
        one = comparable(vector[None], self._distance)[0]
        weight = max(quality, 1e-3)
        seen = self._tracks.get(track)
        if seen is not None and self._odd(seen, one):
            seen._last = now
            if seen._odd < ODD:
                return seen
            self.restarted += 1
            seen = None
        if seen is None:
            seen = self._tracks[track] = Seen(one, 1.0, quality, 1, picture, one, weight, now)
        else:
            self._join(seen, one, weight, now)
            if picture is not None and quality > seen.quality:
                seen.picture = picture
            seen.quality = max(seen.quality, quality)
        self._tracks.move_to_end(track)
        self._forget_old(now)
        return seen

    def restart(self, track: int) -> None:
        """Another face may have taken over the track: what was seen before does not count."""
        self._tracks.pop(track, None)

    def __len__(self) -> int:
        return len(self._tracks)

    def _odd(self, seen: Seen, one: NDArray[np.float32]) -> bool:
        """A look at somebody else, or a spoilt one: it does not count before a second one follows."""
        likeness = float(alike(one[None], seen.embedding[None], self._distance)[0, 0])
        seen._odd = seen._odd + 1 if likeness < self._unlike else 0
        return seen._odd > 0

    def _join(self, seen: Seen, one: NDArray[np.float32], weight: float, now: float) -> None:
        before = min(seen._weight, FULL)
        mean = (seen._mean * before + one * weight) / (before + weight)
        seen._mean = np.asarray(mean, np.float32)
        seen.embedding = comparable(seen._mean[None], self._distance)[0]
        seen.resultant = float(resultant(seen._mean[None], self._distance)[0])
        seen._weight, seen._last = before + weight, now
        seen.looks += 1

    def _forget_old(self, now: float) -> None:
        while self._tracks:
            track, oldest = next(iter(self._tracks.items()))
            if now - oldest._last <= KEPT_FOR:
                if len(self._tracks) <= MOST:
                    return
                self.dropped += 1
            del self._tracks[track]
