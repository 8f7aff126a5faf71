"""The networks that can be judged on digits: those that name a grey square as one of the ten."""

from __future__ import annotations

from edge.errors import ModelError
from edge.infer.decode import DECODINGS, SCORES
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.digits.classify import Reader
from tools.evaluate.peers import ACCEPT


def load_digits(name: str, settings: InferSettings) -> Model:
    """The model of a name, or of a folder. Raises ``ModelError``, also where it names no digits."""
    return digits_checked(Model.load(name, settings))


def digits_checked(model: Model) -> Model:
    """``model`` itself. Raises ``ModelError`` where it takes no grey square, lacks one of the labels 0 to 9,
    or does not give a probability for each label."""
    try:
        Reader(model)
    except ModelError as error:
        raise ModelError(f"{model.folder}: {error.message}", error.hint) from None
    decoding = model.card.output.decoding
    if SCORES not in DECODINGS[decoding].per_label:
        allowed = ", ".join(name for name, some in DECODINGS.items() if SCORES in some.per_label)
        raise ModelError(
            f"{model.folder}: its output is read as {decoding}",
            f"one that names digits has one of: {allowed}",
        )
    return model


def acceptance(model: Model) -> float:
    """The score from which its digits count: the card's, else what is taken for nets without a card."""
    return model.thresholds.get("accept", ACCEPT)
