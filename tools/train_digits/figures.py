"""What a digit model can do, measured on its int8 file through `edge.infer`.

    python -m tools.train_digits.figures models/digits-cnn --data ../shared/data

The test sets are only reported; temperature and threshold come from the validation part.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.errors import EdgeError, InputError
from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.records import Image
from tools.data import Labelled, data_folder, mnist
from tools.evaluate.digit_network import digits_checked
from tools.evaluate.plots import write_confusion, write_reliability
from tools.ink.alphabet import scans_of
from tools.quantize import judge
from tools.train_digits.calibrate import REJECT, Scores, acceptance, calibration_error
from tools.train_digits.feed import drawn_set
from tools.train_digits.kept_out import kept_out, written
from tools.train_digits.layout import FLOAT, INT8, inputs
from tools.train_digits.scenes import scene_set

VALIDATION_CROPS, VALIDATION_SCENES, VALIDATION_SEED = 8000, 60, 77
COMMAND = "python -m tools.train_digits.figures"
TEST = "MNIST test (10 000)"


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure: what, how much, on what, and what a person calls to see it again."""

    metric: str
    value: float
    data: str
    command: str = COMMAND


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the figures of a model's folder; exit codes as the errors have them."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.train_digits.figures", description="Figures of a digit model."
    )
    parser.add_argument("folder", type=Path, help="the model's folder")
    parser.add_argument(
        "--data", default=None, help="the folder that holds digits/ (default: $EDGE_SHARED/data)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="write confusion and reliability on unseen data as PNG"
    )
    arguments = parser.parse_args(argv)
    try:
        found = measure(arguments.folder, data_folder(arguments.data), arguments.plots)
    except EdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if arguments.json:
        print(json.dumps([asdict(figure) for figure in found]))
    else:
        show(found)
    return 0


def show(figures: Sequence[Measured]) -> None:
    """A table on standard output."""
    table = Table("figure", "value", "data")
    for figure in figures:
        table.add_row(figure.metric, f"{figure.value:.4f}", figure.data)
    Console().print(table)


def measure(folder: Path, root: Path, plots: Path | None = None) -> list[Measured]:
    """All figures of the model in ``folder``; some as plots, too. Raises ModelError, InputError.

    Those that tell digits from what is none are left out for a model that cannot reject.
    """
    model = digits_checked(Model(folder, load_card(folder), InferSettings(threads=1)))
    if not (folder / FLOAT).is_file():
        raise InputError(f"{folder / FLOAT} is missing", "figures compare with the float file: put it there")
    rejects = len(model.labels) > REJECT
    test = padded(mnist(root, "test"))
    sets = {
        TEST: test,
        "MNIST validation part (5000)": padded(scans_of(root, "validation")),
        **written(root),
        **kept_out(),
    }
    figures = []
    unseen: list[tuple[Scores, NDArray[np.uint8]]] = []
    for data, labelled in sets.items():
        scores = run(model, labelled.pictures, data)
        if not data.startswith("MNIST"):
            unseen.append((scores, labelled.digits))
        named = scores[:, :REJECT].argmax(1) == labelled.digits
        figures.append(Measured("accuracy, the ten digits", float(named.mean()), data))
        if rejects:
            kept = named & (scores.argmax(1) != REJECT)
            figures.append(Measured("accuracy, reject counts as wrong", float(kept.mean()), data))
    figures.append(_of_unseen(unseen, model.labels, plots))
    figures.append(Measured("accuracy, float", _of_float(folder, test), TEST))
    if rejects:
        figures += _of_rejecting(model, folder, root, plots)
    figures.append(Measured("size of the int8 file in bytes", (folder / INT8).stat().st_size, INT8))
    return [replace(figure, command=f"{COMMAND} {folder}") for figure in figures]


def _of_rejecting(model: Model, folder: Path, root: Path, plots: Path | None) -> list[Measured]:
    """Figures of a model that was asked of digits and of what is none."""
    threshold = model.thresholds.get("accept", 0.5)
    data = f"validation crops ({VALIDATION_CROPS}, drawn, a quarter no digit)"
    crops, labels = drawn_set(root, "validation", VALIDATION_CROPS, VALIDATION_SEED)
    scores = run(model, crops, data)
    figures = [
        Measured("accuracy, 11 classes", float((scores.argmax(1) == labels).mean()), data),
        Measured("accuracy, 11 classes, float", _of_float(folder, Labelled(crops, labels)), data),
        Measured("expected calibration error", calibration_error(scores, labels), data),
    ]
    data = f"all that is proposed in {VALIDATION_SCENES} composed scenes of the validation part"
    crops, labels = scene_set(root, "validation", VALIDATION_SCENES, VALIDATION_SEED)
    scores = run(model, crops, data)
    accepted = acceptance(scores, labels, threshold)
    figures += [
        Measured("expected calibration error", calibration_error(scores, labels), data),
        Measured(f"right of what scores >= {threshold}", accepted.right, data),
        Measured(f"digits read right at >= {threshold}", accepted.read, data),
        Measured(f"no-digits accepted at >= {threshold}", accepted.rejects_accepted, data),
    ]
    if plots:
        _plot(plots / "{}-places.png", scores, labels, model.labels)
    return figures


def _of_float(folder: Path, labelled: Labelled) -> float:
    """The share of ``labelled`` that the float file names right, a rejection counting as wrong."""
    outputs = judge.run(folder / FLOAT, inputs(labelled.pictures))
    return judge.accuracy(outputs, labelled.digits.astype(np.intp))


def _of_unseen(
    unseen: Sequence[tuple[Scores, NDArray[np.uint8]]], names: Sequence[str], plots: Path | None
) -> Measured:
    """Whether scores are honest on writers, families and displays that nothing was trained on."""
    scores, digits = (np.concatenate(some) for some in zip(*unseen, strict=True))
    if plots:
        _plot(plots / "{}-kept-out.png", scores, digits, names)
    data = f"Semeion, Optdigits, kept-out type and displays together ({len(digits)})"
    return Measured("expected calibration error", calibration_error(scores, digits), data)


def _plot(pattern: Path, scores: Scores, labels: NDArray[np.uint8], names: Sequence[str]) -> None:
    """Confusion and reliability, to ``pattern`` with their names in it."""
    best = scores.argmax(1)
    counts = np.zeros((int(labels.max()) + 1, len(names)), np.int64)
    np.add.at(counts, (labels, best), 1)
    confusion, reliability = (Path(str(pattern).format(name)) for name in ("confusion", "reliability"))
    write_confusion(confusion, counts, names[: len(counts)], names)
    write_reliability(reliability, scores.max(1), best == labels, calibration_error(scores, labels))


def run(model: Model, crops: Image, what: str) -> Scores:
    """Scores (N, 11) of crops (N, 32, 32) uint8, with a progress bar on standard error."""
    bar = track(crops, description=what, console=Console(stderr=True), transient=True)
    return np.stack([model.run(crop)["scores"] for crop in bar])


def padded(labelled: Labelled) -> Labelled:
    """MNIST's 28x28 with the border of black that makes them 32x32, nothing else."""
    return labelled._replace(pictures=np.pad(labelled.pictures, ((0, 0), (2, 2), (2, 2))))


if __name__ == "__main__":
    sys.exit(main())
