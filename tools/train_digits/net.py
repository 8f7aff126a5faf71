"""The digit net: six plain 3x3 and 5x5 convolutions, for whole-graph XNNPACK in int8."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LABELS = (*"0123456789", "reject")

_LAYERS = ((24, 5, 2), (28, 3, 1), (48, 3, 2), (64, 3, 1), (80, 3, 2), (88, 3, 1))
"""Channels, kernel, stride of each convolution: 6.0 million multiply-adds a crop, 171 thousand weights."""


class DigitNet(nn.Module):  # type: ignore[misc]
    """Crops (N, 1, 32, 32) float 0..1 to logits (N, 11): the digits in order, then reject."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for channels, kernel, stride in _LAYERS:
            layers += [
                nn.Conv2d(before, channels, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
            before = channels
        self.body = nn.Sequential(*layers)
        self.drop = nn.Dropout(0.2)
        # A convolution over all of the last 4x4: a linear layer that needs no transposition in TFLite.
        self.head = nn.Conv2d(before, len(LABELS), 4)

    def forward(self, crops: Tensor) -> Tensor:
        """Logits (N, 11)."""
        return torch.flatten(self.head(self.drop(self.body(crops))), 1)


def fused(net: DigitNet) -> DigitNet:
    """A copy of ``net`` for inference, each batch normalisation folded into its convolution."""
    copy = DigitNet()
    copy.load_state_dict(net.state_dict())
    copy.eval()
    layers = list(copy.body)
    copy.body = nn.Sequential(
        *(
            layer
            for i in range(0, len(layers), 3)
            for layer in (nn.utils.fuse_conv_bn_eval(layers[i], layers[i + 1]), layers[i + 2])
        )
    )
    return copy
