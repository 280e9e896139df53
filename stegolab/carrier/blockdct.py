"""The block DCT: the domain in which JPEG acts on each coefficient almost independently (notebook 04).

Works on NumPy arrays and torch tensors alike. Ahmed, Natarajan & Rao 1974.

A carrier uses only a few frequencies, its band: :func:`analyse` gives their coefficients, :func:`synthesise` turns them
back into samples, and :func:`blur_gain` says how much of them smoothing leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frequencies = Sequence[tuple[int, int]]  # (vertical, horizontal), each below the size of a block


@lru_cache
def basis(size: int) -> NDArray[np.float64]:
    """Orthonormal DCT-II matrix (size, size), one frequency per row: ``basis(n) @ basis(n).T`` is the identity."""
    k = np.arange(size)
    matrix = np.sqrt(2 / size) * np.cos(np.pi * (k[None, :] + 0.5) * k[:, None] / size)
    matrix[0] /= np.sqrt(2)
    return matrix


def forward(plane: Any, size: int) -> Any:
    """(..., H, W) samples -> (..., H // size, W // size, size, size) coefficients, of the whole blocks only.

    Columns on the right and rows at the bottom that do not fill a block are left out. The sum of squares is kept
    (Parseval).
    """
    rows, columns = plane.shape[-2] // size, plane.shape[-1] // size
    blocks = plane[..., : rows * size, : columns * size].reshape(*plane.shape[:-2], rows, size, columns, size)
    matrix = _like(basis(size), plane)
    return matrix @ blocks.swapaxes(-3, -2) @ matrix.T  # (..., rows, columns, size, size)


def some(plane: NDArray[Any], size: int, blocks: NDArray[np.int64]) -> Any:
    """Coefficients (n, size, size) of only some ``blocks`` (n,) of a plane (H, W), counted in raster order."""
    rows, columns = plane.shape[0] // size, plane.shape[1] // size
    whole = plane[: rows * size, : columns * size].reshape(rows, size, columns, size)  # (rows, size, columns, size)
    row, column = np.divmod(blocks, max(columns, 1))
    matrix = _like(basis(size), plane)
    return matrix @ whole[row, :, column, :] @ matrix.T  # (n, size, size)


def inverse(coefficients: Any) -> Any:
    """(..., rows, columns, n, n) coefficients -> (..., rows * n, columns * n) samples; undoes :func:`forward`."""
    *lead, rows, columns, size, _ = coefficients.shape
    matrix = _like(basis(size), coefficients)
    blocks = matrix.T @ coefficients @ matrix
    return blocks.swapaxes(-3, -2).reshape(*lead, rows * size, columns * size)  # (..., H, W)


def analyse(plane: Any, size: int, frequencies: Frequencies) -> Any:
    """Samples (..., H, W) -> coefficients (..., H // size, W // size, frequencies) of those frequencies."""
    vertical, horizontal = _indices(frequencies)
    return forward(plane, size)[..., vertical, horizontal]  # (..., rows, columns, frequencies)


def synthesise(coefficients: Any, size: int, frequencies: Frequencies, shape: Sequence[int]) -> Any:
    """Coefficients (..., rows, columns, frequencies) -> samples (..., H, W) of ``shape`` (H, W), other frequencies 0.

    On the right and at the bottom, samples that do not fill a block are 0.
    """
    *lead, rows, columns, _ = coefficients.shape
    vertical, horizontal = _indices(frequencies)
    blocks = _zeros((*lead, rows, columns, size, size), coefficients)
    blocks[..., vertical, horizontal] = coefficients
    plane = _zeros((*lead, *shape), coefficients)
    plane[..., : rows * size, : columns * size] = inverse(blocks)
    return plane


def blur_gain(frequencies: Frequencies, size: int, variance: Any) -> Any:
    """The share of each frequency that a Gaussian blur of ``variance`` square pixels leaves (negative: it sharpens).

    Every smoothing kernel resembles a Gaussian at low frequencies, so one number describes the resampling filter, the
    codec's loop filter and a real blur together.

    Returns:
        (frequencies,) as float32 for a number; (B, frequencies) for a tensor (B,).
    """
    cycles = np.array(frequencies) / (2 * size)  # (frequencies, 2), a pixel
    squares = (cycles**2).sum(axis=1)  # (frequencies,)
    if isinstance(variance, float | int):
        return np.exp(-2 * np.pi**2 * variance * squares).astype(np.float32)
    return (-2 * np.pi**2 * variance[:, None] * variance.new_tensor(squares)).exp()  # (B, frequencies)


def zigzag(size: int) -> list[tuple[int, int]]:
    """All (vertical, horizontal) frequencies of a block, low to high, in JPEG's order; the first is the mean (DC)."""
    pairs = [(u, v) for u in range(size) for v in range(size)]
    return sorted(pairs, key=lambda p: (p[0] + p[1], p[1] if (p[0] + p[1]) % 2 == 0 else p[0]))


def _indices(frequencies: Frequencies) -> tuple[list[int], list[int]]:
    """Their indices in a block: (vertical, horizontal), one entry per frequency."""
    vertical, horizontal = zip(*frequencies, strict=True)
    return list(vertical), list(horizontal)


def _zeros(shape: tuple[int, ...], other: Any) -> Any:
    return np.zeros(shape, other.dtype) if isinstance(other, np.ndarray) else other.new_zeros(shape)


def _like(matrix: NDArray[np.float64], other: Any) -> Any:
    if isinstance(other, np.ndarray):
        return matrix.astype(other.dtype, copy=False)
    return other.new_tensor(matrix)
