"""``faces-calibrate``: the thresholds and the calibration of an embedder's card, from development people.

How many strangers reach a similarity is counted, and how likely one person is is fitted, on people who are no
part of a test. A set with ten folds is a test, and refused.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from edge.errors import InputError, UsageError
from edge.infer.card import FILE_NAME
from edge.infer.settings import InferSettings
from edge.infer.store import find
from edge.recognize.faces.embedder import Embedder
from edge.recognize.faces.similarity import Vectors
from tools.evaluate.faces.calibration import (
    FEWEST_PERSONS,
    RATES,
    Compared,
    common_of,
    compared,
    grouped,
    interval,
    logistic,
    single,
    threshold_at,
)
from tools.evaluate.faces.embedding import embedded, load_embedder
from tools.evaluate.faces.pairs import PairSet, load_pairs
from tools.evaluate.faces.persons import persons_of

KEYS = ("thresholds", "calibration")
SUMMARY = "what an embedder's similarities mean: the thresholds and the calibration of its card"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sets, video, model."""
    parser.add_argument(
        "--set",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help=".npz of crops and pairs of development people; repeatable; never a test set",
    )
    parser.add_argument(
        "--protocol",
        metavar="NAME",
        help="thresholds by the pictures of these pairs alone: FF of faces towards the camera, as looks are",
    )
    parser.add_argument("--video", type=Path, metavar="DIR", help="and the people of DIR/PERSON/CLIP")
    parser.add_argument(
        "--model", default="face-embedder", metavar="NAME|DIR", help="model to calibrate (face-embedder)"
    )
    parser.add_argument(
        "--detector",
        default="face-detector",
        metavar="NAME|DIR",
        help="finds the faces of --video (face-detector)",
    )
    parser.add_argument("--write", action="store_true", help="put them into the model's card.yaml")


def main(arguments: argparse.Namespace) -> int:
    """Prints tables and the lines of the card, or the object; 0 whatever the figures are."""
    if not arguments.set and not arguments.video:
        raise UsageError("neither --set nor --video", "name people to measure with")
    embedder = load_embedder(arguments.model)
    file = find(arguments.model, InferSettings()) / FILE_NAME
    people = looks_of(embedder, arguments.set, arguments.video, arguments.detector)
    if arguments.protocol:
        # A look that is turned within its bounds is still of its track: the calibration knows profiles too.
        chosen = looks_of(embedder, arguments.set, None, protocol=arguments.protocol)
        record = calibrated(embedder, chosen, people)
    else:
        record = calibrated(embedder, people)
    if arguments.write:
        try:
            file.write_text(rewritten(file.read_text("utf-8"), record), "utf-8")
        except OSError as error:
            raise InputError(f"{file} cannot be written: {error.strerror}", "check its permissions") from None
    if arguments.json:
        print(json.dumps(record))
    else:
        _show(record)
    return 0


def looks_of(
    embedder: Embedder,
    sets: Sequence[Path],
    video: Path | None = None,
    detector: str = "face-detector",
    protocol: str | None = None,
) -> dict[str, Vectors]:
    """The embeddings (N, D) of each person of the sets and clips. Raises ``InputError`` for a test set.

    ``protocol``: of a set only the pictures of these pairs. Faces in profile are like each other to many an
    embedder, and the recognizer never compares them.
    """
    people: dict[str, Vectors] = {}
    for file in sets:
        pairs = load_pairs(file)
        if pairs.fold is not None:
            raise InputError(
                f"{file}: has ten folds, so it is a test", "thresholds are measured on people of no test"
            )
        wanted = _pictures(pairs, protocol, file)
        persons = np.asarray(persons_of(pairs))[wanted]
        vectors = embedded(pairs.crops, embedder, wanted.tolist())
        people |= {f"{file.stem}/{name}": some for name, some in grouped(vectors, persons).items()}
    if video is not None:
        from tools.evaluate.faces.clips import looks_in  # noqa: PLC0415 - needs a detector as well

        people |= looks_in(video, embedder, detector)
    if len(people) < FEWEST_PERSONS:
        raise InputError(f"{len(people)} persons are too few", f"at least {FEWEST_PERSONS} are needed")
    return people


def _pictures(pairs: PairSet, protocol: str | None, file: Path) -> NDArray[np.intp]:
    """The pictures of the pairs of a protocol, or all."""
    if protocol is None:
        return np.arange(len(pairs.crops))
    known = [] if pairs.protocol is None else sorted(set(pairs.protocol.tolist()))
    if pairs.protocol is None or protocol not in known:
        raise InputError(f"{file}: no pairs of {protocol}", f"there are: {', '.join(known) or 'none named'}")
    return np.unique(pairs.pairs[pairs.protocol == protocol])


