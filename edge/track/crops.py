"""How much a crop promises before anything has looked closer at it."""

from __future__ import annotations

import math

from edge.records import Detection, Points

_FULL = 100.0
"""Pixels of the longer side beyond which a larger crop shows no more: embedders take 112."""
_BARE = 0.3
"""What is left of the promise without landmarks: it cannot be aligned, or something is in front of it."""
_TURNED = 0.5
"""The nose so far beside the middle of the eyes, in distances between them, is a profile."""
_SIDEWAYS = 0.2
"""What is left of the promise of a profile."""


def promise(detection: Detection) -> float:
    """0..1, more for what is surely there, large, and turned to the camera.

    Known before the crop is aligned, so it sees neither blur nor light: it only orders what is looked at.
    """
    large = min(max(detection.box.w, detection.box.h) / _FULL, 1.0)
    facing = _BARE if detection.landmarks is None else frontality(detection.landmarks)
    return max(detection.score, 0.0) * max(large, 0.0) * facing


def frontality(landmarks: Points) -> float:
    """``_SIDEWAYS`` (a profile) to 1 (to the camera), by how far the nose stands from between the eyes.

    landmarks: (5, 2), image left to right: eye, eye, nose, mouth, mouth; tilting the head changes nothing.
    """
    if len(landmarks) < 3:
        return _BARE
    (ax, ay), (bx, by), (nx, ny) = landmarks[:3].tolist()
    dx, dy = bx - ax, by - ay
    apart = dx * dx + dy * dy
    if not 0 < apart < math.inf:
        return _SIDEWAYS
    beside = abs(((nx - (ax + bx) / 2) * dx + (ny - (ay + by) / 2) * dy) / apart)
    # A comparison with NaN is False: what is no number promises nothing.
    return max(1 - (1 - _SIDEWAYS) * beside / _TURNED, _SIDEWAYS) if beside < _TURNED else _SIDEWAYS
