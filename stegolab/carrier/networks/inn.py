"""Dither modulation as an invertible network, and what the network learns in addition (notebook 06).

There are three groups of numbers: the block-DCT coefficients that carry (x), the payload (one number per slot, in
steps), and passive coefficients, which are only read. With ``wrap(u) = u - step * round(u / step)``:

    payload <- payload * exp(s(passive)) + t(passive)      affine coupling: where the lattice lies
    p       <- step * payload - x                          additive coupling, payload branch
    x       <- x + shrink(wrap(p), a(passive))             modulo coupling, cover branch

Every line can be undone, whatever the networks s, t and a compute, because the passive coefficients do not change. The
sender drops p; the receiver undoes the lines in reverse order with p = 0 and gets the payload modulo one step. That is
quantisation index modulation. What is learned is the step of each frequency, the place of the lattice, and the
attention a. NICE, RealNVP: Dinh et al. 2015, 2017; hiding with them: Jing et al. 2021 (HiNet).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .attention import Attention, compress
from .config import CLAMP, QUARTER


class AffineCoupling(nn.Module):
    """``payload * exp(s) + t``, s and t from the passive coefficients, bounded: |s| < clamp, |t - place| < clamp.

    ``inverse(forward(payload, passive), passive) == payload`` to float precision for every weight. Starts as a shift by
    ``place``, a quarter step: the points of bit 0 are then the multiples of the step, where JPEG's own lattice is, and
    its rounding pulls coefficients onto the points instead of off them. The place itself is not trained: gradient
    descent would move it half way between the levels, where flat blocks cost least, and there JPEG's rounding destroys
    every bit.
    """

    def __init__(self, passive: int, carried: int, width: int = 16, clamp: float = CLAMP) -> None:
        super().__init__()
        self.clamp = clamp
        self.place = QUARTER
        self.net = nn.Sequential(nn.Conv2d(passive, width, 1), nn.GELU(), nn.Conv2d(width, 2 * carried, 1))
        nn.init.zeros_(self.net[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.net[-1].bias)  # type: ignore[arg-type]

    def forward(self, payload: Tensor, passive: Tensor) -> Tensor:
        """(B, carried, h, w) in steps -> the same."""
        scale, shift = self._scale_and_shift(passive)
        return payload * scale + shift

    def inverse(self, payload: Tensor, passive: Tensor) -> Tensor:
        """Undo :meth:`forward`."""
        scale, shift = self._scale_and_shift(passive)
        return (payload - shift) / scale

    def residue(self, payload: Tensor, passive: Tensor) -> Tensor:
        """:meth:`inverse` for a payload known modulo one step: whole steps are removed before they could be scaled."""
        scale, shift = self._scale_and_shift(passive)
        offset = payload - shift
        return (offset - torch.round(offset)) / scale

    def _scale_and_shift(self, passive: Tensor) -> tuple[Tensor, Tensor]:
        s, t = (self.clamp * torch.tanh(self.net(compress(passive)))).chunk(2, dim=1)  # (B, carried, h, w) each
        return s.exp(), self.place + t


class ModuloCoupling(nn.Module):
    """Embed payload points into cover coefficients: ``x' = x + shrink(wrap(step * payload - x))``; returns (x', p).

    ``inverse(*forward(x, payload, logits), logits) == (x, payload)`` for every attention. ``shrink`` moves x only to
    the edge of the cell around the point, whose half width is ``(1 - a) * step / 2``: what lies inside does not move.
    ``a = floor + (1 - floor) * sigmoid(logits)``. With a floor of 0 a slot could be switched off for ever, because
    where nothing moves there is no gradient.
    x: (B, carried, h, w), in 8-bit luma; payload in steps; logits of the same shape. The gradient of wrap with respect
    to its argument is one. Chen & Wornell 2001.
    """

    def __init__(self, steps: Tensor, floor: float = 0.0) -> None:
        super().__init__()
        self.floor = floor
        self.log_step = nn.Parameter(steps.log()[:, None, None])  # (carried, 1, 1)

    @property
    def step(self) -> Tensor:
        """(carried, 1, 1), 8-bit luma."""
        return self.log_step.exp()

    def forward(self, x: Tensor, payload: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        p = self.step * payload - x
        return x + self._shrink(p, logits), p

    def inverse(self, x: Tensor, p: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Undo :meth:`forward`; with p = 0, read the payload modulo one step."""
        x = x - self._shrink(p, logits)
        return x, (p + x) / self.step

    def _shrink(self, p: Tensor, logits: Tensor) -> Tensor:
        offset = p - self.step * torch.round(p / self.step)
        slack = (1 - self.floor) * torch.sigmoid(-logits) * self.step / 2
        return offset.sign() * torch.relu(offset.abs() - slack)


class InvertibleNetwork(nn.Module):
    """The stack of couplings: (cover coefficients, payload) <-> (stego coefficients, what the sender drops).

    Args:
        steps: (carried,) where the steps start, 8-bit luma.
        passive: number of passive frequencies.
        attention: without it the strength is one number per frequency (ablation).
        floor: the least strength; see :class:`ModuloCoupling`.
    """

    def __init__(
        self, steps: Tensor, passive: int, width: int = 32, attention: bool = True, floor: float = 0.0
    ) -> None:
        super().__init__()
        carried = len(steps)
        self.place = AffineCoupling(passive, carried)
        self.modulo = ModuloCoupling(steps, floor)
        self.attention = Attention(passive, carried, width)
        if not attention:
            self.attention.head.requires_grad_(False)

    def forward(self, x: Tensor, payload: Tensor, passive: Tensor) -> tuple[Tensor, Tensor]:
        """Embed. All (B, frequencies, h, w)."""
        return self.modulo(x, self.place(payload, passive), self.attention(passive))

    @property
    def step(self) -> Tensor:
        """(carried, 1, 1), 8-bit luma."""
        return self.modulo.step

    def lattice_parameters(self) -> list[nn.Parameter]:
        """The lattice's step and the general embedding strength of each frequency."""
        return [self.modulo.log_step, self.attention.level]

    def projection(self, x: Tensor, payload: Tensor, passive: Tensor) -> Callable[[Tensor], Tensor]:
        """A function from coefficients, ``x`` or their clipped values, to the nearest ones that carry ``payload``."""
        place, logits = self.place(payload, passive), self.attention(passive)
        return lambda clipped: self.modulo(clipped, place, logits)[0]

    def inverse(self, x: Tensor, dropped: Tensor, passive: Tensor) -> tuple[Tensor, Tensor]:
        """Undo :meth:`forward`."""
        x, payload = self.modulo.inverse(x, dropped, self.attention(passive))
        return x, self.place.inverse(payload, passive)

    def read(self, x: Tensor, passive: Tensor) -> Tensor:
        """The receiver's reverse pass, with zeros for what was dropped: the payload in steps, modulo one.

        With p = 0 there is nothing to shrink, so attention plays no part.
        """
        return self.place.residue(x / self.modulo.step, passive)


def points(bits: Tensor) -> Tensor:
    """The payload for ``bits``: a quarter step up for 1, down for 0."""
    return (bits - 0.5) * (2 * QUARTER)


def angle(payload: Tensor) -> Tensor:
    """Payload modulo one step as an angle; its sine is 1 on the points of bit 1, -1 on those of bit 0."""
    return payload * (2 * torch.pi)
