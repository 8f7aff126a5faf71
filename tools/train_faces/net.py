"""dlib's face network in PyTorch: whole (the teacher), its last blocks narrowed, or cut (the students).

The ResNet of Davis King's ``dnn_face_recognition_ex.cpp`` (dlib, public domain; after He et al. 2015,
"Deep residual learning"), its affine layers folded into the convolutions. What dlib does implicitly is
written out with operations that int8 runtimes compute whole: smaller maps are padded with zeros at the
right and below before an addition, channels likewise, and the average over 2x2 is a depthwise convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from edge.errors import InputError

MEAN, STD = (122.782, 117.001, 104.298), 256.0
"""RGB, as dlib's ``input_rgb_image_sized`` takes it."""

SIZE = 128
"""Values of an embedding."""

WIDTHS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)
"""Channels of the 14 blocks; a block with more than the one before halves the map, and the last does too."""

DOWN = (3, 7, 10, 13)
"""Blocks that halve the map."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which part of the network: ``side`` of its input, ``blocks`` of the 14, ``flat``: whether the head sees
    the whole last map instead of its mean, ``narrow``: of how many channels then, 0 for all of them.

    ``enlarged``: the size at which the first layer sees the input, 0 for ``side``. ``ranks``: of the two
    convolutions of each of the last blocks; 0 leaves one as it is.
    """

    side: int = 150
    blocks: int = 14
    flat: bool = False
    narrow: int = 0
    enlarged: int = 0
    ranks: tuple[tuple[int, int], ...] = ()


TEACHER = Shape()
STUDENT = Shape(side=112, enlarged=150, ranks=((128, 128), (128, 112), (24, 24), (128, 0)))
SMALL = Shape(side=96, blocks=8, flat=True, narrow=80)


class Block(nn.Module):  # type: ignore[misc]
    """Two convolutions beside a short cut (He et al. 2015)."""

    def __init__(
        self, before: int, width: int, *, down: bool, ranks: tuple[int, int] = (0, 0), alone: bool = False
    ) -> None:
        """``ranks``: of the two convolutions; ``alone``: the second sees a map of one pixel."""
        super().__init__()
        self.down = down
        self.first = _convolution(before, width, ranks[0], stride=2 if down else 1, padding=0 if down else 1)
        self.second = (
            nn.Conv2d(width, width, 1) if alone else _convolution(width, width, ranks[1], stride=1, padding=1)
        )
        if down:
            self.mean = nn.Conv2d(before, before, 2, stride=2, groups=before, bias=False)
            nn.init.constant_(self.mean.weight, 0.25)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to the block's width, the map halved where it is one of ``DOWN``."""
        y = self.second(functional.relu(self.first(x)))
        short = self.mean(x) if self.down else x
        right, below = short.shape[3] - y.shape[3], short.shape[2] - y.shape[2]
        if right or below:
            y = functional.pad(y, (0, right, 0, below))
        channels = y.shape[1] - short.shape[1]
        if channels:
            short = functional.pad(short, (0, 0, 0, 0, 0, channels))
        return functional.relu(y + short)


def _convolution(before: int, width: int, rank: int, *, stride: int, padding: int) -> nn.Module:
    """3x3; with a rank as three: to that many channels, 3x3 among them, and from them (Tucker-2: Kim et al.
    2016, "Compression of deep convolutional neural networks for fast and low power mobile applications")."""
    if not rank:
        return nn.Conv2d(before, width, 3, stride=stride, padding=padding)
    fewer = [nn.Conv2d(before, rank, 1, bias=False)] if rank < before else []
    core = nn.Conv2d(min(rank, before), rank, 3, stride=stride, padding=padding, bias=False)
    return nn.Sequential(*fewer, core, nn.Conv2d(rank, width, 1))


