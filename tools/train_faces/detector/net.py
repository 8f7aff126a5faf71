"""The detector: a plain convolutional net with three heads at strides 8, 16 and 32, without anchors.

Layout after YuNet (Wu et al. 2023, "YuNet: a tiny millisecond-level face detector") and FCOS (Tian et al.
2019): each place of a map says how sure it is of a face around it, the box, and five points. All sums are
convolutions, additions, ReLU and bilinear enlarging, which XNNPACK computes whole in int8.
"""

from __future__ import annotations

import copy
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from edge.recognize.faces.detector import STRIDES

STEM, FINE, MIDDLE, COARSE, TOP, NECK = 8, 32, 48, 64, 96, 48
JUDGING, PLACING = (8, 16), (16, 32)
"""Strides of the maps that have a tower for the scores, and one for boxes and points, as the heads of YOLOX
have (Ge et al. 2021); the file has no room for more."""

MEAN, STD = 127.5, 127.5
"""Of a pixel, as the network takes it."""

RARE = 0.01
"""What an untaught head says of every place (Lin et al. 2017, "Focal loss", section 3.3)."""

Said = tuple[Tensor, Tensor, Tensor]
"""Scores (B, L, 1) as logits, boxes (B, L, 4) and points (B, L, 10), for the places of all maps in a row."""


def _block(
    inputs: int, outputs: int, side: int = 3, *, stride: int = 1, groups: int = 1, relu: bool = True
) -> nn.Module:
    layers = [
        nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


def _apart(inputs: int, outputs: int, stride: int = 1, *, relu: bool = True) -> nn.Module:
    """A convolution in two steps: each channel for itself, then all at each place."""
    return nn.Sequential(
        _block(inputs, inputs, stride=stride, groups=inputs, relu=False),
        _block(inputs, outputs, 1, relu=relu),
    )


class _Residual(nn.Module):  # type: ignore[misc]
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(maps + self.inner(maps))


def _tower() -> nn.Module:
    """A further look for one kind of head; it changes nothing until it has learnt something."""
    inner = _apart(NECK, NECK, relu=False)
    nn.init.zeros_(inner[1][1].weight)
    return _Residual(inner)


class DetectorNet(nn.Module):  # type: ignore[misc]
    """(B, 3, H, W) BGR, normalised by MEAN and STD; H and W multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(_block(3, STEM, stride=2), _block(STEM, FINE, stride=2), _block(FINE, FINE))
        self.middle = nn.Sequential(
            _block(FINE, MIDDLE, stride=2),
            _Residual(_block(MIDDLE, MIDDLE, relu=False)),
            _block(MIDDLE, MIDDLE),
        )
        self.coarse = nn.Sequential(
            _apart(MIDDLE, COARSE, 2), _Residual(_block(COARSE, COARSE, relu=False)), _apart(COARSE, COARSE)
        )
        self.top = nn.Sequential(_apart(COARSE, TOP, 2), _apart(TOP, TOP), _apart(TOP, TOP))
        self.sides = nn.ModuleList(_block(width, NECK, 1, relu=False) for width in (MIDDLE, COARSE, TOP))
        self.joined = nn.ModuleList(_apart(NECK, NECK) for _ in STRIDES)
        self.judging, self.placing = (
            nn.ModuleList(_tower() if stride in those else nn.Identity() for stride in STRIDES)
            for those in (JUDGING, PLACING)
        )
        self.scores = nn.ModuleList(nn.Conv2d(NECK, 1, 1) for _ in STRIDES)
        self.boxes = nn.ModuleList(nn.Conv2d(NECK, 4, 1) for _ in STRIDES)
        self.points = nn.ModuleList(nn.Conv2d(NECK, 10, 1) for _ in STRIDES)
        for head in self.scores:
            nn.init.constant_(cast(Tensor, cast(nn.Conv2d, head).bias), float(np.log(RARE / (1 - RARE))))

    def forward(self, image: Tensor) -> Said:
        """Scores, boxes and points of all places: map by map, row by row."""
        middle = self.middle(self.fine(image))
        coarse = self.coarse(middle)
        top = self.top(coarse)
        low, between, high = (
            side(maps) for side, maps in zip(self.sides, (middle, coarse, top), strict=True)
        )
        high = functional.relu(high)
        between = functional.relu(between + _as_large(high, between))
        low = functional.relu(low + _as_large(between, low))
        maps = [join(some) for join, some in zip(self.joined, (low, between, high), strict=True)]
        judged, placed = (
            [tower(some) for tower, some in zip(towers, maps, strict=True)]
            for towers in (self.judging, self.placing)
        )
        scores, boxes, points = (
            torch.cat([_places(head(some)) for head, some in zip(heads, seen, strict=True)], dim=1)
            for heads, seen in ((self.scores, judged), (self.boxes, placed), (self.points, placed))
        )
        return scores, boxes, points


def _as_large(maps: Tensor, other: Tensor) -> Tensor:
    size = (int(other.shape[2]), int(other.shape[3]))
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def _places(maps: Tensor) -> Tensor:
    return maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1, maps.shape[1])


def fused(net: DetectorNet) -> DetectorNet:
    """A copy whose batch norms are folded into the convolutions before them: the same sums."""
    copied: DetectorNet = copy.deepcopy(net).eval()
    for module in copied.modules():
        if isinstance(module, nn.Sequential) and len(module) > 1 and isinstance(module[1], nn.BatchNorm2d):
            module[0] = nn.utils.fuse_conv_bn_eval(module[0], module[1])
            module[1] = nn.Identity()
    return copied


def normalised(images: NDArray[np.uint8]) -> Tensor:
    """(B, H, W, 3) uint8 BGR as the network takes them: (B, 3, H, W) float32."""
    values = torch.from_numpy(np.ascontiguousarray(images)).float()
    return values.sub_(MEAN).div_(STD).permute(0, 3, 1, 2)
