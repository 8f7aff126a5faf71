"""card.yaml: all that must be known of a model to use it, read strictly.

What a TFLite file says of itself (shapes, types, scales) is read from the file and not
repeated. The card says what the file cannot: which bytes it is, which colours and values it
was trained on, what its outputs mean, and how its thresholds and figures were found. ::

    name: digits-cnn
    version: 1
    task: digit
    variants: [{file: model.tflite, sha256: 5f2c…, width: 32, height: 32}]
    input: {colour: grey, mean: [0.0], std: [255.0]}
    output: {tensors: {scores: 0}, decoding: softmax, temperature: 1.2, labels: ["0", "1", …, reject]}
    thresholds: {accept: {value: 0.8, meaning: "…"}}
    golden: {formula: v1, output: {scores: [0.01, …]}, tolerance: 0.05}
    figures: [{metric: …, value: …, data: …, command: …, machine: …, date: 2026-11-21}]
    licence: Apache-2.0
    made_by: {command: …, seed: 1, data: [{name: …, terms: …}], teachers: []}

A face embedder's card also says how faces are cut for it, and what two embeddings say of each other::

    task: face-embedder
    crop: {points: [[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]]}
    output: {tensors: {embedding: 0}, decoding: raw, distance: cosine}
    thresholds: {one-in-1000: {value: 0.41, meaning: "…"}}
    calibration: {slope: 21.0, offset: -7.5}
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from edge.errors import ModelError
from edge.infer.decode import DECODINGS

FILE_NAME = "card.yaml"
MAX_BYTES = 256 * 1024
"""A card is a page of text; what is larger is no card."""

Colour = Literal["grey", "rgb", "bgr"]
CHANNELS: Mapping[Colour, int] = {"grey": 1, "rgb": 3, "bgr": 3}

Distance = Literal["cosine", "euclidean"]

EMBEDDER, EMBEDDING = "face-embedder", "embedding"
"""The task whose card has a crop and a distance, and the tensor that it must name."""

_Item = TypeVar("_Item")
# A YAML list becomes a tuple; what is in it stays strict.
_Listed = Annotated[tuple[_Item, ...], Field(strict=False)]
_Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    """A part of a card: strict, frozen, nothing unknown in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Variant(_Part):
    """One file of the model, for pictures of one size (pixels), a picture at a time."""

    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.tflite$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    width: int = Field(ge=1, le=4096)
    height: int = Field(ge=1, le=4096)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height


class Input(_Part):
    """What the model was trained on: ``real = (pixel - mean) / std``, for all channels or for each."""

    colour: Colour
    mean: _Listed[float]
    std: _Listed[Annotated[float, Field(gt=0)]]

    @model_validator(mode="after")
    def _fits_channels(self) -> Input:
        channels = CHANNELS[self.colour]
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, channels):
                needed = "1 value" if channels == 1 else f"1 or {channels} values"
                raise ValueError(f"{name} has {len(values)}; {self.colour} takes {needed}")
        return self


class Output(_Part):
    """Which output tensor is which, and how they are read. ``tensors``: name to output index.

    ``distance``: how two embeddings are compared: by the angle between them, or by the Euclidean distance of
    the raw vectors.
    """

    tensors: dict[str, Annotated[int, Field(ge=0, le=63)]] = Field(min_length=1)
    decoding: str
    temperature: float = Field(default=1.0, ge=0.01, le=100)
    labels: _Listed[_Text] = ()
    distance: Distance | None = None

    @field_validator("decoding")
    @classmethod
    def _known(cls, decoding: str) -> str:
        if decoding not in DECODINGS:
            raise ValueError(f"allowed: {', '.join(DECODINGS)}")
        return decoding

    @model_validator(mode="after")
    def _complete(self) -> Output:
        decoding = DECODINGS[self.decoding]
        missing = [name for name in decoding.tensors if name not in self.tensors]
        if missing:
            raise ValueError(f"tensors lacks {', '.join(missing)}, which decoding {self.decoding} reads")
        if decoding.per_label and not self.labels:
            raise ValueError(f"labels are missing; decoding {self.decoding} has one score for each")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels has the same label twice")
        return self


