"""A received picture as the registration reads it: the original's blocks at the places given by assumed axes.

The score to maximise is how well a template's known symbols agree with what those blocks contain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..blockdct import basis
from . import template
from .geometry import Axes, Axis, Plane, cut

Floats = NDArray[np.float32]

# Pixels of the original by which a block may stick out of what was received and still count as received. A smaller
# value loses the outermost blocks if an offset is slightly wrong; a larger one counts blocks whose edge was not
# received.
_OVERHANG = 1.0


@dataclass(frozen=True)
class Blocks:
    """A rectangle of the original's blocks: the first ``row`` and ``column``, and how many ``rows`` and ``columns``."""

    row: int
    column: int
    rows: int
    columns: int

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return self.rows * self.columns

    def middle(self, side: int) -> Blocks:
        """The middle of the rectangle, at most ``side`` blocks on a side."""
        return Blocks(
            self.row + max(0, self.rows - side) // 2,
            self.column + max(0, self.columns - side) // 2,
            min(self.rows, side),
            min(self.columns, side),
        )


@dataclass(frozen=True)
class View:
    """A received plane (H, W), and how it is read.

    ``shrink``: how many of the original's pixels a side are averaged before its blocks are read. The template's two
    frequencies are low, so half resolution is enough, which is faster. Very busy pictures need full resolution.
    ``held``: every original pixel gets the value of the received pixel that it went into, without interpolation. In
    very busy pictures nothing else undoes a box filter.
    """

    plane: Plane
    shrink: int = 2
    held: bool = False

    def cut(self, axes: Axes, corner: tuple[float, float], size: tuple[int, int]) -> Plane:
        """A rectangle of the original, see :func:`.geometry.cut`."""
        return cut(self.plane, axes.vertical, axes.horizontal, corner, size, self.shrink, self.held)

    def received_blocks(self, axes: Axes) -> Blocks:
        """All the original's blocks that lie within what was received."""
        height, width = self.plane.shape
        row, rows = received_along(axes.vertical, height)
        column, columns = received_along(axes.horizontal, width)
        return Blocks(row, column, rows, columns)

    def angles(self, axes: Axes, blocks: Blocks) -> Floats:
        """The coefficients of ``blocks`` at the template's frequencies: (2, rows, columns), a turn for each step."""
        size = template.BLOCK // self.shrink
        corner = blocks.row * template.BLOCK, blocks.column * template.BLOCK
        plane = self.cut(axes, corner, (blocks.rows * size, blocks.columns * size))  # (rows * size, columns * size)
        constant, wave = basis(size)[:2].astype(np.float32)  # (size,) each
        pixels = plane.reshape(blocks.rows, size, blocks.columns, size)  # (rows, size, columns, size)
        across = np.tensordot(np.tensordot(pixels, constant, (1, 0)), wave, (2, 0))  # (rows, columns)
        down = np.tensordot(np.tensordot(pixels, wave, (1, 0)), constant, (2, 0))  # (rows, columns)
        return np.stack([across, down]) * np.float32(2 * np.pi * self.shrink / template.STEP)

    def agreement(self, known: template.Template, axes: Axes, blocks: Blocks) -> float:
        """How well the symbols in ``blocks`` agree with those ``known``, in standard deviations of chance."""
        return known.agreement(self.angles(axes, blocks), blocks.row, blocks.column)


def received_along(axis: Axis, pixels: int) -> tuple[int, int]:
    """First of the blocks that lie within ``pixels`` received along an axis, and how many there are, at least one."""
    first = int(np.ceil((axis.original(0) - _OVERHANG) / template.BLOCK))
    last = int(np.floor((axis.original(pixels) + _OVERHANG) / template.BLOCK))
    return first, max(last - first, 1)
