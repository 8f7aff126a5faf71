"""Which crops of a set show which person: as the folders of their names say, where the pairs agree."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from tools.evaluate.faces.pairs import PairSet


def persons_of(pairs: PairSet) -> NDArray[np.str_]:
    """The person (N,) of each crop: that folder of the names which is the same in every pair of one person
    and another in every pair of two. Raises ``InputError`` where there is none.
    """
    path, names = pairs.crops.path, pairs.crops.names
    parts = [PurePosixPath(name).parts[:-1] for name in names]
    if not parts or min(len(some) for some in parts) == 0:
        raise InputError(f"{path}: its names have no folders", "names such as PERSON/PICTURE.jpg are needed")
    for level in range(min(len(some) for some in parts)):
        persons = np.array([some[level] for some in parts])
        alike = persons[pairs.pairs[:, 0]] == persons[pairs.pairs[:, 1]]
        if (alike == pairs.same).all():
            return persons
    raise InputError(
        f"{path}: no folder of its names agrees with its pairs", "names such as PERSON/PICTURE.jpg are needed"
    )
