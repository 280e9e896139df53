"""From a rough lock on the template to the original's own grid: fine registration, and the original's size.

The template's symbols are known, so the geometry is what makes them agree best: one parameter after the other, first
on a window, then on windows twice as large, where the same error of scale shows twice as clearly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..blockdct import basis
from . import template
from .geometry import Axis, Geometry, Plane, cut, turned

Floats = NDArray[np.float32]
Axes = tuple[Axis, Axis]
Box = tuple[int, int, int, int]  # first row, first column, rows, columns of blocks

_FIRST = 24  # blocks on a side of the first window
_ENOUGH = 2 * _FIRST  # by then a lock that chance made is nearly always given up, however large the picture
_COARSE, _FINE = (0.8, 0.4), (0.3, 0.12)  # pixels between the places tried, on the first window and on all others
CONFIRMED = 7.0  # standard deviations of the whole template, after which a header is looked for
_HOPELESS = 5.0  # standard deviations on a larger window, below which no climbing confirms: chance reaches 4 there
_AS_GOOD = 0.985  # of the agreement: what whole numbers may leave
_AS_CLEAR = 0.8  # of the agreement in the middle, for as many blocks: what is left of it farther out
_NEAR = 3.0  # pixels
# Moves and stretches (vertical, horizontal) by one unit
_DOWN, _RIGHT = ((1, 0), (0, 0)), ((0, 1), (0, 0))
_LARGER, _TALLER, _WIDER = ((0, 0), (1, 1)), ((0, 0), (1, 0)), ((0, 0), (0, 1))
_TOLERANCE = 1.0  # pixel of the original by which a block may stick out of what was received
_KEPT = 0.7  # of each side of the original, at least: a quarter of the area may be gone, and a little more
_SIZES = 3  # most likely sizes of the original, to be told apart by their headers


@dataclass(frozen=True)
class View:
    """A received plane (H, W), and how many of the original's pixels a side are averaged before its blocks are read.

    The template's two frequencies are low: at half resolution they show. In very busy pictures they show between whole
    pixels only as they are: those are looked at in full, and ``held`` where a box filter had made them smaller.
    """

    plane: Plane
    shrink: int = 2
    held: bool = False

    def cut(self, axes: Axes, corner: tuple[float, float], size: tuple[int, int]) -> Plane:
        """A rectangle of the original, see :func:`.geometry.cut`."""
        return cut(self.plane, *axes, corner, size, self.shrink, self.held)


@dataclass(frozen=True)
class Aligned:
    """A received picture laid back onto the original.

    plane: luma (H, W) of all the original's blocks; ``seen``: which blocks (rows, columns) were received.
    shape: of the original in pixels, as far as it shows; ``geometry``: what had happened to it.
    """

    plane: Plane
    seen: NDArray[np.bool_]
    shape: tuple[int, int]
    geometry: Geometry


def align(view: View, rough: Geometry) -> Iterator[Aligned]:
    """Lay a received plane back, given its geometry to a few pixels and modulo the template's period.

    One for each size that the original may have had, the likeliest first; none where the template is not.
    """
    view = replace(view, plane=turned(view.plane, rough.turn))
    registered = _registered(view, (rough.vertical, rough.horizontal))
    if registered is None or agreement(view, *registered) < CONFIRMED:
        return
    axes, whole = registered
    for down, right, rows, columns in _extents(view, axes, whole):
        moved = axes[0].beginning(down), axes[1].beginning(right)
        sides = list(zip(moved, view.plane.shape, strict=True))
        inside = [_inside(*side, count) for side, count in zip(sides, (rows, columns), strict=True)]
        size = rows * template.BLOCK, columns * template.BLOCK
        ends = [round(axis.original(have)) for axis, have in sides]
        shape = [min(max(whole, end), whole + template.BLOCK - 1) for whole, end in zip(size, ends, strict=True)]
        yield Aligned(
            cut(view.plane, *moved, (0, 0), size, held=view.held),
            inside[0][:, None] & inside[1],
            (shape[0], shape[1]),
            Geometry(rough.turn, *moved),
        )


def _registered(view: View, axes: Axes) -> tuple[Axes, Box] | None:
    """The axes to a fraction of a pixel, and the box of all that was received; None as soon as there is no hope."""
    if view.held:  # by whole pixels of the original: there is nothing in between to climb over
        box, some = _received(view, axes), _middle(_received(view, axes), _ENOUGH)
        if some != box and agreement(view, _snapped(view, axes, some, as_good=0.0), some) < _HOPELESS:
            return None
        return _snapped(view, axes, box), box
    side, steps = _FIRST, _COARSE
    while True:
        all_of_it = _received(view, axes)
        window = _middle(all_of_it, side)
        if side > _ENOUGH and agreement(view, axes, window) < _HOPELESS:
            return None
        for step in steps:
            axes = _climbed(view, axes, window, step)
        if window != all_of_it and side == _FIRST and agreement(view, axes, _middle(all_of_it, _ENOUGH)) > _HOPELESS:
            exact = _snapped(view, axes, all_of_it, as_good=1.0)
            both = all(new is not old for new, old in zip(exact, axes, strict=True))
            clear = agreement(view, axes, window) / np.sqrt(window[2] * window[3])
            if both and agreement(view, exact, all_of_it) > _AS_CLEAR * clear * np.sqrt(all_of_it[2] * all_of_it[3]):
                return exact, all_of_it  # whole pixels, and clear throughout: climbing would hardly move it
        if window == all_of_it:
            return _snapped(view, axes, window), window
        side, steps = 2 * side, _FINE


def _middle(box: Box, side: int) -> Box:
    """At most so many blocks on a side of the middle of ``box``."""
    top, left, rows, columns = box
    return top + max(0, rows - side) // 2, left + max(0, columns - side) // 2, min(rows, side), min(columns, side)


def _climbed(view: View, axes: Axes, box: Box, step: float) -> Axes:
    """Move and stretch to where the symbols in ``box`` agree best: ``step`` pixels at its edges between the tries.

    Both sides are stretched alike first, which they were but for rounding, and each by itself then.
    """
    amounts = step * np.arange(-2, 3)
    for change in (_DOWN, _RIGHT, _LARGER, _DOWN, _RIGHT, _TALLER, _WIDER):
        moves, stretches = np.array(change)
        options = [_changed(axes, box, amount * moves, amount * stretches) for amount in amounts]
        scores = np.array([agreement(view, option, box) for option in options])
        best = int(np.argmax(scores))
        top = amounts[best] + step * _vertex(scores, best)
        axes = _changed(axes, box, top * moves, top * stretches)
    return axes


def _changed(axes: Axes, box: Box, moves: Floats, stretches: Floats) -> Axes:
    """``axes`` moved by so many pixels, and stretched about the middle of ``box``: so many at its longer edge."""
    reach = max(box[2:]) * template.BLOCK / 2
    middles = [(first + count / 2) * template.BLOCK for first, count in zip(box[:2], box[2:], strict=True)]
    vertical, horizontal = (
        axis.moved(float(by), middle, float(stretch) / reach)
        for axis, by, middle, stretch in zip(axes, moves, middles, stretches, strict=True)
    )
    return vertical, horizontal


def _snapped(view: View, axes: Axes, box: Box, as_good: float = _AS_GOOD) -> Axes:
    """What was received began and ended with whole pixels of the original, unless it was cropped after a resize.

    So much of the original's detail is saved from interpolation where it was not resized at all. Where it began near
    the corner it is likely to have begun there.
    """
    least = as_good * agreement(view, axes, box)
    for index, have in enumerate(view.plane.shape):
        first, last = (axes[index].original(place) for place in (0, have))
        firsts = {round(first) + k for k in (-1, 0, 1)} | ({0} if abs(first) < _NEAR else set())
        options = []
        for start, end in product(firsts, (round(last) + k for k in (-1, 0, 1))):
            exact = Axis(have / (end - start), -start * have / (end - start))
            options.append((exact, axes[1]) if index == 0 else (axes[0], exact))
        best = max(options, key=lambda option: agreement(view, option, box))
        if agreement(view, best, box) >= least:
            axes = best
    return axes


def agreement(view: View, axes: Axes, box: Box) -> float:
    """How far the template's symbols in ``box`` say what they should, in standard deviations of what chance gives."""
    top, left, rows, columns = box
    said = _said(view, axes, box)
    known = template.position_signs()[:, _around(top, rows)[:, None], _around(left, columns)]
    return float((said * known).sum() / np.sqrt(np.square(said[known != 0]).sum() + 1e-9))


