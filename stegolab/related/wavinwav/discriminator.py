"""An optional discriminator of the stego's sound: spectrograms at several scales, least squares (notebook 12).

It distinguishes covers from stegos, and is useful only when the reconstruction is already good: start from trained
weights (``--init-from``). Défossez et al. 2022, EnCodec (the discriminator); Mao et al. 2017, LSGAN; Kumar et al. 2019,
MelGAN (feature matching).
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..levels import LEVEL

Judgement = tuple[Tensor, list[Tensor]]  # scores, and intermediate features

SCALES = (256, 512, 1024)  # windows of the spectrograms in samples; hops are a quarter of them


class Discriminator(nn.Module):
    """One judge per scale; each applies 3x3 convolutions to compressed real and imaginary parts."""

    def __init__(self, width: int = 16, scales: tuple[int, ...] = SCALES) -> None:
        super().__init__()
        self.judges = nn.ModuleList(_Judge(window, width) for window in scales)

    def forward(self, waveform: Tensor) -> list[Judgement]:
        """(B, N) to one judgement per scale; the target scores are 1 for covers and 0 for stegos."""
        return [judge(waveform / LEVEL) for judge in self.judges]


class _Judge(nn.Module):
    hann: Tensor

    def __init__(self, window: int, width: int) -> None:
        super().__init__()
        self.window = window
        widths = [2, width, 2 * width, 2 * width]
        self.layers = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(nn.Conv2d(a, b, 3, stride=(2, 1), padding=1))
            for a, b in pairwise(widths)
        )
        self.score = nn.utils.parametrizations.weight_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))
        self.register_buffer("hann", torch.hann_window(window), persistent=False)

    def forward(self, waveform: Tensor) -> Judgement:
        spectrum = torch.stft(
            waveform, self.window, self.window // 4, window=self.hann, normalized=True, return_complex=True
        )
        x = torch.stack([spectrum.real, spectrum.imag], dim=1)  # (B, 2, frequencies, frames)
        x = x * (x.square().sum(1, keepdim=True) + 1e-6) ** -0.35  # magnitudes to the power .3, similar to hearing
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.score(x), features


def discriminator_loss(real: list[Judgement], fake: list[Judgement]) -> Tensor:
    """Least squares: covers to 1, stegos to 0. ``fake`` must come from a detached stego."""
    losses = [(1 - r).square().mean() + f.square().mean() for (r, _), (f, _) in zip(real, fake, strict=True)]
    return torch.stack(losses).mean()


def adversarial_loss(fake: list[Judgement]) -> Tensor:
    """Least squares: the loss of the hider, for which stegos should be judged as covers. ``fake`` keeps the stego's
    gradient."""
    return torch.stack([(1 - score).square().mean() for score, _ in fake]).mean()


def feature_matching(real: list[Judgement], fake: list[Judgement]) -> Tensor:
    """Mean distance of the features, each relative to the size of the cover's."""
    distances = [
        (r.detach() - f).abs().mean() / r.detach().abs().mean().clamp_min(1e-6)
        for (_, reals), (_, fakes) in zip(real, fake, strict=True)
        for r, f in zip(reals, fakes, strict=True)
    ]
    return torch.stack(distances).mean()
