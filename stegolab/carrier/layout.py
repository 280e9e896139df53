"""Which coefficient is which slot: a sparse header that also serves as pilots, a template, and the body in the rest.

The header's code word is repeated over the blocks, hundreds of times in a large picture, so any part of the picture is
enough to read it. Its frequencies take turns: once the header is decoded, its slots are known symbols at every
frequency, from which the receiver measures the channel. Strengths that survive another geometry also have the known
symbols of ``sync.template``, at the two frequencies that the header leaves to it.

Which frequency of a block is the header's, and the dither of every slot, follow from the keystream; in the body they
depend on the header too, so that no two pictures of one key are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..header import HEADER_CODE_BITS
from ..keystream import PUBLIC, Keystream
from .strengths import Strength
from .sync import template

# By format: the target number of header slots, if the picture has that many blocks; half with a template
_PILOTS = {1: 2048, 2: 2730}
# and the least repeats of the code word, so that small pictures have several slots per block; 1 more with a template.
_REPEATS = {1: 3, 2: 4}
_FEW = 5 * HEADER_CODE_BITS  # blocks (of 16: over 512 x 512 pixels); with fewer, one slot per block is too little
_TILE = 32  # period of the dither of format 1, in blocks
_TABLE = 1 << 16  # numbers that are drawn for the header; every place has its own, see :func:`drawn_by_place`


def drawn_by_place(table: NDArray[Any], row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[Any]:
    """The number of a ``table`` (n,) that belongs to a block, whatever the size of the picture; broadcasts."""
    return table[(row * 40_503 + column * 7_919) % len(table)]


@dataclass(frozen=True)
class Layout:
    """The slots of ``rows`` x ``columns`` whole blocks from the top left; one in ``stride`` has ``depth`` header slots.

    ``skip`` is how far the position in the header's code word moves from one row to the next. In large pictures it is
    the golden section of the code word, whatever the width. So the repeats are spread evenly, and reading at a slightly
    wrong size loses little instead of everything. In small pictures it is the width, so that no bit is left out.
    """

    strength: Strength
    rows: int
    columns: int
    stride: int
    depth: int
    skip: int
    keystream: Keystream

    @classmethod
    def of(cls, strength: Strength, shape: tuple[int, ...], keystream: Keystream = PUBLIC) -> Layout:
        """Layout of a picture of shape (height, width, ...) in pixels."""
        rows, columns = shape[0] // strength.block, shape[1] // strength.block
        aim, repeats = _PILOTS[keystream.format], _REPEATS[keystream.format]
        aim, repeats = (aim // 2, repeats + 1) if strength.rescaled else (aim, repeats)
        stride = max(s for s in (1, 2, 4, 8) if s == 1 or rows * columns >= s * aim)
        least = 2 if strength.rescaled and rows * columns < _FEW else 1
        depth = min(4, max(least, -(-repeats * HEADER_CODE_BITS // max(rows * columns, 1))))
        golden = round(0.618034 * HEADER_CODE_BITS * stride) | 1  # odd, so no stride divides it
        return cls(strength, rows, columns, stride, depth, columns if depth > 1 else golden, keystream)

    @cached_property
    def header_slots(self) -> NDArray[np.int64]:
        """Flat indices into (rows, columns, frequencies)."""
        lap, count = self._laps, len(self.strength.frequencies)
        block = np.repeat(self._header_blocks, self.depth)  # (header slots,)
        taken = [self.strength.frequencies.index(f) for f in self._template_frequencies]
        free = np.setdiff1d(np.arange(count), taken)
        if self.keystream.format == 1:
            turn = lap + lap // HEADER_CODE_BITS + block // max(self.columns, 1)  # (header slots,)
        else:
            words = np.frombuffer(self.keystream.stream("header frequency", 2 * _TABLE), "<u2").astype(np.int64)
            turn = drawn_by_place(words, *self._block_of(block)) + lap % self.depth  # (header slots,)
        return block * count + free[turn % len(free)]  # (header slots,)

    @cached_property
    def header_bit(self) -> NDArray[np.int64]:
        """Which bit of the header's code word each header slot carries."""
        return self._laps % HEADER_CODE_BITS

    @cached_property
    def body_slots(self) -> NDArray[np.int64]:
        """Flat indices of all other slots, in raster order."""
        body = np.ones(self.slots, bool)
        body[self.header_slots] = body[self.template_slots] = False
        return np.flatnonzero(body)

    @property
    def body_capacity(self) -> int:
        """Code bits that the body holds; 0 if the header's code word does not fit even once at rate 1/2."""
        return len(self.body_slots) if len(self.header_slots) >= HEADER_CODE_BITS // 2 else 0

    @cached_property
    def template_slots(self) -> NDArray[np.int64]:
        """Flat indices of the slots whose symbols are known beforehand, in raster order; none without a template."""
        taken = np.zeros((self.rows, self.columns, len(self.strength.frequencies)), bool)
        for frequency, here in zip(self._template_frequencies, template.places(self.rows, self.columns), strict=False):
            taken[..., self.strength.frequencies.index(frequency)] = here
        return np.flatnonzero(taken)

    @cached_property
    def template_bit(self) -> NDArray[np.uint8]:
        """The bit that each template slot carries: 1 where its symbol is above a multiple of the step."""
        return (self._template_points > 0).astype(np.uint8)

    @property
    def slots(self) -> int:
        """All slots, header and body."""
        return self.rows * self.columns * len(self.strength.frequencies)

    def dither(self, header: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(rows, columns, frequencies), uniform in [-step/2, step/2), so that no point of the lattice is privileged.

        In the template's slots it is what makes their bit the known symbol.

        Args:
            header: (HEADER_CODE_BITS,) its code word, on which the dither of the body depends.
        """
        if self.keystream.format == 1:
            whole = self._dither_tile[np.arange(self.rows)[:, None] % _TILE, np.arange(self.columns) % _TILE]
        else:
            drawn = self.keystream.within(np.packbits(header).tobytes()).uniform("dither", self.slots)
            shape = self.rows, self.columns, len(self.strength.frequencies)
            whole = drawn.reshape(shape) - np.float32(0.5)
        whole = whole * self.strength.step  # (rows, columns, frequencies)
        whole.reshape(-1)[self.header_slots] = self.header_dither
        whole.reshape(-1)[self.template_slots] = self._template_points - (self.template_bit - np.float32(0.5)) * (
            np.float32(template.STEP / 2)
        )
        return whole

    @cached_property
    def header_dither(self) -> NDArray[np.float32]:
        """(header slots,) the dither in those slots."""
        block, f = np.divmod(self.header_slots, len(self.strength.frequencies))
        row, column = self._block_of(block)
        if self.keystream.format == 1:
            own = self._dither_tile[row % _TILE, column % _TILE, f]
        else:
            table = self.keystream.uniform("header dither", _TABLE) - np.float32(0.5)
            own = drawn_by_place(table, row, column + 97 * f)
        return own * self.strength.step[f]  # (header slots,)

    def header_bits(self, label: str) -> NDArray[np.uint8]:
        """(header slots,) fair bits of the keystream, one for each of those slots."""
        block, f = np.divmod(self.header_slots, len(self.strength.frequencies))
        row, column = self._block_of(block)
        return drawn_by_place(self.keystream.bits(label, _TABLE), row, column + 97 * f)

    def _block_of(self, block: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of blocks given by number."""
        row, column = np.divmod(block, max(self.columns, 1))
        return row, column

    @property
    def _dither_tile(self) -> NDArray[np.float32]:
        count = len(self.strength.frequencies)
        tile = self.keystream.uniform("dither", _TILE * _TILE * count).reshape(_TILE, _TILE, count)
        return tile - np.float32(0.5)

    @property
    def _template_frequencies(self) -> tuple[tuple[int, int], ...]:
        return template.FREQUENCIES if self.strength.rescaled else ()

    @cached_property
    def _template_points(self) -> NDArray[np.float32]:
        """(template slots,) the known symbols, see :meth:`.sync.template.Template.points`."""
        count = len(self.strength.frequencies)
        whole = np.zeros((self.rows, self.columns, count), np.float32)
        points = template.Template.of(self.keystream).points(self.rows, self.columns)  # (2, rows, columns)
        for frequency, point in zip(self._template_frequencies, points, strict=False):
            whole[..., self.strength.frequencies.index(frequency)] = point
        return whole.reshape(-1)[self.template_slots]

    @cached_property
    def _place(self) -> NDArray[np.int64]:
        """The position of each block in the repeated code word; every ``stride``-th block is a header block."""
        return (np.arange(self.columns) + self.skip * np.arange(self.rows)[:, None]).ravel()  # (blocks,)

    @property
    def _header_blocks(self) -> NDArray[np.int64]:
        return np.flatnonzero(self._place % self.stride == 0)

    @property
    def _laps(self) -> NDArray[np.int64]:
        first = self._place[self._header_blocks] // self.stride * self.depth
        return (first[:, None] + np.arange(self.depth)).ravel()  # (header slots,)