def _said(view: View, axes: Axes, box: Box) -> Floats:
    """Evidence (2, rows, columns) of the blocks of ``box`` at the template's frequencies."""
    top, left, rows, columns = box
    size = template.BLOCK // view.shrink
    corner = top * template.BLOCK, left * template.BLOCK
    plane = view.cut(axes, corner, (rows * size, columns * size))
    flat, wave = basis(size)[:2].astype(np.float32)
    blocks = plane.reshape(rows, size, columns, size)
    across = np.tensordot(np.tensordot(blocks, flat, (1, 0)), wave, (2, 0))
    down = np.tensordot(np.tensordot(blocks, wave, (1, 0)), flat, (2, 0))
    return np.sin(np.stack([across, down]) * np.float32(2 * np.pi * view.shrink / template.STEP))


def _extents(view: View, axes: Axes, whole: Box) -> list[tuple[int, int, int, int]]:
    """Pixels to move down and right, by whole periods, and how many rows and columns of blocks: the likeliest."""
    top, left, rows, columns = whole
    said = _said(view, axes, whole)
    row, column = np.arange(top, top + rows)[:, None], np.arange(left, left + columns)
    options = [_options(axis, have) for axis, have in zip(axes, view.plane.shape, strict=True)]
    ranked = []
    for down, right in product(*options):
        found = []
        for axis, counts in enumerate((options[0][down], options[1][right])):
            places = np.nonzero(template.count_places(axis, row, column))
            here = said[axis][places]
            at = places[0] + top + down * template.PERIOD, places[1] + left + right * template.PERIOD
            sums = template.count_signs(axis, at[0], at[1], counts[:, None]) @ here
            best = np.argsort(-sums)[:_SIZES]
            found.append([(float(sums[k]), int(counts[k])) for k in best])
        ranked += [(a + b, (down, right, m, n)) for (a, m), (b, n) in product(*found)]
    ranked.sort(reverse=True)
    period = template.PERIOD * template.BLOCK
    return [(down * period, right * period, m, n) for _, (down, right, m, n) in ranked[:_SIZES]]


