"""LSB matching, the textbook's embedding: what a detector makes of it says how easy the covers are (notebook 08).

A detector that finds even a bit in fifty pixels has easy covers: smooth ones, or such as were JPEGs and still show it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def lsb_matching(planes: NDArray[np.uint8], rate: float = 1.0, seed: int = 0) -> NDArray[np.uint8]:
    """Random bits in pixels of any shape, ``rate`` of them each, 0 to 1: half of the pixels used move by one.

    Up or down as chance will have it, but for 0 and 255, which have only one way to go (Sharp 2001).
    """
    random = np.random.default_rng(seed)
    moved = random.random(planes.shape) < rate / 2
    steps = np.where(planes == 0, 1, np.where(planes == 255, -1, random.choice([-1, 1], planes.shape)))
    return (planes + moved * steps).astype(np.uint8)
