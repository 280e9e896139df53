"""Dither modulation, the arithmetic of the lattice carrier (notebook 04; the invertible network is built from it).

A coefficient x carries a bit by moving towards the nearest point of one of two interleaved lattices,
``dither + step * (k -+ 1/4)``. It moves only the share ``compensation`` of the way. The rest is noise for the receiver,
but the step can be larger for the same distortion. The receiver does not need the original: what it reads, modulo the
step, is an angle, and the sine of that angle is the evidence for the bit.

Chen & Wornell 2001 (quantisation index modulation, distortion compensation); Eggers et al. 2003 (scalar Costa scheme).
Coefficients, steps and dithers are in units of 8-bit luma; all arguments broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def wrap(u: Floats, step: Floats) -> Floats:
    """``u`` modulo ``step``, in [-step/2, step/2]."""
    return u - step * np.round(u / step)


def lattice_point(bits: NDArray[Any], step: Floats, dither: Floats) -> Floats:
    """The point for ``bits`` (0 or 1): a quarter step above the dither for 1, below it for 0."""
    return dither + (bits.astype(np.float32) - np.float32(0.5)) * (step / np.float32(2))


def embed(x: Floats, point: Floats, step: Floats, compensation: float) -> Floats:
    """Move the share ``compensation`` of the way to ``point``; mean squared move (compensation * step)^2 / 12."""
    return x + np.float32(compensation) * wrap(point - x, step)


def project(x: Floats, point: Floats, step: Floats, compensation: float) -> Floats:
    """The value nearest to x that :func:`embed` may return: at most (1 - compensation) * step / 2 from a point.

    A projection: it does not change its own results, nor those of :func:`embed`.
    """
    offset = wrap(point - x, step)
    slack = np.float32(1 - compensation) * step / 2
    return x + offset - np.clip(offset, -slack, slack)


def evidence(y: Floats, step: Floats, dither: Floats) -> Floats:
    """The evidence in a received coefficient, in [-1, 1]: 1 on a point of bit 1, -1 on a point of bit 0."""
    return np.sin((y - dither) * (np.float32(2 * np.pi) / step))
