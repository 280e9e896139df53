"""Finding a picture's geometry from nothing but the picture: coarse search for the template (notebook 04).

At the right scale and place the symbols of the template agree with what is known of them. So every scale is tried on a
window small enough that a scale a little off is still right in all of it; at each scale, every place within a block by
evaluating the symbols there, and every block of the template's period and all eight turns by one correlation.
The peak over the correlation's own standard deviation is the confidence.

In very busy pictures nothing is right that is not right to a fraction of a pixel: those are looked at in full, at the
scales that sizes in whole pixels leave, and with what a box filter averaged held instead of interpolated.

A search ends when its work is done, never when a time is up: so many looks at a window and so many registrations, in a
fixed order, whatever the picture's size and however slow the machine. So every machine finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from math import ceil, exp, floor, log

import numpy as np
from numpy.typing import NDArray

from ... import progress
from ..blockdct import basis
from . import registration, template
from .geometry import TURNS, Axis, Geometry, Plane
from .registration import Aligned, View

LOOKS = 640  # at windows, of a fixed size, in one search: all hypotheses that a picture of any size gives rise to
CERTAIN = 6.0  # standard deviations, from which a lock is followed at once: chance reaches 5.7 in a whole search
_SIDE = template.PERIOD * template.BLOCK  # of the window, in pixels of the original
_RANGE = (0.4, 2.0)
_STEP = 0.005  # of scale: a quarter of a per cent off is a third of a pixel, on average over the window
# Received over original
_COMMON = (1 / 2, 3 / 4, 2 / 3, 2.0, 0.8, 0.6, 0.9, 0.7, 0.4, 1.25, 1.5)
_SELDOM = tuple(k / 20 for k in range(8, 40) if k / 20 not in (1.0, *_COMMON))
_FOLLOWED = 6  # of the best scales that were not certain
_CERTAIN_FOLLOWED = 16  # at most: a template that shows at more scales than that shows at none
_UPHILL = 20  # steps of scale, at most, in each direction from a certain lock

Scales = tuple[float, float]  # of the received picture's height and width


@dataclass(frozen=True)
class Lock:
    """A place where the template shows: ``geometry`` to a few pixels of the original, modulo the period."""

    score: float
    geometry: Geometry


def search(plane: Plane, looks: int = LOOKS) -> Iterator[Aligned]:
    """A received luma plane laid back onto the original, wherever the template shows; nothing where it does not.

    ``looks``: how many of the hypotheses are looked at, the likeliest first. It is all the work that grows with nothing
    else: a look is at a window of a fixed size, and ``registration`` gives up on a small part of the picture.
    """
    doubtful: list[tuple[View, Lock]] = []
    certain = 0
    for view, scales in progress.steps(islice(_hypotheses(plane), looks), looks, "looking for another size"):
        lock = look(view, *scales)
        if lock is not None and lock.score > CERTAIN and certain < _CERTAIN_FOLLOWED:
            certain += 1
            yield from registration.align(view, _sharpest(view, lock).geometry)
        elif lock is not None:
            doubtful.append((view, lock))
    for view, lock in sorted(doubtful, key=lambda found: -found[1].score)[:_FOLLOWED]:
        yield from registration.align(view, lock.geometry)


def look(view: View, scale: float, across: float | None = None) -> Lock | None:
    """The best place and turn at one scale; None where fewer than two blocks a side would be left.

    ``across``: the scale of the received picture's width, where that of its height is another.
    """
    scales = scale, across or scale
    sides = [have / scale for have, scale in zip(view.plane.shape, scales, strict=True)]
    if min(sides) < 2 * template.BLOCK:
        return None
    score, turn, corner = _peak(view, scales)
    found = list(zip(scales, sides, corner, strict=True))
    axes = []
    for (along, side, start), flipped in zip(found[::-1] if turn & 4 else found, (turn & 2, turn & 1), strict=True):
        first = -start - side if flipped else start
        axes.append(Axis(along, -along * ((first + template.BLOCK // 2) % _SIDE - template.BLOCK // 2)))
    return Lock(score, Geometry(turn, axes[0], axes[1]))


def _hypotheses(plane: Plane) -> Iterator[tuple[View, Scales]]:
    """How to look, and at which scales: full size, then the common scales, then the sweep over all."""
    half, full, held = View(plane), View(plane, 1), View(plane, 1, held=True)
    yield full, (1.0, 1.0)
    for scales, factors in (_COMMON, _COMMON), (_sweep(), _SELDOM):
        yield from ((half, (scale, scale)) for scale in scales)
        for factor in factors:
            yield from product((full, held) if factor < 1 else (full,), _whole(plane, factor))


def _whole(plane: Plane, factor: float) -> Iterator[Scales]:
    """The exact scales (height, width) of every original that this factor, rounded, makes as large as ``plane``."""
    sizes = (range(ceil((have - 0.5) / factor), floor((have + 0.5) / factor) + 1) for have in plane.shape)
    for height, width in product(*sizes):
        yield plane.shape[0] / height, plane.shape[1] / width


def _sharpest(view: View, lock: Lock) -> Lock:
    """Uphill from scale to scale: in smooth pictures the template shows a few steps beside its scale too."""
    for direction in (1, -1):
        for _ in range(_UPHILL):
            axes = lock.geometry.vertical, lock.geometry.horizontal
            axes = axes[::-1] if lock.geometry.turn & 4 else axes
            beside = look(view, *(axis.scale * exp(direction * _STEP) for axis in axes))
            if beside is None or beside.score <= lock.score:
                break
            lock = beside
    return lock


def _peak(view: View, scales: Scales) -> tuple[float, int, tuple[int, int]]:
    """Standard deviations, the turn, and where in an original that was turned alike the received corner is."""
    from scipy import fft  # several times as fast as numpy's on so many small transforms; heavy, and seldom needed

    sides = zip(view.plane.shape, scales, strict=True)
    starts, sizes = zip(*(_window(have / scale, view.shrink) for have, scale in sides), strict=True)
    fields = _fields(view.cut((Axis(scales[0], 0.0), Axis(scales[1], 0.0)), starts, sizes), view.shrink)
    across, down = np.conj(fft.rfft2(fields))  # (phases, phases, period, period // 2 + 1) each
    # known signs on a quarter of the blocks at each frequency: the variance of a sum of what they say
    deviation = np.sqrt(np.square(fields).sum(axis=(0, 3, 4)) / 4 + 1e-9)
    peaks = []
    for turn in TURNS:
        known = _known(turn)
        sums = fft.irfft2(across * known[0] + down * known[1], overwrite_x=True).reshape(*deviation.shape, -1)
        scores = sums.max(axis=-1) / deviation
        phase = np.unravel_index(np.argmax(scores), scores.shape)
        block = divmod(int(np.argmax(sums[phase])), template.PERIOD)
        top, left = (
            template.BLOCK * blocks - view.shrink * int(phases) - int(start)
            for phases, blocks, start in zip(phase, block, starts, strict=True)
        )
        peaks.append((float(scores[phase]), turn, (top, left)))
    return max(peaks)


def _window(extent: float, shrink: int) -> tuple[float, int]:
    """Where a window in the middle of so many pixels of the original starts, and its size once it is shrunk."""
    size = min((_SIDE + template.BLOCK) // shrink - 1, int(extent) // shrink)
    return float(max(0, int(extent / 2 - size * shrink / 2))), size


def _fields(window: Plane, shrink: int) -> NDArray[np.float32]:
    """Evidence at every place: (2, phases, phases, period, period), the phase of the blocks' grid first.

    A phase is one pixel of the window, which has been shrunk already.
    """
    phases, side = template.BLOCK // shrink, _SIDE // shrink
    both = np.stack([_waved(_boxed(window, phases, 0), phases, 1), _waved(_boxed(window, phases, 1), phases, 0)])
    evidence = np.sin(both * np.float32(2 * np.pi * shrink / template.STEP))
    whole = np.zeros((2, side, side), np.float32)
    height, width = evidence.shape[1:]
    whole[:, :height, :width] = evidence[:, :side, :side]
    period = template.PERIOD
    return whole.reshape(2, period, phases, period, phases).transpose(0, 2, 4, 1, 3)


def _boxed(plane: Plane, size: int, axis: int) -> Plane:
    """Correlation with the basis' constant function along an axis, where it fits whole; ``size`` is a power of two."""
    total, step = plane.swapaxes(0, axis) * np.float32(size**-0.5), 1
    while step < size:
        total = total[:-step] + total[step:]
        step *= 2
    return total.swapaxes(0, axis)


