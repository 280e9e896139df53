"""The losses of the network: waveforms, spectra at several resolutions, and a lost branch of zeros (notebook 12).

Yamamoto, Song & Kim 2020, Parallel WaveGAN (the spectra); Jing et al. 2021, HiNet (the losses).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..levels import LEVEL

SILENCE = 1e-8  # mean square; -80 dBFS
FLOOR = 1e-7  # added to squared magnitudes, so that quieter sound counts as silence and zero has a gradient
RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))  # window and hop in samples


def shared_error(stego: Tensor, cover: Tensor, revealed: Tensor, secret: Tensor) -> Tensor:
    """The relative squared errors of both, in decibels: waveforms (B, N) to one number; lower is better.

    The root of the sum of their squares: the larger error dominates, so neither is reduced at the expense of the other.
    Errors are pooled over the batch, as they are over a clip, so a crop from a pause does not count more.
    """
    pairs = ((stego, cover), (revealed, secret))
    errors = [(e - r).square().mean() / r.square().mean().clamp_min(SILENCE) for e, r in pairs]
    return 5 * torch.log10(errors[0].square() + errors[1].square() + 1e-8)


def snr_db(estimate: Tensor, reference: Tensor) -> Tensor:
    """Signal-to-noise ratio in decibels, (B, N) to (B,); not scale-invariant: a sound at the wrong level is wrong."""
    signal = reference.square().mean(-1).clamp_min(SILENCE)
    return 10 * torch.log10(signal / (estimate - reference).square().mean(-1).clamp_min(SILENCE * 1e-6))


def lost_energy(lost: Tensor) -> Tensor:
    """Mean square of the lost branch, 1 at the secret's own level; a small value makes zero a good guess for the
    receiver."""
    return (lost / LEVEL).square().mean()


class SpectralDistance(nn.Module):
    """Multi-resolution STFT distance of waveforms (B, N): spectral convergence plus the distance of log-magnitudes.

    Both are computed from the output *with* its gradient (if it were detached, the term would be a constant that
    teaches nothing).
    """

    def __init__(self, resolutions: tuple[tuple[int, int], ...] = RESOLUTIONS) -> None:
        super().__init__()
        self.resolutions = resolutions
        for window, _ in resolutions:
            self.register_buffer(f"window{window}", torch.hann_window(window), persistent=False)

    def forward(self, estimate: Tensor, reference: Tensor) -> Tensor:
        """The mean over the resolutions; 0 for equal waveforms."""
        distances = []
        for window, hop in self.resolutions:
            e, r = (self._magnitude(w, window, hop) for w in (estimate, reference))
            distances.append((e - r).norm() / r.norm() + (e.log() - r.log()).abs().mean())
        return torch.stack(distances).mean()

    def _magnitude(self, waveform: Tensor, window: int, hop: int) -> Tensor:
        spectrum = torch.stft(
            waveform, window, hop, window=self.get_buffer(f"window{window}"), return_complex=True, normalized=True
        )
        return (spectrum.real.square() + spectrum.imag.square() + FLOOR).sqrt()
