"""Hide-Net, a U-Net that draws one picture into another, and Reveal-Net, which reads it out again (notebook 10).

Hide-Net is the generator of Isola et al. 2017 (Image-to-image translation with conditional adversarial networks) with
six input channels: cover and secret. Reveal-Net is six 3x3 convolutions. After Baluja 2017, Hiding
images in plain sight. Pictures here are tensors (batch, 3, rows, columns) in [0, 1].
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .. import weights
from .config import NetworkConfig

REACH = 0.5  # how far a residual Hide-Net may move a sample; full scale is 1


class HideNet(nn.Module):
    """Cover and secret -> container, all (B, 3, H, W) in [0, 1].

    Each level halves the picture (4x4 convolution of stride 2, batch norm, leaky ReLU) or doubles it again (transposed)
    and gets the features of the same size on the way up. The last layer is a sigmoid, which gives the whole container;
    with ``residual`` it is centred on zero and added to the cover.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.residual = config.residual
        channels = [min(config.width * 2**level, config.widest) for level in range(config.depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (before, after) in enumerate(zip([6, *channels], channels, strict=False)):
            inner = 0 < level < config.depth - 1  # no batch norm at both ends, as in the original
            self.down.append(_halve(before, after, first=level == 0, norm=inner))
            self.up.append(_double(after * (1 if level == config.depth - 1 else 2), before if level else 3, level > 0))

    def forward(self, cover: Tensor, secret: Tensor) -> Tensor:
        """Sides must be multiples of ``2 ** depth``."""
        x = torch.cat([cover, secret], 1) - 0.5
        passed: list[Tensor] = []
        for halve in self.down:
            x = halve(x)
            passed.append(x)
        for level in reversed(range(len(self.up))):
            x = self.up[level](x if level == len(self.up) - 1 else torch.cat([x, passed[level]], 1))
        drawn = x.sigmoid()
        return cover + REACH * (2 * drawn - 1) if self.residual else drawn


class RevealNet(nn.Sequential):
    """Container -> secret, both (B, 3, H, W) in [0, 1]: 3x3 convolutions, batch norm and ReLU between, a sigmoid."""

    def __init__(self, config: NetworkConfig) -> None:
        w = config.reveal_width
        channels = [3, w, 2 * w, 4 * w, 2 * w, w]
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
        super().__init__(*layers, nn.Conv2d(w, 3, 3, padding=1), nn.Sigmoid())


class HideReveal(nn.Module):
    """Both networks, trained as one."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.hide, self.reveal = HideNet(config), RevealNet(config)

    def forward(self, cover: Tensor, secret: Tensor, channel: Any) -> tuple[Tensor, Tensor]:
        """(container before the channel, revealed secret); ``channel`` takes and returns pictures in 8-bit units."""
        container = self.hide(cover, secret)
        return container, self.reveal(channel(255 * container) / 255)


def load(path: Path) -> HideReveal:
    """The networks in a file of weights, in float32 and evaluation mode.

    Raises:
        NotTrained: no such file. BadData: it holds no such networks.
    """
    return weights.load(path, HideReveal, NetworkConfig)


def shipped(name: str = "hide_reveal") -> HideReveal:
    """The networks that ship under a name.

    Raises:
        NotTrained: no such weights ship.
    """
    return load(weights.shipped(name))


def _halve(before: int, after: int, first: bool, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [] if first else [nn.LeakyReLU(0.2)]  # not in place, because it is passed on too
    layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=not norm))
    return nn.Sequential(*layers, *([nn.BatchNorm2d(after)] if norm else []))


def _double(before: int, after: int, norm: bool) -> nn.Sequential:
    layers = [nn.ReLU(), nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=not norm)]
    return nn.Sequential(*layers, *([nn.BatchNorm2d(after)] if norm else []))
