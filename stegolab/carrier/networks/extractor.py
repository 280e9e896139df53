"""The receiving half of the learned carrier (Model 3): restore, reverse, and say how sure each bit is (notebook 06).

    received coefficients -> restoration -> reverse pass of the invertible network -> head -> log-likelihood ratios

The head is trained with cross entropy on the bits, so its ratios are calibrated for the channels of its training; for
other channels the pilots correct them (``learned``).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import Attended, compress
from .config import REACH
from .inn import InvertibleNetwork, angle


class Restoration(nn.Module):
    """Undoes the channel's effect on the coefficients as far as possible: (B, band, h, w) 8-bit luma -> the same shape.

    One gain for each frequency, from the whole picture, because smoothing scales; and one bounded correction for each
    slot, from its neighbours, for aliasing and dead zones. Starts as the identity.
    """

    def __init__(self, band: int, width: int = 48, reach: float = REACH) -> None:
        super().__init__()
        self.reach = reach
        self.body = nn.Sequential(nn.Conv2d(band, width, 3, padding=1), Attended(width), nn.GELU())
        self.gain = nn.Linear(2 * width, band)
        self.shift = nn.Conv2d(width, band, 1)
        for layer in (self.gain, self.shift):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, band: Tensor) -> Tensor:
        """See the class."""
        h = self.body(compress(band))
        whole = torch.cat([h.mean((2, 3)), h.amax((2, 3))], dim=1)  # (B, 2 width)
        gain = 0.5 * torch.tanh(self.gain(whole))[..., None, None]  # (B, band, 1, 1)
        return band * (1 + gain) + self.reach * torch.tanh(self.shift(h))


class Extractor(nn.Module):
    """Received band -> log p(1)/p(0) of every slot.

    ``ratio = 2 * kappa * sin(angle) + correction``. The first term is right for a von Mises error, with kappa from the
    neighbourhood; the second contains whatever else the angle and its surroundings tell.
    """

    def __init__(
        self, carried: list[int], passive: list[int], band: int, width: int = 48, restore: bool = True
    ) -> None:
        super().__init__()
        self.carried, self.passive = carried, passive  # indices into the band
        self.restoration = Restoration(band, width) if restore else None
        count = len(carried)
        self.body = nn.Sequential(nn.Conv2d(band + 4 * count, width, 3, padding=1), Attended(width), Attended(width))
        self.kappa = nn.Conv2d(width, count, 1)
        self.mix = nn.Conv2d(width + 4 * count, width, 1)
        self.correction = nn.Conv2d(width, count, 1)
        nn.init.zeros_(self.kappa.weight)
        nn.init.constant_(self.kappa.bias, 0.5)  # type: ignore[arg-type]
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)  # type: ignore[arg-type]

    def forward(self, band: Tensor, network: InvertibleNetwork) -> Tensor:
        """(B, band, h, w) -> (B, carried, h, w)."""
        if self.restoration is not None:
            band = self.restoration(band)
        theta = angle(network.read(band[:, self.carried], band[:, self.passive]))
        seen = torch.cat(
            [theta.sin(), theta.cos(), (2 * theta).sin(), (2 * theta).cos()], dim=1
        )  # (B, 4 carried, h, w)
        h = self.body(torch.cat([compress(band), seen], dim=1))  # (B, width, h, w)
        correction = self.correction(F.gelu(self.mix(torch.cat([h, seen], dim=1))))  # (B, carried, h, w)
        return 2 * F.softplus(self.kappa(h)) * theta.sin() + correction
