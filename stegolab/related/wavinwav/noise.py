"""The noise layer: changes to a sound file on its way, with a gradient (notebook 12).

Every file is rounded to 16 bits; beyond that, one of four disturbances of a random strength: Gaussian noise, speckle
(noise that is louder where the sound is), resampling to a lower rate and back, requantisation to fewer bits.
Waveforms are (B, N) in [-1, 1]. Rounding has a straight-through derivative, everything else its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...audio import RATE
from ...channel.rounding import through
from ...errors import BadSpec

Disturbance = Callable[[Tensor, float, torch.Generator], Tensor]


def requantise(waveform: Tensor, bits: float = 16) -> Tensor:
    """Round and clip to ``bits`` bits (2 to 16), as in PCM of that depth; the derivative is one."""
    full = 2.0 ** (bits - 1)
    return through((waveform * full).round().clamp(-full, full - 1) / full, waveform)


def gaussian(waveform: Tensor, snr_db: float, generator: torch.Generator) -> Tensor:
    """Add white noise, ``snr_db`` below each waveform."""
    level = waveform.detach().square().mean(-1, keepdim=True).sqrt() * 10 ** (-snr_db / 20)
    return waveform + level * _normal(waveform, generator)


def speckle(waveform: Tensor, snr_db: float, generator: torch.Generator) -> Tensor:
    """Multiply each sample by 1 + noise, ``snr_db`` below the waveform."""
    return waveform * (1 + 10 ** (-snr_db / 20) * _normal(waveform, generator))


def resampling(waveform: Tensor, rate: float, generator: torch.Generator | None = None) -> Tensor:
    """From 16 kHz to ``rate`` hertz and back: everything above rate / 2 is lost."""
    from torchaudio.functional import resample

    narrow = resample(waveform, RATE, int(rate))
    return resample(narrow, int(rate), RATE)[..., : waveform.shape[-1]]


def _requantisation(waveform: Tensor, bits: float, generator: torch.Generator) -> Tensor:
    return requantise(waveform, bits)


# name -> the disturbance, and the range of strengths in training: mildest, strongest
DISTURBANCES: dict[str, tuple[Disturbance, tuple[float, ...]]] = {
    "gaussian": (gaussian, (60.0, 55.0, 50.0, 45.0, 40.0, 35.0, 30.0)),  # dB
    "speckle": (speckle, (60.0, 55.0, 50.0, 45.0, 40.0, 35.0, 30.0)),  # dB
    "resampling": (resampling, (15_000.0, 14_000.0, 12_000.0)),  # Hz
    "requantisation": (_requantisation, (14.0, 12.0, 10.0, 9.0)),  # bits
}


class NoiseLayer:
    """A file of 16 bits, in ``share`` of the steps disturbed by one of ``kinds`` at a random strength.

    Raises:
        BadSpec: no such kind.
    """

    def __init__(self, share: float, kinds: tuple[str, ...] = tuple(DISTURBANCES)) -> None:
        if unknown := sorted(set(kinds) - set(DISTURBANCES)):
            raise BadSpec(f"no disturbance {', '.join(unknown)}: choose from {', '.join(DISTURBANCES)}")
        self.share, self.kinds = share, kinds

    def __call__(self, waveform: Tensor, random: np.random.Generator) -> Tensor:
        """(B, N) to (B, N); everything is drawn from ``random``."""
        disturbed, kind = random.random() < self.share, self.kinds[random.integers(len(self.kinds))]
        disturbance, strengths = DISTURBANCES[kind]
        strength = strengths[random.integers(len(strengths))]
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        waveform = requantise(waveform)
        return requantise(disturbance(waveform, strength, generator)) if disturbed else waveform


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like.device)
