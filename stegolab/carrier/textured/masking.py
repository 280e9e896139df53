"""How far each coefficient may change: its lattice's step follows the texture around it; flat parts stay unchanged.

An eye notices noise on a wall and not in a tree: what can be hidden grows with the contrast of the surroundings, with
its root or a little faster (Watson 1993, contrast masking). Sender and receiver measure that texture in the same way,
each in the picture it has, so nothing about it is sent; a lattice whose step follows the picture is known as rational
dither modulation (Perez-Gonzalez et al. 2005). A mean over a hundred coefficients changes by a few per cent in a JPEG.

Steps cannot be small: a frequency below whose :attr:`Masking.least` step nothing would come through stays unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...choices import VISIBILITIES, VISIBILITY_LEVELS
from ...errors import BadSpec
from .. import blockdct

Floats = NDArray[np.float32]

_FLAT = np.float32(4)  # texture, in 8-bit luma, below which all is equally flat: a channel moves less by much


@dataclass(frozen=True)
class Masking:
    """Texture -> steps, for blocks of ``block`` pixels a side.

    frequencies: (vertical, horizontal) pairs that carry.
    texture_frequencies: those of half a block whose mean magnitude is its texture.
    least: the smallest step of each carrying frequency that comes through the declared channel, in 8-bit luma.
    gains: each frequency's step at visibility 1 and a texture of 1.
    exponent: of the texture, to which steps are proportional.
    grows: whether the step grows with the texture; otherwise a frequency that carries has its least step.
    """

    block: int
    frequencies: tuple[tuple[int, int], ...]
    texture_frequencies: tuple[tuple[int, int], ...]
    least: tuple[float, ...]
    gains: tuple[float, ...]
    exponent: float
    grows: bool

    def magnitudes(self, plane: Floats) -> Floats:
        """(H, W) -> (2 rows, 2 columns, texture frequencies), of the halves of blocks, for :meth:`texture`."""
        rows, columns = plane.shape[0] // self.block, plane.shape[1] // self.block
        whole = plane[: rows * self.block, : columns * self.block]
        magnitudes: Floats = np.abs(blockdct.analyse(whole, self.block // 2, self.texture_frequencies))
        return magnitudes

    def texture(self, magnitudes: Floats, blur: float = 0.0, received: NDArray[np.bool_] | None = None) -> Floats:
        """The texture around each block (rows, columns), in 8-bit luma, once a blur is undone.

        It is the harmonic mean over the halves of the block and those next to it, four by four, in which the flat ones
        count most: no texture beside a wall makes the wall carry. Blocks that were not ``received`` do not count.
        """
        weights = 1 / blockdct.blur_gain(self.texture_frequencies, self.block // 2, blur)  # (texture frequencies,)
        half = magnitudes @ (weights / len(weights)).astype(np.float32)  # (2 rows, 2 columns)
        there = np.ones(half.shape, np.float32)
        if received is not None:
            there = received.repeat(2, 0).repeat(2, 1).astype(np.float32)
        flatness = _sum_around(there / (half + _FLAT)) / np.maximum(_sum_around(there), 1)  # (rows, columns)
        texture = np.float32(1) / np.maximum(flatness, np.float32(1e-6)) - _FLAT  # (rows, columns)
        return np.maximum(texture, np.float32(1e-3))

    def excess(self, texture: Floats, visibility: float, frequency: NDArray[np.int64] | None = None) -> Floats:
        """How many times its least step a frequency may have; below 1 it stays unchanged.

        Args:
            texture: (...), in 8-bit luma.
            visibility: how visible it may be, in multiples of what the texture masks.
            frequency: (...) which one at each; None for all.

        Returns:
            (...), or (..., frequencies) for all.
        """
        masked = np.float32(visibility) * texture ** np.float32(self.exponent)  # (...)
        if frequency is not None:
            return masked * self._gains_over_least[frequency]
        excess: Floats = masked[..., None] * self._gains_over_least  # (..., frequencies)
        return excess

    def steps(self, excess: Floats, frequency: NDArray[np.int64] | None = None) -> Floats:
        """The steps, of the shape of ``excess``; at least the least ones, also for those that stay unchanged."""
        least = self._least if frequency is None else self._least[frequency]
        steps: Floats = least * (np.maximum(excess, 1) if self.grows else np.ones_like(excess))
        return steps

    @cached_property
    def _least(self) -> Floats:
        return np.array(self.least, np.float32)  # (frequencies,)

    @cached_property
    def _gains_over_least(self) -> Floats:
        return np.array(self.gains, np.float32) / self._least  # (frequencies,)


def level(visibility: str | float) -> float:
    """The largest of :data:`VISIBILITY_LEVELS` that is not above a ``visibility``, a name or a number.

    Raises:
        BadSpec: no such name, or a number below the smallest level.
    """
    value = VISIBILITIES.get(visibility) if isinstance(visibility, str) else visibility
    if value is None:
        try:
            value = float(visibility)
        except ValueError:
            raise BadSpec(f"no visibility {visibility!r}: choose {', '.join(VISIBILITIES)} or a number") from None
    if not value >= VISIBILITY_LEVELS[0]:
        raise BadSpec(f"visibility {value:g}: the smallest is {VISIBILITY_LEVELS[0]:g}")
    return max(one for one in VISIBILITY_LEVELS if one <= value)


def _sum_around(halves: Floats) -> Floats:
    """(2 rows, 2 columns) -> (rows, columns): the sum over the four halves of a block and the twelve next to them."""
    padded = np.pad(halves, 1)  # (2 rows + 2, 2 columns + 2)
    down = padded[:-3:2] + padded[1:-2:2] + padded[2:-1:2] + padded[3::2]  # (rows, 2 columns + 2)
    around: Floats = down[:, :-3:2] + down[:, 1:-2:2] + down[:, 2:-1:2] + down[:, 3::2]
    return around
