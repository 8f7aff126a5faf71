"""What annotators say of the faces in some pictures, as the repositories of those pictures keep it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from tools.train_faces.detector.material import ILC, ILC_NOTES, VIDEO
from tools.train_faces.sources import texts

Notes = Mapping[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]
"""By picture: boxes (N, 4) and whether each face is masked."""


Marks = Mapping[str, NDArray[np.float32]]
"""By picture: the five points (5, 2) of its face."""

FIVE = (range(36, 42), range(42, 48), (30,), (48,), (54,))
"""Of the 68 points of a face (Sagonas et al. 2013, "300 faces in-the-wild challenge"), counted from 0, those
whose means are the five."""


def ilc_notes(repositories: Path) -> Notes:
    """What annotators drew, by the picture's name without its ending."""
    notes = {}
    for name, content in texts(repositories, ILC, ILC_NOTES, ".xml"):
        try:
            root = ElementTree.fromstring(content)  # noqa: S314 - pictures that a person chose to learn from
            objects = [(thing.findtext("name") or "", thing.find("bndbox")) for thing in root.iter("object")]
            rows = [
                [float(box.findtext(key) or 0) for key in ("xmin", "ymin", "xmax", "ymax")]
                for _, box in objects
                if box is not None
            ]
        except (ElementTree.ParseError, ValueError):
            continue
        corners = np.array(rows, np.float32).reshape(-1, 4)
        boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
        masked = np.array([kind.startswith("with_") for kind, box in objects if box is not None], np.bool_)
        notes[PurePosixPath(name).stem] = (boxes, masked)
    return notes


def video_marks(repositories: Path) -> Marks:
    """What annotators marked in the pictures of videos, by the picture's name."""
    marks = {}
    for _, content in texts(repositories, VIDEO, "data", ".csv"):
        for row in csv.reader(content.decode("utf-8", "replace").splitlines()):
            try:
                points = np.array(row[1:], np.float32).reshape(68, 2)
            except ValueError:  # the first line, or a damaged one
                continue
            if np.isfinite(points).all():
                marks[row[0]] = np.stack([points[list(which)].mean(axis=0) for which in FIVE])
    return marks
