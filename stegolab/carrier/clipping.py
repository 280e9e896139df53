"""Embedding where blacks and whites clip: alternate between the lattice and the cube of 8-bit colours.

One projection leaves errors there. Projections onto two sets in turn approach their intersection (von Neumann), which
here lifts blacks and lowers whites just as far as the lattice needs. Every carrier embeds this way.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..images import luma

Plane = NDArray[np.float32]

_ROUNDS = 12  # covers that clip nowhere need one
_SETTLED = 0.004  # of a step; it stops when the mean move that is left is smaller


def settle(rgb: NDArray[np.uint8], nearer: Callable[[Plane, int], tuple[Plane, float]]) -> NDArray[np.uint8]:
    """The picture near ``rgb`` (H, W, 3) that says what it should and is one of 8-bit colours.

    Args:
        rgb: the cover.
        nearer: from a luma plane (H, W) and the number of the round, the change of the plane that makes it say it, and
            how far that moves a slot that carries, on average and in steps.
    """
    colour = rgb.astype(np.float32)
    for round_ in range(_ROUNDS):
        change, moved = nearer(luma(colour), round_)
        if round_ and moved < _SETTLED:
            break
        colour += change[..., None]  # the same on R, G and B moves luma alone
        if colour.min() >= 0 and colour.max() <= 255:
            break
        np.clip(colour, 0, 255, out=colour)
    return np.rint(np.clip(colour, 0, 255)).astype(np.uint8)
