"""The level of sound at the input of a network: the same for all, because loudness is not part of what is hidden.

Each system brings its sound to a fixed root mean square (RMS) first, and its receiver returns it at that level.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..errors import BadAudio

Samples = NDArray[np.float32]

LEVEL = 0.05  # RMS relative to full scale: -26 dBFS, the usual level of speech
SILENT = 1e-5  # RMS below which sound is taken for silence


def rms(samples: Samples) -> float:
    """Root mean square of a waveform (n,); 0 if it is empty."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def audible_rms(samples: Samples) -> float:
    """Root mean square of a waveform (n,) that is not silent.

    Raises:
        BadAudio: it is silent or empty.
    """
    loudness = rms(samples)
    if loudness < SILENT:
        raise BadAudio("the speech is silent: choose a clip with sound in it")
    return loudness


def levelled(samples: Samples, loudness: float, peak: float = math.inf) -> Samples:
    """A waveform (n,) of RMS ``loudness`` at :data:`LEVEL`; quieter where its largest sample would exceed ``peak``."""
    gain = LEVEL / loudness
    if peak < math.inf:
        gain = min(gain, peak / float(np.abs(samples).max()))
    return (samples * gain).astype(np.float32)
