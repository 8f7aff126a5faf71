"""Where the network looked: what the reading of a cut loses when parts of it are hidden.

Occlusion sensitivity (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks"):
a patch is moved over the cut and the score of the digit is asked for again. It needs no gradients, so
the very int8 model that runs is the one that is explained. The patch is once paper and once ink, since a
3 is one also by the gap that makes it no 8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.recognize.descriptor import Network
from edge.records import Image

PATCH = 6
"""Pixels of the patch's side: twice the width of a stroke in a cut of 32."""

STEP = 2
"""Pixels between two places of the patch."""

PAPER, INK = 0, 255


def attention(network: Network, crop: Image, label: int) -> NDArray[np.float32]:
    """How much each pixel of ``crop`` speaks for the class at place ``label``: (N, N) float32.

    ``crop``: (N, N) uint8, ink bright, as the network takes it. 0.5 means that hiding the place costs half
    of the probability; below 0 the place spoke against it. About 650 runs
    of the network for a cut of 32.
    """
    side = crop.shape[0]
    whole = float(network.run(crop)["scores"][label])
    loss = np.zeros(crop.shape, np.float32)
    cover = np.zeros(crop.shape, np.float32)
    hidden = np.empty_like(crop)
    places = range(STEP - PATCH, side, STEP)
    for y in places:
        for x in places:
            patch = slice(max(y, 0), y + PATCH), slice(max(x, 0), x + PATCH)
            cover[patch] += 1
            for value in (PAPER, INK):
                np.copyto(hidden, crop)
                hidden[patch] = value
                loss[patch] += (whole - float(network.run(hidden)["scores"][label])) / 2
    return np.asarray(loss / cover, np.float32)
