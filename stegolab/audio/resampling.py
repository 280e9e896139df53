"""Change the sampling rate with FFmpeg's polyphase filter, of a whole sound or block by block (notebook 03).

The filter comes from libswresample because PyAV is loaded for the codecs anyway. Importing ``scipy.signal`` alone takes
more than a second, a third of the time that hiding may take.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .speech import Speech, within_full_scale

Samples = NDArray[np.float32]

_LEAD = 64  # samples at the lower of the two rates, at least; twice the reach of the filter


def resample(speech: Speech, rate: int) -> Speech:
    """Change the rate to ``rate`` hertz: ceil(n * rate / speech.rate) samples, no delay."""
    if rate == speech.rate:
        return speech
    filtering = _Filter(speech.rate, rate)
    n = -(-len(speech.samples) * rate // speech.rate)
    samples = np.zeros(n, np.float32)  # the filter's tail may be a sample too short or too long
    found = np.concatenate([filtering.push(speech.samples), filtering.flush()])[:n]
    samples[: len(found)] = found
    return replace(speech, samples=within_full_scale(samples), rate=rate)


class Resampler:
    """Resamples mono from ``rate`` to ``to`` hertz without delay: n samples give ceil(n * to / rate).

    The sound is extended by its first sample before its beginning and by its last sample after its end, so an offset
    makes no click there, as it would against silence. Nothing is scaled: full-scale input may give output beyond full
    scale.
    """

    def __init__(self, rate: int, to: int) -> None:
        self._rate, self._to = rate, to
        self._filter = _Filter(rate, to)
        shortest = rate // math.gcd(rate, to)  # samples that become a whole number of samples
        self._lead = -(-_LEAD * rate // (shortest * min(rate, to))) * shortest
        self._skip = self._lead * to // rate  # samples of the lead that are still to come out
        self._heard, self._given = 0, 0
        self._last = np.float32(0)

    def push(self, samples: Samples) -> Samples:
        """Take the next samples (n,) and return the output that they complete, (m,); m may be 0."""
        if not len(samples):
            return np.zeros(0, np.float32)
        if not self._heard:
            samples = np.concatenate([np.full(self._lead, samples[0]), samples])
            self._heard = -self._lead
        self._heard += len(samples)
        self._last = samples[-1]
        return self._run(samples)

    def flush(self) -> Samples:
        """Return the remaining output, after the last input."""
        owed = -(-self._heard * self._to // self._rate) - self._given
        if not owed:
            return np.zeros(0, np.float32)
        return self._run(np.full(self._lead, self._last))[:owed]

    def _run(self, samples: Samples) -> Samples:
        found = self._filter.push(samples)
        skipped = min(self._skip, len(found))
        self._skip -= skipped
        self._given += len(found) - skipped
        return found[skipped:]


class _Filter:
    """libswresample, which assumes silence before the beginning and after the end."""

    def __init__(self, rate: int, to: int) -> None:
        import av

        self._rate = rate
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=to)

    def push(self, samples: Samples) -> Samples:
        from av import AudioFrame

        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None], np.float32), "flt", "mono")
        frame.sample_rate = self._rate
        return self._joined(self._resampler.resample(frame))

    def flush(self) -> Samples:
        return self._joined(self._resampler.resample(None))

    @staticmethod
    def _joined(frames: list[Any]) -> Samples:
        return np.concatenate([np.zeros(0, np.float32), *(frame.to_ndarray()[0] for frame in frames)])
