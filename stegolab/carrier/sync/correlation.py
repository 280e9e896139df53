"""One look: at one scale, the place and the turn at which a received picture agrees best with the template.

In a window from the middle of the picture, at the assumed scale, the symbol of a block is read at every place, as if a
block began there: so every position of the grid of blocks is tried. The places then are taken apart by
their phase, the position within a block, and for each phase one cyclic correlation with the template's symbols tells
which block of the period is which. The peak over the correlation's own standard deviation is the score. What is read is
read once for all the templates that a receiver looks for; each costs one inverse transform more for every turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import template
from .filters import CONSTANT, WAVE
from .geometry import TURNS, Axes, Axis
from .template import Template
from .view import View

PERIOD_PIXELS = template.PERIOD * template.BLOCK  # of the original, after which the template's symbols repeat
_WITHIN = (1, 4)  # the axes of columns and of rows of blocks
_PHASES_TOGETHER = 64  # that are transformed at once: as many as a processor's cache holds


@dataclass(frozen=True)
class Scales:
    """Received pixels for a pixel of the original: of the received picture's ``height`` and of its ``width``."""

    height: float
    width: float

    @classmethod
    def equal(cls, scale: float) -> Scales:
        """The same for both sides."""
        return cls(scale, scale)


@dataclass(frozen=True)
class Peak:
    """Where the template shows best in a look.

    ``score``: in standard deviations; ``turn``: see :func:`.geometry.turned`; ``top``, ``left``: where the received
    corner is in an original that was turned as it is, in pixels of the original and modulo the period.
    """

    score: float
    turn: int
    top: int
    left: int


