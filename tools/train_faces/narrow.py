"""The teacher's last blocks with fewer channels in their convolutions, before anything is learnt.

Most of dlib's parameters lie in its last four blocks. Each of their convolutions is kept on the directions in
which its input and its output vary most over training faces (Zhang et al. 2015, "Accelerating very deep
convolutional networks for classification and detection": by the data, not by the filters alone).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.train_faces.net import Block, FaceNet

PART = 256
"""Maps that go through a layer at a time."""


def narrow(net: FaceNet, teacher: FaceNet, views: Iterable[Tensor]) -> None:
    """Fills ``net`` with what ``teacher``, the same network whole, has.

    ``views``: batches of faces, normalised (N, 3, side, side). Both have seen the same size of input.
    """
    own, given = net.state_dict(), teacher.state_dict()
    net.load_state_dict(
        {
            name: given[name] if name in given and given[name].shape == value.shape else value
            for name, value in own.items()
        }
    )
    with torch.no_grad():
        maps = torch.cat([net.trunk(view).cpu() for view in views])
        blocks = (cast(list[Block], list(one.blocks))[net.whole :] for one in (net, teacher))
        for narrowed, block in zip(*blocks, strict=True):
            inner = _narrowed(narrowed.first, cast(nn.Conv2d, block.first), maps)
            _narrowed(narrowed.second, cast(nn.Conv2d, block.second), functional.relu(inner))
            maps = _all(block, maps)


def _narrowed(layer: nn.Module, whole: nn.Conv2d, maps: Tensor) -> Tensor:
    """Fills ``layer`` to do what ``whole`` does of ``maps`` (N, C, H, W); gives what that is."""
    wanted = _all(whole, maps)
    if isinstance(layer, nn.Conv2d):
        _centre(layer, whole)
        return wanted
    parts = cast(nn.Sequential, layer)
    core, last = cast(nn.Conv2d, parts[-2]), cast(nn.Conv2d, parts[-1])
    inner = torch.eye(maps.shape[1])
    if len(parts) == 3:
        inner = _directions(maps, core.in_channels, centred=False)
        cast(nn.Conv2d, parts[0]).weight.copy_(inner.T[:, :, None, None])
    outer = _directions(wanted, core.out_channels, centred=True)
    core.weight.copy_(torch.einsum("oikl,or,is->rskl", whole.weight, outer, inner))
    last.weight.copy_(outer[:, :, None, None])
    cast(Tensor, last.bias).zero_()
    cast(Tensor, last.bias).copy_((wanted - _all(parts, maps)).mean((0, 2, 3)))
    return wanted


def _centre(layer: nn.Conv2d, whole: nn.Conv2d) -> None:
    weight = whole.weight if layer.kernel_size == whole.kernel_size else whole.weight[:, :, 1:2, 1:2]
    layer.weight.copy_(weight)
    cast(Tensor, layer.bias).copy_(cast(Tensor, whole.bias))


def _directions(maps: Tensor, count: int, *, centred: bool) -> Tensor:
    """The ``count`` directions (channels, count) in which the pixels of ``maps`` vary most."""
    pixels = maps.movedim(1, -1).reshape(-1, maps.shape[1]).double()
    pixels = pixels - pixels.mean(0) if centred else pixels
    return torch.linalg.eigh(pixels.T @ pixels).eigenvectors.flip(1)[:, :count].float()


def _all(layer: nn.Module, maps: Tensor) -> Tensor:
    return torch.cat([layer(part) for part in maps.split(PART)])
