"""A received picture as the registration reads it: the original's blocks at the places given by assumed axes.

The score to maximise is how well a template's known symbols agree with what those blocks contain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import template
from .filters import CONSTANT, WAVE, Filters
from .geometry import Axes, Axis, Plane

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

    def filters(
        self, axes: Axes, start: tuple[float, float], blocks: tuple[int, int], places: int = 1
    ) -> list[Filters]:
        """Those for a vertical and a horizontal number of ``blocks``, see :meth:`.Filters.of`."""
        sides = zip(axes, self.plane.shape, start, blocks, strict=True)
        return [
            Filters.of(axis, have, first, count, places, self.shrink, self.held) for axis, have, first, count in sides
        ]

    def received_blocks(self, axes: Axes) -> Blocks:
        """All the original's blocks that lie within what was received."""
        height, width = self.plane.shape
        row, rows = received_along(axes.vertical, height)
        column, columns = received_along(axes.horizontal, width)
        return Blocks(row, column, rows, columns)

    def angles(self, axes: Axes, blocks: Blocks) -> Floats:
        """The coefficients of ``blocks`` (rows, columns), a turn for each step: each at its row's frequency."""
        start = template.BLOCK * blocks.row, template.BLOCK * blocks.column
        down, right = self.filters(axes, start, (blocks.rows, blocks.columns))
        frequency = (blocks.row + np.arange(blocks.rows)) % 2  # (rows,) an index into template.FREQUENCIES
        sums = down.only(np.where(frequency == 0, CONSTANT, WAVE)).along_rows(self.plane[:, right.read])[0, 0]
        index = right.first[:, None] - right.read.start + np.arange(right.taps.shape[-1])  # (columns, length)
        coefficients = np.empty((blocks.rows, blocks.columns), np.float32)
        for one, other in enumerate((WAVE, CONSTANT)):
            read = sums[frequency == one][:, index]  # (some rows, columns, length)
            coefficients[frequency == one] = np.einsum("rcl,cl->rc", read, right.taps[:, other, 0])
        return coefficients * np.float32(2 * np.pi * self.shrink / template.STEP)

    def agreement(self, known: template.Template, axes: Axes, blocks: Blocks) -> float:
        """How well the symbols in ``blocks`` agree with those ``known``, in standard deviations of chance."""
        return known.agreement(self.angles(axes, blocks), blocks.row, blocks.column)


def received_along(axis: Axis, pixels: int) -> tuple[int, int]:
    """First of the blocks that lie within ``pixels`` received along an axis, and how many there are, at least one."""
    first = int(np.ceil((axis.original(0) - _OVERHANG) / template.BLOCK))
    last = int(np.floor((axis.original(pixels) + _OVERHANG) / template.BLOCK))
    return first, max(last - first, 1)
