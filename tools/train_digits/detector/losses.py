"""What the network should say at each place, and how wrong it is.

A place is taught a digit where it lies near the digit's middle on a map whose stride fits the digit's size.
Its score should be how well its box lies (Li et al. 2020, "Generalized focal loss": quality focal loss), its
box is judged by overlap (Rezatofighi et al. 2019, "Generalized intersection over union"), its class by cross
entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from edge.geometry import Boxes
from tools.evaluate.digit_detector import STRIDES, places
from tools.train_digits.detector.net import Said
from tools.train_faces.detector.losses import decoded

FITTING = ((0.0, 30.0), (20.0, 64.0), (46.0, 1e9))
"""Pixels, the longer side of a digit, that the maps of each stride are taught; digits between are on two."""

NEAR = 0.2
"""Share of a digit's sides from its middle within which places are taught it, and half a stride at least."""

SPARED = 0.3
"""The same on the maps that are taught other sizes: there it is not denied either."""

LEAST_QUALITY = 0.3
"""A place that is taught a digit should be this sure of it at least."""

BOXES, CLASSES = 2.0, 1.0
"""Weights of two of the losses."""


class Truth(NamedTuple):
    """What the L places of B views should say, of the F digits in all of them.

    ``taught`` (B, L): which digit, -1 none; ``spared`` (B, L): whether a place is left alone; ``boxes``
    (F, 4) x, y, w, h in pixels of the view; ``digits`` (F,) 0 to 9.
    """

    taught: Tensor
    spared: Tensor
    boxes: Tensor
    digits: Tensor

    def to(self, device: str) -> Truth:
        """The same elsewhere."""
        return Truth(*(part.to(device) for part in self))


def truth(views: Sequence[tuple[Boxes, NDArray[np.intp], NDArray[np.bool_]]], side: int) -> Truth:
    """Of the boxes (N, 4), digits (N,), and which count neither way (N,), of each square view."""
    firsts = np.cumsum([0, *(len(boxes) for boxes, _, _ in views)])
    found = [
        _assigned(boxes, ignore, side, int(first))
        for (boxes, _, ignore), first in zip(views, firsts, strict=False)
    ]
    return Truth(
        torch.from_numpy(np.stack([taught for taught, _ in found])),
        torch.from_numpy(np.stack([spared for _, spared in found])),
        torch.from_numpy(np.concatenate([boxes for boxes, _, _ in views])),
        torch.from_numpy(np.concatenate([digits for _, digits, _ in views]).astype(np.int64)),
    )


def _assigned(
    boxes: Boxes, ignore: NDArray[np.bool_], side: int, first: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Of one view, for all places in a row: the digit that each is taught, counted from ``first``, -1 for
    none, and whether it is left alone."""
    taught, spared = [], []
    for stride, (least, most) in zip(STRIDES, FITTING, strict=True):
        count = side // stride
        owner = np.full((count, count), -1, np.int64)
        alone = np.zeros((count, count), np.bool_)
        nearest = np.full((count, count), np.inf)
        for number, (box, out) in enumerate(zip(boxes.tolist(), ignore.tolist(), strict=True)):
            fits = not out and least <= max(box[2:]) < most
            share = NEAR if fits else 0.5 if out else SPARED
            columns, rows = (_range(box[k], box[k + 2], share, stride, count) for k in (0, 1))
            if not fits:
                alone[rows, columns] = True
                continue
            # Of several digits the one whose middle is nearest, as far as a digit is large.
            x, y = (
                np.abs((np.arange(part.start, part.stop) + 0.5) * stride - box[k] - box[k + 2] / 2)
                / max(box[k + 2], 1.0)
                for k, part in enumerate((columns, rows))
            )
            apart = np.maximum(x[None, :], y[:, None])
            closer = apart < nearest[rows, columns]
            owner[rows, columns][closer] = first + number
            nearest[rows, columns][closer] = apart[closer]
        taught.append(owner.ravel())
        spared.append((alone & (owner < 0)).ravel())
    return np.concatenate(taught), np.concatenate(spared)


def _range(start: float, length: float, share: float, stride: int, count: int) -> slice:
    """The places of a row whose middles lie within ``share`` of a side, or half a stride, of its middle."""
    middle, reach = start + length / 2, max(share * length, 0.51 * stride)
    low, high = (middle - reach) / stride - 0.5, (middle + reach) / stride - 0.5
    return slice(min(max(int(np.ceil(low)), 0), count), min(max(int(np.floor(high)) + 1, 0), count))


class Losses:
    """The losses for square views of one size."""

    def __init__(self, side: int, device: str) -> None:
        self._middles, self._strides = (torch.from_numpy(array).to(device) for array in places((side, side)))

    def __call__(self, said: Said, true: Truth) -> tuple[Tensor, Tensor, Tensor]:
        """Of the scores, the classes and the boxes; each a mean over the places that are taught a digit."""
        scores, classes, boxes = (part.float() for part in said)
        rows, at = (true.taught >= 0).nonzero(as_tuple=True)
        count = max(len(rows), 1)
        wanted = torch.zeros_like(scores[..., 0])
        box_loss = class_loss = boxes.sum() * 0
        if len(rows):
            digits = true.taught[rows, at]
            mine = decoded(boxes[rows, at], self._middles[at], self._strides[at][:, None])
            overlap, generalized = overlaps(mine, true.boxes[digits])
            wanted[rows, at] = overlap.detach().clamp(LEAST_QUALITY, 1)
            box_loss = (1 - generalized).mean()
            class_loss = functional.cross_entropy(classes[rows, at], true.digits[digits])
        error = functional.binary_cross_entropy_with_logits(scores[..., 0], wanted, reduction="none")
        weight = (wanted - scores[..., 0].sigmoid()).abs().square()
        score_loss = (error * weight).masked_fill(true.spared, 0).sum() / count
        return score_loss, CLASSES * class_loss, BOXES * box_loss


def overlaps(mine: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union of pairs of boxes (N, 4), and that less the share of the box around both that
    neither covers."""
    ends, other_ends = mine[:, :2] + mine[:, 2:], other[:, :2] + other[:, 2:]
    low, high = torch.maximum(mine[:, :2], other[:, :2]), torch.minimum(ends, other_ends)
    shared = (high - low).clamp(min=0).prod(1)
    union = (mine[:, 2:].prod(1) + other[:, 2:].prod(1) - shared).clamp(min=1e-6)
    around = torch.maximum(ends, other_ends) - torch.minimum(mine[:, :2], other[:, :2])
    whole = around.prod(1).clamp(min=1e-6)
    return shared / union, shared / union - (whole - union) / whole
