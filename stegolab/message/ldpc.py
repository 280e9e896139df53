"""Quasi-cyclic LDPC codes of 5G NR: encoder, and a soft decoder over batches of blocks (notebook 04).

A small base graph is lifted: each of its entries becomes a Z x Z identity matrix, cyclically shifted.
The parity part is built so that encoding is back substitution, and the sparse graph so that belief
propagation decodes close to capacity. Written by hand because notebook 04 teaches it, and because libraries with these
codes need PyTorch; a test compares them with Sionna's. 3GPP TS 38.212 section 5.3.2; Gallager 1962; Richardson &
Kudekar 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSpec
from .tanner import MAX_LLR, TannerGraph, min_sum, sum_product

Bits = NDArray[np.uint8]
Llr = NDArray[np.float32]
Algorithm = Literal["sum-product", "min-sum"]

_LIFTING = tuple(  # (lifting size, shift-coefficient set), table 5.3.2-1
    sorted((a << j, s) for s, a in enumerate((2, 3, 5, 7, 9, 11, 13, 15)) for j in range(8) if a << j <= 384)
)
_BATCH = 16  # blocks decoded together: about 60 MB of messages


@dataclass(frozen=True)
class LdpcCode:
    """One (n, k) code: ``k`` message bits in, ``n`` transmitted bits out, any 1/1000 <= k/n <= 8/9.

    ``encode`` is linear over GF(2) (tests compare it with sionna's); ``decode(2.0 * encode(m) - 1)`` returns ``m``.
    Below the mother rate (1/3 or 1/5), bits are sent more than once and their LLRs are added.

    Raises:
        BadSpec: k or n out of range.
    """

    k: int
    n: int

    def __post_init__(self) -> None:
        if not (12 <= self.k <= 8448 and 9 * self.k <= 8 * self.n and self.n <= 1000 * self.k):
            raise BadSpec(f"no LDPC code with {self.k} message bits in {self.n}: k is 12..8448, the rate 1/1000..8/9")
        if self.graph == 2 and self.k > 3840:
            raise BadSpec(f"rates up to 1/4 allow at most 3840 message bits per block, not {self.k}")

    @property
    def graph(self) -> int:
        """Base graph 1 (long, high rate) or 2 (short, low rate), section 7.2.2."""
        rate = self.k / self.n
        return 2 if self.k <= 292 or (self.k <= 3824 and rate <= 0.67) or rate <= 0.25 else 1

    def encode(self, message: Bits) -> Bits:
        """Message bits (blocks, k) -> code bits (blocks, n)."""
        z, columns = self.lifting, self._systematic_columns
        blocks = len(message)
        word = np.zeros((blocks, self._base.columns, z), np.uint8)
        word[:, :columns] = np.pad(message, ((0, 0), (0, columns * z - self.k))).reshape(blocks, columns, z)
        checks = [[(c, s % z) for c, s in row] for row in self._base.rows(self._set)]
        first = columns  # the first parity column appears three times in rows 0..3, twice with the same shift
        shifts = [s for row in checks[:4] for c, s in row if c == first]
        odd = next(s for s in shifts if shifts.count(s) % 2)
        total = np.zeros((blocks, z), np.uint8)
        for row in checks[:4]:  # the sum of the four core rows cancels every other parity column
            total ^= _row_sum(word, row, skip=range(first, first + 4))
        word[:, first] = np.roll(total, odd, axis=1)
        pending, known = list(range(4)), {first}
        while pending:  # core: solve each row with one unknown parity left; together the rows form a staircase
            for r in pending:
                unknown = [c for c, _ in checks[r] if first <= c < first + 4 and c not in known]
                if len(unknown) == 1:
                    word[:, unknown[0]] = _row_sum(word, checks[r], skip=unknown)
                    known.add(unknown[0])
                if len(unknown) <= 1:
                    pending.remove(r)
                    break
        for r in range(4, self._base.height):  # extension: one new parity column per row
            word[:, first + r] = _row_sum(word, checks[r], skip=[first + r])
        return word.reshape(blocks, -1)[:, self._sent]

    def decode(
        self, llr: Llr, iterations: int = 40, algorithm: Algorithm = "sum-product"
    ) -> tuple[Bits, NDArray[np.bool_]]:
        """LLRs (blocks, n), log p(1)/p(0) -> message bits (blocks, k), and whether every check holds (blocks,).

        All-zero and non-finite blocks never count as decoded, because the zero word satisfies every check without
        having been received. The schedule is layered: a row of checks uses what the rows above it said in the same
        iteration, which needs half as many iterations as flooding (Hocevar 2004). A block leaves the batch as soon as
        its checks hold. ``sum-product`` is exact on a tree and needs calibrated LLRs; ``min-sum`` (scaled by 0.8) does
        not.
        """
        message, done = np.zeros((len(llr), self.k), np.uint8), np.zeros(len(llr), bool)
        usable = np.flatnonzero(np.isfinite(llr).all(axis=1) & llr.any(axis=1))
        for start in range(0, len(usable), _BATCH):
            batch = usable[start : start + _BATCH]
            message[batch], done[batch] = self._propagate(llr[batch], iterations, algorithm)
        return message, done

    def _propagate(self, llr: Llr, iterations: int, algorithm: Algorithm) -> tuple[Bits, NDArray[np.bool_]]:
        if algorithm == "min-sum":  # only ratios matter: scaled to stay below the clipping
            llr = llr / np.abs(llr).max(axis=1, keepdims=True)
        rule = sum_product if algorithm == "sum-product" else min_sum
        belief = -self._derate(llr)  # inside: log p(0)/p(1), so a check's rule is a product
        message, done = np.zeros((len(llr), self.k), np.uint8), np.zeros(len(llr), bool)
        active, graph = np.arange(len(llr)), self._tanner
        said = [np.zeros((len(llr), *row.shape), np.float32) for row in graph.rows]
        for _ in range(iterations):
            hard = belief < 0
            message[active] = hard[:, : self.k]
            holds = graph.holds(hard)
            if holds.any():
                done[active[holds]] = True
                active, belief, said = active[~holds], belief[~holds], [check[~holds] for check in said]
            if not len(active):
                break
            for number, row in enumerate(graph.rows):
                heard = belief[:, row] - said[number]
                said[number] = rule(heard)
                belief[:, row] = heard + said[number]
        return message, done

    @cached_property
    def lifting(self) -> int:
        """The lifting size Z: the smallest in the standard that holds k bits."""
        return self._lifting[0]

    @property
    def _set(self) -> int:
        return self._lifting[1]

    @cached_property
    def _lifting(self) -> tuple[int, int]:
        kb = 22 if self.graph == 1 else 10 if self.k > 640 else 9 if self.k > 560 else 8 if self.k > 192 else 6
        return next((z, s) for z, s in _LIFTING if kb * z >= self.k)

    @property
    def _base(self) -> BaseGraph:
        return base_graph(self.graph)

    @property
    def _systematic_columns(self) -> int:
        return 22 if self.graph == 1 else 10

    @cached_property
    def _sent(self) -> NDArray[np.int64]:
        """Indices into the lifted code word in order of transmission, repeated from the start when all were sent."""
        return np.resize(self._buffer, self.n)

    @cached_property
    def _buffer(self) -> NDArray[np.int64]:
        """The bits that may be sent: all except the first 2 Z, which are punctured, and the fillers."""
        z = self.lifting
        buffer = np.arange(2 * z, self._base.columns * z)
        return buffer[(buffer < self.k) | (buffer >= self._systematic_columns * z)]

    @cached_property
    def _tanner(self) -> TannerGraph:
        # rows whose own parity column was never sent tell nothing about other bits: leave them out
        last = int(self._sent.max()) // self.lifting
        height = max(4, min(self._base.height, last - self._systematic_columns + 1))
        return _tanner_graph(self.graph, self._set, self.lifting, height)

    def _derate(self, llr: Llr) -> Llr:
        z = self.lifting
        full = np.zeros((len(llr), self._tanner.columns * z), np.float32)
        lap = self._buffer[: self.n]
        laps = np.pad(llr, ((0, 0), (0, -self.n % len(lap)))).reshape(len(llr), -1, len(lap))
        full[:, lap] = laps.sum(axis=1, dtype=np.float64).clip(-MAX_LLR, MAX_LLR)
        full[:, self.k : self._systematic_columns * z] = -MAX_LLR  # fillers are known zeros
        return full


@lru_cache(maxsize=8)
def _tanner_graph(graph: int, lifting_set: int, lifting: int, height: int) -> TannerGraph:
    return TannerGraph(base_graph(graph).rows(lifting_set)[:height], lifting)


def _row_sum(word: Bits, row: list[tuple[int, int]], skip: object) -> Bits:
    total = np.zeros_like(word[:, 0])
    for column, shift in row:
        if column not in skip:  # type: ignore[operator]
            total ^= np.roll(word[:, column], -shift, axis=1)
    return total


@dataclass(frozen=True)
class BaseGraph:
    """The standard's base graph: entries (row, column, shift coefficients of the 8 lifting sets)."""

    entries: NDArray[np.int64]  # (entries, 10)

    @property
    def height(self) -> int:
        """Rows (check nodes before lifting)."""
        return int(self.entries[:, 0].max()) + 1

    @property
    def columns(self) -> int:
        """Columns (variable nodes before lifting)."""
        return int(self.entries[:, 1].max()) + 1

    def rows(self, lifting_set: int) -> list[list[tuple[int, int]]]:
        """For each row its (column, shift coefficient) pairs."""
        rows: list[list[tuple[int, int]]] = [[] for _ in range(self.height)]
        for entry in self.entries:
            rows[entry[0]].append((int(entry[1]), int(entry[2 + lifting_set])))
        return rows


@lru_cache
def base_graph(number: int) -> BaseGraph:
    """Base graph 1 or 2, read from the table that ships with the package."""
    table = resources.files(__package__).joinpath("nr_base_graphs.csv").read_text()
    rows = [[int(x) for x in line.split(",")] for line in table.splitlines() if not line.startswith("#")]
    return BaseGraph(np.array([row[1:] for row in rows if row[0] == number]))
