"""The losses of Model 1 in stage one: SI-SDR and compressed spectra of the output waveform (notebook 03).

SI-SDR alone ignores the sign: an inverted waveform scores the same, and published networks do invert. The complex
spectrum does not, and the compressed magnitudes keep quiet consonants from being sacrificed to loud vowels. The spectra
are those of the output *waveform*, so a spectrogram that belongs to no waveform gains nothing. Le Roux et al. 2019,
SDR: half-baked or well done?; Braun & Tashev 2021 (compressed spectra).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from ..errors import BadSpec
from .frontend import Stft, StftConfig, compress

SILENCE = 1e-8  # a clip with a mean square at or below this, -80 dBFS, holds no speech


class StageOneLoss(nn.Module):
    """``sdr_weight * (-SI-SDR in dB) + spectrum_weight * ((1 - share) * magnitudes + share * complex spectra)``.

    The two spectral terms are mean squared distances after :func:`~stegolab.speech.frontend.compress`, with both
    waveforms scaled so that the clean one has an RMS of 1; the loss is the same at every level. From a share of one
    half on there is no minimum on the side of the wrong sign, where a network could settle. Clips without clean speech
    have no SI-SDR; they are left out of that term, and teach silence through the other two.
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
        """Waveforms (B, N) to one number; lower is better."""
        magnitudes, spectra = self.spectral(estimate, clean)
        spoken = clean.square().mean(-1) > SILENCE
        sdr = torch.where(spoken, si_sdr(estimate, clean), 0).sum() / spoken.sum().clamp_min(1)
        return self.spectrum_weight * ((1 - self.share) * magnitudes + self.share * spectra) - self.sdr_weight * sdr

    def spectral(self, estimate: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
        """The distances of the compressed magnitudes, and of the compressed complex spectra."""
        level = clean.square().mean(-1, keepdim=True).clamp_min(SILENCE).sqrt()
        e, c = (compress(self.stft(waveform / level), self.power) for waveform in (estimate, clean))
        return (_size(e) - _size(c)).square().mean(), _squared(e - c).mean()


@dataclass(frozen=True)
class RecipeWeights:
    """Weights of the terms of :class:`RecipeLoss`; all 0: there is none of it.

    FastEnhancer's are .3, .2, .3 and .2, and .001 for PESQ's distance from the first step.
    """

    magnitude: float = 0.0
    spectrum: float = 0.0
    consistency: float = 0.0
    waveform: float = 0.0
    pesq: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what would reward a distance.

        Raises:
            BadSpec: a weight is negative or not a number.
        """
        for name, weight in asdict(self).items():
            if not 0 <= weight < math.inf:
                raise BadSpec(f"{name}_weight={weight}: weights of a loss are 0 or more")


class RecipeLoss(nn.Module):
    """The terms that FastEnhancer is trained with, each by its name and times its weight.

    ``magnitude`` and ``spectrum`` are mean squared distances of magnitudes and of complex spectra, both to the power
    .3; they compare the spectrogram that the network *says* with the clean one. ``consistency`` is the distance between
    what it says and the spectrogram of the waveform that comes of it: frames overlap, and not every spectrogram is one
    of a waveform. ``waveform`` is the mean absolute distance of samples, ``pesq`` the distance of P.862 before it is
    mapped to a score. All is scaled by what brings the clean waveform to an RMS of 1: no term depends on the level.
    Ahn et al. 2025, FastEnhancer; Cao et al. 2022, CMGAN.
    """

    def __init__(self, weights: RecipeWeights, stft: StftConfig | None = None, power: float = 0.3) -> None:
        super().__init__()
        self.weights, self.stft, self.power = weights, Stft(stft), power
        self.pesq = None
        if weights.pesq:
            from .metric_loss import DifferentiableMetrics

            self.pesq = DifferentiableMetrics(pesq_weight=1.0, stoi_weight=0.0)

    def forward(self, estimate: Tensor, spectrogram: Tensor, clean: Tensor) -> dict[str, Tensor]:
        """Waveforms (B, N), and the spectrogram (B, bins, T) whose inverse ``estimate`` is, to the terms asked for.

        A term whose weight is 0 is neither computed nor returned.
        """
        w, terms = self.weights, {}
        level = clean.square().mean(-1, keepdim=True).clamp_min(SILENCE).sqrt()  # (B, 1)
        said = compress(spectrogram / level[..., None], self.power)
        if w.magnitude or w.spectrum:
            wanted = compress(self.stft(clean / level), self.power)
            terms["magnitude"] = w.magnitude * (_size(said) - _size(wanted)).square().mean()
            terms["spectrum"] = w.spectrum * _squared(said - wanted).mean()
        if w.consistency:
            heard = compress(self.stft(estimate / level), self.power)
            terms["consistency"] = w.consistency * _squared(said - heard).mean()
        if w.waveform:
            terms["waveform"] = w.waveform * ((estimate - clean) / level).abs().mean()
        if self.pesq is not None:
            terms["pesq"] = w.pesq * self.pesq(estimate, clean).mean()
        return {name: term for name, term in terms.items() if getattr(w, name)}


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


def _squared(spectrogram: Tensor) -> Tensor:
    return spectrogram.real.square() + spectrogram.imag.square()


def _size(spectrogram: Tensor) -> Tensor:
    """Magnitudes with a finite gradient at zero."""
    return (_squared(spectrogram) + 1e-12).sqrt()
