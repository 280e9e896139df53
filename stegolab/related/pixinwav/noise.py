"""Four kinds of noise that may change a container on the way (notebook 11)."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import BadSpec
from .config import NOISES


def noisy(waveform: Tensor, kind: str, strength: float, random: torch.Generator | None = None) -> Tensor:
    """A disturbed copy of waveforms (B, n).

    Args:
        waveform: as it was sent.
        kind: ``gaussian``, white noise; ``speckle``, white noise times the sample; ``salt``, some samples become the
            loudest of the clip, of either sign; ``pepper``, some become zero; ``none``.
        strength: gaussian, speckle: root mean square of the noise, relative to the clip's and to the sample;
            salt, pepper: the share of the samples that it changes.
        random: a generator on the CPU.

    Raises:
        BadSpec: no such noise.
    """
    if kind == "none":
        return waveform
    if kind in ("gaussian", "speckle"):
        white = strength * torch.randn(waveform.shape, generator=random).to(waveform)
        return waveform + white * (waveform.square().mean(-1, keepdim=True).sqrt() if kind == "gaussian" else waveform)
    if kind not in NOISES:
        raise BadSpec(f"noise {kind!r}: choose one of {', '.join(NOISES)}")
    befallen = (torch.rand(waveform.shape, generator=random) < strength).to(waveform.device)
    sign = (2 * torch.randint(2, waveform.shape, generator=random) - 1).to(waveform)
    loudest = sign * waveform.detach().abs().amax(-1, keepdim=True)
    return torch.where(befallen, loudest if kind == "salt" else 0, waveform)
