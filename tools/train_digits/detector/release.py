"""From a learnt net to the model's folder, whole: honest scores, two sizes, thresholds, card."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.digits.classify import Reader
from tools.evaluate.detector_recipes import ALONE, DETECTOR_RECIPES, READ_AGAIN, DetectorRecipe
from tools.evaluate.digit_detector import BOXES, CLASSES, SCORES, TASK, DigitDetector
from tools.evaluate.scene_labels import Scene
from tools.train_digits.acceptance import SceneAcceptance
from tools.train_digits.card import add_golden
from tools.train_digits.detector.export import FILES, export, honest
from tools.train_digits.detector.judge import accepted, honesty
from tools.train_digits.detector.learn import History, Learner
from tools.train_digits.detector.net import MEAN, STD

NAME = "digits-detector"

LEARNT = "python -m tools.compose --split train --count {scenes} --out .cache/detector-scenes"
JUDGED = "python -m tools.compose --split validation --seed 9 --count 160 --out .cache/detector-validation"
"""How the scenes are composed that are learnt from, and that scores and thresholds are chosen on."""

EVALUATED = "python -m tools.evaluate digits-scenes --labels .cache/detector-validation --recipe"

EVERY = 997
"""One in so many values of the golden output is on the card; a prime, so that all columns have their turn."""

TOLERANCE = 0.5
"""Of the golden output: a few levels of the logits, and of the boxes in strides."""

_SOURCES = (
    (
        "scenes composed by tools.compose of drawn papers, boards, objects, scribbles and displays",
        "Apache-2.0",
    ),
    ("MNIST, training set without its last 5000: digits of the scenes", "Yann LeCun et al., cited"),
    ("Omniglot, small background set 1: other characters of the scenes", "MIT"),
    ("characters of Debian fonts-* packages", "free licences; no font is included"),
)


def release(
    learner: Learner, learnt: Sequence[Scene], judged: Sequence[Scene], out: Path, *, seed: int, reader: str
) -> dict[str, SceneAcceptance]:
    """Writes everything into ``out``; gives what each recipe does on the scenes ``judged``.

    Scores are made honest and thresholds chosen on ``judged``, which were never learnt from, with the int8
    files. ``reader``: the model that reads again. Raises ``InputError`` for a damaged scene, ``ModelError``.
    """
    net = learner.average
    export(net, learnt, out, seed)
    write = _Card(out, learner.history, seed)
    write({})
    told = honesty(_detector(out), judged)
    export(honest(net, told.scales, told.temperature), learnt, out, seed)
    write({})
    readers = {ALONE: None, READ_AGAIN: Reader(Model.load(reader, InferSettings(threads=1)))}
    found = {
        recipe: accepted(DetectorRecipe(_detector(out), again, 0.0), judged, recipe)
        for recipe, again in readers.items()
    }
    write(found)
    add_golden(out)
    return found


def _detector(folder: Path) -> DigitDetector:
    return DigitDetector.load(f"{folder.absolute()}/", InferSettings(threads=1))


class _Card:
    """Writes ``card.yaml`` into a folder, without its golden output."""

    def __init__(self, folder: Path, history: History, seed: int) -> None:
        self._folder, self._history, self._seed = folder, history, seed
        self._version = load_card(folder).version if (folder / "card.yaml").exists() else 1

    def __call__(self, found: Mapping[str, SceneAcceptance]) -> None:
        card: dict[str, Any] = {
            "name": NAME,
            "version": self._version,
            "task": TASK,
            "variants": [
                {
                    "file": name,
                    "sha256": hashlib.sha256((self._folder / name).read_bytes()).hexdigest(),
                    "width": width,
                    "height": height,
                }
                for (width, height), name in FILES.items()
            ],
            "input": {"colour": "grey", "mean": [MEAN], "std": [STD]},
            "output": {
                "tensors": {SCORES: 0, CLASSES: 1, BOXES: 2},
                "decoding": "raw",
                "labels": list("0123456789"),
            },
            "thresholds": {
                DETECTOR_RECIPES[recipe]: {"value": one.value, "meaning": f"{recipe}: {one.meaning}"}
                for recipe, one in found.items()
            },
            "figures": [figure for recipe, one in found.items() for figure in self._figures(recipe, one)],
            "golden": {"formula": "v1", "every": EVERY, "output": {SCORES: [0.0]}, "tolerance": TOLERANCE},
            "licence": "Apache-2.0",
            "made_by": {
                "command": command(self._history, self._seed),
                "seed": self._seed,
                "data": [{"name": name, "terms": terms} for name, terms in _SOURCES],
                "teachers": [],
            },
        }
        text = yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
        (self._folder / "card.yaml").write_text(text, encoding="utf-8")

    def _figures(self, recipe: str, one: SceneAcceptance) -> list[dict[str, Any]]:
        values = {
            "digits found, precision": one.precision,
            "digits found, recall": one.recall,
            "digits found, F1": one.f1,
            "false digits on scenes without": float(one.false_digits),
        }
        return [
            {
                "metric": f"{recipe}: {name}",
                "value": round(value, 4),
                "data": f"{one.scenes} composed scenes of the validation part, at >= {one.value}",
                "command": f"{JUDGED} && {EVALUATED} {recipe}",
                "machine": platform.machine(),
                "date": date.today(),
            }
            for name, value in values.items()
        ]


def command(history: History, seed: int) -> str:
    """What a person calls to make this model again."""
    stages = f" (in {history.stages} stages, the later ones with --resume)" if history.stages > 1 else ""
    return (
        f"{LEARNT.format(scenes=history.scenes)} && {JUDGED} && "
        f"python -m tools.train_digits.detector --minutes {history.minutes:g} --seed {seed}{stages}: "
        f"{history.views} views"
    )
