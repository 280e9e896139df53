"""Which coefficient is which slot: the header's code word many times over, and the body in the rest.

Which slots carry depends on the picture, so the header is in every part of it, at the frequencies that carry most
often. The template of strengths that survive another geometry has two frequencies of its own (``sync.template``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...header import HEADER_CODE_BITS
from ...keystream import public_uniform

# Header slots at most, and at least, if there are so many blocks. Perhaps only a fifth of them carry.
_MANY, _FEW = 4096, 1024
_MOST_DEPTH = 4  # header slots in a block
_STRIDES = (1, 2, 4, 8, 16)
_HEADER_FREQUENCIES = slice(0, 16, 2)  # of those with the finest steps; they take turns
_TILE = 32  # period of the dither, in blocks


@dataclass(frozen=True)
class Layout:
    """The slots of ``rows`` x ``columns`` blocks with ``frequencies`` each; one block in ``stride`` has header slots.

    ``header_frequencies``: which frequencies take turns in the header's slots, ``depth`` of them a block.
    """

    rows: int
    columns: int
    frequencies: int
    header_frequencies: tuple[int, ...]
    stride: int
    depth: int

    @classmethod
    def of(cls, rows: int, columns: int, least: tuple[float, ...]) -> Layout:
        """The layout for so many blocks, and the least step of each frequency: small ones carry most often."""
        blocks = max(rows * columns, 1)
        stride = max(s for s in _STRIDES if s == 1 or blocks >= s * _MANY)
        depth = min(_MOST_DEPTH, max(1, -(-_FEW // blocks)))
        finest = np.argsort(least, kind="stable")[_HEADER_FREQUENCIES]
        return cls(rows, columns, len(least), tuple(int(f) for f in finest), stride, depth)

    @property
    def slots(self) -> int:
        """All slots, header and body."""
        return self.rows * self.columns * self.frequencies

    @cached_property
    def header_slots(self) -> NDArray[np.int64]:
        """Flat indices into (rows, columns, frequencies)."""
        block = np.repeat(self._header_blocks, self.depth)  # (header slots,)
        turn = (self._lap + self._lap // HEADER_CODE_BITS) % len(self.header_frequencies)  # (header slots,)
        return block * self.frequencies + np.array(self.header_frequencies, np.int64)[turn]

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

    @cached_property
    def dither(self) -> NDArray[np.float32]:
        """(rows, columns, frequencies), in steps, uniform in [-1/2, 1/2)."""
        tile = public_uniform("textured dither", _TILE * _TILE * self.frequencies) - np.float32(0.5)
        tile = tile.reshape(_TILE, _TILE, self.frequencies)
        whole = tile[np.arange(self.rows)[:, None] % _TILE, np.arange(self.columns) % _TILE]
        return whole  # (rows, columns, frequencies)

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
