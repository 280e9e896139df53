"""Another sampling rate, block by block: FFmpeg's polyphase filter as a stage (notebook 03)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .conditioning import Samples

_LEAD = 64  # samples at the lower of the two rates, at least; twice what the filter reaches


class Resampler:
    """Mono at ``rate`` hertz to ``to`` hertz, in step: ceil(n * to / rate) samples out of n, whatever the blocks.

    Before its beginning and after its end the sound is taken to be its first and its last sample: an offset makes no
    click there, as it would against silence.
    """

    def __init__(self, rate: int, to: int) -> None:
        import av

        self._rate, self._to = rate, to
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=to)
        shortest = rate // math.gcd(rate, to)  # samples that become a whole number of samples
        self._lead = -(-_LEAD * rate // (shortest * min(rate, to))) * shortest
        self._skip = self._lead * to // rate  # samples of the lead, still to come out
        self._heard, self._given = 0, 0
        self._last = np.float32(0)

    def push(self, samples: Samples) -> Samples:
        """As in :class:`~stegolab.speech.conditioning.Stage`."""
        if not len(samples):
            return np.zeros(0, np.float32)
        if not self._heard:
            samples = np.concatenate([np.full(self._lead, samples[0]), samples])
            self._heard = -self._lead
        self._heard += len(samples)
        self._last = samples[-1]
        return self._run(samples)

    def flush(self) -> Samples:
        """As in :class:`~stegolab.speech.conditioning.Stage`."""
        owed = -(-self._heard * self._to // self._rate) - self._given
        if not owed:
            return np.zeros(0, np.float32)
        return self._run(np.full(self._lead, self._last))[:owed]

    def _run(self, samples: Samples) -> Samples:
        from av import AudioFrame

        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None], np.float32), "flt", "mono")
        frame.sample_rate = self._rate
        parts: list[Any] = [part.to_ndarray()[0] for part in self._resampler.resample(frame)]
        found = np.concatenate([np.zeros(0, np.float32), *parts])
        skipped = min(self._skip, len(found))
        self._skip -= skipped
        self._given += len(found) - skipped
        return found[skipped:]
