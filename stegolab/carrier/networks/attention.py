"""Attention over block coefficients: how strongly to embed at each place and each frequency (notebook 06).

Spatial attention looks at the neighbouring blocks (3 x 3 convolutions), channel attention at the whole picture's mean
and peak of every feature (squeeze and excitation): Hu et al. 2018; Woo et al. 2018 (CBAM).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attended(nn.Module):
    """Two 3 x 3 convolutions around a channel gate, added to their input: (B, width, h, w) -> the same shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, 3, padding=1)
        self.gate = nn.Linear(2 * width, width)
        self.out = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        h = F.gelu(self.near(features))
        whole = torch.cat([h.mean((2, 3)), h.amax((2, 3))], dim=1)  # (B, 2 width)
        return features + self.out(h * torch.sigmoid(self.gate(whole))[..., None, None])


class Attention(nn.Module):
    """Logits of the embedding strength at every slot, from coefficients that embedding leaves alone.

    (B, passive, h, w) in 8-bit luma -> (B, carried, h, w). Starts as ``start`` (a strength in (0, 1)) everywhere.
    """

    def __init__(self, passive: int, carried: int, width: int = 32, start: float = 0.6) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.full((carried, 1, 1), start).logit())
        self.body = nn.Sequential(nn.Conv2d(passive, width, 3, padding=1), Attended(width), nn.GELU())
        self.head = nn.Conv2d(width, carried, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, passive: Tensor) -> Tensor:
        """See the class."""
        return self.level + self.head(self.body(compress(passive)))


def compress(coefficients: Tensor) -> Tensor:
    """Signed logarithm, about [-3, 3] for block-DCT coefficients of 8-bit luma, a range that suits networks."""
    return coefficients.sign() * coefficients.abs().log1p() / 3
