"""How large the original was, and which part of it was received, found by the symbols that never repeat.

The template's own symbols repeat after :data:`.template.PERIOD` blocks, so they give a place modulo a period. Some
blocks carry symbols that depend on the number of rows or columns of blocks in the original, and on their place in it
(``Template.count_phases``). Every possible size and period is tried, and those with which most symbols agree are the
likeliest; the header then decides among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from . import template
from .geometry import Axes, Axis
from .view import Blocks, View

# Smallest share of each side of the original that may be left. A smaller value means more sizes to try, and more often
# a wrong one that wins by chance. A crop may leave three quarters of the area, possibly all taken from one side: that
# is .75, plus a little room.
_LEAST_KEPT = 0.7
# How many of the likeliest extents are returned. For each, the receiver has to look for a header. Where only a small
# part was received, few of these symbols are left, and a wrong extent may win by a little.
_LIKELIEST = 3
_OVERHANG = 1.0  # pixels of the original by which its last block may be incomplete, see ``view``


@dataclass(frozen=True, order=True)
class Extent:
    """A guess at the original: how well it agrees, and its size.

    ``down``, ``right``: whole periods from the original's corner to the corner that the axes assume; ``rows``,
    ``columns``: of blocks. In the order of ``agreement``, the sum of how far each symbol is as it should be.
    """

    agreement: float
    down: int
    right: int
    rows: int
    columns: int

    def origin(self, axes: Axes) -> Axes:
        """``axes`` measured from the corner of this original."""
        period = template.PERIOD * template.BLOCK
        return Axes(
            axes.vertical.beginning(self.down * period),
            axes.horizontal.beginning(self.right * period),
        )


def likeliest_extents(known: template.Template, view: View, axes: Axes, received: Blocks) -> list[Extent]:
    """The likeliest extents of the original with the ``known`` template, given the ``received`` blocks, best first."""
    angles = view.angles(axes, received)  # (rows, columns)
    row = np.arange(received.row, received.row + received.rows)[:, None]  # (rows, 1)
    column = np.arange(received.column, received.column + received.columns)  # (columns,)
    height, width = view.plane.shape
    tall, wide = _possible_counts(axes.vertical, height), _possible_counts(axes.horizontal, width)
    found = []
    for down, right in product(tall, wide):
        best: list[list[tuple[float, int]]] = []  # of rows, then of columns: agreement and count
        for axis, counts in enumerate((tall[down], wide[right])):
            places = np.nonzero(template.count_places(axis, row, column))  # (blocks,) twice
            rows = places[0] + received.row + down * template.PERIOD
            columns = places[1] + received.column + right * template.PERIOD
            phases = known.count_phases(axis, rows, columns, counts[:, None])  # (counts, blocks)
            sums = known.sums(phases, angles[places])  # (counts,)
            best.append([(float(sums[k]), int(counts[k])) for k in np.argsort(-sums)[:_LIKELIEST]])
        found += [Extent(a + b, down, right, rows, columns) for (a, rows), (b, columns) in product(*best)]
    return sorted(found, reverse=True)[:_LIKELIEST]


def _possible_counts(axis: Axis, pixels: int) -> dict[int, NDArray[np.int64]]:
    """The possible block counts of the original, for each number of periods that an axis may be farther from the
    corner."""
    start, end = axis.original(0), axis.original(pixels)
    longest = (end - start) / _LEAST_KEPT
    period = template.PERIOD * template.BLOCK
    counts = {}
    for periods in range(int(max(0.0, longest - end) / period) + 1):
        least = int((end + periods * period - _OVERHANG) / template.BLOCK)
        counts[periods] = np.arange(least, max(least, int((longest + _OVERHANG) / template.BLOCK)) + 1)
    return counts
