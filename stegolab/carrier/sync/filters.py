"""The template's coefficients straight from received pixels: interpolation and transform are one linear filter.

To read the two lowest coefficients of a block, it would have to be laid back onto the original's pixels, and
transformed. Both are sums with fixed weights, first along the columns of pixels and then along the rows. So their
product is a filter along each side, from received pixels to coefficients: the result is the same to rounding, and no
pixel in between is ever computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..blockdct import basis
from .geometry import TIE, Axis, Plane
from .template import BLOCK

Floats = NDArray[np.float32]

CONSTANT, WAVE = 0, 1  # the two filters: the basis' constant function and its slowest wave


@dataclass(frozen=True)
class Filters:
    """Along one side, those of blocks at places that come in groups, each group a block after the one before.

    ``first``: (groups,) where in the received picture each group begins to read; ``taps``: (groups, 2, places, length)
    the weights of what it reads, for :data:`CONSTANT` and :data:`WAVE`.
    """

    first: NDArray[np.int64]
    taps: Floats

    @classmethod
    def of(
        cls,
        axis: Axis,
        have: int,
        start: float,
        groups: int,
        places: int = 1,
        shrink: int = 1,
        held: bool = False,
    ) -> Filters:
        """For ``groups`` blocks from pixel ``start`` of the original, at ``places`` that are ``shrink`` pixels apart.

        ``axis``: where the original lies along a side of ``have`` received pixels, beyond which the outermost continue.
        ``shrink``, ``held``: how a block is read, see :class:`.view.View`.
        """
        window = BLOCK // shrink + places - 1  # pixels of a group, shrunk
        offsets = BLOCK * np.arange(groups)[:, None] + shrink * (np.arange(window) + 0.5)  # (groups, window)
        centres = axis.scale * (start + offsets) + axis.offset
        index, weight = _nearest(centres) if held else _bicubic(centres, axis.scale * shrink)
        index = index.clip(0, have - 1)  # (groups, window, taps)
        length = int((index[:, -1, -1] - index[:, 0, 0]).max()) + 1
        first = np.minimum(index[:, 0, 0], have - length)  # (groups,)
        size = groups * window * length
        row = length * np.arange(groups * window).reshape(groups, window, 1)
        at = row + index - first[:, None, None]  # several at the edges, where indices are clipped
        pixels = np.bincount(at.ravel(), weight.ravel(), size).astype(np.float32).reshape(groups, window, length)
        return cls(first, (_waves(BLOCK // shrink, places) @ pixels).reshape(groups, 2, places, length))

    def only(self, which: NDArray[np.int64]) -> Filters:
        """With one of the two filters (groups,) for each group."""
        return Filters(self.first, self.taps[np.arange(len(which)), which][:, None])

    def along_rows(self, plane: Plane) -> Floats:
        """(2, places, groups, W): what the filters say of a plane (H, W) that this is the vertical side of."""
        groups, filters, places, length = self.taps.shape
        said = np.empty((filters * places, groups, plane.shape[1]), np.float32)
        for k, (first, taps) in enumerate(zip(self.first, self.taps.reshape(groups, -1, length), strict=True)):
            said[:, k] = taps @ plane[first : first + length]
        return said.reshape(filters, places, groups, -1)

    @property
    def read(self) -> slice:
        """All pixels that any of the filters reads."""
        return slice(int(self.first.min()), int(self.first.max()) + self.taps.shape[-1])


def _nearest(centres: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Index and weight (..., 1) of the received pixel that each place is in; on a border it is in the first."""
    index = np.floor(centres - TIE).astype(np.int64)[..., None]
    return index, np.ones(index.shape)


def _bicubic(centres: NDArray[np.float64], step: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Indices and weights (..., taps) of the pixels that a place is interpolated from, as Pillow does it.

    ``step``: received pixels from one place to the next; if more than one, that many are averaged.
    """
    stretch = max(1.0, step)
    count = int(np.ceil(4 * stretch)) + 1
    index = np.floor(centres - 2 * stretch + 0.5).astype(np.int64)[..., None] + np.arange(count)
    x = np.abs((index + 0.5 - centres[..., None]) / stretch)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2  # Keys 1981, a = -1/2
    weight = np.where(x < 1, near, np.where(x < 2, far, 0.0))
    return index, weight / weight.sum(axis=-1, keepdims=True)


@lru_cache
def _waves(size: int, places: int) -> Floats:
    """(2 * places, size + places - 1): the two functions of a block of ``size`` pixels at each place."""
    functions = np.zeros((2, places, size + places - 1), np.float32)
    for place in range(places):
        functions[:, place, place : place + size] = basis(size)[:2]
    return functions.reshape(2 * places, -1)
