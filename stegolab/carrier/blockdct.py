"""The block DCT: the domain in which JPEG acts on each coefficient almost independently (notebook 04).

Works alike on NumPy arrays and torch tensors, whichever it is given. Ahmed, Natarajan & Rao 1974.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@lru_cache
def basis(size: int) -> NDArray[np.float64]:
    """Orthonormal DCT-II matrix (size, size), a frequency a row: ``basis(n) @ basis(n).T`` is the identity."""
    k = np.arange(size)
    matrix = np.sqrt(2 / size) * np.cos(np.pi * (k[None, :] + 0.5) * k[:, None] / size)
    matrix[0] /= np.sqrt(2)
    return matrix


def forward(plane: Any, size: int) -> Any:
    """(..., H, W) samples -> (..., H // size, W // size, size, size) coefficients, of the whole blocks only.

    The rows and columns right and below that do not fill a block are left out. Parseval: the sum of squares is kept.
    """
    rows, columns = plane.shape[-2] // size, plane.shape[-1] // size
    blocks = plane[..., : rows * size, : columns * size].reshape(*plane.shape[:-2], rows, size, columns, size)
    matrix = _like(basis(size), plane)
    return matrix @ blocks.swapaxes(-3, -2) @ matrix.T


def some(plane: NDArray[Any], size: int, blocks: NDArray[np.int64]) -> Any:
    """Coefficients (n, size, size) of some ``blocks`` (n,) of a plane (H, W), counted in raster order; no others."""
    rows, columns = plane.shape[0] // size, plane.shape[1] // size
    whole = plane[: rows * size, : columns * size].reshape(rows, size, columns, size)
    row, column = np.divmod(blocks, max(columns, 1))
    matrix = _like(basis(size), plane)
    return matrix @ whole[row, :, column, :] @ matrix.T


def inverse(coefficients: Any) -> Any:
    """(..., rows, columns, n, n) coefficients -> (..., rows * n, columns * n) samples; undoes :func:`forward`."""
    *lead, rows, columns, size, _ = coefficients.shape
    matrix = _like(basis(size), coefficients)
    blocks = matrix.T @ coefficients @ matrix
    return blocks.swapaxes(-3, -2).reshape(*lead, rows * size, columns * size)


def zigzag(size: int) -> list[tuple[int, int]]:
    """All (vertical, horizontal) frequencies of a block, low to high, in JPEG's order; the first is the mean (DC)."""
    pairs = [(u, v) for u in range(size) for v in range(size)]
    return sorted(pairs, key=lambda p: (p[0] + p[1], p[1] if (p[0] + p[1]) % 2 == 0 else p[0]))


def _like(matrix: NDArray[np.float64], other: Any) -> Any:
    if isinstance(other, np.ndarray):
        return matrix.astype(other.dtype, copy=False)
    return other.new_tensor(matrix)
