"""The detector: plain convolutions down to stride 32 and up again, with heads at strides 4, 8 and 16.

A feature pyramid (Lin et al. 2017, "Feature pyramid networks") whose places speak for themselves, without
anchors (Tian et al. 2019, "FCOS"). All sums are convolutions, additions, ReLU and bilinear enlarging, which
XNNPACK computes whole in int8.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tools.evaluate.digit_detector import STRIDES

STEM, FINE, MIDDLE, COARSE, NECK = 12, 24, 40, 64, 40
"""Channels at strides 2, 4, 8, 16 and 32, and of the maps on the way up at 8 and 16. With these the net has
211 thousand weights and takes 588 million multiply-adds at 640x480, most of them at strides 4 and 8."""

DIGITS = 10

MEAN, STD = 127.5, 127.5
"""Of a pixel, as the network takes it."""

RARE = 0.01
"""What an untaught head says of every place (Lin et al. 2017, "Focal loss", section 3.3)."""

Said = tuple[Tensor, Tensor, Tensor]
"""Logits (B, L, 1) of a digit being there, (B, L, 10) of which one, and boxes (B, L, 4), for the places
of all maps in a row."""


def _block(inputs: int, outputs: int, side: int = 3, *, stride: int = 1, relu: bool = True) -> nn.Module:
    layers = [
        nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


class _Residual(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = _block(width, width, relu=False)

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(maps + self.inner(maps))


class DigitDetectorNet(nn.Module):  # type: ignore[misc]
    """(B, 1, H, W) grey, normalised by MEAN and STD; H and W multiples of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(_block(1, STEM, stride=2), _block(STEM, FINE, stride=2), _Residual(FINE))
        self.middle = nn.Sequential(_block(FINE, MIDDLE, stride=2), _Residual(MIDDLE))
        self.coarse = nn.Sequential(_block(MIDDLE, COARSE, stride=2), _Residual(COARSE))
        self.around = nn.Sequential(_block(COARSE, COARSE, stride=2), _Residual(COARSE))
        widths = (FINE, NECK, NECK)
        self.sides = nn.ModuleList(
            _block(inputs, outputs, 1, relu=False)
            for inputs, outputs in zip((FINE, MIDDLE, COARSE), widths, strict=True)
        )
        self.ups = nn.ModuleList(
            _block(inputs, outputs, 1, relu=False)
            for inputs, outputs in zip((NECK, NECK, COARSE), widths, strict=True)
        )
        self.joined = nn.ModuleList(_block(width, width) for width in widths)
        self.scores = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in widths)
        self.classes = nn.ModuleList(nn.Conv2d(width, DIGITS, 1) for width in widths)
        self.boxes = nn.ModuleList(nn.Conv2d(width, 4, 1) for width in widths)
        for head in self.scores:
            nn.init.constant_(cast(Tensor, cast(nn.Conv2d, head).bias), float(np.log(RARE / (1 - RARE))))

    def forward(self, image: Tensor) -> Said:
        """Scores, classes and boxes of all places: map by map from the finest, row by row."""
        fine = self.fine(image)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        above = self.around(coarse)
        maps: list[Tensor] = []
        for level in reversed(range(len(STRIDES))):
            side = self.sides[level]((fine, middle, coarse)[level])
            above = self.joined[level](functional.relu(side + _as_large(self.ups[level](above), side)))
            maps.insert(0, above)
        scores, classes, boxes = (
            torch.cat([_places(head(some)) for head, some in zip(heads, maps, strict=True)], dim=1)
            for heads in (self.scores, self.classes, self.boxes)
        )
        return scores, classes, boxes


def _as_large(maps: Tensor, other: Tensor) -> Tensor:
    size = (int(other.shape[2]), int(other.shape[3]))
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def _places(maps: Tensor) -> Tensor:
    return maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1, maps.shape[1])


def normalised(images: NDArray[np.uint8]) -> Tensor:
    """(B, H, W) uint8 grey as the network takes them: (B, 1, H, W) float32."""
    values = torch.from_numpy(np.ascontiguousarray(images)).float()
    return values.sub_(MEAN).div_(STD)[:, None]
