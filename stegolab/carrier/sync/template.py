"""The synchronisation template: known symbols at places counted from the picture's corner (notebook 08).

A receiver that gets only a picture knows neither its scale nor where it was cut out. Every other block carries one
symbol that is known beforehand, at one of the two lowest frequencies. These survive best, and are so smooth that they
can be read even a pixel away from their place. The signs repeat after :data:`PERIOD` blocks, so one short correlation
finds them. A smaller number of symbols, which never repeat, then tell which period it is and how large the picture was.

The idea of a template beside the payload is from Pereira & Pun (2000). Theirs adds peaks to the spectrum, which JPEG
removes; this one uses dither modulation, like everything else here.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...keystream import public_bits
from .. import qim

Signs = NDArray[np.int8]
Floats = NDArray[np.float32]

FREQUENCIES = ((0, 1), (1, 0))  # (vertical, horizontal)
BLOCK = 16  # pixels
STEP = 39.0  # of the lattice, in 8-bit luma; symbols stand a quarter of it above or below a multiple of it
PERIOD = 32  # blocks

_COMPENSATION = 0.9  # see ``qim``
_SIZES = 1 << 20  # signs that tell sizes; the strides below give each block and size its own part
_STRIDES = (40_503, 7_919, 611_953)  # to the next row, column and size


@lru_cache(1)
def position_signs() -> Signs:
    """(2, PERIOD, PERIOD): the sign of each block at each frequency, -1 or 1; 0 where there is none."""
    signs = 1 - 2 * public_bits("template", 2 * PERIOD * PERIOD).astype(np.int8).reshape(2, PERIOD, PERIOD)
    row, column = np.indices((PERIOD, PERIOD)) % 2
    signs[0, (row != 0) | (column != 0)] = 0
    signs[1, (row != 1) | (column != 1)] = 0
    signs.flags.writeable = False
    return signs


def count_places(axis: int, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which blocks tell the number of rows (axis 0) or columns (axis 1) of blocks; broadcasts."""
    beside = (rows % 2 == axis) & (columns % 2 != axis)
    return beside & ((rows // 2 + columns // 2) % 2 == 0)


def count_signs(
    axis: int, rows: NDArray[np.int64], columns: NDArray[np.int64], count: NDArray[np.int64] | int
) -> Signs:
    """The signs of the blocks of :func:`count_places`, -1 or 1, if there are ``count`` rows or columns; broadcasts."""
    table = _count_table(axis)
    down, across, further = _STRIDES
    return table[(rows * down + columns * across + count * further) % _SIZES]


def signs(rows: int, columns: int) -> Signs:
    """(2, rows, columns) for a picture with this many blocks: -1, 0 or 1 at each of :data:`FREQUENCIES`."""
    row, column = np.indices((rows, columns))
    whole = position_signs()[:, row % PERIOD, column % PERIOD].copy()
    for axis, count in enumerate((rows, columns)):
        here = count_places(axis, row, column)
        whole[axis, here] = count_signs(axis, row[here], column[here], count)
    return whole


def moves(coefficients: Floats) -> Floats:
    """What to add to the coefficients (2, rows, columns) of a whole picture at :data:`FREQUENCIES` for the template.

    For carriers with a different lattice: the template is plain, so a DCT alone is enough to find it.
    """
    sign: Floats = signs(*coefficients.shape[1:]).astype(np.float32)
    step: Floats = np.full(1, STEP, np.float32)
    target = qim.project(coefficients, sign * step / np.float32(4), step, _COMPENSATION)
    return np.where(sign != 0, target - coefficients, np.float32(0))


@lru_cache(2)
def _count_table(axis: int) -> Signs:
    table = 1 - 2 * public_bits(f"template count {axis}", _SIZES).astype(np.int8)
    table.flags.writeable = False
    return table
