"""The lifted Tanner graph as index arrays, and the two message-passing rules on it (notebook 04).

Edges are kept in the order of their check nodes, lifted copies side by side, so that the rule at a check is a
reduction over a few contiguous rows, vectorised over the lifting and over blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Messages = NDArray[np.float32]

MAX_LLR = 20.0  # beyond this float32 tanh is 1 and its logarithm has no information left
_MIN_LLR = 1e-6


class TannerGraph:
    """Checks and variables of a lifted base graph; all messages are log p(0)/p(1), shape (blocks, edges).

    ``rows``: for each check row its (column, shift) pairs; ``lifting``: Z. Edge (row, column, shift), copy z
    joins check z of the row with variable (z + shift) mod Z of the column.
    """

    def __init__(self, rows: list[list[tuple[int, int]]], lifting: int) -> None:
        row = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
        column, shift = np.array([pair for r in rows for pair in r]).T
        copies = np.arange(lifting)
        self.lifting = lifting
        self.columns = int(column.max()) + 1
        self.edges = len(row) * lifting
        self.variable = (column[:, None] * lifting + (copies + shift[:, None]) % lifting).ravel()
        self._owner = row
        self._row_starts = np.flatnonzero(np.diff(row, prepend=-1))
        by_column = np.argsort(column, kind="stable")
        self._column_starts = np.flatnonzero(np.diff(column[by_column], prepend=-1))
        self._incoming = (by_column[:, None] * lifting + (copies - shift[by_column, None]) % lifting).ravel()

    def to_variables(self, check: Messages) -> Messages:
        """Sum of the checks' messages at each variable: (blocks, edges) -> (blocks, variables)."""
        incoming = check[:, self._incoming].reshape(len(check), -1, self.lifting)
        return np.add.reduceat(incoming, self._column_starts, axis=1).reshape(len(check), -1)

    def parity(self, hard: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which checks fail: hard decisions (blocks, variables) -> (blocks, checks)."""
        return np.logical_xor.reduceat(self._by_row(hard[:, self.variable]), self._row_starts, axis=1).reshape(
            len(hard), -1
        )

    def sum_product(self, variable: Messages) -> Messages:
        """tanh(out/2) = product of tanh(in/2) over the check's other edges, in the log domain (Gallager's phi)."""
        folded = self._by_row(variable)
        phi = _phi(np.abs(folded))
        total = np.add.reduceat(phi, self._row_starts, axis=1)[:, self._owner]
        return self._signed(folded, _phi(total - phi))

    def min_sum(self, variable: Messages, scale: float = 0.8) -> Messages:
        """The smallest magnitude of the check's other edges, scaled: needs no calibration (Chen & Fossorier 2002)."""
        folded = self._by_row(variable)
        size = np.abs(folded)
        least = np.minimum.reduceat(size, self._row_starts, axis=1)[:, self._owner]
        rest = np.where(size == least, np.float32(np.inf), size)
        second = np.minimum.reduceat(rest, self._row_starts, axis=1)[:, self._owner]
        # two equal minima leave the second one infinite or larger: then the least is also the other's least
        ties = np.add.reduceat((size == least).astype(np.int8), self._row_starts, axis=1)[:, self._owner] > 1
        return self._signed(folded, np.float32(scale) * np.where((size == least) & ~ties, second, least))

    def _by_row(self, edges: NDArray) -> NDArray:
        return edges.reshape(len(edges), -1, self.lifting)

    def _signed(self, incoming: Messages, magnitude: Messages) -> Messages:
        negative = incoming < 0
        odd = np.logical_xor.reduceat(negative, self._row_starts, axis=1)[:, self._owner]
        return np.where(odd ^ negative, -magnitude, magnitude).reshape(len(incoming), -1)


def _phi(x: Messages) -> Messages:
    """-log tanh(x/2), its own inverse on (0, inf)."""
    return -np.log(np.tanh(np.clip(x, _MIN_LLR, MAX_LLR) * np.float32(0.5)))
