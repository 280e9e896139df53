"""The steganalyst against which the carrier is trained, D_STEG: does this picture hold a payload? (notebook 07)

Such a payload changes a picture of hundreds of grey levels by a few. So the picture is first removed: fixed high-pass
filters of the spatial rich model leave the noise residual, which is truncated because edges would dominate it. The
learned layers see the magnitude of the residual, because a payload is added as often as it is subtracted.

Filters: Fridrich & Kodovsky 2012. Magnitude, tanh, narrow layers and pooling by means: Xu, Wu & Shi 2016. Truncation:
Ye, Ni & Yi 2017. Spectral norm, which bounds the gradient from which the carrier learns: Miyato et al. 2018.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

_CUT = 8.0  # grey levels of residual


class Discriminator(nn.Module):
    """Luma (B, H, W), 8-bit units, at least 32 pixels a side -> the logits (B,) that it is a stego picture.

    The content of the picture does not matter: adding a constant does not change the answer.
    """

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.front: Tensor
        self.register_buffer("front", _high_pass())
        self.first = spectral_norm(nn.Conv2d(8, width, 5, stride=2, padding=2))
        sizes = (width, 2 * width, 4 * width, 4 * width)
        self.rest = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 3, padding=1)) for a, b in pairwise(sizes))
        self.head = nn.Linear(2 * sizes[-1], 1)

    def forward(self, luma: Tensor) -> Tensor:
        """See the class."""
        residual = F.conv2d(luma[:, None], self.front)  # (B, 8, H - 4, W - 4)
        h = self.first(residual.clamp(-_CUT, _CUT)).abs()
        for layer in self.rest:
            h = F.leaky_relu(layer(F.avg_pool2d(h, 2)), 0.1)
        return self.head(torch.cat([h.mean((2, 3)), h.amax((2, 3))], dim=1))[:, 0]  # (B,)


def _high_pass() -> Tensor:
    """Residual filters (8, 1, 5, 5): first to third order along both axes, the 3 x 3 square, and KV.

    Each measures how far a pixel is from the prediction of its neighbours.
    """
    along = [torch.tensor([row], dtype=torch.float32) for row in ([0, -1, 1], [1, -2, 1], [0, 1, -3, 3, -1])]
    square = torch.tensor([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 2
    corner = torch.tensor([[-1, 2, -2], [2, -6, 8], [-2, 8, -12]]) / 6
    left = torch.cat([corner, corner[:, :2].flip(1)], dim=1)  # (3, 5)
    kv = torch.cat([left, left[:2].flip(0)])  # (5, 5)
    kernels = [*along, *(kernel.T for kernel in along), square, kv]
    margins = [[(5 - side) // 2 for side in kernel.shape] for kernel in kernels]
    return torch.stack([F.pad(k, (x, x, y, y)) for k, (y, x) in zip(kernels, margins, strict=True)])[:, None]