@dataclass(frozen=True)
class _Window:
    """Along one side: where it starts, in pixels of the original, and how many ``places`` it has for a block to begin.

    They are ``shrink`` pixels apart, and a block has as many ``phases`` of them.
    """

    start: int
    places: int
    phases: int

    @classmethod
    def amid(cls, extent: float, shrink: int) -> _Window:
        """In the middle of ``extent`` pixels of the original: as much as one period and one block need, if it is there.

        One period holds every known symbol once. A larger window would ask for a more exact scale.
        """
        phases = template.BLOCK // shrink
        size = min((PERIOD_PIXELS + template.BLOCK) // shrink - 1, int(extent) // shrink)
        return cls(max(0, int(extent / 2 - size * shrink / 2)), size - phases + 1, phases)

    @property
    def blocks(self) -> int:
        """How many blocks begin in it at the first phase."""
        return -(-self.places // self.phases)

    @property
    def there(self) -> NDArray[np.bool_]:
        """(blocks, phases): which places it has."""
        return np.arange(self.blocks * self.phases).reshape(-1, self.phases) < self.places


def highest_peaks(
    templates: Sequence[Template], view: View, scales: Scales, turns: Sequence[int] = TURNS
) -> list[Peak]:
    """For each template the best of all places and ``turns`` at these scales."""
    from scipy import fft  # several times as fast as numpy's on so many small transforms; heavy, and seldom needed

    height, width = view.plane.shape
    tall, wide = _Window.amid(height / scales.height, view.shrink), _Window.amid(width / scales.width, view.shrink)
    angles = _angles_by_phase(view, Axes(Axis(scales.height, 0.0), Axis(scales.width, 0.0)), tall, wide)
    functions = (np.sin,) if all(known.public for known in templates) else (np.sin, np.cos)
    # Known symbols stand on a quarter of the blocks at each frequency: the variance of a sum of what those say. If
    # symbols are anywhere on the circle, it is half a quarter, whatever the coefficients are.
    keyed = np.outer(wide.there.sum(axis=0), tall.there.sum(axis=0)) / np.float32(4)  # (phases, phases)
    peaks: dict[Template, Peak] = {}
    together = max(1, _PHASES_TOGETHER // tall.phases)
    for first in range(0, wide.phases, together):
        some = slice(first, first + together)
        said = [_over_a_period(function(angles[:, :, some]), tall, wide, some) for function in functions]
        spectra = [fft.rfft2(each, axes=_WITHIN) for each in said]  # (2, period, some, phases, period // 2 + 1) each
        public = np.square(said[0]).sum(axis=(0, 1)).sum(axis=-1) / 4  # (some, phases)
        for known in templates:
            deviation = np.sqrt((public if known.public else keyed[some]) + 1e-9)
            for turn in turns:
                product = _product(spectra, _template_spectra(known, turn))
                sums = fft.irfft2(product, axes=(0, 3), overwrite_x=True)  # (period, some, phases, period)
                scores = sums.max(axis=0).max(axis=-1) / deviation  # (some, phases)
                right, down = divmod(int(np.argmax(scores)), tall.phases)
                score = float(scores[right, down])
                if known not in peaks or (score, turn) > (peaks[known].score, peaks[known].turn):
                    column, row = divmod(int(np.argmax(sums[:, right, down])), template.PERIOD)
                    top = -template.BLOCK * row - view.shrink * down - tall.start
                    left = -template.BLOCK * column - view.shrink * (first + right) - wide.start
                    peaks[known] = Peak(score, turn, top, left)
    return [peaks[known] for known in templates]


def _product(spectra: Sequence[NDArray[np.complex64]], known: Sequence[NDArray[np.complex64]]) -> NDArray[np.complex64]:
    """The spectrum (period, some, phases, period // 2 + 1) of a correlation, summed over what both consist of."""
    pairs = [(spectrum[k], part[k]) for spectrum, part in zip(spectra, known, strict=False) for k in (0, 1)]
    total = pairs[0][0] * pairs[0][1]
    other = np.empty_like(total)
    for spectrum, part in pairs[1:]:
        total += np.multiply(spectrum, part, out=other)
    return total


def _angles_by_phase(view: View, axes: Axes, tall: _Window, wide: _Window) -> NDArray[np.float32]:
    """What a block that began at each place of a window would say: (2, blocks, phases, phases, blocks), in radians.

    At the template's two frequencies; blocks and phases of the columns first, then phases and blocks of the rows.
    """
    phases = tall.phases
    down, right = view.filters(axes, (tall.start, wide.start), (tall.blocks, wide.blocks), phases)
    sums = down.along_rows(view.plane[:, right.read]).reshape(2, phases * tall.blocks, -1)  # (2, places, W)
    angles = np.empty((2, wide.blocks, phases, phases * tall.blocks), np.float32)
    taps = right.taps * np.float32(2 * np.pi * view.shrink / template.STEP)  # (blocks, 2, phases, length)
    for k, first in enumerate(right.first - right.read.start):
        read = sums[:, :, first : first + taps.shape[-1]]  # (2, places, length)
        np.matmul(taps[k, WAVE], read[CONSTANT].T, out=angles[0, k])
        np.matmul(taps[k, CONSTANT], read[WAVE].T, out=angles[1, k])
    return angles.reshape(2, wide.blocks, phases, phases, tall.blocks)


def _over_a_period(said: NDArray[np.float32], tall: _Window, wide: _Window, some: slice) -> NDArray[np.float32]:
    """As many blocks as a period has, (2, period, some, phases, period); places that the window lacks say nothing."""
    period = template.PERIOD
    if not (tall.there.all() and wide.there.all()):
        said *= wide.there[:, some, None, None] & tall.there.T
    if wide.blocks == tall.blocks == period:
        return said
    whole = np.zeros((2, period, *said.shape[2:4], period), np.float32)
    whole[:, : wide.blocks, ..., : tall.blocks] = said
    return whole


@lru_cache
def _template_spectra(known: Template, turn: int) -> list[NDArray[np.complex64]]:
    """Spectra of the symbols' parts in a picture before it is ``turned``: (2, period, 1, 1, period // 2 + 1) each.

    Their conjugates, so that the product with another spectrum is that of a correlation.

    A flip turns the sign of a coefficient that is uneven along it: of the symbol's sine, not of its cosine.
    """
    spectra = []
    for symbols, sign in zip(known.symbols, (-1, 1), strict=False):
        across, down = symbols  # at frequencies (0, 1) and (1, 0)
        if turn & 1:
            across, down = sign * across[:, ::-1], down[:, ::-1]
        if turn & 2:
            across, down = across[::-1], sign * down[::-1]
        if turn & 4:
            across, down = down.T, across.T
        columns_first = np.stack([across.T, down.T])
        spectra.append(np.conj(np.fft.rfft2(columns_first)).astype(np.complex64)[:, :, None, None])
    return spectra
