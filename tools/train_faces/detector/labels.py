"""Where the faces of the pictures are: by annotators, by YuNet looking at several sizes, or by both."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError, InputError
from edge.geometry import iou_matrix
from edge.records import Image
from tools.train_faces.detector.material import ILC, ILC_PICTURES, POOLS, Faces, Pool, Writer
from tools.train_faces.detector.notes import Notes, ilc_notes, video_marks
from tools.train_faces.sources import Picture, pictures, texts

LEAST, SURE, ALONE = 0.25, 0.55, 0.75
"""Scores of YuNet: below the first nothing is there, between it and the second nobody knows, and a face that
an annotator has not drawn must have the third."""

DRAWN = 0.0375
"""Height, in longer sides of a picture, from which annotators have drawn every face: what only a doubtful
score calls one is none, hands above all."""

INSIDE = 0.6
"""Share of a doubtful box within a face from which it is a part of that."""

PERSON = 0.7
"""Score at which a picture of an animal or a thing has a person in it too; YuNet errs below."""

SAME = 0.3
"""Overlap from which two boxes mean one face."""

AGREED = 0.2
"""Mean distance of five points from five others, in distances of the eyes, up to which they mean the same."""

SMALLEST = 6.0
"""Pixels of height, in the picture as it is kept, below which nobody can tell a face."""

COPY = 26
"""Of 240 bits of a fingerprint, how many may differ between copies of a picture."""


class Labeller:
    """YuNet (Wu et al. 2023; Apache-2.0) through OpenCV, looking at a picture at several sizes."""

    def __init__(self, model: Path) -> None:
        if not model.is_file():
            raise ConfigError(
                f"no face detector in {model}", "give --detector yunet….onnx (Apache-2.0 or MIT)"
            )
        self._net = cv2.FaceDetectorYN.create(str(model), "", (320, 320), LEAST, 0.3, 5000)

    def look(self, image: Image, sides: tuple[int, ...], *, tight: bool) -> NDArray[np.float32]:
        """Rows (N, 15) of box, five points and score, surest first, one for each face.

        ``sides``: longer sides at which it looks; a ``tight`` picture gets room around it.
        """
        rows = [self._once(image, side, side // 4 if tight else 0) for side in sides]
        found = np.concatenate(rows)
        found = found[np.argsort(-found[:, 14], kind="stable")]
        kept: list[int] = []
        overlaps = iou_matrix(found[:, :4], found[:, :4])
        for place in range(len(found)):
            if not kept or overlaps[place, kept].max() < SAME:
                kept.append(place)
        return np.asarray(found[kept], np.float32)

    def _once(self, image: Image, side: int, border: int) -> NDArray[np.float32]:
        scale = side / max(image.shape[:2])
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)
        if border:
            small = cv2.copyMakeBorder(small, *(border,) * 4, cv2.BORDER_REPLICATE)
        self._net.setInputSize((small.shape[1], small.shape[0]))
        found = self._net.detect(small)[1]
        rows = np.array(found if found is not None else np.zeros((0, 15)), np.float32)
        rows[:, [0, 1, *range(4, 14)]] -= border
        rows[:, :14] /= scale
        return np.asarray(rows, np.float32)


def label(
    repositories: Path,
    lists: Path,
    labeller: Labeller,
    *,
    cache: Path,
    tell: Callable[[str, int, int], None],
    pools: tuple[Pool, ...] = POOLS,
) -> int:
    """Fills the cache with the pools that it lacks; gives how many pictures. A pool without any is left out.

    ``tell``: a pool, how many of its pictures have been looked at, and how many there are.

    Raises ConfigError where not one source is in ``repositories``, InputError without the lists of who may be
    learnt from.
    """
    present = [pool for pool in pools if (repositories / pool.source.repository.replace("/", "+")).is_dir()]
    if not present:
        # Says which ones there could be.
        next(pictures(repositories, lists, lambda *_: None, [pool.source for pool in pools]))
    forbidden = _forbidden(repositories, lists)
    notes, marks = ilc_notes(repositories), video_marks(repositories)
    made = 0
    for pool in present:
        if (cache / f"{pool.name}.npz").exists():
            continue
        writer = Writer(cache, pool)
        for number, (picture, count) in enumerate(_some(repositories, lists, pool), start=1):
            image = _kept(picture.image, pool.side)
            faces = _labelled(labeller, picture, pool, notes)
            if faces is not None and pool.name == "video":
                faces = marked(faces, marks.get(PurePosixPath(picture.name).name))
            if faces is not None and (pool.source.repository == ILC or not _alike(image, forbidden)):
                faces = without_parts(faces).scaled(image.shape[1] / picture.image.shape[1])
                faces.ignore[:] |= faces.boxes[:, 3] < SMALLEST
                writer.add(image, faces)
            tell(pool.name, number, count)
        writer.close()
        made += len(writer)
    return made


def _labelled(labeller: Labeller, picture: Picture, pool: Pool, notes: Notes) -> Faces | None:
    """The faces of a picture, in its own pixels; None where it would teach what is wrong."""
    seen = labeller.look(picture.image, pool.looks, tight=pool.kind == "cut")
    if pool.kind == "none":
        return None if len(seen) and seen[:, 14].max() >= PERSON else Faces.none()
    known = notes.get(PurePosixPath(picture.name).stem) if pool.name == "ilc" else None
    faces = told(seen, known, DRAWN * max(picture.image.shape[:2]))
    # A face that YuNet does not see would teach that there is none.
    return None if pool.kind == "cut" and faces.ignore.all() else faces


def marked(faces: Faces, points: NDArray[np.float32] | None) -> Faces:
    """The same with an annotator's ``points`` (5, 2) for the face whose own are much the same.

    Where none is, the annotator was wrong: in three of ten pictures of videos the points lie beside the face.
    """
    if points is not None and len(faces):
        eyes = max(float(np.linalg.norm(points[1] - points[0])), 1.0)
        apart = np.linalg.norm(faces.points - points, axis=2).mean(axis=1) / eyes
        best = int(np.nanargmin(apart))
        if apart[best] <= AGREED:
            faces.points[best] = points
            faces.ignore[best] = False
    return faces


def without_parts(faces: Faces) -> Faces:
    """The same without the doubtful boxes that lie in a face: an eye, or a mask with a nose, is none."""
    sure = faces.boxes[~faces.ignore]
    low = np.maximum(faces.boxes[:, None, :2], sure[None, :, :2])
    high = np.minimum(
        faces.boxes[:, None, :2] + faces.boxes[:, None, 2:], sure[None, :, :2] + sure[None, :, 2:]
    )
    within = (
        np.clip(high - low, 0, None).prod(axis=2) / np.maximum(faces.boxes[:, 2:].prod(axis=1), 1e-6)[:, None]
    )
    smaller = faces.boxes[:, 2:].prod(axis=1)[:, None] < 0.5 * sure[:, 2:].prod(axis=1)[None]
    part = faces.ignore & ((within > INSIDE) & smaller).any(axis=1)
    return Faces(faces.boxes[~part], faces.points[~part], faces.masked[~part], faces.ignore[~part])


def told(
    rows: NDArray[np.float32],
    known: tuple[NDArray[np.float32], NDArray[np.bool_]] | None,
    complete: float = np.inf,
) -> Faces:
    """The faces of one picture: what the labeller saw, ``rows`` (N, 15), and what an annotator drew.

    ``complete``: pixels of height from which the annotator has drawn all. A face that both know has the
    labeller's box and points, so that all boxes are of one taste.
    """
    boxes, points, scores = rows[:, :4].copy(), rows[:, 4:14].reshape(-1, 5, 2).copy(), rows[:, 14]
    masked = np.zeros(len(rows), np.bool_)
    if known is None:
        return Faces(boxes, points, masked, scores < SURE)
    drawn, with_mask = known
    ignore = scores < ALONE
    overlaps = iou_matrix(drawn, boxes)
    alone = []
    for number in range(len(drawn)):
        best = int(overlaps[number].argmax()) if len(rows) else -1
        if best >= 0 and overlaps[number, best] >= SAME:
            ignore[best], masked[best] = False, with_mask[number]
            overlaps[:, best] = 0
        else:
            alone.append(number)
    nothing = np.full((len(alone), 5, 2), np.nan, np.float32)
    kept = ~(ignore & (scores < SURE) & (boxes[:, 3] >= complete))
    return Faces(
        np.concatenate([boxes[kept], drawn[alone]]),
        np.concatenate([points[kept], nothing]),
        np.concatenate([masked[kept], with_mask[alone]]),
        np.concatenate([ignore[kept], np.zeros(len(alone), np.bool_)]),
    )


def _some(repositories: Path, lists: Path, pool: Pool) -> Iterator[tuple[Picture, int]]:
    """The pictures of a pool, evenly chosen where there are more than it wants, and how many there are."""
    counted: list[int] = []
    found = pictures(repositories, lists, lambda _, count: counted.append(count), [pool.source])
    for number, picture in enumerate(found):
        step = max(counted[0] / pool.most, 1.0)
        if int(number / step) != int((number - 1) / step) and not set(
            PurePosixPath(picture.name).parts
        ) & set(pool.without):
            yield picture, min(counted[0], pool.most)


def _kept(image: Image, side: int) -> Image:
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _fingerprint(image: Image) -> NDArray[np.uint8]:
    """240 bits, where it is brighter than to the left: nearly the same for copies in other sizes."""
    grey = cv2.cvtColor(cv2.resize(image, (17, 16), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    return np.packbits(grey[1:, 1:] > grey[1:, :-1])


def _alike(image: Image, others: NDArray[np.uint8]) -> bool:
    """Whether ``image`` is a copy of one of the pictures with these fingerprints (N, 30)."""
    if not len(others):
        return False
    apart = np.unpackbits(_fingerprint(image)[None] ^ others, axis=1).sum(axis=1)
    return bool(apart.min() <= COPY)


def _forbidden(repositories: Path, lists: Path) -> NDArray[np.uint8]:
    """Fingerprints of test pictures and those that testers keep: other collections may hold them too."""
    file = lists / "detect" / "ilc_train_list.json"
    try:
        allowed = set(json.loads(file.read_text("utf-8"))["train"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file} cannot be read ({error})",
            "it says what may be learnt from: give the folder of the face data",
        ) from None
    contents = [
        content
        for name, content in texts(repositories, ILC, ILC_PICTURES, "")
        if PurePosixPath(name).name not in allowed
    ]
    for tar in (lists / "detect" / "dev.tar", lists / "detect" / "negatives_dev.tar"):
        if tar.is_file():
            with tarfile.open(tar) as archive:
                streams = [archive.extractfile(member) for member in archive if member.isfile()]
                contents += [stream.read() for stream in streams if stream]
    images = [
        cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) for content in contents if content
    ]
    found = [_fingerprint(np.asarray(image, np.uint8)) for image in images if image is not None]
    return np.array(found, np.uint8).reshape(-1, 30)
