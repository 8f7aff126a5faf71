"""The card of an embedder: what it is made of, how its crops are cut, what was measured of it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from edge.infer.card import FILE_NAME, load_card
from tools.card import golden_output, rewritten
from tools.train_faces.chips import DLIB, TEACHER_SIDE
from tools.train_faces.export import BGR_MEAN, INT8
from tools.train_faces.net import STD
from tools.train_faces.sources import SOURCES

DISTANCE = "cosine"
"""How embeddings are compared: on people who were not learnt from it is not worse than Euclid's distance."""

DEPLOYER = (
    "Apache-2.0 (weights); they were learnt from pictures under the terms that made_by.data lists, most "
    "of them for non-commercial research. Whether such terms bind who deploys the weights is not settled in "
    "law, and the deployer's to judge. What convert-teacher makes rests on the public-domain teacher alone"
)
"""The licence of a student, and what the terms of its data mean for who uses it."""


def write_card(
    folder: Path,
    *,
    name: str,
    side: int,
    version: int,
    licence: str,
    made_by: Mapping[str, Any],
    measured: Mapping[str, Any],
    figures: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Writes ``card.yaml`` for the int8 file in ``folder``, golden output and all.

    ``measured``: ``thresholds`` and ``calibration``, as the card has them. ``figures``: metric, value, data
    and command of each. Raises ModelError where the file does not run.
    """
    points = DLIB * (side / TEACHER_SIDE)
    card = {
        "name": name,
        "version": version,
        "task": "face-embedder",
        "variants": [
            {
                "file": INT8,
                "sha256": hashlib.sha256((folder / INT8).read_bytes()).hexdigest(),
                "width": side,
                "height": side,
            }
        ],
        "input": {"colour": "bgr", "mean": list(BGR_MEAN), "std": [STD]},
        "output": {"tensors": {"embedding": 0}, "decoding": "raw", "distance": DISTANCE},
        "crop": {"points": [[round(float(value), 2) for value in point] for point in points]},
        **{key: measured[key] for key in ("thresholds", "calibration") if key in measured},
        "figures": [{**figure, "machine": platform.machine(), "date": date.today()} for figure in figures],
        "licence": licence,
        "made_by": dict(made_by),
    }
    file = folder / FILE_NAME
    file.write_text(
        yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None), "utf-8"
    )
    found = load_card(folder)
    hashes = [variant.sha256 for variant in found.variants]
    file.write_text(rewritten(file.read_text("utf-8"), hashes, golden_output(folder, found, hashes)), "utf-8")


def data(sources: Iterable[str]) -> list[dict[str, str]]:
    """``made_by.data``: name and terms of the repositories that faces came from."""
    named = {source.repository: source for source in SOURCES}
    return [
        {"name": f"{name}: {named[name].under}", "terms": named[name].terms}
        for name in dict.fromkeys(sources)
    ]
