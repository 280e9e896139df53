"""Rounding with a gradient, which real rounding, a step of every codec, does not have (notebook 05).

The derivative of rounding is zero almost everywhere, so a network behind a JPEG quantiser would learn nothing. Each
substitute here has the value of rounding, or nearly, and a derivative to learn from:

- ``straight-through``: the value is rounded, the derivative is one. Bengio, Léonard & Courville 2013.
- ``cubic``: ``r + (x - r)³`` about the nearest integer r. Shin & Song 2017, JPEG-resistant adversarial images.
- ``fourier``: the sawtooth ``x - round(x)`` by the first ten terms of its Fourier series. Xing, Qian & Chen 2021,
  Invertible image signal processing.
- ``none``: no rounding at all, the channel without its noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..errors import BadSpec

# A value that is exactly one half in integer arithmetic, common in flat blocks, may be slightly less in floats.
HALF = 0.5001


def through(exact: Tensor, smooth: Tensor) -> Tensor:
    """``exact``, to the bit, with the gradient of ``smooth`` (of the same shape)."""
    return _Through.apply(exact.detach(), smooth)


def nearest(x: Tensor) -> Tensor:
    """The nearest integers, with halves rounded away from zero as in libjpeg; no gradient."""
    return x.sign() * (x.abs() + HALF).floor()


def straight_through(x: Tensor) -> Tensor:
    """Round; the derivative is one."""
    return through(nearest(x), x)


def cubic(x: Tensor) -> Tensor:
    """``r + (x - r)³`` about the nearest integer r; the derivative is 0 at integers and 3/4 at halves."""
    integer = nearest(x).detach()
    return integer + (x - integer) ** 3


def fourier(x: Tensor, terms: int = 10) -> Tensor:
    """Rounding as ``x`` less a truncated Fourier series of the sawtooth.

    The derivative is a Dirichlet kernel: ``1 + 2 terms`` at halves, negative beside them, ripples about the integers.
    """
    k = torch.arange(1, terms + 1, device=x.device, dtype=x.dtype)
    phase = x - nearest(x).detach()  # the sine of a large argument would lose digits
    waves = torch.sin(2 * math.pi * k * phase[..., None]) * (-1) ** (k + 1) / k  # (..., terms)
    return x - waves.sum(-1) / math.pi


def none(x: Tensor) -> Tensor:
    """``x`` itself."""
    return x


ROUNDINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "straight-through": straight_through,
    "cubic": cubic,
    "fourier": fourier,
    "none": none,
}


def rounding(name: str) -> Callable[[Tensor], Tensor]:
    """The substitute for rounding called ``name``.

    Raises:
        BadSpec: no such rounding.
    """
    if name not in ROUNDINGS:
        raise BadSpec(f"rounding must be one of {', '.join(ROUNDINGS)}, not {name}")
    return ROUNDINGS[name]


def to_bytes(samples: Tensor) -> Tensor:
    """Round (halves up, as Pillow) and clip to 0..255, as a picture in a file is; the derivative is one throughout.

    Also beyond black and white, so that a clipped sample still gets a gradient that leads back.
    """
    return through((samples + HALF).floor().clamp(0, 255), samples)


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, exact: Tensor, smooth: Tensor) -> Tensor:
        return exact.clone()

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[None, Tensor]:
        return None, gradient[0]
