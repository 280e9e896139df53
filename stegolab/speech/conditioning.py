"""Removing offsets, rumble and changes of level before the network, in blocks or in one piece (notebook 03).

    samples -> HighPass -> Leveller -> network -> divided by the Leveller's gain

The high-pass removes what is not part of a voice but comes from cheap microphones: an offset, wind, steps. The leveller
brings every talker to one level, even shortly after a thump or a louder talker. Both look ahead and return every sample
at its own place, so nothing is delayed. They compute on a fixed grid, so the result does not depend on the blocks, to
the last bit. They use only NumPy, because ``hide`` must start at once.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE

Samples = NDArray[np.float32]

CORNER = 20.0  # hertz, where the high-pass halves amplitudes and hearing ends; from 30 Hz on it passes everything
LEVEL = 10 ** (-26 / 20)  # RMS of speech at the network's input: -26 dBFS, the nominal level of ITU-T P.56

_REACH = RATE * 128 // 1000  # samples that the high-pass looks ahead, and back
_SIZE = 8 * _REACH  # of its FFT

_FRAME = RATE // 50  # samples; 20 ms, over which powers are measured
_WINDOW = 75  # frames; 1.5 s, whose loud frames give the level
_LOUD = 0.85  # quantile of the powers in a window: a thump lasts less than the rest of it, words last longer
_ABOVE = 2.0  # decibels by which the level of speech exceeds that quantile, on average over real speech
_PEAKS = 4  # frames before and after one in which peaks are looked for
_CREST = 12.0  # decibels by which they may exceed the level there
_SMOOTH = (1 / 9, 2 / 9, 3 / 9, 2 / 9, 1 / 9)  # of the level in decibels, over frames
_SILENCE = 1e-8  # mean square, -80 dBFS: quieter sound is not raised to the level of speech
_EDGE = len(_SMOOTH) // 2
_CONTEXT = _WINDOW + _PEAKS + _EDGE + 1  # frames on either side on which the level of a frame depends
_BATCH = 100  # frames that are returned together, at least


class Stage(Protocol):
    """A step that processes sound in blocks: the joined results equal that of one call with the whole sound."""

    def push(self, samples: Samples) -> Samples:
        """Take samples (n,) and return what they complete, (m,) or (rows, m); m may be 0."""

    def flush(self) -> Samples:
        """Return the rest, after the last input."""


def as_heard(noisy: Samples, clean: Samples) -> tuple[Samples, Samples]:
    """A pair (n,) in the form for the network: both high-passed, both divided by the level of the noisy one."""
    noisy, clean = (whole(HighPass(), samples) for samples in (noisy, clean))
    noisy, level = whole(Leveller(), noisy)
    gain = np.float32(LEVEL) / level
    return noisy * gain, clean * gain


def whole(stage: Stage, samples: Samples) -> Samples:
    """The complete output of a stage for samples (n,)."""
    return np.concatenate([stage.push(samples), stage.flush()], axis=-1)


class HighPass:
    """Removes what lies below :data:`CORNER` without delay: linear phase, 128 ms of look-ahead.

    Mono at 16 kHz. The sound is mirrored at its beginning and its end, so that an offset from the first sample on
    leaves no trace. A constant becomes 0 within rounding.
    """

    def __init__(self) -> None:
        self._response = np.fft.rfft(_high_pass(), _SIZE)
        self._held: NDArray[np.float64] = np.zeros(0)
        self._begun = False

    def push(self, samples: Samples) -> Samples:
        """As in :class:`Stage`."""
        self._held = np.concatenate([self._held, samples])
        if not self._begun:
            if len(self._held) < _REACH:
                return np.zeros(0, np.float32)
            self._held, self._begun = np.concatenate([self._held[:_REACH][::-1], self._held]), True
        return self._whole_steps()

    def flush(self) -> Samples:
        """As in :class:`Stage`."""
        if not len(self._held):
            return np.zeros(0, np.float32)
        before = 0 if self._begun else _REACH
        self._held, self._begun = np.pad(self._held, (before, _REACH), mode="symmetric"), True
        owed = len(self._held) - 2 * _REACH
        self._held = np.pad(self._held, (0, -owed % (_SIZE - 2 * _REACH)))
        return self._whole_steps()[:owed]

    def _whole_steps(self) -> Samples:
        step, found = _SIZE - 2 * _REACH, []
        while len(self._held) >= _SIZE:
            spectrum = np.fft.rfft(self._held[:_SIZE]) * self._response
            found.append(np.fft.irfft(spectrum, _SIZE)[2 * _REACH :].astype(np.float32))
            self._held = self._held[step:]
        return np.concatenate([np.zeros(0, np.float32), *found])


class Leveller:
    """The level of the speech at every sample: that of the current talker, not of the whole recording.

    Dividing by it brings the speech to one level, and multiplying by it afterwards undoes that exactly. Mono at 16 kHz;
    looks 1.7 s ahead.

    The level at a frame is the :data:`_LOUD` quantile of the powers in the 1.5 s before it or in the 1.5 s after it,
    whichever is lower: where a loud talker is followed by a quiet one, or the other way round, one of the two windows
    holds only the quiet one. Sound that exceeds this level by more than 12 dB (a thump, the loud talker's last word)
    sets the level itself while it lasts, minus 12 dB. Windows that reach beyond the sound are moved into it.
    """

    def __init__(self) -> None:
        self._samples: Samples = np.zeros(0, np.float32)  # not returned yet
        self._powers: NDArray[np.float64] = np.zeros(0)  # of frames: those of _samples, and up to _CONTEXT before them
        self._past = 0  # frames of _powers that were returned

    def push(self, samples: Samples) -> Samples:
        """(n,) to (2, m): the samples that are completed, and the level at each, as RMS."""
        self._samples = np.concatenate([self._samples, samples])
        self._measure(len(self._samples) // _FRAME)
        ready = len(self._powers) - self._past - _CONTEXT
        return self._give(ready if ready >= _BATCH else 0)

    def flush(self) -> Samples:
        """The rest, in the form of :meth:`push`."""
        n = len(self._samples)
        self._samples = np.pad(self._samples, (0, -n % _FRAME))
        self._measure(len(self._samples) // _FRAME)
        return self._give(len(self._samples) // _FRAME)[:, :n]

    def _measure(self, frames: int) -> None:
        known = len(self._powers) - self._past
        new = self._samples[known * _FRAME : frames * _FRAME].reshape(-1, _FRAME)
        self._powers = np.concatenate([self._powers, np.square(new, dtype=np.float64).mean(axis=1)])

    def _give(self, frames: int) -> Samples:
        if not frames:
            return np.zeros((2, 0), np.float32)
        decibels = _between_frames(_decibels(self._powers))[self._past : self._past + frames]  # (frames, _FRAME)
        given, self._samples = np.split(self._samples, [frames * _FRAME])
        kept = max(self._past + frames - _CONTEXT, 0)
        self._powers, self._past = self._powers[kept:], self._past + frames - kept
        return np.stack([given, (10 ** (decibels.ravel() / 20)).astype(np.float32)])


def _high_pass() -> NDArray[np.float64]:
    """A unit impulse minus a low-pass: a sinc with a Hann window and unit gain at 0 Hz; 2 * _REACH + 1 coefficients."""
    n = np.arange(-_REACH, _REACH + 1)
    low = np.sinc(2 * CORNER / RATE * n) * (0.5 + 0.5 * np.cos(np.pi * n / (_REACH + 1)))
    return (n == 0) - low / low.sum()


def _decibels(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Powers of frames (k,) to the level of the speech at each, (k,), in decibels of full scale."""
    from numpy.lib.stride_tricks import sliding_window_view

    k = len(powers)
    window = min(_WINDOW, k)
    loud = np.quantile(sliding_window_view(powers, window), _LOUD, axis=1)  # (k - window + 1,)
    at = np.arange(k)
    level = np.minimum(loud[np.minimum(at, k - window)], loud[np.maximum(at - window + 1, 0)])
    peaks = sliding_window_view(np.pad(powers, _PEAKS), 2 * _PEAKS + 1).max(axis=1)
    level = np.maximum(level * 10 ** (_ABOVE / 10), peaks * 10 ** (-_CREST / 10))
    padded = np.pad(10 * np.log10(np.maximum(level, _SILENCE)), _EDGE, mode="edge")
    terms = (weight * padded[i : i + k] for i, weight in enumerate(_SMOOTH))  # in a fixed order, for the last bit
    return sum(terms, np.zeros(k))


def _between_frames(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate linearly from values at the centres of frames (k,) to their samples (k, _FRAME)."""
    padded = np.pad(values, 1, mode="edge")[:, None]
    share = (np.arange(_FRAME) + 0.5) / _FRAME - 0.5  # of a frame, from its centre
    before, here, after = padded[:-2], padded[1:-1], padded[2:]
    return here + np.where(share < 0, (here - before) * share, (after - here) * share)
