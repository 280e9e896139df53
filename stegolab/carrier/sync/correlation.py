"""One look: at one scale, the place and the turn at which a received picture agrees best with the template.

A window from the middle of the picture is brought to the assumed scale. In it the symbol of a block is read at every
place, as if a block began there: so every position of the grid of blocks is tried. The places then are taken apart by
their phase, the position within a block, and for each phase one cyclic correlation with the template's symbols tells
which block of the period is which. The peak over the correlation's own standard deviation is the score. What is read is
read once for all the templates that a receiver looks for; each costs one inverse transform more for every turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..blockdct import basis
from . import template
from .geometry import TURNS, Axes, Axis, Plane
from .template import Template
from .view import View

PERIOD_PIXELS = template.PERIOD * template.BLOCK  # of the original, after which the template's symbols repeat


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
    """Along one side: where it starts, in pixels of the original, and how many pixels it has once it is shrunk."""

    start: float
    size: int

    @classmethod
    def amid(cls, extent: float, shrink: int) -> _Window:
        """In the middle of ``extent`` pixels of the original: as much as one period and one block need, if it is there.

        One period holds every known symbol once. A larger window would ask for a more exact scale.
        """
        size = min((PERIOD_PIXELS + template.BLOCK) // shrink - 1, int(extent) // shrink)
        return cls(float(max(0, int(extent / 2 - size * shrink / 2))), size)


def highest_peaks(
    templates: Sequence[Template], view: View, scales: Scales, turns: Sequence[int] = TURNS
) -> list[Peak]:
    """For each template the best of all places and ``turns`` at these scales."""
    from scipy import fft  # several times as fast as numpy's on so many small transforms; heavy, and seldom needed

    height, width = view.plane.shape
    tall, wide = _Window.amid(height / scales.height, view.shrink), _Window.amid(width / scales.width, view.shrink)
    axes = Axes(Axis(scales.height, 0.0), Axis(scales.width, 0.0))
    window = view.cut(axes, (tall.start, wide.start), (tall.size, wide.size))
    functions = (np.sin,) if all(known.public for known in templates) else (np.sin, np.cos)
    spectra: list[NDArray[np.complex64]] = []  # (2, phases, phases, period, period // 2 + 1), the conjugate
    energies: list[NDArray[np.float32]] = []  # (phases, phases)
    for evidence in _evidence_by_phase(window, view.shrink, functions):
        spectra.append(np.conj(fft.rfft2(evidence)))
        energies.append(np.square(evidence).sum(axis=(0, 3, 4)))
    peaks = []
    for known in templates:
        # Known symbols stand on a quarter of the blocks at each frequency: the variance of a sum of what those say.
        # Where they are anywhere on the circle, half of it falls on either side.
        variance = energies[0] / 4 if known.public else (energies[0] + energies[1]) / 8
        deviation = np.sqrt(variance + 1e-9)  # (phases, phases)
        best: list[Peak] = []
        for turn in turns:
            parts = zip(spectra, _template_spectra(known, turn), strict=False)
            across_down = [spectrum[k] * part[k] for spectrum, part in parts for k in (0, 1)]
            sums = fft.irfft2(sum(across_down[1:], across_down[0]), overwrite_x=True)
            sums = sums.reshape(*deviation.shape, -1)  # (phases, phases, period * period)
            scores = sums.max(axis=-1) / deviation  # (phases, phases)
            phase = np.unravel_index(np.argmax(scores), scores.shape)
            block = divmod(int(np.argmax(sums[phase])), template.PERIOD)
            top, left = (
                template.BLOCK * blocks - view.shrink * int(phases) - int(window.start)
                for phases, blocks, window in zip(phase, block, (tall, wide), strict=True)
            )
            best.append(Peak(float(scores[phase]), turn, top, left))
        peaks.append(max(best, key=lambda peak: (peak.score, peak.turn)))
    return peaks


def _evidence_by_phase(window: Plane, shrink: int, functions: Sequence[np.ufunc]) -> Iterator[NDArray[np.float32]]:
    """What a block that began at each place of a window (H, W) would say, for each function of its angle.

    (2, phases, phases, period, period) each. A phase is one pixel of the window, which has been shrunk already. Places
    that the window lacks say nothing.
    """
    phases, side = template.BLOCK // shrink, PERIOD_PIXELS // shrink
    across = _correlated_with_wave(_correlated_with_constant(window, phases, 0), phases, 1)  # (places, places)
    down = _correlated_with_wave(_correlated_with_constant(window, phases, 1), phases, 0)
    angles = np.stack([across, down]) * np.float32(2 * np.pi * shrink / template.STEP)
    height, width = angles.shape[1:]
    period = template.PERIOD
    for function in functions:
        whole = np.zeros((2, side, side), np.float32)
        whole[:, :height, :width] = function(angles)[:, :side, :side]
        by_phase = whole.reshape(2, period, phases, period, phases)  # places taken apart
        yield by_phase.transpose(0, 2, 4, 1, 3)  # (2, phases, phases, period, period)


def _correlated_with_constant(plane: Plane, size: int, axis: int) -> Plane:
    """Correlation with the basis' constant function along an axis, where it fits whole; ``size`` is a power of two."""
    total, step = plane.swapaxes(0, axis) * np.float32(size**-0.5), 1
    while step < size:
        total = total[:-step] + total[step:]
        step *= 2
    return total.swapaxes(0, axis)  # size - 1 shorter along the axis


def _correlated_with_wave(plane: Plane, size: int, axis: int) -> Plane:
    """Correlation with the basis' slowest wave along an axis, where it fits whole: its halves differ by their sign."""
    upright, taps = plane.swapaxes(0, axis), basis(size)[1].astype(np.float32)
    length = len(upright) - size + 1
    total = taps[0] * (upright[:length] - upright[size - 1 :])
    for k in range(1, size // 2):
        total += taps[k] * (upright[k : k + length] - upright[size - 1 - k :][:length])
    return total.swapaxes(0, axis)  # size - 1 shorter along the axis


@lru_cache
def _template_spectra(known: Template, turn: int) -> list[NDArray[np.complex64]]:
    """Spectra, (2, period, period // 2 + 1) each, of the symbols' parts in a picture before it is ``turned``.

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
        spectra.append(np.fft.rfft2(np.stack([across, down])).astype(np.complex64))
    return spectra
