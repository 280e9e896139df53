"""A received picture as the registration looks at it: the original's blocks, read out of it on assumed axes.

How well the template's known symbols agree with what those blocks say is the score that everything here climbs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..blockdct import basis
from . import template
from .geometry import Axes, Axis, Plane, cut

Floats = NDArray[np.float32]

# Pixels of the original by which a block may stick out of what was received and still count as received. Less loses
# the outermost blocks where an offset is a fraction of a pixel off; more counts blocks whose edge was made up.
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
    """A received plane (H, W), and how it is looked at.

    ``shrink``: how many of the original's pixels a side are averaged before its blocks are read. The template's two
    frequencies are low: they show at half resolution, which is faster. In very busy pictures they show between whole
    pixels only, as they are: those are looked at in full.
    ``held``: the value of a received pixel is taken for every original pixel that went into it, instead of
    interpolating. In very busy pictures nothing else undoes a box filter.
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

    def evidence(self, axes: Axes, blocks: Blocks) -> Floats:
        """What ``blocks`` say at the template's frequencies: (2, rows, columns), from -1 to 1."""
        size = template.BLOCK // self.shrink
        corner = blocks.row * template.BLOCK, blocks.column * template.BLOCK
        plane = self.cut(axes, corner, (blocks.rows * size, blocks.columns * size))  # (rows * size, columns * size)
        constant, wave = basis(size)[:2].astype(np.float32)  # (size,) each
        pixels = plane.reshape(blocks.rows, size, blocks.columns, size)  # (rows, size, columns, size)
        across = np.tensordot(np.tensordot(pixels, constant, (1, 0)), wave, (2, 0))  # (rows, columns)
        down = np.tensordot(np.tensordot(pixels, wave, (1, 0)), constant, (2, 0))  # (rows, columns)
        return np.sin(np.stack([across, down]) * np.float32(2 * np.pi * self.shrink / template.STEP))

    def agreement(self, axes: Axes, blocks: Blocks) -> float:
        """How far the template's symbols in ``blocks`` say what they should, in standard deviations of chance."""
        evidence = self.evidence(axes, blocks)
        rows = np.arange(blocks.row, blocks.row + blocks.rows) % template.PERIOD
        columns = np.arange(blocks.column, blocks.column + blocks.columns) % template.PERIOD
        known = template.position_signs()[:, rows[:, None], columns]  # (2, rows, columns)
        return float((evidence * known).sum() / np.sqrt(np.square(evidence[known != 0]).sum() + 1e-9))


def received_along(axis: Axis, pixels: int) -> tuple[int, int]:
    """First of the blocks that lie within ``pixels`` received along an axis, and how many there are, at least one."""
    first = int(np.ceil((axis.original(0) - _OVERHANG) / template.BLOCK))
    last = int(np.floor((axis.original(pixels) + _OVERHANG) / template.BLOCK))
    return first, max(last - first, 1)
