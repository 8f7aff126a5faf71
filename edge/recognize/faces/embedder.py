"""A face to a vector: any embedder that has a card, whichever crop, colours and distance it was made for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import FaultError, ModelError
from edge.recognize.descriptor import Network
from edge.recognize.faces.align import aligned
from edge.recognize.faces.similarity import Distance, Vectors, similarity
from edge.records import Image, Points

EMBEDDING = "embedding"
"""The output that is read."""


@runtime_checkable
class FaceNetwork(Network, Protocol):
    """What else is known of a face embedder: ``edge.infer.model.Model`` has it from the card."""

    @property
    def name(self) -> str:
        """The card's name."""
        ...

    @property
    def sha256(self) -> str:
        """Of the file that runs: embeddings of different files are never compared."""
        ...

    @property
    def crop(self) -> Points | None:
        """(5, 2): where the five points come to lie, pixels of the input."""
        ...

    @property
    def distance(self) -> Distance | None:
        """How two embeddings are compared."""
        ...

    @property
    def calibration(self) -> tuple[float, float] | None:
        """Slope and offset of the score of a similarity."""
        ...

    @property
    def common(self) -> float:
        """The cosine of looks at two people in the mean."""
        ...


@dataclass(frozen=True, slots=True)
class Maker:
    """Who made an embedding: embeddings of different makers say nothing of each other. ``size``: values of
    one."""

    name: str
    sha256: str
    size: int
    distance: Distance


class Embedder:
    """One network with its crop. Owned by one thread: it reuses its buffer."""

    def __init__(self, network: Network) -> None:
        """Raises ``ModelError`` where the model is no face embedder."""
        if not isinstance(network, FaceNetwork) or network.crop is None or network.distance is None:
            raise ModelError("the model is no face embedder", "name one whose task is face-embedder")
        if network.colour == "grey":
            raise ModelError(f"{network.name}: takes grey pictures; a face embedder takes colours")
        self.network = network
        self._points, self._size = network.crop, network.input_size
        self._rgb = network.colour == "rgb"
        self._chip = np.zeros((self._size[1], self._size[0], 3), np.uint8)
        # The first pass: a vector's length is in the file, not on the card.
        found = self._run(self._chip)
        self.maker = Maker(network.name, network.sha256, len(found), network.distance)

    def embed(self, image: Image, landmarks: Points) -> NDArray[np.float32]:
        """The embedding (D,) of the face whose five ``landmarks`` (5, 2) are given, pixels of ``image`` (H,
        W, 3) BGR. Raises ``ValueError`` for landmarks that are no face, ``FaultError`` where the inference
        fails."""
        return self._run(self.chip(image, landmarks))

    def chip(self, image: Image, landmarks: Points) -> Image:
        """The face as the network sees it, (h, w, 3) BGR: a view of a buffer that the next call writes
        over."""
        return aligned(image, landmarks, self._points, self._size, self._chip)

    def similarity(self, a: Vectors, b: Vectors) -> Vectors:
        """(N, M) of embeddings (N, D) and (M, D): the cosine, or minus the squared Euclidean distance."""
        return similarity(a, b, self.maker.distance)

    def _run(self, chip: Image) -> NDArray[np.float32]:
        shown = cv2.cvtColor(chip, cv2.COLOR_BGR2RGB) if self._rgb else chip
        found = self.network.run(np.asarray(shown, np.uint8)).get(EMBEDDING)
        if found is None or found.size < 2 or found.size != found.shape[-1]:
            raise FaultError("the face embedder gives no embedding: one vector is needed")
        return np.asarray(found.reshape(-1), np.float32)
