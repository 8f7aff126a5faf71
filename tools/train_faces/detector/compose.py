"""What the network is shown: views composed of the cached pictures, anew each time.

One picture at some scale, many cuts side by side (so that faces are small and dense), or nothing but what is
no face; then the light, the lens and the coding of a camera.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Image
from tools.train_faces.detector.lay import joined, matrix_of, moved, turned, visible, warped
from tools.train_faces.detector.material import Faces, Material
from tools.train_faces.detector.wear import masked_up, printed, seen_by_camera

WHOLE, SCENE, MOSAIC = 0.34, 0.14, 0.26
"""Shares of views: a picture about as large as the input is, one at any scale, many cuts; the rest shows no
face."""

FITS = (320, 240)
"""Pixels that a picture that is shown whole would, about, be fitted into, as the usual variant does."""

SMALL, LARGE = 9.0, 1.0
"""Heights of the faces that a view is made around: the least in pixels, the most in heights of the view."""

ENLARGED = 1.6
"""How many times its stored size a face is shown at most."""

GRIDS = ((1, 1), (1, 2), (2, 2), (2, 3), (3, 4), (4, 5), (5, 7))
GRID_CHANCES = (0.36, 0.14, 0.18, 0.13, 0.1, 0.06, 0.03)
BLANK_CHANCES = (0.5, 0.15, 0.15, 0.08, 0.08, 0.04)
"""Of the first grids, where no face is shown."""

CALM_GRIDS, SPARED = 3, 0.6
"""Of a calm composer: how many of the grids, and the share of views that no camera spoils."""

OFTEN = {"ilc": 1.0, "crowds": 0.4, "celebrities": 0.3, "scenes": 0.08}
"""How often a picture is taken from these pools where one is shown by itself; cuts come from all."""

MARKED = 3.0
"""How much more often than others of their number cuts are taken whose points a person has marked."""

PRINTED = 0.15
"""Share of the views without a face that are drawn: surfaces, pages, patterns."""

FULL = 0.85
"""Share of pictures that are moved so that they fill the view, as far as they are large enough."""

MASKED = 0.2
"""Share of cut faces that get a mask."""


Sight = tuple[Material, NDArray[np.float64]]
"""Pictures, and the share of each of them in what is shown."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """``image`` (h, w, 3) BGR with its faces. ``blank``: the pictures without a face that it is made of,
    where it shows none."""

    image: Image
    faces: Faces
    blank: tuple[int, ...] = ()


class Composer:
    """Makes views of ``size`` (width, height).

    ``hardness``: how often each picture without a face is shown; who learns raises it where the network errs.
    ``calm``: pictures as they are more often, and fewer cuts side by side, which is for the end of a stage.
    """

    def __init__(self, materials: Sequence[Material], size: tuple[int, int], seed: Sequence[int]) -> None:
        self._size = size
        self._rng = np.random.default_rng(list(seed))
        some = [material for material in materials if len(material)]
        self._wild = _sights([one for one in some if one.pool.kind == "wild"])
        self._cuts = _sights(
            [one for one in some if one.pool.kind == "cut" or one.pool.name == "celebrities"]
        )
        self._cuts = self._cuts or self._wild
        self._wild = self._wild or self._cuts
        self._blank = [(one, place) for one in some if one.pool.kind == "none" for place in range(len(one))]
        chances = np.array([OFTEN.get(one.pool.name, 0.1) for one, _ in self._wild])
        self._chances = chances / max(chances.sum(), 1e-9)
        sizes = np.array([len(one) for one, _ in self._cuts], np.float64)
        shares = np.sqrt(sizes) * [MARKED if one.pool.name == "video" else 1.0 for one, _ in self._cuts]
        self._shares = shares / max(shares.sum(), 1e-9)
        self.hardness = np.full(len(self._blank), 0.5)
        self.calm = False

    def view(self) -> View:
        """The next one."""
        kind = self._rng.random()
        if not self._wild or kind >= WHOLE + SCENE + MOSAIC:
            view = self._without()
        elif kind < WHOLE + SCENE:
            view = self._scene(whole=kind < WHOLE)
        else:
            view = self._mosaic()
        if self.calm and self._rng.random() < SPARED:
            return view
        return View(seen_by_camera(self._rng, view.image), view.faces, view.blank)

    def _scene(self, *, whole: bool) -> View:
        """One picture, or several beside each other where it would leave most of the view empty."""
        rng = self._rng
        material, place, chosen = self._wild_face()
        tall, sides = float(material.faces[place].boxes[chosen, 3]), material.sizes[place]
        if whole:
            fits = min(FITS[0] / sides[1], FITS[1] / sides[0])
            scale = fits * float(np.exp(rng.normal(0, 0.3)))
        else:
            scale = _around(rng, tall, SMALL, LARGE * self._size[1])
        rows, columns = (
            int(np.clip(view / (side * scale) + 0.3, 1, 6))
            for view, side in zip(self._size[::-1], sides, strict=True)
        )

        def cell(size: tuple[int, int]) -> View:
            one, at, face = (material, place, chosen) if rows * columns == 1 else self._wild_face()
            by = scale if rows * columns == 1 else min(tall * scale / one.faces[at].boxes[face, 3], ENLARGED)
            return self._placed(one.picture(at), one.faces[at], face, by, size, masks=0.0)

        return self._grid(rows, columns, cell)

    def _wild_face(self) -> tuple[Material, int, int]:
        """A picture with certain faces, by place, and one of those."""
        material, shares = self._wild[self._rng.choice(len(self._wild), p=self._chances)]
        place = int(self._rng.choice(len(shares), p=shares))
        return material, place, int(self._rng.choice(np.flatnonzero(~material.faces[place].ignore)))

    def _mosaic(self) -> View:
        most = CALM_GRIDS if self.calm else len(GRIDS)
        chances = np.array(GRID_CHANCES[:most])
        rows, columns = GRIDS[self._rng.choice(most, p=chances / chances.sum())]
        return self._grid(rows, columns, self._cell)

    def _grid(self, rows: int, columns: int, cell: Callable[[tuple[int, int]], View]) -> View:
        width, height = self._size
        image = np.empty((height, width, 3), np.uint8)
        parts = []
        xs, ys = (np.linspace(0, side, n + 1).astype(int) for side, n in ((width, columns), (height, rows)))
        for row in range(rows):
            for column in range(columns):
                made = cell((int(xs[column + 1] - xs[column]), int(ys[row + 1] - ys[row])))
                image[ys[row] : ys[row + 1], xs[column] : xs[column + 1]] = made.image
                parts.append(moved(made.faces, float(xs[column]), float(ys[row])))
        return View(image, joined(parts))

    def _cell(self, size: tuple[int, int]) -> View:
        rng = self._rng
        if self._blank and rng.random() < 0.12:
            return self._empty(size)
        material, shares = self._cuts[rng.choice(len(self._cuts), p=self._shares)]
        place = int(rng.choice(len(shares), p=shares))
        faces = material.faces[place]
        chosen = int(rng.choice(np.flatnonzero(~faces.ignore)))
        scale = _around(
            rng, faces.boxes[chosen, 3], max(0.3 * size[1], SMALL), max(0.95 * size[1], SMALL + 4)
        )
        return self._placed(material.picture(place), faces, chosen, scale, size, masks=MASKED)

    def _placed(
        self, image: Image, faces: Faces, chosen: int, scale: float, size: tuple[int, int], *, masks: float
    ) -> View:
        """``image`` turned and scaled into ``size`` so that the chosen face lies somewhere in it."""
        rng = self._rng
        angle = float(np.clip(rng.normal(0, 7), -20, 20)) if rng.random() < 0.7 else 0.0
        x, y, w, h = faces.boxes[chosen]
        room = np.minimum(np.array([w, h]) * scale / 2, np.array(size) / 2)
        target = room + rng.random(2) * (np.array(size) - 2 * room)
        mirror, middle = bool(rng.random() < 0.5), np.array([x + w / 2, y + h / 2])
        if rng.random() < FULL:
            sides = np.array(image.shape[1::-1]) * scale
            before = np.where([mirror, False], sides - middle * scale, middle * scale)
            gap = np.array(size) - sides
            target = np.clip(target - before, np.minimum(gap, 0), np.maximum(gap, 0)) + before
        matrix = matrix_of(angle, scale, mirror, middle.tolist(), target)
        view = warped(rng, image, matrix, scale, size)
        seen = visible(turned(faces, matrix, scale), size)
        for number in range(len(seen)):
            hidden = seen.ignore[number] or seen.masked[number] or np.isnan(seen.points[number]).any()
            if not hidden and seen.boxes[number, 3] >= 14 and rng.random() < masks:
                masked_up(rng, view, seen.points[number])
                seen.masked[number] = True
        return View(view, seen)

    def _without(self) -> View:
        rng = self._rng
        if not self._blank or rng.random() < PRINTED:
            return View(printed(rng, self._size), Faces.none())
        rows, columns = GRIDS[rng.choice(len(BLANK_CHANCES), p=BLANK_CHANCES)]
        size = (self._size[0] // columns, self._size[1] // rows)
        cells = [[self._empty(size) for _ in range(columns)] for _ in range(rows)]
        image = np.vstack([np.hstack([cell.image for cell in row]) for row in cells])
        blank = tuple(number for row in cells for cell in row for number in cell.blank)
        view = cv2.resize(image, self._size) if image.shape[1::-1] != self._size else image
        return View(np.asarray(view, np.uint8), Faces.none(), blank)

    def _empty(self, size: tuple[int, int]) -> View:
        rng = self._rng
        hardness = self.hardness.copy()  # who learns goes on changing it
        number = int(rng.choice(len(self._blank), p=hardness / hardness.sum()))
        material, place = self._blank[number]
        image = material.picture(place)
        height, width = image.shape[:2]
        fits = max(size[0] / width, size[1] / height)
        scale = fits * float(np.exp(rng.uniform(-0.8, 0.6)))
        angle = float(np.clip(rng.normal(0, 7), -20, 20))
        around = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.3, 0.7))
        matrix = matrix_of(angle, scale, bool(rng.random() < 0.5), around, np.array(size) / 2)
        return View(warped(rng, image, matrix, scale, size), Faces.none(), (number,))


def _sights(materials: Sequence[Material]) -> list[Sight]:
    """Each material with the places of its pictures that show a face for certain, and how often each is
    shown: twice as often with four times as many faces."""
    found = []
    for one in materials:
        counts = np.sqrt([int((~faces.ignore).sum()) for faces in one.faces])
        if counts.any():
            found.append((one, counts / counts.sum()))
    return found


def _around(rng: np.random.Generator, tall: float, low: float, high: float) -> float:
    """A scale at which a face ``tall`` pixels high gets a height between two others, each size as likely."""
    wanted = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return min(wanted / max(float(tall), 1.0), ENLARGED)