def _waved(plane: Plane, size: int, axis: int) -> Plane:
    """Correlation with the basis' slowest wave along an axis, where it fits whole: its halves differ by their sign."""
    upright, taps = plane.swapaxes(0, axis), basis(size)[1].astype(np.float32)
    length = len(upright) - size + 1
    total = taps[0] * (upright[:length] - upright[size - 1 :])
    for k in range(1, size // 2):
        total += taps[k] * (upright[k : k + length] - upright[size - 1 - k :][:length])
    return total.swapaxes(0, axis)


@lru_cache
def _known(turn: int) -> NDArray[np.complex64]:
    """Spectrum (2, period, period // 2 + 1) of the template as it stands in a picture before it is ``turned``."""
    across, down = template.position_signs().astype(np.float32)  # at frequencies (0, 1) and (1, 0)
    if turn & 1:
        across, down = -across[:, ::-1], down[:, ::-1]
    if turn & 2:
        across, down = across[::-1], -down[::-1]
    if turn & 4:
        across, down = down.T, across.T
    return np.fft.rfft2(np.stack([across, down])).astype(np.complex64)


def _sweep() -> list[float]:
    """Every scale of the range, a step apart, from the middle outwards."""
    count = int(log(_RANGE[1] / _RANGE[0]) / _STEP)
    scales = (_RANGE[0] * exp(_STEP * k) for k in range(count + 1))
    return sorted(scales, key=lambda scale: abs(log(scale)))
