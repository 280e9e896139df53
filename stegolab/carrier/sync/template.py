"""The synchronisation template: known symbols at places counted from the picture's corner (notebook 08).

A receiver that gets only a picture knows neither its scale nor where it was cut out. Every other block carries one
symbol that is known beforehand, at one of the two lowest frequencies. These survive best, and are so smooth that they
can be read even a pixel away from their place. The symbols repeat after :data:`PERIOD` blocks, so one short correlation
finds them. A smaller number of symbols, which never repeat, then tell which period it is and how large the picture was.

A symbol is a place within one step of the lattice: a coefficient y that carries it is at ``point`` + k * STEP. Written
as numbers on the unit circle, symbol and coefficient are s = exp(2 pi i point / STEP) and e = exp(2 pi i y / STEP), and
Re(conj(s) e) says how far they agree, from 1 to -1. In format 1 all points are a quarter of the step above or below
zero, where everybody can look for them; there conj(s) e is the sine of e's angle, with the symbol's sign. Points that
are drawn with a key are anywhere within the step, so whoever lacks it sees coefficients like all others.

The idea of a template beside the payload is from Pereira & Pun (2000). Theirs adds peaks to the spectrum, which JPEG
removes; this one uses dither modulation, like everything else here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...keystream import FORMAT_1, Keystream
from .. import qim

Phases = NDArray[np.int8]  # places within a step, in 256ths of it: -128 to 127
Floats = NDArray[np.float32]

FREQUENCIES = ((0, 1), (1, 0))  # (vertical, horizontal): of the symbols in even rows of blocks, and in odd ones
BLOCK = 16  # pixels
STEP = 39.0  # of the lattice, in 8-bit luma
PERIOD = 32  # blocks

_PHASES = 256  # within a step
_QUARTER = _PHASES // 4  # format 1: a symbol is this far above or below a multiple of the step
_COMPENSATION = 0.9  # see ``qim``
_SIZES = 1 << 20  # symbols that tell sizes; the strides below give each block and size its own part
_STRIDES = (40_503, 7_919, 611_953)  # to the next row, column and size

_CIRCLE = 2 * np.pi / _PHASES * np.arange(_PHASES)
_SINE, _COSINE = np.sin(_CIRCLE).astype(np.float32), np.cos(_CIRCLE).astype(np.float32)  # (256,) each


@lru_cache(1)
def position_places() -> NDArray[np.bool_]:
    """(2, PERIOD, PERIOD): which blocks of a period carry a symbol that tells their place, at each frequency."""
    row, column = np.indices((PERIOD, PERIOD)) % 2
    return _read_only(np.stack([(row == 0) & (column == 0), (row == 1) & (column == 1)]))


def count_places(axis: int, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which blocks tell the number of rows (axis 0) or columns (axis 1) of blocks; broadcasts."""
    beside = (rows % 2 == axis) & (columns % 2 != axis)
    return beside & ((rows // 2 + columns // 2) % 2 == 0)


def places(rows: int, columns: int) -> NDArray[np.bool_]:
    """(2, rows, columns): which blocks of a picture carry any symbol, at each of :data:`FREQUENCIES`."""
    row, column = np.indices((rows, columns))
    whole = position_places()[:, row % PERIOD, column % PERIOD]
    for axis in range(2):
        whole[axis] |= count_places(axis, row, column)
    return whole


@dataclass(frozen=True)
class Template:
    """The symbols that a keystream gives. :meth:`of` keeps them for the next call."""

    keystream: Keystream

    @classmethod
    def of(cls, keystream: Keystream) -> Template:
        """That of ``keystream``. All that is public has the one of format 1, so nobody needs to look for two."""
        return _template(FORMAT_1 if keystream.public else keystream)

    @property
    def public(self) -> bool:
        """Whether all symbols are a quarter of the step above or below zero: then the coefficients' sine is enough."""
        return self.keystream.public

    @cached_property
    def phases(self) -> Phases:
        """(2, PERIOD, PERIOD): each block's symbol at each frequency; 0 where there is none."""
        phases = self._drawn("template", 2 * PERIOD * PERIOD).reshape(2, PERIOD, PERIOD)
        return _read_only(np.where(position_places(), phases, np.int8(0)))

    @cached_property
    def symbols(self) -> tuple[Floats, ...]:
        """Each block's symbol, (2, PERIOD, PERIOD) each: its sine, and unless ``public`` its cosine; 0 where none."""
        here = position_places()
        return tuple(_read_only(np.where(here, part, np.float32(0))) for part in self._parts(self.phases))

    def count_phases(
        self, axis: int, rows: NDArray[np.int64], columns: NDArray[np.int64], count: NDArray[np.int64] | int
    ) -> Phases:
        """The symbols of the blocks of :func:`count_places`, if there are ``count`` rows or columns; broadcasts."""
        table = self._count_tables[axis]
        down, across, further = _STRIDES
        return table[(rows * down + columns * across + count * further) % _SIZES]

    def points(self, rows: int, columns: int) -> Floats:
        """(2, rows, columns) for a picture with this many blocks: each symbol's place within the step around zero.

        In 8-bit luma, from -STEP/2 to STEP/2; 0 where :func:`places` has none.
        """
        row, column = np.indices((rows, columns))
        whole = self.phases[:, row % PERIOD, column % PERIOD].copy()
        for axis, count in enumerate((rows, columns)):
            here = count_places(axis, row, column)
            whole[axis, here] = self.count_phases(axis, row[here], column[here], count)
        return whole.astype(np.float32) * np.float32(STEP / _PHASES)

    def moves(self, coefficients: Floats) -> Floats:
        """What to add to the coefficients (2, rows, columns) of a whole picture at :data:`FREQUENCIES`.

        For carriers with a different lattice: the template is plain, so a DCT alone is enough to find it.
        """
        rows, columns = coefficients.shape[1:]
        step: Floats = np.full(1, STEP, np.float32)
        target = qim.project(coefficients, self.points(rows, columns), step, _COMPENSATION)
        return np.where(places(rows, columns), target - coefficients, np.float32(0))

    def agreement(self, angles: Floats, row: int, column: int) -> float:
        """How well blocks agree with the symbols that tell their place, in standard deviations of chance.

        ``angles``: (rows, columns) of their coefficients, each at its row's frequency, a turn for each step; the first
        block is in this ``row`` and ``column`` of the original.
        """
        rows = (row + np.arange(angles.shape[0])) % PERIOD
        columns = (column + np.arange(angles.shape[1])) % PERIOD
        known = [part.sum(axis=0)[rows[:, None], columns] for part in self.symbols]  # (rows, columns) each
        said = np.sin(angles) * known[0]
        if not self.public:
            said += np.cos(angles) * known[1]
        return float(said.sum() / np.sqrt(np.square(said).sum() + 1e-9))

    def sums(self, phases: Phases, angles: Floats) -> Floats:
        """The sum of how far symbols (n, symbols) agree with the ``angles`` (symbols,) of coefficients: (n,)."""
        parts = self._parts(phases)
        sums: Floats = parts[0] @ np.sin(angles)
        return sums if self.public else sums + parts[1] @ np.cos(angles)

    def _parts(self, phases: Phases) -> tuple[Floats, ...]:
        index = phases.view(np.uint8)
        return (_SINE[index],) if self.public else (_SINE[index], _COSINE[index])

    def _drawn(self, label: str, count: int) -> Phases:
        """(count,) symbols."""
        if self.public:
            return (_QUARTER - 2 * _QUARTER * self.keystream.bits(label, count).astype(np.int16)).astype(np.int8)
        return np.frombuffer(self.keystream.stream(label, count), np.int8)

    @cached_property
    def _count_tables(self) -> list[Phases]:
        return [_read_only(self._drawn(f"template count {axis}", _SIZES)) for axis in range(2)]


@lru_cache(maxsize=4)  # two megabytes each
def _template(keystream: Keystream) -> Template:
    return Template(keystream)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False  # because every caller gets the same one
    return array
