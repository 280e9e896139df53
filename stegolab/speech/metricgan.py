"""A network that learns to predict PESQ and STOI, so that Model 1 can be trained to raise its prediction.

The two scores cannot be differentiated; a network that has learned them can. It looks at what the scores listen to,
bands as wide as those of the ear, of the reference and of the estimate, and is trained beside the network it judges
(notebook 03). Fu et al. 2019, MetricGAN; Fu et al. 2021, MetricGAN+; Cao et al. 2022, CMGAN (the discriminator).
"""

from __future__ import annotations

from importlib import resources
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ..files import replacing
from .frontend import FAINT, Stft, StftConfig
from .losses import SILENCE

WEIGHTS = Path(str(resources.files("stegolab"))) / "weights" / "speech_discriminator.safetensors"
BANDS = 64  # mel bands, up to half the rate
SCORE_WEIGHTS = (1.0, 4.0)  # of PESQ and STOI, which normalised varies a third as much


class MetricDiscriminator(nn.Module):
    """Waveforms (reference, estimate), both (B, N), to predicted scores (B, 2) in [0, 1]: PESQ, then STOI.

    Both are normalised as by :func:`~stegolab.speech.true_scores.normalised`. The level of neither waveform matters,
    as it does not to the scores. Four spectral-norm convolutions 4x4 of stride 2 look at three pictures, the compressed
    band magnitudes of both and their difference; then mean and deviation over time, and two layers on the bands that
    are left. The last convolution has no instance norm: it would make these means and deviations all alike.
    """

    filters: Tensor

    def __init__(self, width: int = 16, power: float = 0.3, stft: StftConfig | None = None) -> None:
        super().__init__()
        from torchaudio.functional import melscale_fbanks

        self.stft, self.power = Stft(stft), power
        config = self.stft.config
        filters = melscale_fbanks(config.bins, 0, config.rate / 2, BANDS, config.rate).T
        self.register_buffer("filters", filters, persistent=False)  # (BANDS, bins)
        widths = (3, width, 2 * width, 4 * width, 8 * width)
        layers: list[nn.Module] = []
        for number, (into, out) in enumerate(pairwise(widths), start=1):
            layers.append(spectral_norm(nn.Conv2d(into, out, 4, stride=2, padding=1)))
            if number < 4:
                layers.append(nn.InstanceNorm2d(out, affine=True))
            layers.append(nn.PReLU(out))
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(2 * widths[-1] * BANDS // 16, 64), nn.PReLU(64), nn.Linear(64, 2))

    def forward(self, reference: Tensor, estimate: Tensor) -> Tensor:
        """Gradients reach both waveforms, and are finite at silence. N at least 0.2 s; float32, under autocast too."""
        heard, expected = self.bands(estimate), self.bands(reference)
        pictures = torch.stack([expected, heard, heard - expected], 1)  # (B, 3, BANDS, T)
        features = self.layers(pictures).flatten(1, 2).float()  # (B, channels * BANDS / 16, T / 16)
        deviation = (features.var(-1, correction=0) + 1e-6).sqrt()
        return self.head(torch.cat([features.mean(-1), deviation], 1)).float().sigmoid()

    def bands(self, waveform: Tensor) -> Tensor:
        """(B, N) to (B, BANDS, T): magnitudes in mel bands to the ``power``, of the waveform at an RMS of 1."""
        waveform = waveform.float().nan_to_num(0, 0, 0)  # what is no number has no score; here it must not spread
        level = waveform.square().mean(-1, keepdim=True).clamp_min(SILENCE).sqrt()
        spectrogram = self.stft(waveform / level)
        loudness = spectrogram.real.square() + spectrogram.imag.square()
        with torch.autocast(loudness.device.type, enabled=False):  # half precision ends at 65504
            return (self.filters @ loudness + FAINT) ** (self.power / 2)


def save(model: MetricDiscriminator, path: Path) -> None:
    """Write the weights as safetensors, float32.

    Raises:
        CannotWrite: no such folder, no permission, disk full.
    """
    from safetensors.torch import save_file

    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with replacing(path) as temporary:
        save_file(weights, temporary)


def load(path: Path = WEIGHTS) -> MetricDiscriminator:
    """Read what :func:`save` wrote; without a path, the discriminator of the network that ships."""
    from safetensors.torch import load_file

    model = MetricDiscriminator()
    model.load_state_dict(load_file(path))
    return model.eval()


def discriminator_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Weighted squared distance of (B, 2) predictions from true scores, one number.

    Scores that are NaN (see :class:`~stegolab.speech.true_scores.TrueScores`) are left out one by one; a batch without
    any gives 0.
    """
    known = true.isfinite()
    squared = (predicted - torch.where(known, true, predicted.detach())).square() * known
    return (squared.sum(0) / known.sum(0).clamp_min(1) * squared.new_tensor(SCORE_WEIGHTS)).sum()


def generator_loss(predicted: Tensor, clean: Tensor) -> Tensor:
    """How far (B, 2) predictions for estimates of ``clean`` (B, N) are from the high score of 1: 0 to 2, one number.

    Squared, as in MetricGAN: the worst clip pulls most. Clips without clean speech please nobody and are left out.
    """
    spoken = clean.square().mean(-1) > SILENCE
    short = (1 - predicted).square().sum(-1)
    return torch.where(spoken, short, 0).sum() / spoken.sum().clamp_min(1)