def calibrated(
    embedder: Embedder, people: dict[str, Vectors], all_looks: dict[str, Vectors] | None = None
) -> dict[str, Any]:
    """What the card says of similarities: ``thresholds`` and ``calibration`` as they stand there; and what
    they rest on, by kind of comparison: ``mean_template`` is what the recognizer does, ``look_look`` single
    pictures. ``all_looks``: what the calibration rests on, where that is more than the thresholds do."""
    distance = embedder.maker.distance
    common = float(f"{common_of(people, distance):.4g}")
    means, looks = compared(people, distance, common), single(people, distance)
    fitted = compared(all_looks, distance, common) if all_looks else means
    slope, offset = logistic(fitted.genuine, fitted.impostors)
    kinds = {"mean_template": _figures(means), "look_look": _figures(looks)}
    found = kinds["mean_template"]["thresholds"]
    persons = len(people)
    return {
        "model": embedder.maker.name,
        "sha256": embedder.maker.sha256,
        "distance": distance,
        "persons": persons,
        "looks": sum(len(some) for some in people.values()),
        **kinds,
        "thresholds": {
            name: {
                "value": float(f"{found[name]['similarity']:.4g}"),
                "meaning": (
                    f"1 of {round(1 / rate)} comparisons of a track's mean with another person's template "
                    f"reaches it ({len(means.impostors)} comparisons of {persons} development people), "
                    f"{found[name]['accepted']:.1%} of those of one person do"
                ),
            }
            for name, rate in RATES.items()
        },
        "calibration": {"slope": float(f"{slope:.5g}"), "offset": float(f"{offset:.5g}"), "common": common},
    }


def _figures(found: Compared) -> dict[str, Any]:
    impostors, genuine = found.impostors, found.genuine
    thresholds = {}
    for name, rate in RATES.items():
        threshold = threshold_at(impostors, rate)
        thresholds[name] = {
            "similarity": threshold,
            "interval": interval(found, rate),
            "accepted": float((genuine >= threshold).mean()) if len(genuine) else None,
            "expected_false": float(rate * len(impostors)),
        }
    return {"impostors": len(impostors), "genuine": len(genuine), "thresholds": thresholds}


def card_lines(record: dict[str, Any], *keys: str) -> str:
    """These keys as they stand in card.yaml; without any: ``thresholds`` and ``calibration``."""
    part = {key: record[key] for key in keys or KEYS}
    text = yaml.safe_dump(part, sort_keys=False, width=100, default_flow_style=None, allow_unicode=True)
    return str(text)


def rewritten(text: str, record: dict[str, Any]) -> str:
    """The text of a card with these thresholds and this calibration; all else stays letter by letter."""
    for key in KEYS:
        root = yaml.compose(text, yaml.SafeLoader)
        assert isinstance(root, yaml.MappingNode)
        lines = card_lines(record, key)
        place = next((pair for pair in root.value if pair[0].value == key), None)
        if place is None:
            text = f"{text.rstrip()}\n{lines}"
            continue
        text = text[: place[0].start_mark.index] + lines.rstrip() + text[_end(place[1]) :]
    return text


def _end(node: yaml.Node) -> int:
    """Where a node's text ends; a block's own end is where the next key begins, after all comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
    return int(node.end_mark.index)


def _show(record: dict[str, Any]) -> None:
    console = Console()
    console.width = max(console.width, 120)
    table = Table(title=f"{record['model']}: {record['looks']} looks at {record['persons']} persons")
    heads = (
        "compared",
        "rate",
        "similarity",
        "nine of ten draws of persons",
        "one person's",
        "impostors",
        "beyond it",
    )
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place > 1 else "left", no_wrap=True)
    for kind, words in (("mean_template", "means of looks"), ("look_look", "single looks")):
        part = record[kind]
        for name, one in part["thresholds"].items():
            table.add_row(
                words,
                name,
                f"{one['similarity']:.4f}",
                "{:.4f} to {:.4f}".format(*one["interval"]),
                f"{one['accepted']:.1%}",
                f"{part['impostors']:,}",
                f"{one['expected_false']:.0f}",
            )
    console.print(table)
    console.print("for card.yaml:\n")
    print(card_lines(record))
