"""LSB matching, a textbook method: how well a detector finds it tells how easy the covers are (notebook 08).

If a detector finds even one bit in fifty pixels, the covers are easy: smooth, or with traces of earlier JPEG.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def lsb_matching(planes: NDArray[np.uint8], rate: float = 1.0, seed: int = 0) -> NDArray[np.uint8]:
    """Random bits in pixels of any shape, ``rate`` of them each, 0 to 1: half of the pixels used move by one.

    Up or down at random, except for 0 and 255, which can move only one way (Sharp 2001).
    """
    random = np.random.default_rng(seed)
    moved = random.random(planes.shape) < rate / 2
    steps = np.where(planes == 0, 1, np.where(planes == 255, -1, random.choice([-1, 1], planes.shape)))
    return (planes + moved * steps).astype(np.uint8)
