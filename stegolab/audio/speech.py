"""Mono speech in memory: its requirements, its rate, and its 16-bit form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadAudio

RATE = 16_000  # hertz; wide-band speech, the rate of the models and the codecs
SHORTEST = 0.02  # seconds; less than one frame of any speech codec
LONGEST = 3600.0  # seconds; a longer file is a mistake, and would fill the memory long before it fits into a picture
FULL_SCALE = 32_768  # 16-bit steps in 1.0
SILENCE = 2 / FULL_SCALE  # from the lowest to the highest sample; less cannot be heard


class CutShortWarning(UserWarning):
    """A sound file ends too early: the part that is there was used."""


class OutOfPhaseWarning(UserWarning):
    """Channels cancel each other: the strongest was used instead of their sum."""


@dataclass(frozen=True)
class Speech:
    """Mono speech: ``samples`` float32 of shape (n,) in [-1, 1], ``rate`` in hertz.

    ``notes`` are the warnings from reading it; :func:`stegolab.hide` repeats them in its report.
    """

    samples: NDArray[np.float32]
    rate: int
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.rate

    @property
    def silent(self) -> bool:
        """Whether there is nothing to hear; a constant offset counts as silence."""
        return not self.samples.size or bool(np.ptp(self.samples) < SILENCE)


def check(speech: Speech) -> Speech:
    """Return ``speech`` if it can be used; for callers that built it in Python.

    Samples in a list become an array, and a rate such as 44100.0 becomes a whole number; the rest is unchanged.

    Raises:
        BadAudio: not mono, not finite, beyond [-1, 1], silent, shorter than 20 ms or longer than an hour.
    """
    speech = as_arrays(speech)
    check_samples(speech.samples, speech.rate)
    peak = float(np.abs(speech.samples).max())
    if peak > 1:
        raise BadAudio(f"samples must lie in [-1, 1] but reach {peak:g}: divide integer samples by their full scale")
    return speech


def as_arrays(speech: Speech) -> Speech:
    """``speech`` with samples in a float32 array and a rate that is a whole number; the same object if it has them.

    Raises:
        BadAudio: the samples are not numbers, or the rate is not a whole number of hertz.
    """
    try:
        whole = int(speech.rate)
        if whole != speech.rate:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise BadAudio(
            f"its sampling rate of {speech.rate!r} Hz is not a whole number: give it as an integer"
        ) from None
    samples: Any = speech.samples
    if not isinstance(samples, np.ndarray) or samples.dtype.kind not in "fiu":
        try:
            samples = np.asarray(samples)
            if samples.dtype.kind not in "fiu":
                raise ValueError
        except (TypeError, ValueError):
            raise BadAudio("its samples are not real numbers of shape (n,): give a float32 array") from None
    if samples.dtype != np.float32:
        with np.errstate(over="ignore"):
            samples = samples.astype(np.float32)
    if samples is speech.samples and type(speech.rate) is int:
        return speech
    return replace(speech, samples=samples, rate=whole)


def to_pcm16(speech: Speech) -> NDArray[np.int16]:
    """Round the samples to 16-bit integers, shape (n,); the inverse of :func:`from_pcm16`, exactly."""
    return rounded(speech.samples)


def rounded(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Round samples of any shape, where 1.0 is full scale, to 16-bit integers, and clip what lies beyond."""
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_pcm16(pcm: NDArray[np.int16], rate: int) -> Speech:
    """Speech from 16-bit integer samples of shape (n,)."""
    return Speech(pcm.astype(np.float32) / np.float32(FULL_SCALE), rate)


def check_samples(samples: NDArray[np.float32], rate: int) -> None:
    """Refuse samples that cannot be speech at any level.

    Raises:
        BadAudio: see :func:`check`.
    """
    if samples.ndim != 1:
        raise BadAudio(f"samples must have shape (n,), not {samples.shape}: mix the channels down first")
    finite = bool(np.isfinite(samples).all())
    check_measured(samples.size, rate, finite, silent=finite and Speech(samples, rate).silent)


def check_measured(n: int, rate: int, finite: bool, silent: bool) -> None:
    """Refuse ``n`` samples that cannot be speech at any level, judging by what was measured of them.

    Raises:
        BadAudio: see :func:`check`.
    """
    if not 4_000 <= rate <= 768_000:
        raise BadAudio(f"its sampling rate of {rate} Hz is not usable for speech: use 8000 to 48000 Hz")
    if not n:
        raise BadAudio("it is empty: record at least 20 ms of speech")
    seconds = n / rate
    if seconds < SHORTEST:
        raise BadAudio(f"it lasts {1000 * seconds:.1f} ms: record at least {1000 * SHORTEST:.0f} ms of speech")
    refuse_longer(seconds)
    if not finite:
        raise BadAudio("it holds samples that are not finite numbers: export it again as PCM")
    if silent:
        raise BadAudio("it is silent: check the microphone or the export")


def refuse_longer(seconds: float) -> None:
    """Raise :class:`BadAudio` for sound longer than :data:`LONGEST`."""
    if seconds > LONGEST:
        raise BadAudio(f"it lasts {seconds / 60:.0f} minutes: cut it to at most {LONGEST / 60:.0f} minutes")


def within_full_scale(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The samples, scaled down as a whole if one exceeds 1, and never clipped."""
    peak = np.abs(samples).max(initial=0)
    return (samples / peak if peak > 1 else samples).astype(np.float32, copy=False)
