"""The lifted Tanner graph as index arrays, and the two message-passing rules on it (notebook 04).

Edges are stored in the order of their check nodes with lifted copies side by side. So the rule at a check is a
reduction over a few contiguous rows, vectorised over the lifting and over blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Messages = NDArray[np.float32]

MAX_LLR = 20.0  # beyond this, tanh is 1 in float32 and its logarithm tells nothing
_MIN_LLR = 1e-9  # the smallest |LLR|: its phi is 21.4, so one sure check can outvote MAX_LLR


class TannerGraph:
    """Checks and variables of a lifted base graph; all messages are log p(0)/p(1), shape (blocks, edges).

    ``base``: for each check row its (column, shift) pairs, no column twice; ``lifting``: Z. Edge (row, column, shift),
    copy z joins check z of the row with variable (z + shift) mod Z of the column.
    """

    def __init__(self, base: list[list[tuple[int, int]]], lifting: int) -> None:
        column, shift = np.array([pair for row in base for pair in row]).T
        whole = column[:, None] * lifting + (np.arange(lifting) + shift[:, None]) % lifting
        self.columns = int(column.max()) + 1
        self.edges = whole.size
        self.variable = whole.ravel()
        ends = np.cumsum([0, *map(len, base)])
        self.rows = [whole[a:b] for a, b in pairwise(ends)]
        """For each check row the variables at its edges, (degree, Z)."""
        self._ends = ends * lifting

    def to_variables(self, check: Messages) -> Messages:
        """Sum of the checks' messages at each variable: (blocks, edges) -> (blocks, variables)."""
        total = np.zeros((len(check), self.columns * self.rows[0].shape[1]), np.float32)
        for row, incoming in zip(self.rows, self._by_row(check), strict=True):
            total[:, row] += incoming
        return total

    def holds(self, hard: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether every check is satisfied: hard decisions (blocks, variables) -> (blocks,)."""
        good = np.ones(len(hard), bool)
        for row in self.rows:
            good &= ~np.logical_xor.reduce(hard[:, row], axis=1).any(axis=1)
            if not good.any():
                break
        return good

    def sum_product(self, variable: Messages) -> Messages:
        """:func:`sum_product` at every check: (blocks, edges) -> (blocks, edges)."""
        return self._at_checks(sum_product, variable)

    def min_sum(self, variable: Messages, scale: float = 0.8) -> Messages:
        """:func:`min_sum` at every check: (blocks, edges) -> (blocks, edges)."""
        return self._at_checks(lambda incoming: min_sum(incoming, scale), variable)

    def _at_checks(self, rule: Callable[[Messages], Messages], variable: Messages) -> Messages:
        return np.concatenate([rule(part).reshape(len(part), -1) for part in self._by_row(variable)], axis=1)

    def _by_row(self, messages: Messages) -> list[Messages]:
        """(blocks, edges) -> (blocks, degree, Z) of each check row."""
        cut = [messages[:, a:b] for a, b in pairwise(self._ends)]
        return [part.reshape(len(part), *row.shape) for part, row in zip(cut, self.rows, strict=True)]


def sum_product(incoming: Messages) -> Messages:
    """tanh(out/2) = product of tanh(in/2) over the check's other edges, in the log domain (Gallager's phi).

    (blocks, degree, checks) -> the same.
    """
    sign = np.copysign(np.float32(1), incoming)
    phi = _phi(np.abs(incoming))
    size = _phi(phi.sum(axis=1, keepdims=True) - phi)
    return size * (sign * sign.prod(axis=1, keepdims=True))


def min_sum(incoming: Messages, scale: float = 0.8) -> Messages:
    """The smallest magnitude of the check's other edges, scaled; it needs no calibration (Chen & Fossorier 2002).

    (blocks, degree, checks) -> the same shape; a check has at least two edges.
    """
    sign, size = np.copysign(np.float32(1), incoming), np.abs(incoming)
    least = np.partition(size, 1, axis=1)
    rest = np.where(size == least[:, :1], least[:, 1:2], least[:, :1])  # equal ones: each is the other's smallest
    return np.float32(scale) * rest * (sign * sign.prod(axis=1, keepdims=True))


def _phi(x: Messages) -> Messages:
    """-log tanh(x/2), its own inverse on (0, inf)."""
    return -np.log(np.tanh(np.clip(x, _MIN_LLR, MAX_LLR) * np.float32(0.5)))
