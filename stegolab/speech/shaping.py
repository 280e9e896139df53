"""Spectra of training mixtures: noise of another colour, a telephone's band (notebook 03). Nothing is delayed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE


def coloured(noise: NDArray[np.float64], tilt: float) -> NDArray[np.float64]:
    """Tilt the spectrum of (n,) samples by so many decibels per octave, below 50 Hz by no more than there."""
    spectrum = np.fft.rfft(noise)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(noise), 1 / RATE), 50.0) / 1_000.0)
    return np.fft.irfft(spectrum * 10 ** (tilt * octaves / 20), len(noise))


def band_limited(parts: NDArray[np.float64], lowest: float, highest: float) -> NDArray[np.float64]:
    """Magnitude response of Butterworth filters, 12 dB and 48 dB per octave, without their delay; parts: (k, n)."""
    hertz = np.maximum(np.fft.rfftfreq(parts.shape[-1], 1 / RATE), 1e-3)
    response = 1 / np.sqrt((1 + (lowest / hertz) ** 4) * (1 + (hertz / highest) ** 16))
    return np.fft.irfft(np.fft.rfft(parts) * response, parts.shape[-1])
