"""The classical method, for comparison: the high bits of one picture in the low bits of another (notebook 10).

It is hard to beat on a file that is not changed, but a single JPEG destroys it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import BadSpec
from ...images import RGB
from .codec import require_same_shape


@dataclass(frozen=True)
class LowBits:
    """The high ``bits`` of the secret's samples replace the low ones of the cover's.

    Raises:
        BadSpec: not 1 to 7 bits.
    """

    bits: int = 3

    def __post_init__(self) -> None:
        """Refuse numbers of bits that hide nothing."""
        if not 1 <= self.bits <= 7:
            raise BadSpec(f"{self.bits} low bits: choose 1 to 7")

    def hide(self, cover: RGB, secret: RGB) -> RGB:
        """The container; BadImage if the two differ in shape."""
        require_same_shape(cover, secret)
        return np.asarray((cover >> self.bits << self.bits) | (secret >> (8 - self.bits)), np.uint8)

    def reveal(self, container: RGB) -> RGB:
        """The secret from its high bits, each sample in the middle of its possible values."""
        lost = 8 - self.bits
        high = (container & (2**self.bits - 1)) << lost
        return np.asarray(high | 2 ** (lost - 1), np.uint8)
