"""A loaded model that has proved to be what its card says: a picture in, decoded numbers out.

Everything that can be wrong is found when it is loaded, and is then one ``ModelError`` with
the file, what was found, what the card says. After that a picture goes through in four
steps: its pixels into the input tensor by a table (``quantize``), the inference, the few
outputs back to real values, and their meaning (``decode``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edge.errors import FaultError, ModelError
from edge.infer.card import Card, Colour, Distance, Variant, load_card
from edge.infer.decode import DECODINGS, Tensors
from edge.infer.runtime import UNFIT, brief, delegated, find_runtime
from edge.infer.settings import InferSettings
from edge.infer.store import find, parted
from edge.infer.tensor import InputTensor, OutputTensor
from edge.records import Image, Points

MAX_BYTES = 256 * 1024 * 1024
"""What is larger is no model for a small computer."""


class Model:
    """A model in one variant, with the runtime that runs it. Owned by one thread.

    ``delegated`` counts the parts of the graph that XNNPACK or a delegate computes.
    """

    def __init__(
        self, folder: Path, card: Card, settings: InferSettings, size: tuple[int, int] | None = None
    ) -> None:
        """Loads the variant of ``size`` (width, height), or the first, from ``folder``.

        Raises ``ModelError`` for anything that does not fit: file, runtime, delegate, card.
        """
        self.card = card
        self.folder = folder
        self.variant = _variant(folder, card, size)
        file = folder / self.variant.file
        content = _read(file, self.variant)
        chosen = find_runtime(settings.runtime)
        self.runtime = str(chosen)
        self._source = str(file)
        # From the bytes that were checked: a file replaced meanwhile does not matter.
        self._interpreter = chosen.interpreter(content, self._source, settings)
        self._input = InputTensor(self._interpreter, self._source, self.variant.size, card.input)
        self._outputs = {
            name: OutputTensor(self._interpreter, self._source, name, index)
            for name, index in card.output.tensors.items()
        }
        self._decoding = DECODINGS[card.output.decoding]
        self._first_pass()
        self.delegated = delegated(self._interpreter)

    @classmethod
    def load(cls, name: str, settings: InferSettings, size: tuple[int, int] | None = None) -> Model:
        """The model of a name, or of a folder if there is a slash in it. Raises ``ModelError``.

        ``NAME@320`` is its variant whose longer side is 320 pixels.
        """
        base, longer = parted(name)
        folder = find(base, settings)
        card = load_card(folder)
        return cls(folder, card, settings, _size(folder, card, longer) if longer else size)

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    @property
    def version(self) -> int:
        """The card's version."""
        return self.card.version

    @property
    def sha256(self) -> str:
        """Of the file that runs, in hexadecimal."""
        return self.variant.sha256

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the pictures that ``run`` takes."""
        return self.variant.size

    @property
    def colour(self) -> Colour:
        """Of the pictures that ``run`` takes; grey has no third axis."""
        return self.card.input.colour

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the scores; empty where the model has none."""
        return self.card.output.labels

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The card's thresholds by name."""
        return {name: threshold.value for name, threshold in self.card.thresholds.items()}

    @property
    def crop(self) -> Points | None:
        """(5, 2) float32: where the five points of a face come to lie, pixels of the input; None: no
        embedder."""
        return None if self.card.crop is None else np.array(self.card.crop.points, np.float32)

    @property
    def distance(self) -> Distance | None:
        """How two embeddings are compared; None: no embedder."""
        return self.card.output.distance

    @property
    def calibration(self) -> tuple[float, float] | None:
        """Slope and offset of the score of a similarity, where the card has them."""
        found = self.card.calibration
        return None if found is None else (found.slope, found.offset)

    @property
    def common(self) -> float:
        """The cosine of looks at two people in the mean; 0 where the card does not say."""
        return 0.0 if self.card.calibration is None else self.card.calibration.common

    def run(self, image: Image) -> Tensors:
        """What the model says of a picture: new float32 arrays by name, decoded as the card says.

        ``image``: (h, w) uint8 for grey, else (h, w, 3) uint8 in the order of ``colour``, of
        exactly ``input_size``. The arrays have no batch axis: scores of 11 labels are (11,).
        Raises ``ValueError`` for another picture, ``FaultError`` where the inference fails or
        gives what is no number.
        """
        return self._decoding.decode(self._infer(image), self.card.output.temperature)

    def _infer(self, image: Image) -> Tensors:
        """The outputs as real values, all of them finite."""
        self._input.write(image)
        try:
            self._interpreter.reset_all_variables()  # each picture is read by itself
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise FaultError(f"{self._source}: {self.runtime} cannot run it: {brief(error)}") from error
        tensors = {name: output.read() for name, output in self._outputs.items()}
        for name, values in tensors.items():
            if not np.isfinite(values).all():
                raise FaultError(f"{self._source}: output {name} is not a number with {self.runtime}")
        return tensors

    def _first_pass(self) -> None:
        """One inference at once: what cannot run fails now, and the outputs have their real shapes."""
        try:
            self._interpreter.allocate_tensors()
            tensors = self._infer(self._input.black())
        except FaultError as error:
            raise ModelError(error.message, UNFIT) from None
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self._source}: {self.runtime} cannot run it: {brief(error)}", UNFIT) from None
        for name in self._decoding.per_label:
            found = tensors[name].shape
            if found[-1:] != (len(self.labels),):
                raise ModelError(
                    f"{self._source}: output {name} is {list(found)}, the card has {len(self.labels)} labels",
                    "correct output.labels or output.tensors of the card",
                )


def _size(folder: Path, card: Card, longer: int) -> tuple[int, int]:
    """(width, height) of the variant with this longer side."""
    found = [variant.size for variant in card.variants if max(variant.size) == longer]
    if not found:
        sides = ", ".join(str(max(variant.size)) for variant in card.variants)
        raise ModelError(f"{folder}: has no variant whose longer side is {longer}", f"there is: {sides}")
    return found[0]


def _variant(folder: Path, card: Card, size: tuple[int, int] | None) -> Variant:
    if size is None:
        return card.variants[0]
    for variant in card.variants:
        if variant.size == size:
            return variant
    sizes = ", ".join(f"{variant.width}x{variant.height}" for variant in card.variants)
    raise ModelError(f"{folder}: has no variant of {size[0]}x{size[1]}", f"there is: {sizes}")


def _read(file: Path, variant: Variant) -> bytes:
    """The bytes of the file that the card means, and no others."""
    if file.is_fifo():
        raise ModelError(f"{file}: a pipe, no file", "install the model again")
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(
            f"{file}: cannot be read: {error.strerror or error}", "install the model again"
        ) from None
    if len(content) > MAX_BYTES:
        raise ModelError(
            f"{file}: larger than {MAX_BYTES // 2**20} MiB", "a model for a small computer is needed"
        )
    found = hashlib.sha256(content).hexdigest()
    if found != variant.sha256:
        raise ModelError(
            f"{file}: its sha256 is {found}, the card says {variant.sha256}",
            "the file is damaged or not the card's: install the model again",
        )
    if content[4:8] != b"TFL3":
        raise ModelError(f"{file}: is no TFLite model", "its bytes 4 to 7 should be TFL3")
    return content
