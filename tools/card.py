"""Recomputes what a card says of its files: the sha256 of each variant, and the golden output.

::

    python -m tools.card models/digits-cnn            shows what differs; exit 1 if anything does
    python -m tools.card models/digits-cnn --write    puts it into card.yaml; the rest stays as it is
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from edge.errors import EdgeError, ModelError
from edge.infer.card import FILE_NAME, Card, Golden, load_card
from edge.infer.golden import golden_picture
from edge.infer.model import Model
from edge.infer.settings import InferSettings

TOLERANCE = 0.05
"""For a card that had no golden output: in probabilities, a few levels of an 8-bit output."""

MANY, FEW = 1000, 97
"""A card without golden output gets all values of a small model; beyond so many every so-manyeth, a prime
so that all columns have their turn."""


def main(argv: Sequence[str] | None = None) -> int:
    """Compares, and writes if asked to: 0 in accord, 1 if something differs, 78 for a wrong model."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.card", description="Recomputes sha256 and golden output of a card."
    )
    parser.add_argument("folder", type=Path, help="the model's folder")
    parser.add_argument("--write", action="store_true", help="put the values into card.yaml")
    arguments = parser.parse_args(argv)
    folder: Path = arguments.folder
    try:
        card = load_card(folder)
        hashes = file_hashes(folder, card)
        golden = golden_output(folder, card, hashes)
    except EdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    differences = compare(card, hashes, golden)
    print("\n".join(differences) or f"{folder / FILE_NAME}: as it should be")
    if differences and arguments.write:
        file = folder / FILE_NAME
        file.write_text(rewritten(file.read_text("utf-8"), hashes, golden), "utf-8")
        print(f"{file}: written")
    return 1 if differences and not arguments.write else 0


def file_hashes(folder: Path, card: Card) -> list[str]:
    """The sha256 of each variant's file as it is. Raises ``ModelError`` where one is missing."""
    hashes = []
    for variant in card.variants:
        file = folder / variant.file
        try:
            hashes.append(hashlib.sha256(file.read_bytes()).hexdigest())
        except OSError as error:
            raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from None
    return hashes


def golden_output(folder: Path, card: Card, hashes: Sequence[str]) -> Golden:
    """What the first variant gives here, to four decimals, or five digits from 1 on."""
    variants = tuple(
        variant.model_copy(update={"sha256": found})
        for variant, found in zip(card.variants, hashes, strict=True)
    )
    model = Model(folder, card.model_copy(update={"variants": variants}), InferSettings())
    formula, tolerance = (card.golden.formula, card.golden.tolerance) if card.golden else ("v1", TOLERANCE)
    outputs = model.run(golden_picture(model, formula))
    count = sum(values.size for values in outputs.values())
    every = card.golden.every if card.golden else (FEW if count > MANY else 1)
    rounded = {
        name: tuple(_rounded(value) for value in values.ravel()[::every]) for name, values in outputs.items()
    }
    return Golden(formula=formula, every=every, output=rounded, tolerance=tolerance)


def _rounded(value: np.float32) -> float:
    return round(float(value), 4) if abs(value) < 1 else float(f"{value:.5g}")


def compare(card: Card, hashes: Sequence[str], golden: Golden) -> list[str]:
    """What the card says otherwise than files and model do, a sentence each."""
    differences = [
        f"{variant.file}: sha256 is {found}, the card says {variant.sha256}"
        for variant, found in zip(card.variants, hashes, strict=True)
        if variant.sha256 != found
    ]
    old = card.golden.output if card.golden else {}
    for name, values in golden.output.items():
        said = old.get(name, ())
        if len(said) != len(values):
            differences.append(f"golden.output.{name}: has {len(values)} values, the card has {len(said)}")
        elif said != values:
            worst = float(np.abs(np.subtract(said, values)).max())
            differences.append(f"golden.output.{name}: the card is off by at most {worst:.4g}")
    return differences


def rewritten(text: str, hashes: Sequence[str], golden: Golden) -> str:
    """The text of a card with these values in place of its own; all else stays letter by letter."""
    root = yaml.compose(text, yaml.SafeLoader)
    assert root is not None
    output = _flow({name: list(values) for name, values in golden.output.items()})
    new = [(_at(root, "variants", number, "sha256"), found) for number, found in enumerate(hashes)]
    if "golden" in (key.value for key, _ in root.value):
        new.append((_at(root, "golden", "output"), output))
    else:
        part = f"every: {golden.every}, " if golden.every > 1 else ""
        whole = f"{{formula: {golden.formula}, {part}output: {output}, tolerance: {golden.tolerance}}}"
        text = f"{text.rstrip()}\ngolden: {whole}\n"
    for node, value in sorted(new, key=lambda item: -item[0].start_mark.index):
        begin, end = node.start_mark.index, node.end_mark.index
        end = begin + len(text[begin:end].rstrip())  # a block's end is where the next key begins
        text = text[:begin] + value + text[end:]
    return text


def _flow(value: object) -> str:
    return str(yaml.safe_dump(value, default_flow_style=True, width=10**9, sort_keys=False)).strip()


def _at(node: yaml.Node, *path: str | int) -> yaml.Node:
    for part in path:
        if isinstance(part, int):
            node = node.value[part]
        else:
            node = next(value for key, value in node.value if key.value == part)
    return node


if __name__ == "__main__":
    sys.exit(main())
