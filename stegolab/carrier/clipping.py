"""Embedding where blacks and whites clip: alternate between the lattice and the cube of 8-bit colours (notebook 04).

Moving a coefficient to a point of the lattice may ask for pixels darker than black or brighter than white. Clipping
them moves the coefficient off the point again, so a single projection leaves errors there. Alternating projections onto
two sets approach a point of both (von Neumann). Here they lift blacks and lower whites just as far as the lattice
needs. Every carrier embeds this way.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..images import luma

Plane = NDArray[np.float32]
#: Takes a luma plane (H, W) and the number of the round; returns the change (H, W) that puts the plane onto the
#: lattice, #: and how far it moves a carrying slot on average, in steps.
Projection = Callable[[Plane, int], tuple[Plane, float]]

_ROUNDS = 12  # rounds at most; covers without clipping need one
_CONVERGED = 0.004  # in steps: alternating ends when the mean move is smaller


def project_alternately(rgb: NDArray[np.uint8], onto_lattice: Projection) -> NDArray[np.uint8]:
    """A picture near ``rgb`` (H, W, 3) that is on the lattice, as far as 8-bit colours allow."""
    colour = rgb.astype(np.float32)
    for round_ in range(_ROUNDS):
        change, moved = onto_lattice(luma(colour), round_)
        if round_ and moved < _CONVERGED:
            break
        colour += change[..., None]  # the same change of R, G and B changes only the luma
        if colour.min() >= 0 and colour.max() <= 255:
            break
        np.clip(colour, 0, 255, out=colour)
    return np.rint(np.clip(colour, 0, 255)).astype(np.uint8)
