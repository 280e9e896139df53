"""Hand-made features of a steganalyst: how neighbouring differences and noise residuals occur together (notebook 08).

Pictures are smooth and their noise is regular; a payload disturbs this. There are two sets of features. Both are
frequencies of short runs of neighbouring numbers, and both are the same for a picture, its mirror images and its
quarter turns:

SPAM, 686 numbers: how probable a difference between neighbouring pixels is, given the two before it, cut off at T = 3,
    one table of 7 x 7 x 7 along rows and columns and one along the diagonals (Pevny, Bas & Fridrich 2010). The authors'
    code, and ``sealwatch`` with it, counts how often the three occur together instead; the counts are the same.
SRM, 1,664 numbers, a compact part of the spatial rich model (Fridrich & Kodovsky 2012): how often four neighbouring
    residuals occur together, quantised with q = 1 and cut off at T = 2. The residuals are those of second and third
    order along a line (with runs along it and across it), the 3 x 3 and 5 x 5 squares, and the smallest and the largest
    of the second order in four and of the third in eight directions. A residual and its negative count as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Features = NDArray[np.float32]
Counts = NDArray[np.float64]

SPAM, SRM = 686, 1664

_SPAM_T, _SPAM_RUN = 3, 3
_SRM_T, _SRM_RUN = 2, 4
_SECOND = np.array([[1, -2, 1]])
_THIRD = np.array([[1, -3, 3, -1]])
_SQUARE = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]])
_KV = np.array([[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]])
_SECOND_EACH_WAY = [np.diag([1, -2, 1]), np.diag([1, -2, 1])[::-1]]
_SECOND_EACH_WAY += [np.pad(_SECOND, ((1, 1), (0, 0))), np.pad(_SECOND, ((1, 1), (0, 0))).T]
_THIRD_ONE_WAY = [np.pad(_THIRD, ((2, 2), (1, 0))), np.pad(np.diag(_THIRD[0]), ((1, 0), (1, 0)))]
_THIRD_EACH_WAY = [np.rot90(kernel, turn) for kernel in _THIRD_ONE_WAY for turn in range(4)]


def features(plane: Plane) -> Features:
    """SPAM, then SRM, of a luma plane (H, W) of 16 pixels a side and more: float32 (2350,)."""
    return np.concatenate([spam(plane), srm(plane)])


def spam(plane: Plane) -> Features:
    """(686,): probabilities of a difference given the two before it, the mean of four directions, twice."""
    x = plane.astype(np.int16)
    ways = ((0, 1), (1, 0)), ((1, 1), (1, -1))
    return np.concatenate([np.mean([t for way in pair for t in _transitions(x, way)], axis=0) for pair in ways]).astype(
        np.float32
    )


def srm(plane: Plane) -> Features:
    """(1664,): eight tables of co-occurrences, each summing to one."""
    x = plane.astype(np.int16)
    signed, unsigned = _orbits(True), _orbits(False)
    tables = [*_lines(x, _SECOND), *_lines(x, _THIRD)]
    tables += [_both_ways(_residual(x, kernel)) for kernel in (_SQUARE, _KV)]
    folded = [_fold(table, signed) for table in tables]
    for kernels in (_SECOND_EACH_WAY, _THIRD_EACH_WAY):
        each = [_residual(x, kernel) for kernel in kernels]
        least, most = np.minimum.reduce(each), np.maximum.reduce(each)
        folded.append(_fold(_both_ways(least) + _both_ways(-most), unsigned))
    return np.concatenate(folded).astype(np.float32)


def _transitions(x: NDArray[np.int16], way: tuple[int, int]) -> Iterator[Counts]:
    """Tables (343,) of P(third difference | first, second), walking ``way`` and walking back."""
    for counts in _occurrences(x, way):
        yield (counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)).ravel()


def _occurrences(x: NDArray[np.int16], way: tuple[int, int]) -> tuple[Counts, Counts]:
    """How often each three differences in a row occur, (7, 7, 7), walking ``way`` and walking back."""
    before, after = _run(x, way, 2)
    there = _count(after - before, way, _SPAM_T, _SPAM_RUN)
    return there, there.T[::-1, ::-1, ::-1]  # in the other order, with the other sign


def _lines(x: NDArray[np.int16], kernel: NDArray[np.int_]) -> tuple[Counts, Counts]:
    """Runs along the line of a residual, and runs across it; rows and columns together."""
    row, column = _residual(x, kernel), _residual(x, kernel.T)
    return _runs(row, (0, 1)) + _runs(column, (1, 0)), _runs(row, (1, 0)) + _runs(column, (0, 1))


def _both_ways(residual: NDArray[np.int16]) -> Counts:
    return _runs(residual, (0, 1)) + _runs(residual, (1, 0))


def _runs(residual: NDArray[np.int16], way: tuple[int, int]) -> Counts:
    return _count(residual, way, _SRM_T, _SRM_RUN)


def _residual(x: NDArray[np.int16], kernel: NDArray[np.int_]) -> NDArray[np.int16]:
    """The residual of ``kernel`` where it fits into the picture, in units of its largest tap, rounded."""
    rows, columns = (length - taps + 1 for length, taps in zip(x.shape, kernel.shape, strict=True))
    total = np.zeros((rows, columns), np.int16)  # at most 48 x 255
    for (i, j), tap in np.ndenumerate(kernel):
        if tap:
            total += np.int16(tap) * x[i : i + rows, j : j + columns]
    return np.rint(total * np.float32(1 / np.abs(kernel).max())).astype(np.int16)


def _count(field: NDArray[np.int16], way: tuple[int, int], cut: int, run: int) -> Counts:
    """How often each run of ``run`` neighbours occurs, (2 * cut + 1,) * run, values cut off at ``cut``."""
    base = 2 * cut + 1
    code: NDArray[np.int16] = np.int16(0)  # type: ignore[assignment]
    for value in _run(np.clip(field, -cut, cut) + np.int16(cut), way, run):
        code = code * np.int16(base) + value
    return np.bincount(code.ravel(), minlength=base**run).reshape((base,) * run).astype(np.float64)


def _run(field: NDArray[np.int16], way: tuple[int, int], count: int) -> Sequence[NDArray[np.int16]]:
    """``count`` views of a field, each shifted one more step along ``way``, where all of them are defined."""
    rows, columns = (length - (count - 1) * abs(step) for length, step in zip(field.shape, way, strict=True))
    starts = [[k * step - min(0, (count - 1) * step) for step in way] for k in range(count)]
    return [field[i : i + rows, j : j + columns] for i, j in starts]


@cache
def _orbits(signed: bool) -> NDArray[np.int64]:
    """The index of the feature of each bin: a run and its reverse share one, and so do negatives if ``signed``."""
    shape = (2 * _SRM_T + 1,) * _SRM_RUN
    bins = np.arange(np.prod(shape)).reshape(shape)
    same = [bins, bins.T]
    if signed:
        same += [np.flip(b) for b in same]
    return np.unique(np.minimum.reduce(same), return_inverse=True)[1].ravel()


def _fold(counts: Counts, orbits: NDArray[np.int64]) -> Counts:
    return np.bincount(orbits, weights=counts.ravel()) / max(counts.sum(), 1)
