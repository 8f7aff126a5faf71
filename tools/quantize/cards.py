"""The card of what was quantized: as the float model's card says, or from what the command line gave."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from edge.errors import InputError, UsageError
from edge.infer.card import FILE_NAME, Card, load_card
from tools.card import golden_output
from tools.quantize.graph import float_input, read_model
from tools.quantize.samples import Normalisation

_ELSEWHERE = "; as measured with the source's file"
"""Said of thresholds, once: a quantized file may give other scores."""


def card_beside(model: Path) -> Card | None:
    """The card in the model's own folder, if there is one. Raises ModelError where it is wrong."""
    return load_card(model.parent) if (model.parent / FILE_NAME).is_file() else None


def write_card(
    source: Path, made: Path, found: Card | None, given: Mapping[str, Any], figures: list[dict[str, Any]]
) -> Path:
    """Writes ``card.yaml`` beside ``made``; gives its path.

    ``found``: the float model's card, whose meaning stays. ``given``: ``command``, and where there is no card
    ``name``, ``labels``, ``decoding``, ``pixels``, ``licence``. Raises InputError for a model that no card
    can describe, UsageError where what is given fits none, OSError where it cannot be written.
    """
    content = made.read_bytes()
    (shape, _) = float_input(read_model(source), source)
    fields = _inherited(found, given["command"]) if found else _fresh(shape, given)
    fields["variants"] = [
        {
            "file": made.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "width": shape[2],
            "height": shape[1],
        }
    ]
    fields.pop("golden", None)
    fields["figures"] = [
        {**figure, "command": given["command"], "machine": platform.machine(), "date": date.today()}
        for figure in figures
    ]
    try:
        card = Card.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"no card can be written: {key}: {first['msg']}", "correct --name, --labels or --licence"
        ) from None
    golden = golden_output(made.parent, card, [card.variants[0].sha256])
    fields["golden"] = golden.model_dump(mode="json")
    file = made.parent / FILE_NAME
    file.write_text(yaml.safe_dump(_plain(fields), sort_keys=False, allow_unicode=True, width=110), "utf-8")
    return file


def _inherited(found: Card, command: str) -> dict[str, Any]:
    """What the source's card says, less what holds of its own file only."""
    fields: dict[str, Any] = found.model_dump(mode="json", exclude_none=True)
    files = ", ".join(variant.file for variant in found.variants)
    for threshold in fields.get("thresholds", {}).values():
        if _ELSEWHERE not in threshold["meaning"]:
            threshold["meaning"] += f"{_ELSEWHERE} ({files}), not with this file"
    fields["made_by"]["command"] += f" && {command}"
    return fields


def _fresh(shape: tuple[int, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    if len(shape) not in (3, 4):
        raise InputError(
            f"an input of {shape} is no picture, so there is no card for it", "leave --name away"
        )
    pixels: Normalisation = given["pixels"]
    return {
        "name": given["name"],
        "version": 1,
        "task": "classifier",
        "variants": [],
        "input": {"colour": pixels.colour, "mean": list(pixels.mean), "std": list(pixels.std)},
        "output": {
            "tensors": {"scores": 0},
            "decoding": given["decoding"],
            "labels": list(given["labels"]),
        },
        "licence": given["licence"],
        "made_by": {"command": given["command"]},
    }


def _plain(value: Any) -> Any:
    """Lists for tuples: YAML's safe form knows no others."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
