"""What names add to what the teacher says: it sees a profile less surely than its owner's other pictures.

The target of a face moves part of the way to the mean of its person's faces, where a source's names can be
trusted (the idea of a class centre: Wen et al. 2016, "A discriminative feature learning approach for deep
face recognition").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tools.train_faces.sources import SOURCES

PULL = {source.repository: source.pull for source in SOURCES if source.pull}
"""Share of the way to the person's mean, by source."""

OFTEN = {source.repository: source.often for source in SOURCES if source.often > 1}
"""How often a face of a source is shown, against one of the others."""


JUDGES = 6
"""Every sixth person is nobody: whether names teach anything is judged by those of whom none was learnt."""


def told(faces: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """``faces`` with the names that may be learnt from; the others' are empty."""
    trusted = {source.repository for source in SOURCES if source.trusted}
    judges = set(sorted({face for face in faces if face[0] in trusted and face[1]})[::JUDGES])
    return [
        (source, person if source in trusted and (source, person) not in judges else "")
        for source, person in faces
    ]


def pulled(targets: NDArray[np.float32], faces: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
    """``targets`` (N, D) with those of trusted names moved; ``faces``: source and person of each."""
    moved = targets.copy()
    people: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (source, person) in enumerate(faces):
        if source in PULL and person:
            people[source, person].append(place)
    for (source, _), places in people.items():
        moved[places] += np.float32(PULL[source]) * (targets[places].mean(axis=0) - targets[places])
    return np.asarray(moved, np.float32)


def shown(chosen: NDArray[np.intp], faces: Sequence[tuple[str, str]]) -> NDArray[np.intp]:
    """``chosen`` places, those of some sources several times."""
    times = np.array([OFTEN.get(faces[place][0], 1) for place in chosen])
    return np.asarray(np.repeat(chosen, times), np.intp)
