"""From a learnt net to the model's folder, whole: calibrated, exported, quantized, measured, described."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path

import torch

from edge.infer.card import load_card
from tools.evaluate.scene_labels import load_scenes
from tools.train_digits.acceptance import SceneAcceptance, choose_on_scenes, honest_doubt
from tools.train_digits.calibrate import REJECT, Acceptance, Honesty, choose_acceptance, honest
from tools.train_digits.card import add_golden, write_card
from tools.train_digits.export import export, network
from tools.train_digits.feed import drawn_set
from tools.train_digits.figures import (
    VALIDATION_SCENES,
    VALIDATION_SEED,
    Measured,
    measure,
    run,
)
from tools.train_digits.learn import STARTED, Learner, Progress
from tools.train_digits.net import DigitNet
from tools.train_digits.scenes import scene_set

_RANGES = 400
"""Training crops that show the quantizer the ranges within the net."""

_WANTED = 0.95
"""Of the proposed places that pass the threshold this share shall be read right."""

_DOUBT_SCENES = 100
"""Whole scenes that tell how much doubt is right; the threshold is chosen on all."""

SCENES = (
    "python -m tools.compose --split validation --seed 9 --count 160 --out DIR && "
    "python -m tools.evaluate digits-scenes --labels DIR"
)
"""How the whole scenes that a model is released with are composed, and judged again."""


def release(learner: Learner, root: Path, out: Path, seed: int, scenes: Path | None = None) -> list[Measured]:
    """Writes everything into ``out`` and gives the figures.

    Scores are made honest for what is asked in use: all that is proposed in composed scenes of the
    validation part, other ones than those that the figures are measured on. With ``scenes``, a folder of
    whole ones, they are then made so for what the recognizer tells, and the threshold is chosen there.
    """
    whole = load_scenes(scenes) if scenes else []
    places = scene_set(root, "validation", VALIDATION_SCENES, VALIDATION_SEED - 1)
    honesty = honest(learner.logits(places.pictures), places.labels)
    ranges, _ = drawn_set(root, "train", _RANGES, seed)
    export(doubting(learner.average, honesty), ranges, out)
    version = load_card(out).version if (out / "card.yaml").exists() else 1
    write = partial(
        write_card,
        out,
        version=version,
        command=command(learner.progress, seed, learner.blended),
        seed=seed,
        temperature=honesty.temperature,
    )
    write(accept=None, figures=[])
    accept: Acceptance | SceneAcceptance
    if whole:
        further = honest_doubt(network(out), whole[:_DOUBT_SCENES]) * honesty.temperature
        honesty = honesty._replace(doubt=honesty.doubt + further)
        export(doubting(learner.average, honesty), ranges, out)
        write(accept=None, figures=[])
        accept = choose_on_scenes(network(out), whole)
    else:
        scores = run(network(out), places.pictures, "choosing the threshold")
        accept = choose_acceptance(scores, places.labels, _WANTED)
    write(accept=accept, figures=[])
    figures = [
        *measure(out, root),
        *(_on_scenes(accept) if isinstance(accept, SceneAcceptance) else []),
    ]
    write(accept=accept, figures=figures)
    add_golden(out)
    return figures


def _on_scenes(accept: SceneAcceptance) -> list[Measured]:
    """Of the whole recognizer, on the scenes that the threshold was chosen on."""
    data = f"{accept.scenes} composed scenes of the validation part, at >= {accept.value}"
    shares = {"precision": accept.precision, "recall": accept.recall, "F1": accept.f1}
    figures = [Measured(f"digits found, {name}", value, data, SCENES) for name, value in shares.items()]
    return [*figures, Measured("false digits on scenes without", accept.false_digits, data, SCENES)]


def command(progress: Progress, seed: int, blended: float = 1.0) -> str:
    """What a person calls to make this model again."""
    call = f"python -m tools.train_digits --minutes {progress.minutes:g} --seed {seed}"
    stages = progress.stage - (STARTED if progress.before else 0)
    if stages > 1:
        call += f" (in {stages} stages, the later ones with --resume)"
    if progress.mined:
        call += f", lately with --mined and {progress.mined} crops of tools.compose.mining"
    if progress.taught:
        call += ", with --teacher on the weights that it started from"
    if blended < 1:
        call += f", with --blend and --share {blended:.2g}"
    if progress.before:
        call += f", with --start on the weights made before by: {progress.before}"
    return call


def made_by(folder: Path) -> str:
    """The command in the card of the model in ``folder``, "" without a card. Raises ModelError."""
    return load_card(folder).made_by.command if (folder / "card.yaml").exists() else ""


def doubting(net: DigitNet, honesty: Honesty) -> DigitNet:
    """A copy whose logit of the reject is raised by ``honesty.doubt``."""
    copied = copy.deepcopy(net)
    with torch.no_grad():
        copied.head.bias[REJECT] += honesty.doubt
    return copied
