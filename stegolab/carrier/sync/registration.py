"""Fine registration: from a rough guess of the geometry to the original's own pixel grid.

The template's symbols are known, so the right geometry is the one for which they agree best. One parameter is changed
at a time, first in a small window, where a slightly wrong geometry is still good enough everywhere, then in windows
twice as large, where the same error of scale shows twice as clearly. At the end, places are rounded to whole pixels of
the original wherever that loses nothing, and ``extent`` tells how large the original was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from . import template
from .extent import likeliest_extents
from .geometry import Axes, Axis, Geometry, Plane, cut, turned
from .template import Template
from .view import Blocks, View, received_along

# Standard deviations of the whole template's agreement from which a geometry is accepted. With less, a header would be
# searched for at accidental places; with more, heavily damaged pictures would be lost. Chance stays well below, see
# _HOPELESS.
CONFIRMED = 7.0
# Blocks on a side of the first window. A larger one needs a better guess to begin with: half a step of the search's
# scales moves the edge of 24 blocks by half a pixel already. A smaller one holds too few symbols to guide the climb.
_FIRST_SIDE = 24
# Blocks on a side of the window in which a guess is given up. A window of this size distinguishes a template from
# chance, so the work on a wrong guess does not depend on the size of the picture; tests limit it.
_JUDGED_SIDE = 2 * _FIRST_SIDE
# Standard deviations in the second and later windows below which a guess is given up: chance reaches 4 there, and a
# right guess has gained from the larger window.
_HOPELESS = 5.0
# The same before anything was climbed there. What is right but fainter than that would never be confirmed; what chance
# made reaches 4.3, and ends here before the dearest part.
_FAINT = 4.5
# Pixels between the places that are tried, coarse to fine. Two steps either way cover the error of the search in the
# first window (a pixel of the window, which is shrunk by two), and later what the window before left over; the parabola
# through the best three places is more exact than a finer step would be.
_FIRST_STEPS, _LATER_STEPS = (0.8, 0.4), (0.3, 0.12)
# The share of the agreement that rounding to whole pixels may cost. With 1, noise in the agreement would often decide
# against the exact place; with much less, a crop after a resize, which is not at a whole pixel, would be moved onto
# one.
_NEARLY_AS_GOOD = 0.985
# The share of the middle's agreement, for as many blocks, that whole pixels must keep in all of the picture to end the
# registration early. The template is fainter near cropped or smooth edges; where scale is wrong it drops to nothing.
_CLEAR_THROUGHOUT = 0.8
# Within this many pixels of the original's corner, the corner itself is tried too, because it is the likeliest.
_NEAR_CORNER = 3.0


@dataclass(frozen=True)
class Aligned:
    """A received picture aligned with the original.

    plane: luma (H, W) of all the original's blocks; ``seen``: which blocks (rows, columns) were received.
    shape: of the original in pixels, as far as it can be known; ``geometry``: what was done to it.
    """

    plane: Plane
    seen: NDArray[np.bool_]
    shape: tuple[int, int]
    geometry: Geometry


@dataclass(frozen=True)
class _Registered:
    """Axes exact to a fraction of a pixel, and all the blocks that were received on them."""

    axes: Axes
    received: Blocks


@dataclass(frozen=True)
class _Change:
    """One parameter of the geometry: how one unit of it moves and stretches the vertical and the horizontal axis."""

    move: tuple[int, int] = (0, 0)
    stretch: tuple[int, int] = (0, 0)

    def by(self, amount: float, axes: Axes, blocks: Blocks) -> Axes:
        """``axes`` moved by ``amount`` pixels, or stretched about the middle of ``blocks`` by that much at its edge."""
        reach = max(blocks.rows, blocks.columns) * template.BLOCK / 2
        middle = [
            (first + count / 2) * template.BLOCK
            for first, count in ((blocks.row, blocks.rows), (blocks.column, blocks.columns))
        ]
        vertical, horizontal = (
            axis.moved(float(amount * move), centre, float(amount * stretch) / reach)
            for axis, centre, move, stretch in zip(axes, middle, self.move, self.stretch, strict=True)
        )
        return Axes(vertical, horizontal)


_DOWN, _RIGHT = _Change(move=(1, 0)), _Change(move=(0, 1))
_LARGER, _TALLER, _WIDER = _Change(stretch=(1, 1)), _Change(stretch=(1, 0)), _Change(stretch=(0, 1))
# Both sides were stretched alike except for rounding, so this comes first, and then each side by itself.
_CHANGES = (_DOWN, _RIGHT, _LARGER, _DOWN, _RIGHT, _TALLER, _WIDER)


def align(known: Template, view: View, rough: Geometry) -> Iterator[Aligned]:
    """Align a received plane with the original, given its geometry to a few pixels and modulo the template's period.

    One result for each possible size of the original, the likeliest first; none if there is no template.
    """
    view = replace(view, plane=turned(view.plane, rough.turn))
    registered = _registered(known, view, rough.axes)
    if registered is None or view.agreement(known, registered.axes, registered.received) < CONFIRMED:
        return
    height, width = view.plane.shape
    for extent in likeliest_extents(known, view, registered.axes, registered.received):
        axes = extent.origin(registered.axes)
        rows = _which_received(axes.vertical, height, extent.rows)
        columns = _which_received(axes.horizontal, width, extent.columns)
        size = extent.rows * template.BLOCK, extent.columns * template.BLOCK
        yield Aligned(
            cut(view.plane, axes.vertical, axes.horizontal, (0, 0), size, view.held),
            rows[:, None] & columns,
            (_side(axes.vertical, height, size[0]), _side(axes.horizontal, width, size[1])),
            Geometry(rough.turn, axes.vertical, axes.horizontal),
        )


def _side(axis: Axis, received: int, blocks: int) -> int:
    """Pixels of the original along an axis: its whole ``blocks``, and as much beyond them as was received."""
    return min(max(blocks, round(axis.original(received))), blocks + template.BLOCK - 1)


def _which_received(axis: Axis, pixels: int, count: int) -> NDArray[np.bool_]:
    """Which of the original's ``count`` rows or columns of blocks were received: (count,)."""
    first, many = received_along(axis, pixels)
    index = np.arange(count)
    return (index >= first) & (index < first + many)