class Crop(_Part):
    """How a face is cut for the model. ``points``: where eye, eye, nose, mouth, mouth (in the picture left to
    right) come to lie, x and y in pixels of the input."""

    points: _Listed[_Listed[float]] = Field(min_length=5, max_length=5)

    @field_validator("points")
    @classmethod
    def _pairs(cls, points: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        if any(len(point) != 2 for point in points):
            raise ValueError("each of the five points has an x and a y")
        if len(set(points)) < len(points):
            raise ValueError("the same point stands twice")
        return points


class Calibration(_Part):
    """How sure a similarity is, a share 0..1: ``1 / (1 + exp(-(slope * similarity + offset)))`` (Platt
    1999). ``common``: the cosine of looks at two people in the mean, of which means of looks are freed."""

    slope: float = Field(gt=0, le=10000)
    offset: float = Field(ge=-10000, le=10000)
    common: float = Field(default=0.0, ge=-1, lt=1)


class Threshold(_Part):
    """A published score and what it was measured to mean."""

    value: float
    meaning: _Text


class Golden(_Part):
    """What the first variant gives for the picture of ``formula``: decoded values by tensor, row by row, from
    the first one ``every`` so many."""

    formula: Literal["v1"]
    every: int = Field(default=1, ge=1, le=10000)
    output: dict[str, _Listed[float]] = Field(min_length=1)
    tolerance: float = Field(gt=0)


class Figure(_Part):
    """Something measured, with the command that measures it again."""

    metric: _Text
    value: float
    data: str
    command: str
    machine: str
    date: date


class Source(_Part):
    """A data set that the model was made of, and the terms of its use."""

    name: _Text
    terms: _Text


class Origin(_Part):
    """How the model was made; ``teachers`` are the models that it learned from."""

    command: str
    seed: int | None = None
    data: _Listed[Source] = ()
    teachers: _Listed[str] = ()


class Card(_Part):
    """The whole card."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    version: int = Field(ge=1)
    task: Literal["digit", "digit-detector", "face-detector", "face-embedder", "classifier", "detector"]
    variants: _Listed[Variant] = Field(min_length=1)
    input: Input
    crop: Crop | None = None
    output: Output
    thresholds: dict[str, Threshold] = Field(default_factory=dict)
    calibration: Calibration | None = None
    golden: Golden | None = None
    figures: _Listed[Figure] = ()
    licence: _Text
    made_by: Origin

    @model_validator(mode="after")
    def _consistent(self) -> Card:
        if len({variant.size for variant in self.variants}) != len(self.variants):
            raise ValueError("variants has the same size twice")
        unknown = set(self.golden.output if self.golden else ()) - set(self.output.tensors)
        if unknown:
            raise ValueError(f"golden.output names {', '.join(sorted(unknown))}, which output.tensors lacks")
        if self.task == EMBEDDER:
            self._embeds()
        return self

    def _embeds(self) -> None:
        """What else a face embedder's card must hold."""
        if self.crop is None:
            raise ValueError("crop is missing: a face embedder's card says where its five points lie")
        if self.output.distance is None:
            raise ValueError("output.distance is missing; allowed: cosine, euclidean")
        if EMBEDDING not in self.output.tensors:
            raise ValueError(f"output.tensors lacks {EMBEDDING}, the tensor that a face embedder gives")
        for variant in self.variants:
            width, height = variant.size
            if not all(0 <= x < width and 0 <= y < height for x, y in self.crop.points):
                raise ValueError(f"crop.points has a point outside of the {width}x{height} input")


def load_card(folder: Path) -> Card:
    """The card of the model in ``folder``. Raises ``ModelError``: file, key, value, what is allowed."""
    file = folder / FILE_NAME
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}", "a model has a card") from None
    if len(content) > MAX_BYTES:
        raise ModelError(f"{file}: larger than {MAX_BYTES // 1024} KiB", "a card is a page of text")
    try:
        data = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ModelError(f"{file}: is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ModelError(f"{file}: keys are needed, found {_shown(data)}")
    try:
        return Card.model_validate(data)
    except ValidationError as error:
        problems = (
            _problem(problem["type"], problem["loc"], problem["msg"], problem["input"])
            for problem in error.errors(include_url=False)
        )
        raise ModelError(f"{file}: {'; '.join(problems)}") from None


def _problem(kind: str, place: tuple[str | int, ...], message: str, value: Any) -> str:
    key = ".".join(str(part) for part in place)
    if kind == "missing":
        return f"{key}: is missing"
    if kind == "extra_forbidden":
        allowed = _keys(place[:-1])
        near = difflib.get_close_matches(str(place[-1]), allowed, n=1)
        guess = f", did you mean {near[0]}?" if near else ","
        return f"{key}: unknown key{guess} allowed: {', '.join(allowed)}"
    words = message.removeprefix("Value error, ")
    return f"{key}: found {_shown(value)}, {words}" if key else words


def _keys(place: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand at a place of the card."""
    schema = Card.model_json_schema()
    here: dict[str, Any] = schema
    for part in place:
        within = here["items"] if isinstance(part, int) else here.get("properties", {}).get(part)
        here = within or here.get("additionalProperties", {})
        here = next((choice for choice in here.get("anyOf", ()) if "$ref" in choice), here)
        if "$ref" in here:
            here = schema["$defs"][here["$ref"].rpartition("/")[2]]
    return list(here.get("properties", {}))


def _shown(value: Any) -> str:
    """A value as one line can show it."""
    if isinstance(value, (dict, list)):
        return "keys" if isinstance(value, dict) else "a list"
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