def _options(axis: Axis, have: int) -> dict[int, NDArray[np.int64]]:
    """How many periods further from the corner this axis may lie -> how many blocks the original may then have."""
    start, end = axis.original(0), axis.original(have)
    most = (end - start) / _KEPT
    options = {}
    period = template.PERIOD * template.BLOCK
    for periods in range(int(max(0.0, most - end) / period) + 1):
        least = int((end + periods * period - _TOLERANCE) / template.BLOCK)
        options[periods] = np.arange(least, max(least, int((most + _TOLERANCE) / template.BLOCK)) + 1)
    return options


def _blocks(axis: Axis, have: int) -> tuple[int, int]:
    """First of the blocks that lie within what was received, and how many there are."""
    first = int(np.ceil((axis.original(0) - _TOLERANCE) / template.BLOCK))
    last = int(np.floor((axis.original(have) + _TOLERANCE) / template.BLOCK))
    return first, max(last - first, 1)


def _received(view: View, axes: Axes) -> Box:
    """All the blocks that lie within what was received."""
    (top, rows), (left, columns) = (_blocks(axis, have) for axis, have in zip(axes, view.plane.shape, strict=True))
    return top, left, rows, columns


def _inside(axis: Axis, have: int, count: int) -> NDArray[np.bool_]:
    first, seen = _blocks(axis, have)
    index = np.arange(count)
    return (index >= first) & (index < first + seen)


def _around(first: int, count: int) -> NDArray[np.int64]:
    return np.arange(first, first + count) % template.PERIOD


def _vertex(scores: Floats, best: int) -> float:
    """Where between the samples, relative to the best, the parabola through it and its neighbours has its top."""
    if not 0 < best < len(scores) - 1:
        return 0.0
    before, here, after = scores[best - 1 : best + 2]
    return float(0.5 * (before - after) / (before - 2 * here + after - 1e-9))
