"""Finding the size that the original had, when all that may have happened to the geometry is a resize.

A header read at the wrong size disagrees with itself, one read at the right size agrees (``presence``): so the sizes
are simply tried: first the factors that platforms like, then every factor, on a square at the corner, where a factor
need only be right to a pixel in that square.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .interface import PRESENT, Reading
from .layout import Layout
from .strengths import Strength

Plane = NDArray[np.float32]
Size = tuple[int, int]


class Resizable(Protocol):
    """A carrier that can look at a luma plane at any assumed size, thoroughly, quickly, or only at its corner."""

    @property
    def strength(self) -> Strength:
        """See the interface."""
        ...

    def read_luma(self, plane: Plane, shape: Size, *, quick: bool = False) -> Reading:
        """All of it."""
        ...

    def glance(self, plane: Plane, shape: Size) -> Reading:
        """As much as it takes to notice a header."""
        ...


_COMMON = (1 / 2, 3 / 4, 2 / 3, 2.0, 0.8, 0.6, 0.9, 0.7, 0.4, 1.25, 1.5)  # received over original
_RANGE = (0.4, 2.0)
_SQUARE = 512  # pixels of the original that a glance takes in
_STEP = 2 / _SQUARE  # two of them: no size is off by more than one


def search(carrier: Resizable, plane: NDArray[np.float32]) -> Iterator[Reading]:
    """Readings of a received luma plane at other sizes than its own, wherever a header shows."""
    if not carrier.strength.rescaled:
        return
    height, width = plane.shape
    for factor in (*_COMMON, *_sweep()):
        if min(height, width) / factor < 2 * carrier.strength.block:
            continue
        size = round(height / factor), round(width / factor)
        if carrier.glance(plane, size).presence > PRESENT:
            best = _refine(carrier, plane, size)
            if best.presence > PRESENT:
                yield best


def resized(plane: Plane, shape: tuple[int, ...]) -> Plane:
    """The plane at another (height, width), bicubic, in floating point; itself if it has it."""
    height, width = shape[:2]
    if plane.shape == (height, width):
        return plane
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC))


def corner(plane: Plane, layout: Layout, shape: Size) -> tuple[Layout, Plane]:
    """What an original of ``shape`` and ``layout`` has in a square at its top left, and the layout there.

    The square is :data:`_SQUARE` pixels where every block has a header slot, and larger where they are sparse.
    """
    side = round(_SQUARE * layout.stride**0.5)
    height, width = min(shape[0], side), min(shape[1], side)
    box = (0.0, 0.0, plane.shape[1] * width / shape[1], plane.shape[0] * height / shape[0])
    cut = np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC, box=box))
    return layout.corner(side), cut


def _refine(carrier: Resizable, plane: NDArray[np.float32], size: tuple[int, int]) -> Reading:
    """The size near ``size`` at which the whole picture's header agrees best with itself.

    First along the aspect of what was received, as far as the next glance; then each side by itself, because rounding
    to whole pixels hides up to half a received pixel of it.
    """

    def sharpest(sizes: Iterable[tuple[int, int]]) -> tuple[int, int]:
        return max(set(sizes), key=lambda s: carrier.read_luma(plane, s, quick=True).presence)

    height, width = plane.shape
    reach = ceil(_STEP * size[1] / 2) + 1
    widths = range(size[1] - reach, size[1] + reach + 1)
    rows, columns = sharpest((round(w * height / width), w) for w in widths)
    hidden = range(-ceil(0.5 * rows / height), ceil(0.5 * rows / height) + 1)
    return carrier.read_luma(plane, sharpest((rows + dy, columns + dx) for dy, dx in product(hidden, hidden)))


def _sweep() -> Iterator[float]:
    """Every factor of the range, a step apart, from the middle outwards."""
    count = int(np.log(_RANGE[1] / _RANGE[0]) / _STEP)
    factors = _RANGE[0] * np.exp(_STEP * np.arange(count + 1))
    yield from sorted(map(float, factors), key=lambda f: abs(np.log(f)))
