"""The U-Net that hides and the U-Net that reveals (notebook 11): two halvings, two 3 x 3 convolutions a level.

Channels go 1-64-128-64-1 in PixInWav (Geleta et al. 2021); ``width`` is the 64.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UNet(nn.Module):
    """(B, inputs, h, w) to (B, outputs, h, w), any h and w.

    Args:
        inputs: planes that come in.
        outputs: planes that go out.
        width: channels at half the size; twice as many at a quarter.
        slope: of the LeakyReLU for negative values; PixInWav's .8 is nearly linear.
    """

    def __init__(self, inputs: int, outputs: int, width: int = 64, slope: float = 0.8) -> None:
        super().__init__()
        self.at_whole = _Pair(inputs, width // 2, slope)
        self.at_half = _Pair(width // 2, width, slope, stride=2)
        self.at_quarter = _Pair(width, 2 * width, slope, stride=2)
        self.to_half = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.up_half = _Pair(2 * width, width, slope)
        self.to_whole = nn.ConvTranspose2d(width, width // 2, 2, 2)
        self.up_whole = _Pair(width, width // 2, slope)
        self.last = nn.Conv2d(width // 2, outputs, 1)

    def forward(self, planes: Tensor) -> Tensor:
        """See the class."""
        rows, columns = planes.shape[-2:]
        whole = self.at_whole(F.pad(planes, (0, -columns % 4, 0, -rows % 4)))
        half = self.at_half(whole)
        up = self.up_half(torch.cat([self.to_half(self.at_quarter(half)), half], 1))
        up = self.up_whole(torch.cat([self.to_whole(up), whole], 1))
        return self.last(up)[..., :rows, :columns]


class _Pair(nn.Sequential):
    """Two 3 x 3 convolutions, each with its LeakyReLU; the first may halve the size."""

    def __init__(self, inputs: int, outputs: int, slope: float, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1),
            nn.LeakyReLU(slope),
            nn.Conv2d(outputs, outputs, 3, 1, 1),
            nn.LeakyReLU(slope),
        )