def _registered(known: Template, view: View, axes: Axes) -> _Registered | None:
    """The exact axes; None as soon as the guess is clearly wrong."""
    return _by_whole_pixels(known, view, axes) if view.held else _by_climbing(known, view, axes)


def _by_whole_pixels(known: Template, view: View, axes: Axes) -> _Registered | None:
    """Where pixels are held, only whole pixels of the original need to be tried."""
    received = view.received_blocks(axes)
    middle = received.middle(_JUDGED_SIDE)
    if (
        middle != received
        and view.agreement(known, _rounded(known, view, axes, middle, keeping=0.0), middle) < _HOPELESS
    ):
        return None
    return _Registered(_rounded(known, view, axes, received), received)


def _by_climbing(known: Template, view: View, axes: Axes) -> _Registered | None:
    """Climb in one window after another, each twice as large, until the window covers everything received."""
    side, steps = _FIRST_SIDE, _FIRST_STEPS
    while True:
        received = view.received_blocks(axes)
        window = received.middle(side)
        if side > _JUDGED_SIDE and view.agreement(known, axes, window) < _HOPELESS:
            return None
        for step in steps:
            axes = _climbed(known, view, axes, window, step)
        if window == received:
            return _Registered(_rounded(known, view, axes, window), window)
        if side == _FIRST_SIDE:
            judged = view.agreement(known, axes, received.middle(_JUDGED_SIDE))
            if judged < _FAINT:
                return None
            if judged > _HOPELESS:
                exact = _rounded(known, view, axes, received, keeping=1.0)
                if _clear_throughout(known, view, axes, exact, window, received):
                    return _Registered(exact, received)  # climbing would hardly move it
        side, steps = 2 * side, _LATER_STEPS


def _clear_throughout(known: Template, view: View, axes: Axes, exact: Axes, window: Blocks, received: Blocks) -> bool:
    """Whether both axes could be rounded, and the template then agrees everywhere about as well as in the window."""
    both = exact.vertical is not axes.vertical and exact.horizontal is not axes.horizontal
    each = view.agreement(known, axes, window) / np.sqrt(window.count)  # a sum grows with the root of what is summed
    return both and view.agreement(known, exact, received) > _CLEAR_THROUGHOUT * each * np.sqrt(received.count)


def _climbed(known: Template, view: View, axes: Axes, blocks: Blocks, step: float) -> Axes:
    """``axes`` moved and stretched so that ``blocks`` agree best; tried in steps of ``step`` pixels at the edge."""
    amounts = step * np.arange(-2, 3)
    for change in _CHANGES:
        scores = np.array([view.agreement(known, change.by(amount, axes, blocks), blocks) for amount in amounts])
        best = int(np.argmax(scores))
        axes = change.by(amounts[best] + step * _top_of_parabola(scores, best), axes, blocks)
    return axes


def _top_of_parabola(scores: NDArray[np.float64], best: int) -> float:
    """The maximum of the parabola through the best of evenly spaced scores and its neighbours, relative to the best."""
    if not 0 < best < len(scores) - 1:
        return 0.0
    before, here, after = scores[best - 1 : best + 2]
    return float(0.5 * (before - after) / (before - 2 * here + after - 1e-9))


def _rounded(known: Template, view: View, axes: Axes, blocks: Blocks, keeping: float = _NEARLY_AS_GOOD) -> Axes:
    """``axes`` on which what was received begins and ends with whole pixels of the original.

    This is true unless it was cropped after a resize. So an axis is not rounded if that would keep less than
    ``keeping`` of the agreement. Where the picture was not resized at all this saves its detail from interpolation.
    """
    least = keeping * view.agreement(known, axes, blocks)
    for index, pixels in enumerate(view.plane.shape):
        start, end = (tuple(axes)[index].original(place) for place in (0, pixels))
        starts = {round(start) + k for k in (-1, 0, 1)} | ({0} if abs(start) < _NEAR_CORNER else set())
        options = []
        for first, last in product(starts, (round(end) + k for k in (-1, 0, 1))):
            exact = Axis(pixels / (last - first), -first * pixels / (last - first))
            options.append(Axes(exact, axes.horizontal) if index == 0 else Axes(axes.vertical, exact))
        best = max(options, key=lambda option: view.agreement(known, option, blocks))
        if view.agreement(known, best, blocks) >= least:
            axes = best
    return axes
