"""What the network is trained for: waveforms, spectra at several resolutions, and a lost branch of zeros (notebook 12).

Yamamoto, Song & Kim 2020, Parallel WaveGAN (the spectra); Jing et al. 2021, HiNet (the losses).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..levels import LEVEL

SILENCE = 1e-8  # mean square; -80 dBFS
FLOOR = 1e-7  # added to squared magnitudes: what is quieter is silence, and zero has a slope
RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))  # window and hop in samples


def shared_error(stego: Tensor, cover: Tensor, revealed: Tensor, secret: Tensor) -> Tensor:
    """The relative squared errors of both, in decibels: waveforms (B, N) to one number, the lower the better.

    Root of the sum of their squares: the larger error counts for most, so neither is bought with the other. Errors are
    pooled over the batch, as they are over a clip: a crop that falls into a pause does not count for more.
    """
    pairs = ((stego, cover), (revealed, secret))
    errors = [(e - r).square().mean() / r.square().mean().clamp_min(SILENCE) for e, r in pairs]
    return 5 * torch.log10(errors[0].square() + errors[1].square() + 1e-8)


def snr_db(estimate: Tensor, reference: Tensor) -> Tensor:
    """Signal-to-noise ratio in decibels, (B, N) to (B,); not scale-invariant: a sound at the wrong level is wrong."""
    signal = reference.square().mean(-1).clamp_min(SILENCE)
    return 10 * torch.log10(signal / (estimate - reference).square().mean(-1).clamp_min(SILENCE * 1e-6))


def lost_energy(lost: Tensor) -> Tensor:
    """Mean square of the lost branch, 1 at the secret's own level: what makes zero the receiver's right guess."""
    return (lost / LEVEL).square().mean()


class SpectralDistance(nn.Module):
    """Multi-resolution STFT distance of waveforms (B, N): spectral convergence plus the distance of log-magnitudes.

    Both come from the output *with* its gradient (detach it, and the term is a constant that teaches nothing).
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
