"""Which coefficient is which slot: a sparse header that also serves as pilots, a template, and the body in the rest.

The header's code word is repeated over the blocks, hundreds of times in a large picture, so any part of the picture is
enough to read it. Its frequencies take turns: once the header is decoded, its slots are known symbols at every
frequency, from which the receiver measures the channel. Strengths that survive another geometry also have the known
symbols of ``sync.template``, at the two frequencies that the header leaves to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..header import HEADER_CODE_BITS
from ..keystream import FORMAT_1, public_uniform
from .strengths import Strength
from .sync import template

_PILOTS = 2048  # target number of header slots, if the picture has that many blocks; half with a template
_REPEATS = 3  # least repeats of the code word, so small pictures have several slots per block; 4 with a template
_FEW = 5 * HEADER_CODE_BITS  # blocks (of 16: over 512 x 512 pixels); with fewer, one slot per block is too little
_TILE = 32  # period of the dither, in blocks


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

    @classmethod
    def of(cls, strength: Strength, shape: tuple[int, ...]) -> Layout:
        """Layout of a picture of shape (height, width, ...) in pixels."""
        rows, columns = shape[0] // strength.block, shape[1] // strength.block
        aim, repeats = (_PILOTS // 2, _REPEATS + 1) if strength.rescaled else (_PILOTS, _REPEATS)
        stride = max(s for s in (1, 2, 4, 8) if s == 1 or rows * columns >= s * aim)
        least = 2 if strength.rescaled and rows * columns < _FEW else 1
        depth = min(4, max(least, -(-repeats * HEADER_CODE_BITS // max(rows * columns, 1))))
        golden = round(0.618034 * HEADER_CODE_BITS * stride) | 1  # odd, so no stride divides it
        return cls(strength, rows, columns, stride, depth, columns if depth > 1 else golden)

    @cached_property
    def header_slots(self) -> NDArray[np.int64]:
        """Flat indices into (rows, columns, frequencies)."""
        lap, count = self._laps, len(self.strength.frequencies)
        block = np.repeat(self._header_blocks, self.depth)  # (header slots,)
        taken = [self.strength.frequencies.index(f) for f in self._template_frequencies]
        free = np.setdiff1d(np.arange(count), taken)
        turn = (lap + lap // HEADER_CODE_BITS + block // max(self.columns, 1)) % len(free)
        return block * count + free[turn]  # (header slots,)

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
        return np.flatnonzero(self._template)

    @cached_property
    def template_bit(self) -> NDArray[np.uint8]:
        """The bit that each template slot carries."""
        return (self._template[self.template_slots] > 0).astype(np.uint8)

    @property
    def slots(self) -> int:
        """All slots, header and body."""
        return self.rows * self.columns * len(self.strength.frequencies)

    @cached_property
    def dither(self) -> NDArray[np.float32]:
        """(rows, columns, frequencies), uniform in [-step/2, step/2), so that no point of the lattice is privileged.

        In the template's slots it is 0 everywhere; otherwise a receiver could not search for them.
        """
        whole = self._dither_tile[np.arange(self.rows)[:, None] % _TILE, np.arange(self.columns) % _TILE]
        whole = whole * self.strength.step  # (rows, columns, frequencies)
        whole.reshape(-1)[self.template_slots] = 0
        return whole

    @cached_property
    def header_dither(self) -> NDArray[np.float32]:
        """(header slots,) :attr:`dither` in those slots, without computing the rest."""
        block, f = np.divmod(self.header_slots, len(self.strength.frequencies))
        row, column = np.divmod(block, max(self.columns, 1))
        return self._dither_tile[row % _TILE, column % _TILE, f] * self.strength.step[f]

    @property
    def _dither_tile(self) -> NDArray[np.float32]:
        count = len(self.strength.frequencies)
        return public_uniform("dither", _TILE * _TILE * count).reshape(_TILE, _TILE, count) - np.float32(0.5)

    @property
    def _template_frequencies(self) -> tuple[tuple[int, int], ...]:
        return template.FREQUENCIES if self.strength.rescaled else ()

    @cached_property
    def _template(self) -> NDArray[np.int8]:
        """(slots,) the sign of each template slot, 0 for all others."""
        whole = np.zeros((self.rows, self.columns, len(self.strength.frequencies)), np.int8)
        points = template.Template.of(FORMAT_1).points(self.rows, self.columns)  # (2, rows, columns)
        for frequency, point in zip(self._template_frequencies, points, strict=False):
            whole[..., self.strength.frequencies.index(frequency)] = np.sign(point)
        return whole.reshape(-1)  # (slots,)

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
