"""From a learnt net to the model's folder, whole: honest scores, three sizes, thresholds, card."""

from __future__ import annotations

import contextlib
import hashlib
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.faces.detector import STRIDES, FaceDetector
from tools import card as cards
from tools.train_faces.detector.export import SIZES, export, file_of, honest
from tools.train_faces.detector.judge import Verdict, calibration_error, judge, platt
from tools.train_faces.detector.learn import History, Learner
from tools.train_faces.detector.material import Material, Pool
from tools.train_faces.detector.net import MEAN, STD

FAINT = 0.02
"""Score from which boxes are looked at where scores are made honest."""

RATES = {"accept": 0.05, "sure": 0.005}
"""Thresholds by name, and their false boxes for each picture without a face."""

TOLERANCE = 0.2
"""Of the golden output: a few levels of the boxes and points, which are in strides."""

EVERY = 97
"""One in so many values of the golden output is on the card; a prime, so that all columns have their turn."""

COMMAND = "python -m tools.train_faces detector"


def release(
    learner: Learner, learnt: Sequence[Material], kept: Sequence[Material], out: Path, seed: int
) -> dict[str, float]:
    """Writes all files but the weights into ``out`` and gives the figures on the pictures of ``kept``.

    ``learnt`` shows the quantizer the ranges; the scores are made honest and the thresholds chosen on
    ``kept``, which was never learnt from, with the int8 file of the usual size.
    """
    net = learner.average
    write = partial(_write, out, learner.history, learnt, seed)
    export(net, learnt, out, seed, SIZES[:1])
    write(thresholds={}, figures={}, sizes=SIZES[:1])
    rough = _measured(out, kept)
    scales = [platt(*rough.scores(stride)) for stride in STRIDES]
    export(honest(net, scales), learnt, out, seed)
    write(thresholds={}, figures={})
    verdict = _measured(out, kept)
    thresholds = {name: _threshold(verdict, rate) for name, rate in RATES.items()}
    accept = float(thresholds["accept"]["value"])
    figures = {
        "faces found at accept": verdict.recall(accept),
        "false boxes for each picture without a face at accept": verdict.false(accept),
        "expected calibration error": calibration_error(verdict),
        "median error of the points, shares of the eyes' distance": float(np.median(verdict.errors))
        if len(verdict.errors)
        else 1.0,
        "size of the int8 file in bytes": float((out / file_of(SIZES[0])).stat().st_size),
    }
    write(thresholds=thresholds, figures=figures)
    with contextlib.redirect_stdout(sys.stderr):
        cards.main([str(out), "--write"])
    return figures


def detector(folder: Path, *, threshold: float, most: int = 200) -> FaceDetector:
    """The detector of the usual size in ``folder``. Raises ModelError."""
    return FaceDetector(
        Model(folder, load_card(folder), InferSettings(threads=1)), threshold=threshold, most=most
    )


def _measured(folder: Path, kept: Sequence[Material]) -> Verdict:
    return judge(detector(folder, threshold=FAINT), kept)


def _threshold(verdict: Verdict, rate: float) -> dict[str, Any]:
    value = verdict.threshold(rate)
    meaning = (
        f"at this score or higher there were {verdict.false(value):.3f} false boxes for each of "
        f"{verdict.blanks} pictures of animals and things, and {verdict.recall(value):.1%} of "
        f"{len(verdict.faces)} faces in {verdict.wild} others were found, at 320x240, none learnt from"
    )
    return {"value": value, "meaning": meaning}


def _write(
    folder: Path,
    history: History,
    materials: Sequence[Material],
    seed: int,
    *,
    thresholds: Mapping[str, Any],
    figures: Mapping[str, float],
    sizes: Sequence[tuple[int, int]] = SIZES,
) -> None:
    views = f"{history.views} views"
    stages = f" (in {history.stages} stages, the later ones with --resume)" if history.stages > 1 else ""
    card: dict[str, Any] = {
        "name": "face-detector",
        "version": 1,
        "task": "face-detector",
        "variants": [
            {
                "file": file_of(size),
                "sha256": hashlib.sha256((folder / file_of(size)).read_bytes()).hexdigest(),
                "width": size[0],
                "height": size[1],
            }
            for size in sizes
        ],
        "input": {"colour": "bgr", "mean": [MEAN], "std": [STD]},
        "output": {"tensors": {"scores": 0, "boxes": 1, "points": 2}, "decoding": "places"},
        "thresholds": dict(thresholds),
        "figures": [
            {
                "metric": name,
                "value": round(value, 4),
                "data": "pictures of the training sources that were never learnt from, 320x240, int8",
                "command": f"{COMMAND} --resume --minutes 0",
                "machine": platform.machine(),
                "date": date.today(),
            }
            for name, value in figures.items()
        ],
        "golden": {"formula": "v1", "every": EVERY, "output": {"scores": [0.0]}, "tolerance": TOLERANCE},
        "licence": "Apache-2.0",
        "made_by": {
            "command": f"{COMMAND} --minutes {history.minutes:g} --seed {seed}{stages}: {views}",
            "seed": seed,
            "data": [_source(material.pool, len(material)) for material in materials],
            "teachers": ["YuNet (yunet_s_640_640.onnx, Wu et al. 2023; MIT, Apache-2.0): boxes and points"],
        },
    }
    text = yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    (folder / "card.yaml").write_text(text, encoding="utf-8")


def _source(pool: Pool, count: int) -> dict[str, str]:
    return {"name": f"{pool.source.repository}: {pool.source.under} ({count})", "terms": pool.source.terms}
