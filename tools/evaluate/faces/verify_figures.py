"""From similarities of pairs to figures: accuracy, the ROC curve, what is accepted at a rate of false
accepts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

RATES = {"1e-2": 1e-2, "1e-3": 1e-3}


def best_threshold(alike: Floats, same: Flags) -> tuple[float, float]:
    """The threshold that judges most of the pairs (N,) rightly, and how many that is, 0..1.

    A pair is one person's where its similarity reaches the threshold, which lies half-way between two pairs.
    """
    order = np.argsort(-alike, kind="stable")
    falling, right = alike[order].astype(np.float64), same[order]
    # With the first k accepted: the same among them, and the different among the rest.
    judged = (
        np.concatenate([[0], np.cumsum(right)]) + (~right).sum() - np.concatenate([[0], np.cumsum(~right)])
    )
    possible = np.concatenate([[True], falling[1:] < falling[:-1], [True]])
    first = int(np.where(possible, judged, -1).argmax())
    ends = np.concatenate([[falling[0] + 1], falling, [falling[-1] - 1]])
    return float(ends[first] + ends[first + 1]) / 2, float(judged[first] / len(alike))


def folded_accuracy(alike: Floats, same: Flags, fold: NDArray[np.intp]) -> tuple[float, float]:
    """LFW's protocol (Huang et al. 2007): each fold judged at the threshold that is best on the nine others.

    Gives the mean of the accuracies and their standard error.
    """
    accuracies = []
    for one in np.unique(fold):
        threshold, _ = best_threshold(alike[fold != one], same[fold != one])
        accuracies.append(float(((alike >= threshold) == same)[fold == one].mean()))
    return float(np.mean(accuracies)), float(np.std(accuracies, ddof=1) / np.sqrt(len(accuracies)))


def threshold_at(impostors: Floats, rate: float) -> float:
    """The lowest threshold that at most this share of the pairs of different persons (N,) reaches."""
    falling = np.sort(impostors)[::-1]
    allowed = int(rate * len(falling) + 1e-9)
    return (
        float(np.nextafter(falling[allowed], np.float32(np.inf)))
        if allowed < len(falling)
        else float(falling[-1])
    )


def accepted_at(alike: Floats, same: Flags, rate: float) -> float:
    """Share of the pairs of one person that are accepted where at most ``rate`` of the others are."""
    return float((alike[same] >= threshold_at(alike[~same], rate)).mean())


def roc(alike: Floats, same: Flags) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true accepts, 0..1, at every threshold from the strictest on."""
    order = np.argsort(-alike, kind="stable")
    right = same[order]
    ends = np.concatenate([alike[order][1:] < alike[order][:-1], [True]])
    true, false = np.cumsum(right)[ends] / right.sum(), np.cumsum(~right)[ends] / (~right).sum()
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def area(alike: Floats, same: Flags) -> float:
    """Area under the ROC curve: how often a pair of one person is more alike than one of two."""
    false, true = roc(alike, same)
    return float(((true[1:] + true[:-1]) / 2 * np.diff(false)).sum())


def figures(
    alike: Floats, same: Flags, fold: NDArray[np.intp] | None, threshold: float | None
) -> dict[str, Any]:
    """What ``faces-verify`` prints of one model and one protocol: shares 0..1, thresholds as similarities."""
    found: dict[str, Any] = {}
    if threshold is not None:
        found["accuracy"] = float(((alike >= threshold) == same).mean())
        found["threshold"] = threshold
    elif fold is not None:
        found["accuracy"], found["standard_error"] = folded_accuracy(alike, same, fold)
        found["threshold"] = best_threshold(alike, same)[0]
    else:
        found["threshold"], found["accuracy"] = best_threshold(alike, same)
    return {
        **found,
        "tar_at_far": {name: accepted_at(alike, same, rate) for name, rate in RATES.items()},
        "auc": area(alike, same),
        "n": len(alike),
    }
