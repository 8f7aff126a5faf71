"""What a similarity means: how sure it is, and how many strangers reach it. Measured, and kept on the
card."""

from __future__ import annotations

from math import exp, log

from edge.errors import ModelError
from edge.recognize.faces.embedder import FaceNetwork

RATES = {100: "one-in-100", 1000: "one-in-1000", 10000: "one-in-10000"}
"""Of how many strangers one is taken for a person, and what the card calls the similarity where that is
so."""

STEEPEST = 700.0
"""Beyond it ``exp`` has no number; a score there is 0 or 1 to the last bit anyway."""

_MEASURE = "measure them: python -m tools.evaluate faces-calibrate"


class Calibration:
    """Of one face embedder."""

    def __init__(self, network: FaceNetwork) -> None:
        """Raises ``ModelError`` where the card lacks what is needed."""
        found = {rate: network.thresholds[name] for rate, name in RATES.items() if name in network.thresholds}
        lacking = ", ".join(name for rate, name in RATES.items() if rate not in found)
        if lacking:
            raise ModelError(f"{network.name}: its card has no threshold named {lacking}", _MEASURE)
        if list(found.values()) != sorted(found.values()):
            raise ModelError(f"{network.name}: its card has rarer strangers at lower similarities", _MEASURE)
        if network.calibration is None:
            raise ModelError(f"{network.name}: its card has no calibration", _MEASURE)
        self._thresholds = found
        self._slope, self._offset = network.calibration
        self.common = network.common

    def score(self, similarity: float) -> float:
        """The probability, 0..1, that two faces with this similarity are one person's (Platt 1999)."""
        odds = self._slope * similarity + self._offset
        return 1 / (1 + exp(min(max(-odds, -STEEPEST), STEEPEST)))

    def similarity(self, score: float) -> float:
        """The similarity with this score: the other way round."""
        inside = min(max(score, 1e-12), 1 - 1e-12)
        return (log(inside / (1 - inside)) - self._offset) / self._slope

    def odds(self, lead: float) -> float:
        """What a lead in similarity is worth: natural logarithm of the ratio of the odds."""
        return self._slope * lead

    def threshold(self, strangers: int) -> float:
        """The similarity that one in so many strangers reaches; there are those of ``RATES``."""
        return self._thresholds[strangers]
