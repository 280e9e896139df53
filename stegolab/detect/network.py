"""A steganalyst that learns its own features: SRNet, made small enough for a CPU (notebook 08).

Boroumand, Chen & Fridrich 2019, Deep residual network for steganalysis of digital images: the first layers do not pool,
because averaging hides a payload; then residual layers halve the picture; means over the whole picture decide. The
first filters start as those of the rich model instead of at random, and residuals are truncated: Ye, Ni & Yi 2017.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..carrier.training.discriminator import Discriminator

_CUT = 8.0  # grey levels of residual


class Detector(nn.Module):
    """Luma (B, H, W), 8-bit units, 32 pixels a side and more -> the log-odds (B,) that it is a stego picture."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.front = nn.Parameter(Discriminator().front.clone())  # (8, 1, 5, 5)
        self.flat = nn.Sequential(_layer(len(self.front), width), Residual(width))
        widths = (width, width, 2 * width, 4 * width)
        self.halving = nn.Sequential(*(Halving(a, b) for a, b in pairwise(widths)))
        self.head = nn.Linear(2 * widths[-1], 1)

    def forward(self, luma: Tensor) -> Tensor:
        """See the class."""
        residual = F.conv2d(luma[:, None], self.front).clamp(-_CUT, _CUT)
        h = self.halving(self.flat(residual))
        spread = torch.sqrt(h.var((2, 3)) + 1e-6)
        return self.head(torch.cat([h.mean((2, 3)), spread], dim=1))[:, 0]


class Residual(nn.Module):
    """SRNet's layer of type 2: two convolutions around a shortcut, no pooling."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(_layer(width, width), _convolution(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to the same shape."""
        return x + self.change(x)


class Halving(nn.Module):
    """SRNet's layer of type 3: two convolutions and an average of 3 x 3, half as many rows and columns."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.change = nn.Sequential(_layer(inside, outside), _convolution(outside, outside))
        self.shortcut = nn.Sequential(nn.Conv2d(inside, outside, 1, stride=2, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inside, H, W) -> (B, outside, H/2, W/2), rounded up."""
        return self.shortcut(x) + F.avg_pool2d(self.change(x), 3, stride=2, padding=1)


def _convolution(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside))


def _layer(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(*_convolution(inside, outside), nn.ReLU())
