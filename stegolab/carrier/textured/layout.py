"""Which coefficient is which slot: the header's code word many times over, and the body in the rest.

Which slots carry depends on the picture, so the header is in every part of it, at the frequencies that carry most
often. The template of strengths that survive another geometry has two frequencies of its own (``sync.template``).

Which frequency of a block is the header's, and the dither of every slot, follow from the keystream; in the body they
depend on the header too, so that no two pictures of one key are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...header import HEADER_CODE_BITS
from ...keystream import PUBLIC, Keystream
from ..layout import drawn_by_place

# Header slots at most, and at least, if there are so many blocks. Perhaps only a fifth of them carry.
_MANY, _FEW = 4096, 1024
_MOST_DEPTH = 4  # header slots in a block
_STRIDES = (1, 2, 4, 8, 16)
_HEADER_FREQUENCIES = slice(0, 16, 2)  # of those with the finest steps; they take turns
_TABLE = 1 << 16  # numbers that are drawn for the header, see :func:`drawn_by_place`


@dataclass(frozen=True)
class Layout:
    """The slots of ``rows`` x ``columns`` blocks with ``frequencies`` each; one block in ``stride`` has header slots.

    ``header_frequencies``: which frequencies take turns in the header's slots, ``depth`` of them a block. ``on_grid``:
    the dither is a quarter of a step up or down, so that all points lie on JPEG's grid.
    """

    rows: int
    columns: int
    frequencies: int
    header_frequencies: tuple[int, ...]
    stride: int
    depth: int
    on_grid: bool
    keystream: Keystream

    @classmethod
    def of(
        cls,
        rows: int,
        columns: int,
        least: tuple[float, ...],
        on_grid: bool = False,
        keystream: Keystream = PUBLIC,
    ) -> Layout:
        """The layout for so many blocks, and the least step of each frequency: small ones carry most often."""
        blocks = max(rows * columns, 1)
        stride = max(s for s in _STRIDES if s == 1 or blocks >= s * _MANY)
        depth = min(_MOST_DEPTH, max(1, -(-_FEW // blocks)))
        finest = np.argsort(least, kind="stable")[_HEADER_FREQUENCIES]
        return cls(rows, columns, len(least), tuple(map(int, finest)), stride, depth, on_grid, keystream)

    @property
    def slots(self) -> int:
        """All slots, header and body."""
        return self.rows * self.columns * self.frequencies

    @cached_property
    def header_slots(self) -> NDArray[np.int64]:
        """Flat indices into (rows, columns, frequencies)."""
        block = np.repeat(self._header_blocks, self.depth)  # (header slots,)
        words = np.frombuffer(self.keystream.stream("header frequency", 2 * _TABLE), "<u2").astype(np.int64)
        turn = (
            drawn_by_place(words, *np.divmod(block, max(self.columns, 1))) + self._lap % self.depth
        )  # (header slots,)
        frequency = np.array(self.header_frequencies, np.int64)[turn % len(self.header_frequencies)]
        return block * self.frequencies + frequency

    @cached_property
    def header_bit(self) -> NDArray[np.int64]:
        """Which bit of the header's code word each header slot carries."""
        return self._lap % HEADER_CODE_BITS

    @cached_property
    def body_slots(self) -> NDArray[np.int64]:
        """Flat indices of all other slots, in raster order."""
        body = np.ones(self.slots, bool)
        body[self.header_slots] = False
        return np.flatnonzero(body)

    @property
    def body_capacity(self) -> int:
        """Code bits that the body holds; 0 if the header's code word does not fit even once."""
        return len(self.body_slots) if len(self.header_slots) >= HEADER_CODE_BITS else 0

    def dither(self, header: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(rows, columns, frequencies), in steps, uniform in [-1/2, 1/2) or on the grid.

        Args:
            header: (HEADER_CODE_BITS,) its code word, on which the dither of the body depends.
        """
        drawn = self.keystream.within(np.packbits(header).tobytes()).uniform("textured dither", self.slots)
        whole = self._onto_grid(drawn - np.float32(0.5))  # (slots,)
        whole[self.header_slots] = self.header_dither
        return whole.reshape(self.rows, self.columns, self.frequencies)

    @cached_property
    def header_dither(self) -> NDArray[np.float32]:
        """(header slots,) the dither in those slots."""
        block, frequency = np.divmod(self.header_slots, self.frequencies)
        row, column = np.divmod(block, max(self.columns, 1))
        table = self.keystream.uniform("textured header dither", _TABLE) - np.float32(0.5)
        return self._onto_grid(drawn_by_place(table, row, column + 97 * frequency))

    def _onto_grid(self, dither: NDArray[np.float32]) -> NDArray[np.float32]:
        """On JPEG's own grid the points are what quality 50 rounds to; which of two is a 1 is random.

        Otherwise everything that stays unchanged would be rounded to the same one.
        """
        return np.copysign(np.float32(0.25), dither) if self.on_grid else dither

    @property
    def _place(self) -> NDArray[np.int64]:
        """(blocks,) The position of each in the repeated code word, far from that of the block above it."""
        skip = round(0.618034 * HEADER_CODE_BITS * self.stride) | 1  # odd, so no stride divides it
        return (np.arange(self.columns) + skip * np.arange(self.rows)[:, None]).ravel()

    @property
    def _header_blocks(self) -> NDArray[np.int64]:
        return np.flatnonzero(self._place % self.stride == 0)

    @cached_property
    def _lap(self) -> NDArray[np.int64]:
        first = self._place[self._header_blocks] // self.stride * self.depth
        return (first[:, None] + np.arange(self.depth)).ravel()  # (header slots,)
