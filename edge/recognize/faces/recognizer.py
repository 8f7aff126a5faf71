"""Faces in a frame: found by one network, told apart by another, named by whoever is enrolled."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.errors import ModelError
from edge.recognize.descriptor import LoadModel
from edge.recognize.faces.calibration import Calibration
from edge.recognize.faces.decision import Decision, Verdict
from edge.recognize.faces.detector import FaceDetector
from edge.recognize.faces.embedder import Embedder, FaceNetwork
from edge.recognize.faces.gallery import FILE, Gallery
from edge.recognize.faces.person import Limits, Person
from edge.recognize.faces.quality import Gates, Quality
from edge.recognize.faces.settings import FacesSettings
from edge.recognize.faces.sightings import Seen, Sightings
from edge.records import Box, Description, Detection, Frame, Image, Target

ALMOST = 0.08
"""Share of the way from the threshold to identity, from identity on, within which two embeddings are the
same."""

ODD_SCORE = 0.02
"""A look that belongs to its track with no more than this probability is odd."""

REFRESHED = 1.0
"""Seconds between two looks whether somebody else has changed the gallery."""

PICTURE_QUALITY = 90
"""Of the JPEG of a crop, where pictures are kept."""

_REFUSED = {"too-small": "too_small", "too-blurred": "blurred", "turned-away": "turned"}


def build(settings: FacesSettings, load_model: LoadModel, state: Path | None = None) -> FaceRecognizer:
    """The recognizer of these settings, with the gallery in the folder ``state``; None: one in memory.

    Raises ``ModelError`` where a model is none for faces.
    """
    detecting = load_model(f"{settings.detector}@{settings.detector_size}")
    network = load_model(settings.embedder)
    embedder = Embedder(network)
    assert isinstance(network, FaceNetwork)
    calibration = Calibration(network)
    identity = 1.0 if embedder.maker.distance == "cosine" else 0.0
    limits = Limits(
        settings.max_people,
        settings.max_embeddings,
        settings.max_denied,
        duplicate=identity - ALMOST * (identity - calibration.threshold(settings.strangers)),
    )
    gallery = Gallery.open(None if state is None else state / FILE, embedder.maker, limits)
    threshold = settings.detector_threshold
    if threshold is None:
        threshold = detecting.thresholds.get("accept")
    if threshold is None:
        raise ModelError(
            f"the card of the model {settings.detector} has no threshold named accept",
            "give it one, or set faces.detector_threshold",
        )
    detector = FaceDetector(detecting, threshold=threshold, most=settings.max_faces)
    return FaceRecognizer(settings, detector, embedder, calibration, gallery)


@dataclass(frozen=True, slots=True)
class Look:
    """A closer look: how good it was, and what it led to. ``verdict`` is None where it was not good enough,
    and ``words`` tell why."""

    quality: Quality | None
    verdict: Verdict | None = None
    words: str | None = None


class FaceRecognizer:
    """Finds faces, and names them. Owned by one thread, but for ``counters``, ``remarks`` and ``labels``."""

    def __init__(
        self,
        settings: FacesSettings,
        detector: FaceDetector,
        embedder: Embedder,
        calibration: Calibration,
        gallery: Gallery,
    ) -> None:
        self.settings = settings
        self.detector = detector
        self.embedder = embedder
        self.calibration = calibration
        self.gallery = gallery
        self.gates = Gates(settings)
        self._decision = Decision(settings, calibration)
        self._sightings = Sightings(embedder.maker.distance, calibration.similarity(ODD_SCORE))
        self._cost = 0.0
        self._refreshed = -np.inf
        self._counts = dict.fromkeys(
            ("faces", "dropped_faces", "too_small", "blurred", "turned", "embedded", "postponed", "no_faces"),
            0,
        )

    @property
    def threshold(self) -> float:
        """Lowest score of a name, 0..1; may be set between two frames."""
        return self._decision.threshold

    @threshold.setter
    def threshold(self, score: float) -> None:
        self._decision.threshold = score

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """The faces of a frame, surest first, in pixels of the full frame, none named yet."""
        left, top, width, height = frame.region or (0, 0, frame.image.shape[1], frame.image.shape[0])
        if not width or not height:
            return []
        found = self.detector.find(frame.image[top : top + height, left : left + width])
        self._counts["faces"] += len(found.boxes)
        corner = np.array([left, top], np.float32)
        return [
            Detection(Box(x + left, y + top, w, h), None, float(score), points + corner)
            for (x, y, w, h), score, points in zip(
                found.boxes.tolist(), found.scores, found.landmarks, strict=True
            )
        ]

    def describe(self, frame: Frame, targets: Sequence[Target], budget: float) -> Sequence[Description]:
        """Whose faces these are, in the order of ``targets``, as many as fit into ``budget`` seconds.

        One is embedded in any case; looks that are not good enough cost next to nothing and count as done.
        Each answer is to all looks at its track so far.
        """
        begun = time.perf_counter()
        now = frame.captured / 1e9
        if now - self._refreshed >= REFRESHED or now < self._refreshed:
            self._refreshed = now
            self.gallery.refresh()
        told: list[Description] = []
        embedded = 0
        for at, target in enumerate(targets):
            if embedded and time.perf_counter() - begun + self._cost > budget:
                self._counts["postponed"] += len(targets) - at
                break
            look = self.look(frame.image, target, now)
            embedded += look.verdict is not None
            told.append(_description(target.track, look))
        return told

    def look(self, image: Image, target: Target, now: float) -> Look:
        """One closer look at ``target`` in ``image`` (H, W, 3) BGR, counted with those before; ``now``:
        monotonic seconds."""
        if target.afresh:
            self._sightings.restart(target.track)
        try:
            if target.landmarks is None:
                raise ValueError("no landmarks")
            quality = self.gates.measure(image, target.landmarks)
        except ValueError as error:
            self._counts["no_faces"] += 1
            return Look(None, words=str(error))
        reason = self.gates.refusal(quality)
        if reason is not None:
            self._counts[_REFUSED[reason.code]] += 1
            return Look(quality, words=reason.words)
        begun = time.perf_counter()
        vector = self.embedder.embed(image, target.landmarks)
        picture = self._picture(image, target) if self.settings.keep_pictures else None
        seen = self._sightings.add(target.track, vector, quality.total, now, picture)
        index = self.gallery.index
        verdict = self._decision.decide(index.names, index.rank(seen.embedding), seen.resultant)
        self._counts["embedded"] += 1
        self._cost += 0.2 * (time.perf_counter() - begun - self._cost)
        return Look(quality, verdict)

    def seen(self, track: int) -> Seen | None:
        """What was seen of a track so far, None where no look at it was good enough."""
        return self._sightings.get(track)

    def people(self) -> tuple[Person, ...]:
        """Everybody who is enrolled, by name."""
        return self.gallery.people()

    def labels(self) -> tuple[str, ...]:
        """The names that it can tell."""
        return self.gallery.names

    def remarks(self) -> Sequence[str]:
        """What is not as it should be with the gallery."""
        return self.gallery.remarks()

    def counters(self) -> Mapping[str, int]:
        """``faces`` found, ``dropped_faces`` beyond ``max_faces``, places not looked at (``crowded_faces``);
        looks that were ``too_small``, ``blurred``, ``turned`` away, of what is no face (``no_faces``),
        ``embedded``, and ``postponed`` for lack of time; means ``restarted`` and tracks forgotten at a bound
        (``dropped_tracks``); those of the gallery."""
        return {
            **self._counts,
            "dropped_faces": self.detector.dropped,
            "crowded_faces": self.detector.crowded,
            "restarted": self._sightings.restarted,
            "dropped_tracks": self._sightings.dropped,
            **self.gallery.counters(),
        }

    def close(self) -> None:
        """The gallery's file is used no longer."""
        self.gallery.close()

    def _picture(self, image: Image, target: Target) -> bytes:
        assert target.landmarks is not None
        chip = self.embedder.chip(image, target.landmarks)
        _, content = cv2.imencode(".jpg", chip, [cv2.IMWRITE_JPEG_QUALITY, PICTURE_QUALITY])
        return content.tobytes()


def _description(track: int, look: Look) -> Description:
    verdict, quality = look.verdict, look.quality.total if look.quality else 0.0
    if verdict is None:
        return Description(track, None, 0.0, 0.0)
    extras = {} if verdict.lead is None else {"margin": verdict.lead}
    return Description(track, verdict.label, verdict.score, quality, extras)
