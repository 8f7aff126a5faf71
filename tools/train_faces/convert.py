"""dlib's network as an embedder of this project, made on the user's own machine: nothing of it is bundled.

It needs PyTorch and the file, and no pictures: the ranges of its layers were measured once, on 200 training
faces, and lie beside this module with the thresholds of its card.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from edge.errors import InputError, ModelError, UnavailableError
from tools.quantize.graph import layers, read_model
from tools.quantize.samples import Calibration
from tools.quantize.schemes import Ranges, measured, quantize
from tools.train_faces.card import write_card
from tools.train_faces.export import FLOAT, INT8, write_float
from tools.train_faces.teacher import CREDIT, FILE, teacher_net

NAME = "face-embedder-dlib"
KNOWN = Path(__file__).with_name("teacher.yaml")
"""``sha256`` of the file, ``ranges`` by layer, ``thresholds``, ``calibration``, ``figures``."""

LICENCE = "CC0-1.0 (public domain), as its author says; made by the user from the author's file"


MEASURED = "ranges.yaml"
"""Written beside the model where the ranges were measured anew."""


def convert(
    file: Path,
    out: Path,
    tell: Callable[[str], None],
    *,
    faces: Calibration | None = None,
    known: Mapping[str, Any] | None = None,
) -> int:
    """Writes ``model.tflite`` (int8) and ``card.yaml`` into ``out``; gives the bytes of the former.

    ``tell`` hears what is being done; ``faces`` (N, 150, 150, 3), normalised: measures the ranges anew;
    ``known``: instead of what lies in ``KNOWN``. Raises InputError for a file that is another,
    UnavailableError where ``out`` cannot be written, ModelError where the converter makes another graph than
    the ranges are of.
    """
    known = known or yaml.safe_load(KNOWN.read_text("utf-8"))
    tell("reading")
    net = teacher_net(file)
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != known["sha256"]:
        raise InputError(
            f"{file} has the form of dlib's face network and is another: its sha256 is {found}, "
            f"{known['sha256']} is known",
            f"give {FILE} as its author published it",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out) as scratch:
            tell("float TFLite")
            whole = Path(scratch) / FLOAT
            write_float(net, whole)
            tell("int8")
            ranges = (
                measured(whole, faces, widest=True) if faces is not None else _by_name(whole, known["ranges"])
            )
            size = quantize(whole, ranges, out / INT8).bytes_after
            if faces is not None:
                _keep(whole, ranges, out / MEASURED)
        tell("card")
        write_card(
            out,
            name=NAME,
            side=net.shape.side,
            version=known["version"],
            licence=LICENCE,
            made_by={
                "command": f"python -m tools.train_faces convert-teacher --teacher {FILE} --out DIR",
                "data": [],
                "teachers": [CREDIT],
            },
            measured=known,
            figures=known["figures"],
        )
    except OSError as error:
        raise UnavailableError(
            f"{out} cannot be written: {error.strerror or error}", "give another --out"
        ) from None
    return size


def _by_name(model: Path, ranges: list[list[Any]]) -> Ranges:
    """``ranges``: kind, lowest, highest value of the input and of each layer of ``model`` in order."""
    places = _places(model)
    if [kind for kind, _ in places] != [kind for kind, _, _ in ranges]:
        raise ModelError(
            "this version of litert-torch makes another graph than the known ranges are of",
            "install the versions of tools/requirements (make training), or measure them: --cache",
        )
    return {tensor: (low, high) for (_, tensor), (_, low, high) in zip(places, ranges, strict=True)}


def _keep(model: Path, ranges: Ranges, file: Path) -> None:
    rows = [[kind, *(float(f"{value:.6g}") for value in ranges[tensor])] for kind, tensor in _places(model)]
    file.write_text(yaml.safe_dump({"ranges": rows}, default_flow_style=None, sort_keys=False), "utf-8")


def _places(model: Path) -> list[tuple[str, str]]:
    """Kind and tensor of the input and of each layer in order."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the runtime is heavy

    content = read_model(model)
    entry = str(Interpreter(model_content=content).get_input_details()[0]["name"])
    return [("INPUT", entry), *((layer.kind, layer.tensor) for layer in layers(content))]
