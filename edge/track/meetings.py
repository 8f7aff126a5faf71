"""When two tracks come so close that each may leave as the other.

Which of two faces is which cannot be told by place while one covers the other. So nothing is decided there:
both tracks are doubted when they part, and looks tell who is who. The same holds for a track that was lost
for a while, and takes up with something that may have come meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from edge.geometry import centre, centres
from edge.records import Box
from edge.track.assign import Floats
from edge.track.path import Path

_NEAR = 0.7
"""Centres so near, in longer sides, and one covers the other."""
_APART = 0.9
"""Centres further apart than this, and both are seen whole again."""
_LOST = 0.7
"""Seconds unseen after which it may be somebody else who is seen."""

_ASTRAY = 0.3
"""So far from where it was expected, in longer sides, and it was not foreseen."""
_AS_LIKELY = 0.5
"""Another that is hardly further away, in longer sides, could be the right one."""


def doubt_who_met(paths: Sequence[Path], boxes: Floats) -> None:
    """Doubts tracks that part again, and one that is seen when the other is not any more: it may be that one.

    boxes: (N, 4), where the tracks are now.
    """
    if len(paths) > 1:
        sides = np.maximum(boxes[:, 2:].max(axis=1), 1e-6)
        middles = centres(boxes)
        distance = np.hypot(*(middles[:, None] - middles[None]).transpose(2, 0, 1))
        distance /= (sides[:, None] + sides[None]) / 2
        np.fill_diagonal(distance, np.inf)
        nearest = distance.min(axis=1).tolist()
        hidden = np.array([path.detection is None for path in paths])
        covering = (distance[:, hidden] < _NEAR).any(axis=1).tolist()
    else:
        nearest, covering = [np.inf] * len(paths), [False] * len(paths)
    for path, space, over in zip(paths, nearest, covering, strict=True):
        covers = over and path.detection is not None
        if covers and not path.covers:
            path.doubt()
        path.covers = covers
        if space < _NEAR:
            path.near = True
        elif path.near and space > _APART:
            path.near = False
            path.doubt()


def doubt_who_was_lost(path: Path, now: float) -> None:
    """Called when ``path`` is seen again, before that is noted."""
    if now - path.seen > _LOST:
        path.doubt()


def doubt_who_parted(paths: Iterable[Path], box: Box) -> None:
    """Doubts those beside whom somebody turns up at ``box``: who was seen may be who goes on there."""
    x, y = centre(box)
    side = max(box.w, box.h)
    for path in paths:
        motion = path.motion
        if math.hypot(motion.x - x, motion.y - y) < _APART * max(side, motion.w, motion.h):
            path.doubt()


def doubt_who_was_mixed_up(
    paths: Sequence[Path], expected: Floats, found: Floats, joined: Sequence[tuple[int, int]]
) -> None:
    """Doubts tracks that were joined with something not where it was expected, while another was as likely.

    So it is where frames are far apart: people walk past each other unseen. expected, found: (N, 4), (M, 4).
    """
    if not joined or (len(expected) < 2 and len(found) < 2):
        return
    rows, columns = np.array(joined).T
    sides = np.maximum(np.maximum(expected[:, None, 2:], found[None, :, 2:]).max(axis=2), 1e-6)
    steps = centres(expected)[:, None] - centres(found)[None]
    distance = np.hypot(steps[..., 0], steps[..., 1]) / sides
    own = distance[rows, columns]
    distance[rows, columns] = np.inf
    rival = np.minimum(distance.min(axis=1)[rows], distance.min(axis=0)[columns])
    for row in rows[(own > _ASTRAY) & (rival < own + _AS_LIKELY)].tolist():
        paths[row].doubt()
