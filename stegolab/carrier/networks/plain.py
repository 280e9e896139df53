"""The ablation: an invertible network without a lattice, HiNet's couplings in the block-DCT domain (notebook 07).

    x       <- x + step * (payload + phi(payload, passive))      additive coupling, cover branch
    payload <- payload * exp(s(x, passive)) + t(x, passive)      affine coupling, payload branch

and this repeats a few times. The sender drops the payload branch; the receiver inverts the couplings with zeros in its
place. Everything else is as in the learned carrier: the band, the extractor around the reverse pass, the training. Only
the modulo is missing, so the cover coefficient to which the payload was added acts as noise. HiNet: Jing et al. 2021.
Why that costs so much, spread spectrum against dither modulation: Chen & Wornell 2001.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .attention import compress
from .config import QUARTER


class PlainCoupling(nn.Module):
    """One additive and one affine coupling; ``inverse(*forward(x, payload, passive), passive) == (x, payload)``.

    x: (B, carried, h, w) in 8-bit luma; payload the same shape, in steps. The scale is clamped: ``|s| < clamp``. At the
    start it adds ``share`` of the payload to the cover and nothing of the cover to the payload.
    """

    def __init__(self, steps: Tensor, passive: int, width: int, share: float, clamp: float = 0.5) -> None:
        super().__init__()
        carried = len(steps)
        self.clamp = clamp
        self.log_step = nn.Parameter((steps * share).log()[:, None, None])  # (carried, 1, 1)
        self.phi = _network(carried + passive, width, carried)
        self.rho = _network(carried + passive, width, 2 * carried)

    def forward(self, x: Tensor, payload: Tensor, passive: Tensor) -> tuple[Tensor, Tensor]:
        """Both branches, changed."""
        x = x + self._added(payload, passive)
        scale, shift = self._scale_and_shift(x, passive)
        return x, payload * scale + shift

    def inverse(self, x: Tensor, payload: Tensor, passive: Tensor) -> tuple[Tensor, Tensor]:
        """Undo :meth:`forward`."""
        scale, shift = self._scale_and_shift(x, passive)
        payload = (payload - shift) / scale
        return x - self._added(payload, passive), payload

    def _added(self, payload: Tensor, passive: Tensor) -> Tensor:
        seen = torch.cat([payload / QUARTER, compress(passive)], dim=1)  # (B, carried + passive, h, w)
        return self.log_step.exp() * (payload + QUARTER * self.phi(seen))

    def _scale_and_shift(self, x: Tensor, passive: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self.rho(compress(torch.cat([x, passive], dim=1))).chunk(2, dim=1)  # (B, carried, h, w) each
        return torch.exp(self.clamp * torch.tanh(s)), QUARTER * t


class PlainNetwork(nn.Module):
    """A stack of couplings with the same methods as ``inn.InvertibleNetwork``: forward, inverse, read, projection.

    Args:
        steps: (carried,) the lattice's steps, 8-bit luma. At the start all couplings together add or subtract a quarter
            step, about as much distortion as the lattice has at its start.
        passive: number of passive frequencies.
    """

    def __init__(self, steps: Tensor, passive: int, width: int = 12, couplings: int = 3) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(
            PlainCoupling(steps, passive, width, share=1 / couplings) for _ in range(couplings)
        )

    def forward(self, x: Tensor, payload: Tensor, passive: Tensor) -> tuple[Tensor, Tensor]:
        """Embed: (stego coefficients, what the sender drops). All (B, frequencies, h, w)."""
        for coupling in self.couplings:
            x, payload = coupling(x, payload, passive)
        return x, payload

    @property
    def step(self) -> Tensor:
        """(carried, 1, 1), 8-bit luma: the factor by which all couplings together multiply the payload."""
        return sum(coupling.log_step.exp() for coupling in self.couplings)  # type: ignore[return-value,union-attr,operator,misc]

    def lattice_parameters(self) -> list[nn.Parameter]:
        """The factor of the payload of each frequency in each coupling."""
        return [coupling.log_step for coupling in self.couplings]  # type: ignore[misc]

    def projection(self, x: Tensor, payload: Tensor, passive: Tensor) -> Callable[[Tensor], Tensor]:
        """The stego coefficients of the cover ``x``, even after clipping: embedding twice would add too much."""
        stego = self(x, payload, passive)[0]
        return lambda clipped: stego

    def inverse(self, x: Tensor, dropped: Tensor, passive: Tensor) -> tuple[Tensor, Tensor]:
        """Undo :meth:`forward`."""
        for coupling in reversed(self.couplings):
            x, dropped = coupling.inverse(x, dropped, passive)  # type: ignore[operator]
        return x, dropped

    def read(self, x: Tensor, passive: Tensor) -> Tensor:
        """The receiver's reverse pass, with zeros for what was dropped: the payload in steps.

        It is limited to a quarter step, where the points of the two bits are, so that as an angle it never wraps.
        """
        _, payload = self.inverse(x, torch.zeros_like(x), passive)
        return QUARTER * torch.tanh(payload / QUARTER)


def _network(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Two 3 x 3 convolutions; starts as zero."""
    last = nn.Conv2d(width, outputs, 3, padding=1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    return nn.Sequential(nn.Conv2d(inputs, width, 3, padding=1), nn.GELU(), last)
