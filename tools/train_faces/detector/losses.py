"""What the network should say at each place, and how wrong it is.

A place is taught a face where it lies near the face's middle on a map whose stride fits the face's size. Its
score should be how well its box lies (Li et al. 2020, "Generalized focal loss": quality focal loss), its box
is judged by overlap and distance (Zheng et al. 2020, "Distance-IoU loss"), its points in shares of the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from edge.recognize.faces.detector import STRIDES
from tools.train_faces.detector.material import Faces
from tools.train_faces.detector.net import Said

MOST = 64
"""Faces of a view that are learnt at once; the smallest beyond are ignored."""

FITTING = ((0.0, 40.0), (28.0, 128.0), (80.0, 1e9))
"""Pixels, the root of a face's area, that the maps of each stride are taught; faces between are on two."""

NEAR = 0.22
"""Share of a face's size from its middle within which places are taught it, and half a stride at least."""

LEAST_QUALITY = 0.3
"""A place that is taught a face should be this sure of it at least."""

BOXES, POINTS, SMOOTH = 2.0, 14.0, 0.02
"""Weights of two of the losses, and where the points' loss turns from square to straight."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The faces of B views. ``boxes`` (B, M, 4) x, y, w, h; ``points`` (B, M, 10); ``state`` (B, M) is 1: a
    face, 0: one that counts neither way, -1: nothing."""

    boxes: Tensor
    points: Tensor
    state: Tensor

    def to(self, device: str) -> Truth:
        """The same elsewhere."""
        return Truth(self.boxes.to(device), self.points.to(device), self.state.to(device))


def truth(views: Sequence[Faces]) -> Truth:
    """The faces of a batch, as tensors."""
    most = min(max(len(faces) for faces in views) or 1, MOST)
    boxes = np.zeros((len(views), most, 4), np.float32)
    points = np.full((len(views), most, 10), np.nan, np.float32)
    state = np.full((len(views), most), -1, np.float32)
    for row, faces in enumerate(views):
        order = np.argsort(-faces.boxes[:, 3])[:MOST]
        boxes[row, : len(order)] = faces.boxes[order]
        points[row, : len(order)] = faces.points[order].reshape(-1, 10)
        state[row, : len(order)] = 1 - faces.ignore[order]
    return Truth(*(torch.from_numpy(array) for array in (boxes, points, state)))


