"""From weights to a model's folder, whole: float and int8 files, measured, described."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.infer.card import FILE_NAME, load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.faces.embedder import Embedder
from tools.evaluate.faces.calibrate import calibrated, looks_of
from tools.evaluate.faces.embedding import float_beside
from tools.evaluate.faces.pairs import load_pairs
from tools.evaluate.faces.verify import record, similarities
from tools.quantize.schemes import measured, quantize
from tools.train_faces.card import DEPLOYER, data, write_card
from tools.train_faces.chips import MARGIN, SIDE, scaled
from tools.train_faces.export import FLOAT, INT8, inputs, write_float
from tools.train_faces.net import FaceNet
from tools.train_faces.teacher import CREDIT

RANGES = 200
"""Training faces that show the quantizer the ranges within the net."""

DEVELOPMENT = "cfp_dev_pairs.npz"
TESTS = {"lfw_pairs.npz": "LFW, 6000 pairs, ten folds", DEVELOPMENT: "CFP, 1400 development pairs"}
"""Beside the data: what figures are measured on, and what thresholds and calibration are."""


TOWARDS = "FF"
"""Of these pairs: faces towards the camera, as the recognizer's gates let through. Thresholds are measured on
them; how sure a similarity is, on all."""


def release(
    net: FaceNet,
    folder: Path,
    chips: NDArray[np.uint8],
    faces: Sequence[tuple[str, str]],
    *,
    learnt: NDArray[np.intp],
    made_by: dict[str, Any],
    verify: Path,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Writes float.tflite, model.tflite and card.yaml into ``folder``; gives what was measured.

    ``chips``, ``faces``: the cache; ``learnt``: the places in it that were learnt from; ``made_by``: command
    and seed; ``verify``: the folder of the sets: without it a card has neither thresholds nor figures.
    ``tell`` hears what is being done. Raises ModelError.
    """
    tell("float TFLite")
    write_float(net, folder / FLOAT)
    tell("int8")
    some = learnt[np.linspace(0, len(learnt) - 1, RANGES).astype(np.intp)]
    inner = slice(MARGIN, MARGIN + SIDE)
    shown = scaled(np.stack([chips[place, inner, inner] for place in some]), net.shape.side)
    # Eight times less error than with the library's own ranges, which follow the latest samples.
    ranges = measured(folder / FLOAT, inputs(shown), widest=True)
    quantized = quantize(folder / FLOAT, ranges, folder / INT8)

    def card(meanings: dict[str, Any], figures: Sequence[dict[str, Any]]) -> None:
        write_card(
            folder,
            name=folder.name,
            side=net.shape.side,
            version=version,
            licence=DEPLOYER,
            made_by={**made_by, "data": data(source for source, _ in faces), "teachers": [CREDIT]},
            measured=meanings,
            figures=figures,
        )

    version = load_card(folder).version if (folder / FILE_NAME).is_file() else 1
    card({}, [])
    sizes = [
        figure("size of the int8 file in bytes", quantized.bytes_after, INT8, "ls -l"),
        figure("faces learnt from", len(learnt), "the cache of faces", made_by["command"]),
    ]
    if not (verify / DEVELOPMENT).is_file():
        card({}, sizes)
        tell(f"no thresholds and no figures: {verify} has no {DEVELOPMENT}")
        return {}
    embedder = Embedder(Model(folder, load_card(folder), InferSettings(threads=1)))
    tell("thresholds")
    every = looks_of(embedder, [verify / DEVELOPMENT])
    towards = looks_of(embedder, [verify / DEVELOPMENT], protocol=TOWARDS)
    meanings = calibrated(embedder, towards, every)
    card(meanings, sizes)
    figures = [*sizes, *_figures(embedder, folder, verify, tell)]
    card(meanings, figures)
    return {one["metric"] + ", " + one["data"]: one["value"] for one in figures}


def figure(metric: str, value: float, where: str, command: str) -> dict[str, Any]:
    """A figure as the card has it."""
    return {"metric": metric, "value": round(value, 4), "data": where, "command": command}


def _figures(
    embedder: Embedder, folder: Path, verify: Path, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    both = {"int8": embedder, "float": float_beside(f"{folder.absolute()}")}
    found = []
    for name, where in TESTS.items():
        if not (verify / name).is_file():
            continue
        pairs = load_pairs(verify / name)
        command = f"python -m tools.evaluate faces-verify --set DIR/{name} --model models/{folder.name}"
        for kind, one in both.items():
            if one is None:
                continue
            tell(f"{where.partition(',')[0]}, {kind}")
            said = record(pairs, similarities(pairs, one), None)
            parts = said.get("by_protocol") or {"": said}
            for protocol, part in parts.items():
                place = f"{where}, {protocol}" if protocol else where
                values = {"accuracy": part["accuracy"]} | {
                    f"TAR at FAR {rate}": value for rate, value in part["tar_at_far"].items()
                }
                found += [figure(f"{what}, {kind}", value, place, command) for what, value in values.items()]
    return found
