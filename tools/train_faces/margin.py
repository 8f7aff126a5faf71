"""What names teach beyond the teacher: a face lies nearer to its own person than to all others, by a margin.

The large margin cosine loss (Wang et al. 2018, "CosFace") with a learnt prototype for each person of a source
whose names can be trusted. A small part of the loss: a thousand people alone teach no embedder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

SCALE, MARGIN = 100.0, 0.01
"""Of the cosines, which lie between 0.85 and 1 in the teacher's space."""

FEWEST = 5
"""Faces of a person, below which it has no prototype."""

NOBODY = -1


class Prototypes(nn.Module):  # type: ignore[misc]
    """A direction for each person, and the loss of faces that lie nearer to another's."""

    def __init__(self, targets: NDArray[np.float32], faces: Sequence[tuple[str, str]], learnt: Iterable[int]):
        """``targets`` (N, D); ``faces``: source and person of each, empty where unknown; ``learnt``: the
        places of those that may be learnt from."""
        super().__init__()
        places = [place for place in learnt if faces[place][1]]
        counts = Counter(faces[place] for place in places)
        self.persons = sorted(person for person, count in counts.items() if count >= FEWEST)
        number = {person: index for index, person in enumerate(self.persons)}
        whose = np.array([number.get(face, NOBODY) for face in faces], np.intp)
        self.register_buffer("whose", torch.from_numpy(whose))
        known = [place for place in places if whose[place] != NOBODY]
        sums = np.zeros((len(self.persons), targets.shape[1]), np.float32)
        np.add.at(sums, whose[known], targets[known])
        self.directions = nn.Parameter(functional.normalize(torch.from_numpy(sums)))

    def forward(self, said: Tensor, places: Tensor) -> Tensor:
        """The mean loss of embeddings (N, D) of the faces at ``places`` (N,), over those whose persons are
        known; 0 where there is none."""
        whose = self.whose[places]
        known = whose != NOBODY
        if not known.any():
            return said.sum() * 0
        whose = whose[known]
        cosines = functional.normalize(said[known]) @ functional.normalize(self.directions).T
        own = functional.one_hot(whose, len(self.persons))
        return functional.cross_entropy(SCALE * (cosines - MARGIN * own), whose)
