"""Finding a picture's geometry from nothing but the picture: coarse search for the template (notebook 04).

At the right scale and place the symbols of the template agree with what is known of them. So every scale is tried on a
window small enough that a scale a little off is still right in all of it; at each scale, every place within a block by
evaluating the symbols there, and every block of the template's period and all eight turns by one correlation.
The peak over the correlation's own standard deviation is the confidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import exp, log
from time import thread_time

import numpy as np
from numpy.typing import NDArray

from . import registration, template
from .blockdct import basis
from .geometry import TURNS, Axis, Geometry, Plane, cut, turned
from .registration import Aligned, View

SECONDS = 12.0  # of work, after which a search gives up
CERTAIN = 6.0  # standard deviations, from which a lock is followed at once: chance reaches 5.7 in a whole search
_SIDE = template.PERIOD * template.BLOCK  # of the window, in pixels of the original
_RANGE = (0.4, 2.0)
_STEP = 0.005  # of scale: a quarter of a per cent off is a third of a pixel, on average over the window
_COMMON = (1.0, 1 / 2, 3 / 4, 2 / 3, 2.0, 0.8, 0.6, 0.9, 0.7, 0.4, 1.25, 1.5)  # received over original
_FOLLOWED = 6  # of the best scales, where none was certain


@dataclass(frozen=True)
class Lock:
    """A place where the template shows: ``geometry`` to a few pixels of the original, modulo the period."""

    score: float
    geometry: Geometry


def search(plane: Plane, seconds: float = SECONDS) -> Iterator[Aligned]:
    """A received luma plane laid back onto the original, wherever the template shows; nothing where it does not.

    ``seconds`` of the processor's time are spent at most before the last of them is begun: other programs that keep it
    busy change nothing of what is found.
    """
    ends = thread_time() + seconds
    doubtful: list[tuple[View, Lock]] = []
    half = View(plane)
    for view, scale in chain([(View(plane, 1), 1.0)], ((half, scale) for scale in (*_COMMON, *_sweep()))):
        if thread_time() > ends:
            break
        lock = look(view, scale)
        if lock is not None and lock.score > CERTAIN:
            yield from registration.align(view, _sharpest(view, lock).geometry)
        elif lock is not None:
            doubtful.append((view, lock))
    for view, lock in sorted(doubtful, key=lambda found: -found[1].score)[:_FOLLOWED]:
        yield from registration.align(view, lock.geometry)


def look(view: View, scale: float) -> Lock | None:
    """The best place and turn at one scale; None where fewer than two blocks a side would be left."""
    if min(view.plane.shape) / scale < 2 * template.BLOCK:
        return None
    score, turn, _ = max(_peaks(view, scale, TURNS))
    _, _, (top, left) = max(_peaks(View(turned(view.plane, turn), view.shrink), scale, (0,)))
    return Lock(score, Geometry(turn, Axis(scale, -scale * top), Axis(scale, -scale * left)))


def _sharpest(view: View, lock: Lock) -> Lock:
    """Uphill from scale to scale: in smooth pictures the template shows a few steps beside its scale too."""
    for direction in (1, -1):
        while True:
            beside = look(view, lock.geometry.vertical.scale * exp(direction * _STEP))
            if beside is None or beside.score <= lock.score:
                break
            lock = beside
    return lock


def _peaks(view: View, scale: float, turns: tuple[int, ...] | range) -> Iterator[tuple[float, int, tuple[int, int]]]:
    """For each turn: standard deviations, the turn, and where in the original the received corner is."""
    starts, sizes = zip(*(_window(side / scale, view.shrink) for side in view.plane.shape), strict=True)
    axis = Axis(scale, 0.0)
    fields = _fields(View(cut(view.plane, axis, axis, starts, sizes, view.shrink), view.shrink))
    spectra = np.fft.rfft2(fields).astype(np.complex64)  # (2, phases, phases, period, period // 2 + 1)
    # known signs on a quarter of the blocks at each frequency: the variance of a sum of what they say
    deviation = np.sqrt(np.square(fields).sum(axis=(0, 3, 4)) / 4 + 1e-9)
    for turn in turns:
        sums = np.fft.irfft2((np.conj(spectra) * _known(turn)[:, None, None]).sum(axis=0))
        scores = sums / deviation[..., None, None]
        best = np.unravel_index(np.argmax(scores), scores.shape)
        places = []
        for phase, block, start in zip(best[:2], best[2:], starts, strict=True):
            corner = template.BLOCK * int(block) - view.shrink * int(phase) - start
            period = template.BLOCK * template.PERIOD
            places.append((corner + template.BLOCK // 2) % period - template.BLOCK // 2)
        yield float(scores[best]), turn, (places[0], places[1])


def _window(extent: float, shrink: int) -> tuple[float, int]:
    """Where a window in the middle of so many pixels of the original starts, and its size once it is shrunk."""
    size = min((_SIDE + template.BLOCK) // shrink - 1, int(extent) // shrink)
    return float(max(0, int(extent / 2 - size * shrink / 2))), size


def _fields(window: View) -> NDArray[np.float32]:
    """Evidence at every place: (2, phases, phases, period, period), the phase of the blocks' grid first.

    A phase is one pixel of the window, which has been shrunk already.
    """
    phases, side = template.BLOCK // window.shrink, _SIDE // window.shrink
    box, wave = basis(phases)[:2].astype(np.float32)
    both = np.stack([_slid(_slid(window.plane, box, 0), wave, 1), _slid(_slid(window.plane, wave, 0), box, 1)])
    evidence = np.sin(both * np.float32(2 * np.pi * window.shrink / template.STEP))
    whole = np.zeros((2, side, side), np.float32)
    height, width = evidence.shape[1:]
    whole[:, :height, :width] = evidence[:, :side, :side]
    period = template.PERIOD
    return whole.reshape(2, period, phases, period, phases).transpose(0, 2, 4, 1, 3)


def _slid(plane: Plane, taps: Plane, axis: int) -> Plane:
    """Correlation with ``taps`` along an axis, where they fit whole."""
    length = plane.shape[axis] - len(taps) + 1
    upright = plane.swapaxes(0, axis)
    total = taps[0] * upright[:length]
    for k, tap in enumerate(taps[1:], 1):
        total += tap * upright[k : k + length]
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


def _sweep() -> Iterator[float]:
    """Every scale of the range, a step apart, from the middle outwards."""
    count = int(log(_RANGE[1] / _RANGE[0]) / _STEP)
    scales = (_RANGE[0] * exp(_STEP * k) for k in range(count + 1))
    yield from sorted(scales, key=lambda scale: abs(log(scale)))
