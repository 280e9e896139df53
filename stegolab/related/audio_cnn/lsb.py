"""The classical method, for comparison: samples of a few bits in the lowest bits of the three colours (notebook 09).

It is hard to beat on a file that is not changed, but a single JPEG destroys it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import BadSpec
from .data import Tiles
from .layout import Samples, Waveform

_PEAK = 4.0  # times the root mean square of the speech; louder samples are clipped


@dataclass(frozen=True)
class LowBits:
    """One sample per pixel, ``bits`` in each colour, the highest bits in red.

    Raises:
        BadSpec: not 1 to 4 bits.
    """

    bits: int = 2
    side: int = 32

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 4:
            raise BadSpec(f"{self.bits} low bits: choose 1 to 4")

    @property
    def layout(self) -> Waveform:
        """Sample after sample."""
        return Waveform(self.side)

    def hide(self, tiles: Tiles, samples: Samples) -> Tiles:
        """Hide speech (n,) of level one in tiles (t, side, side, 3), with ``side²`` samples in each."""
        values = self.layout.lay(samples)[:, 0]  # (t, side, side)
        levels = np.clip(np.floor((values / _PEAK + 1) * self._half), 0, 2 * self._half - 1).astype(np.int64)
        low = (levels[..., None] >> self._shifts) & (2**self.bits - 1)  # (t, side, side, 3)
        return (tiles >> self.bits << self.bits) | low.astype(np.uint8)

    def reveal(self, tiles: Tiles) -> Samples:
        """The samples, each in the middle of its possible values."""
        low = (tiles & (2**self.bits - 1)).astype(np.int64)
        levels = (low << self._shifts).sum(-1)
        values = _PEAK * ((levels + 0.5) / self._half - 1)
        return self.layout.read(values[:, None].astype(np.float32))

    @property
    def _half(self) -> int:
        return 1 << (3 * self.bits - 1)

    @property
    def _shifts(self) -> np.ndarray:
        return self.bits * np.arange(2, -1, -1)
