"""Recognizers by the names of their recipes: ours, those around the detector, and those of the books."""

from __future__ import annotations

from argparse import Namespace

from edge.errors import UsageError
from edge.infer.settings import InferSettings
from edge.recognize.descriptor import Recognizer
from edge.recognize.digits.recognizer import build
from edge.recognize.digits.settings import DigitsSettings
from tools.evaluate.baselines import NETWORKS, RECIPES, ContourRecipe
from tools.evaluate.detector_recipes import ALONE, DETECTOR_RECIPES, detector_recipe
from tools.evaluate.digit_network import acceptance, load_digits
from tools.evaluate.peers import ACCEPT, load_peers

OURS = "edge"
NAMES = (OURS, *DETECTOR_RECIPES, *RECIPES)


def recognizers(arguments: Namespace) -> dict[str, Recognizer]:
    """The recognizers that ``--recipe`` and ``--peers`` name, in their order.

    Raises ``UsageError`` for impossible settings, ``ModelError`` for a model that is missing or another.
    """
    if arguments.threshold is not None and not 0 <= arguments.threshold <= 1:
        raise UsageError(f"--threshold {arguments.threshold} is impossible", "allowed: 0 to 1")
    infer = _infer(arguments.threads)
    named = {recipe: _recognizer(recipe, arguments, infer) for recipe in arguments.recipe or [OURS]}
    peers = load_peers(arguments.peers) if arguments.peers else {}
    return named | {
        f"books: {name}": ContourRecipe(RECIPES["books"], peer, ACCEPT) for name, peer in peers.items()
    }


def networks(recipe: str, arguments: Namespace) -> str:
    """Whose word counts in a recipe: the models, for people."""
    if recipe in DETECTOR_RECIPES:
        return str(arguments.detector) + ("" if recipe == ALONE else f", {arguments.model}")
    return NETWORKS.get(recipe, str(arguments.model))


def _recognizer(recipe: str, arguments: Namespace, infer: InferSettings) -> Recognizer:
    settings = DigitsSettings(model=str(arguments.model), threshold=arguments.threshold)
    if recipe == OURS:
        return build(settings, lambda name: load_digits(name, infer))
    if recipe in DETECTOR_RECIPES:
        return detector_recipe(recipe, str(arguments.detector), settings.model, settings.threshold, infer)
    network = load_digits(NETWORKS.get(recipe, settings.model), infer)
    threshold = acceptance(network) if settings.threshold is None else settings.threshold
    return ContourRecipe(RECIPES[recipe], network, threshold)


def _infer(threads: int) -> InferSettings:
    limits = InferSettings.model_json_schema()["properties"]["threads"]
    least, most = limits["minimum"], limits["maximum"]
    if not least <= threads <= most:
        raise UsageError(f"--threads {threads} is impossible", f"allowed: {least} to {most}")
    return InferSettings(threads=threads)