class FaceNet(nn.Module):  # type: ignore[misc]
    """A face of (N, 3, side, side), normalised RGB, to (N, 128), compared by Euclidean distance."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.stem = nn.Conv2d(3, 32, 7, stride=2)
        widths = WIDTHS[: shape.blocks]
        before = (32, *widths[:-1])
        self.whole = shape.blocks - len(shape.ranks)
        ranks = ((0, 0),) * self.whole + shape.ranks
        self.blocks = nn.ModuleList(
            Block(
                was,
                width,
                down=number in DOWN,
                ranks=ranks[number],
                # A 3x3 without a border halves a map of three or four pixels to one.
                alone=number >= self.whole and number in DOWN and self._side(number) <= 4,
            )
            for number, (was, width) in enumerate(zip(before, widths, strict=True))
        )
        seen = shape.narrow or widths[-1]
        self.narrow = nn.Conv2d(widths[-1], seen, 1, bias=False) if shape.narrow else None
        self.head = nn.Linear(seen * self.map_side() ** 2 if shape.flat else seen, SIZE)

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings (N, 128)."""
        return cast(Tensor, self.head(self.features(x)))

    def features(self, x: Tensor) -> Tensor:
        """What the head sees, (N, features)."""
        return self.pooled(self.maps(x))

    def pooled(self, x: Tensor) -> Tensor:
        """The last maps as the head sees them."""
        x = self.narrow(x) if self.narrow is not None else x
        return x.flatten(1) if self.shape.flat else x.mean((2, 3))

    def maps(self, x: Tensor) -> Tensor:
        """What the last block gives, (N, channels, H, W)."""
        return self.rest(self.trunk(x))

    def trunk(self, x: Tensor) -> Tensor:
        """What the last of the blocks gives that are the teacher's own, (N, channels, H, W)."""
        if self.shape.enlarged:
            x = functional.interpolate(x, (self.shape.enlarged,) * 2, mode="bilinear")
        x = functional.max_pool2d(functional.relu(self.stem(x)), 3, 2)
        for block in self.blocks[: self.whole]:
            x = block(x)
        return x

    def learn_from(self, block: int) -> list[nn.Parameter]:
        """The parameters of this block and of all that comes after; those before it stay as they are."""
        before = ("stem.", *(f"blocks.{number}." for number in range(block))) if block else ()
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(not name.startswith(before))
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def rest(self, x: Tensor) -> Tensor:
        """What the narrowed blocks make of the trunk's maps."""
        for block in self.blocks[self.whole :]:
            x = block(x)
        return x

    def map_side(self) -> int:
        """Width and height of the last map."""
        return self._side(self.shape.blocks)

    def _side(self, blocks: int) -> int:
        """Of the map after so many blocks."""
        side = (((self.shape.enlarged or self.shape.side) - 7) // 2 + 1 - 3) // 2 + 1
        for number in DOWN:
            side = (side - 2) // 2 + 1 if number < blocks else side
        return side


def fill(net: FaceNet, tensors: Sequence[NDArray[np.float32]]) -> None:
    """Puts dlib's parameters into ``net``, the first blocks where it is cut; the head only where it is whole.

    ``tensors``: of ``dat.tensors``. Raises InputError where they are another network's.
    """
    parts = [values for values in tensors if len(values) >= 32]
    convolutions = [net.stem, *(part for block in net.blocks for part in (block.first, block.second))]
    if len(parts) != 2 * (1 + 2 * len(WIDTHS)) + 1:
        raise InputError(f"the file has {len(parts)} tensors, dlib's face network 59", "give that file")
    for layer, (filters, affine) in zip(
        convolutions, zip(parts[::2], parts[1::2], strict=False), strict=False
    ):
        conv = cast(nn.Conv2d, layer)
        weights = conv.weight.numel()
        if len(filters) != weights + conv.out_channels or len(affine) != 2 * conv.out_channels:
            raise InputError(
                "the file's tensors are of other sizes than dlib's face network", "give that file"
            )
        gamma, beta = np.split(affine, 2)
        scaled = filters[:weights].reshape(conv.weight.shape) * gamma[:, None, None, None]
        with torch.no_grad():
            conv.weight.copy_(torch.from_numpy(np.ascontiguousarray(scaled)))
            cast(Tensor, conv.bias).copy_(torch.from_numpy(filters[weights:] * gamma + beta))
    if not net.shape.flat and net.shape.blocks == len(WIDTHS):
        with torch.no_grad():
            # dlib keeps its fully connected weights as (inputs, outputs).
            net.head.weight.copy_(torch.from_numpy(parts[-1].reshape(-1, SIZE).T.copy()))
            net.head.bias.zero_()


def normalised(chips: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3) uint8 BGR as the network takes them: (N, 3, H, W) float32, RGB."""
    rgb = np.ascontiguousarray(chips[..., ::-1])
    values = (torch.from_numpy(rgb).float() - torch.tensor(MEAN)) / STD
    return values.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
