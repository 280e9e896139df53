"""A picture that is only a part of what was received: a screenshot of a page, letterbox bars, a frame.

What lies around it is of one colour. So the margins end where a row or a column is no longer flat, and exactly where
one differs most from the next: compression leaves ringing outside of an edge, which is not flat either.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .geometry import Plane

# Grey levels, in standard deviations, up to which a row or column of a margin is flat, and by which it may differ from
# the outermost. JPEG leaves 1 to 3 in flat parts; a smooth sky at the picture's edge has about as much over its width.
_FLAT, _ALIKE = 3.0, 4.0
_RINGING = 8  # pixels beside an edge: a block of JPEG
_LEAST = 64  # pixels on a side: less is no picture to look for


def without_margins(plane: Plane) -> Plane | None:
    """The part of (H, W) that lies within margins; None where there are none, or nothing else."""
    top, bottom = _bounds(plane)
    left, right = _bounds(plane[top:bottom].T)
    top, bottom = _bounds(plane[:, left:right])  # a margin beside the picture no longer hides what its rows are like
    if (top, left, bottom, right) == (0, 0, *plane.shape) or min(bottom - top, right - left) < _LEAST:
        return None
    return np.ascontiguousarray(plane[top:bottom, left:right])


def _bounds(plane: Plane) -> tuple[int, int]:
    """First and last row (exclusive) of what is between an upper and a lower margin."""
    first = _margin(plane)
    return first, max(first, len(plane) - _margin(plane[::-1]))


def _margin(plane: Plane) -> int:
    """How many rows a margin at the top has."""
    levels, spreads = plane.mean(axis=1), plane.std(axis=1)  # (rows,) each
    other = np.nonzero((spreads > _FLAT) | (np.abs(levels - levels[0]) > _ALIKE))[0]
    if not len(other) or not other[0]:
        return 0
    near: NDArray[np.intp] = np.arange(other[0], min(other[0] + _RINGING, len(plane)))
    return int(near[np.argmax(np.abs(plane[near] - plane[near - 1]).mean(axis=1))])