class Losses:
    """The losses for inputs of one size, whose places are known."""

    def __init__(self, middles: NDArray[np.float32], strides: NDArray[np.float32], device: str) -> None:
        self._middles = torch.from_numpy(middles).to(device)
        self._strides = torch.from_numpy(strides).to(device)
        fits = np.array([FITTING[STRIDES.index(int(stride))] for stride in strides], np.float32)
        self._fits = torch.from_numpy(fits).to(device)

    def __call__(self, said: Said, true: Truth) -> tuple[Tensor, Tensor, Tensor]:
        """Of the scores, the boxes and the points; each a mean over the places that are taught a face."""
        scores, boxes, points = (part.float() for part in said)
        taught, spared = self._assigned(true)
        rows, at = (taught >= 0).nonzero(as_tuple=True)
        count = max(len(rows), 1)
        wanted = torch.zeros_like(scores[..., 0])
        box_loss = points_loss = boxes.sum() * 0
        if len(rows):
            faces = taught[rows, at]
            middles, strides = self._middles[at], self._strides[at][:, None]
            mine = decoded(boxes[rows, at], middles, strides)
            true_boxes = true.boxes[rows, faces]
            overlap, distance = _overlap(mine, true_boxes)
            wanted[rows, at] = overlap.detach().clamp(LEAST_QUALITY, 1)
            box_loss = (1 - overlap + distance).sum() / count
            known = ~true.points[rows, faces].isnan().any(1)
            size = true_boxes[known, 2:].prod(1).sqrt()[:, None].clamp(min=4)
            where = middles[known].repeat(1, 5) + points[rows, at][known] * strides[known]
            errors = (where - true.points[rows, faces][known]) / size
            still = torch.zeros_like(errors)
            points_loss = functional.smooth_l1_loss(errors, still, beta=SMOOTH, reduction="sum") / (
                10 * count
            )
        return self._sureness(scores[..., 0], wanted, spared) / count, BOXES * box_loss, POINTS * points_loss

    def _assigned(self, true: Truth) -> tuple[Tensor, Tensor]:
        """(B, L): which face each place is taught, -1 none; and whether it is left alone."""
        views, numbers = (true.state >= 0).nonzero(as_tuple=True)
        boxes, real = true.boxes[views, numbers], (true.state[views, numbers] == 1)[:, None]
        wide, tall = boxes[:, 2:3], boxes[:, 3:4]
        # Each (F, L), of the F faces of all views; x and y apart, which is several times as fast.
        across = (self._middles[None, :, 0] - boxes[:, 0:1] - wide / 2).abs()
        down = (self._middles[None, :, 1] - boxes[:, 1:2] - tall / 2).abs()
        sides = (wide * tall).sqrt()
        least = 0.51 * self._strides
        hit = (across <= torch.maximum(NEAR * wide, least)) & (down <= torch.maximum(NEAR * tall, least))
        hit &= (sides >= self._fits[:, 0]) & (sides < self._fits[:, 1]) & real
        # Of several faces the one whose middle is nearest, as far as a face is large.
        distance = torch.maximum(across / wide.clamp(min=1), down / tall.clamp(min=1))
        distance = distance.masked_fill(~hit, torch.inf)
        half = 0.5 * self._strides
        within = (across <= torch.maximum(0.5 * wide, half)) & (down <= torch.maximum(0.5 * tall, half))
        # A face is not denied where it lies, on the maps that are taught other sizes.
        central = (across <= 0.35 * wide) & (down <= 0.35 * tall)
        spare = torch.where(real, central, within)
        shape = (len(true.state), len(self._strides))
        taught = torch.full(shape, -1, dtype=torch.long, device=boxes.device)
        spared = torch.zeros(shape, dtype=torch.bool, device=boxes.device)
        counts = (true.state >= 0).sum(1).tolist()
        parts = zip(distance.split(counts), spare.split(counts), numbers.split(counts), strict=True)
        for view, (far, left, which) in enumerate(parts):
            if len(which):
                best, at = far.min(0)
                taught[view] = torch.where(best.isfinite(), which[at], -1)
                spared[view] = left.any(0) & (taught[view] < 0)
        return taught, spared

    @staticmethod
    def _sureness(scores: Tensor, wanted: Tensor, spared: Tensor) -> Tensor:
        error = functional.binary_cross_entropy_with_logits(scores, wanted, reduction="none")
        weight = (wanted - scores.sigmoid()).abs().square()
        return (error * weight).masked_fill(spared, 0).sum()


def decoded(boxes: Tensor, middles: Tensor, strides: Tensor) -> Tensor:
    """What the network says (N, 4) as boxes x, y, w, h in pixels.

    It says the middle's place in strides from its own middle, and the logarithm of the sides in strides.
    """
    centres = middles + boxes[:, :2] * strides
    sides = boxes[:, 2:].clamp(-3, 5).exp() * strides
    return torch.cat([centres - sides / 2, sides], 1)


def _overlap(mine: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union of pairs (N, 4), and their middles' squared distance over the diagonal's."""
    low, high = torch.maximum(mine[:, :2], other[:, :2]), None
    ends, other_ends = mine[:, :2] + mine[:, 2:], other[:, :2] + other[:, 2:]
    high = torch.minimum(ends, other_ends)
    shared = (high - low).clamp(min=0).prod(1)
    union = mine[:, 2:].prod(1) + other[:, 2:].prod(1) - shared
    around = torch.maximum(ends, other_ends) - torch.minimum(mine[:, :2], other[:, :2])
    apart = (mine[:, :2] + mine[:, 2:] / 2 - other[:, :2] - other[:, 2:] / 2).square().sum(1)
    return shared / union.clamp(min=1e-6), apart / around.square().sum(1).clamp(min=1e-6)
