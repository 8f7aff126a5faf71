"""Whether a look at a face is good enough to say whose it is, and how good: size, sharpness, pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.recognize.faces.align import aligned, similarity
from edge.recognize.faces.settings import FacesSettings
from edge.records import Image, Points

FLAT = np.array([(-0.5, 0), (0.5, 0), (0, 0.6), (-0.414, 1.155), (0.414, 1.155)], np.float32)
"""Eye, eye, nose, mouth, mouth seen from the front, in distances between the eyes (the mean of ArcFace's
points)."""

DEPTH = np.array([0, 0, 0.45, 0.05, 0.05], np.float32)
"""How far each lies before the eyes, the same unit: the tip of a nose some 28 mm where eyes are 63 mm
apart."""

SIDE = 48
"""Pixels of the cut in which sharpness is judged: its eyes are about as far apart as those of the smallest
face that can be told, so that near and far faces are judged alike."""

PLAIN = np.asarray(FLAT * (SIDE * 0.315) + (SIDE / 2, SIDE * 0.46), np.float32)
"""Where the five points lie in that cut."""

SHARPEST = 0.25
"""Share of detail in the contrast of a sharp face."""

ROUNDING = 1.25 / 12
"""What rounding to whole levels adds to the variance of the Laplacian."""

GOOD_EYES = 3.0
"""Multiple of the smallest distance between the eyes from which more pixels add nothing."""

Code = Literal["too-small", "too-blurred", "turned-away"]


@dataclass(frozen=True, slots=True)
class Quality:
    """Of one look. ``eyes``: pixels between the eyes, or what is as much between eyes and mouth where the
    head is turned; ``height``: pixels of the face, brow to chin; ``sharpness``: 0..1; ``yaw``, ``pitch``:
    degrees, positive where it looks to the right or downwards in the picture; ``total``: 0..1, the weight of
    the look."""

    eyes: float
    height: float
    sharpness: float
    yaw: float
    pitch: float
    total: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a look is not good enough."""

    code: Code
    words: str


class Gates:
    """What the settings ask of a look. Owned by one thread: it reuses its buffer."""

    def __init__(self, settings: FacesSettings) -> None:
        self._settings = settings
        self._chip = np.zeros((SIDE, SIDE, 3), np.uint8)

    def measure(self, image: Image, landmarks: Points) -> Quality:
        """How good a look is: ``image`` (H, W, 3) BGR, ``landmarks`` (5, 2) in its pixels. Raises
        ``ValueError`` for landmarks that are no face."""
        settings = self._settings
        eyes = 1 / float(np.hypot(*similarity(landmarks, FLAT)[:, 0]))
        yaw, pitch = pose(landmarks)
        sharp = sharpness(aligned(image, landmarks, PLAIN, (SIDE, SIDE), self._chip))
        size = min((eyes / settings.min_eyes) / GOOD_EYES, 1.0)
        facing = max(np.cos(np.radians(yaw)), 0.0) * max(np.cos(np.radians(pitch)), 0.0)
        total = float((size * min(sharp, 1.0) * facing**2) ** 0.5)
        return Quality(eyes, 2.3 * eyes, sharp, yaw, pitch, total)

    def refusal(self, quality: Quality) -> Reason | None:
        """Why a look is not good enough, None where it is."""
        settings = self._settings
        if quality.eyes < settings.min_eyes:
            words = f"too small: {quality.eyes:.0f} pixels between the eyes, {settings.min_eyes:g} are needed"
            return Reason("too-small", words)
        for angle, most, ways in (
            (quality.yaw, settings.max_yaw, "sideways"),
            (quality.pitch, settings.max_pitch, "up or down"),
        ):
            if abs(angle) > most:
                words = f"turned away: {abs(angle):.0f} degrees {ways}, at most {most:g} are allowed"
                return Reason("turned-away", words)
        if quality.sharpness < settings.min_sharpness:
            words = f"too blurred: sharpness {quality.sharpness:.2f}, {settings.min_sharpness:g} is needed"
            return Reason("too-blurred", words)
        return None


def pose(landmarks: Points) -> tuple[float, float]:
    """Yaw and pitch in degrees of a head with these ``landmarks`` (5, 2).

    Scaled orthographic projection, solved by least squares: the first step of DeMenthon and Davis 1995,
    "Model-based object pose in 25 lines of code".
    """
    points = np.asarray(landmarks, np.float64)
    across = points[1] - points[0] + points[4] - points[3]
    upright = np.array([[across[0], across[1]], [-across[1], across[0]]]) / max(np.hypot(*across), 1e-9)
    found = ((points - points.mean(axis=0)) @ upright.T).T @ _SOLVE
    yaw = np.degrees(np.arctan2(found[0, 2], found[0, 0]))
    pitch = np.degrees(np.arctan2(found[1, 2], found[1, 1]))
    return float(yaw), float(pitch)


def sharpness(chip: Image) -> float:
    """How much of a face's contrast is fine detail, 0 (blurred) to 1 (sharp); light and contrast do not
    count.

    ``chip`` (SIDE, SIDE, 3) BGR. The energy of the Laplacian (Pertuz et al. 2013, "Analysis of focus measure
    operators", LAP4's kin) over that of the picture itself.
    """
    grey = cv2.cvtColor(chip, cv2.COLOR_BGR2GRAY).astype(np.float32)
    detail = cv2.Laplacian(grey, cv2.CV_32F, ksize=1, scale=0.25)
    contrast = float(grey.std())
    fine = max(float(detail.var()) - ROUNDING, 0.0) ** 0.5
    return min(fine / (contrast * SHARPEST), 1.0) if contrast > 1 else 0.0


def _solver() -> NDArray[np.float64]:
    """(5, 3): what turns centred points into the two upper rows of a scaled rotation."""
    shape = np.column_stack([FLAT, DEPTH]).astype(np.float64)
    return np.linalg.pinv((shape - shape.mean(axis=0)).T)


_SOLVE = _solver()
