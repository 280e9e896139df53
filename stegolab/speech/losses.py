"""What Model 1 is trained for in stage one: SI-SDR and compressed spectra of the waveform it speaks (notebook 03).

SI-SDR alone is blind to the sign: an inverted waveform scores the same, and published networks do invert. The complex
spectrum is not, and the compressed magnitudes keep quiet consonants from being sacrificed to loud vowels. The spectra
are those of the output *waveform*, so a spectrogram that no waveform has earns nothing.
Le Roux et al. 2019, SDR: half-baked or well done?; Braun & Tashev 2021 (compressed spectra).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .frontend import Stft, StftConfig, compress

SILENCE = 1e-8  # mean square of a clip at or below this, -80 dBFS, holds no speech


class StageOneLoss(nn.Module):
    """``sdr_weight * (-SI-SDR in dB) + spectrum_weight * ((1 - share) * magnitudes + share * complex spectra)``.

    The two spectral terms are mean squared distances after :func:`~stegolab.speech.frontend.compress`, with both
    waveforms scaled by what brings the clean one to an RMS of 1: the loss is the same at every level. From a share of
    one half on there is no valley on the side of the wrong sign, where a network could settle. Clips without clean
    speech have no SI-SDR; they are left out of that term one by one, and teach silence by the other two.
    """

    def __init__(
        self,
        sdr_weight: float = 0.05,
        spectrum_weight: float = 1.0,
        share: float = 0.5,
        power: float = 0.3,
        stft: StftConfig | None = None,
    ) -> None:
        super().__init__()
        self.sdr_weight, self.spectrum_weight, self.share, self.power = sdr_weight, spectrum_weight, share, power
        self.stft = Stft(stft)

    def forward(self, estimate: Tensor, clean: Tensor) -> Tensor:
        """Waveforms (B, N) to one number; the lower the better."""
        magnitudes, spectra = self.spectral(estimate, clean)
        spoken = clean.square().mean(-1) > SILENCE
        sdr = torch.where(spoken, si_sdr(estimate, clean), 0).sum() / spoken.sum().clamp_min(1)
        return self.spectrum_weight * ((1 - self.share) * magnitudes + self.share * spectra) - self.sdr_weight * sdr

    def spectral(self, estimate: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
        """The distances of the compressed magnitudes, and of the compressed complex spectra."""
        level = clean.square().mean(-1, keepdim=True).clamp_min(SILENCE).sqrt()
        e, c = (compress(self.stft(waveform / level), self.power) for waveform in (estimate, clean))
        difference = e - c
        squared = difference.real.square() + difference.imag.square()
        return (_size(e) - _size(c)).square().mean(), squared.mean()


def si_sdr(estimate: Tensor, clean: Tensor, ceiling: float = 40.0) -> Tensor:
    """Scale-invariant signal-to-distortion ratio of (B, N) waveforms, (B,) in dB, with gradients.

    It levels off towards ``ceiling`` dB, so that a clip that is all but perfect does not pull the others; silent clips
    give a finite value without meaning. For the plain number see :func:`stegolab.speech.scores.si_sdr`.
    """
    estimate, clean = (w.float() - w.float().mean(-1, keepdim=True) for w in (estimate, clean))
    tiny = 1e-14 * clean.shape[-1]
    share = (estimate * clean).sum(-1, keepdim=True) / (clean.square().sum(-1, keepdim=True) + tiny)
    target = share * clean
    signal, distortion = target.square().sum(-1), (estimate - target).square().sum(-1)
    return 10 * torch.log10((signal + tiny) / (distortion + 10 ** (-ceiling / 10) * signal + tiny))


def _size(spectrogram: Tensor) -> Tensor:
    """Magnitudes with a finite gradient at zero."""
    return (spectrogram.real.square() + spectrogram.imag.square() + 1e-12).sqrt()
