"""How the learned carrier's networks are configured, and the constants that sender and receiver share (notebook 06)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import blockdct
from ..strengths import JPEG_STEPS, Strength

NETWORKS = ("invertible", "plain")
QUARTER = 0.25  # share of a step: from the lattice's place to the point of bit 1
CLAMP = 0.02  # limit of the affine coupling: stretch of the payload, or shift of the lattice in steps
REACH = 8.0  # limit of the restoration, in 8-bit luma
BLURS = tuple(x / 10 for x in range(-12, 17, 2))  # square pixels; a receiver tries these, see LatticeReading


@dataclass(frozen=True)
class ModelConfig:
    """How the networks are built. ``frequencies`` carry; the networks see only ``band``, which contains them.

    The ablations are ``network`` plain (``plain.py``; ``attention`` then has no meaning), no ``attention``, and no
    ``restoration``. A field that a file lacks has its default.
    """

    strength: str  # jpeg or social: the strength whose carrier this is
    block: int  # size of the DCT, in pixels a side
    frequencies: tuple[tuple[int, int], ...]  # (vertical, horizontal) pairs that carry
    band: tuple[tuple[int, int], ...]  # (vertical, horizontal) pairs that the networks see
    steps: tuple[float, ...]  # where the step of each carrying frequency starts, in 8-bit luma; training moves it
    width: int = 32  # channels of the hidden layers
    floor: float = 0.0  # the least attention, 0 to 1: how strongly every slot embeds at least, see ModuloCoupling
    attention: bool = True  # whether a network decides where to embed how strongly, or one number a frequency
    restoration: bool = True  # whether the receiver's network restores the coefficients before it reads
    network: str = NETWORKS[0]  # one of NETWORKS

    @classmethod
    def start(cls, strength: Strength, **changes: Any) -> ModelConfig:
        """Where training starts for a strength: its lattice, with a few more frequencies."""
        order = blockdct.zigzag(strength.block)
        if strength.block == 8:
            frequencies, steps = zip(*sorted(JPEG_STEPS.items(), key=lambda item: item[1]), strict=True)
            steps = tuple(2.0 * q for q in steps)
            band = tuple(order[:28])
        else:
            frequencies, band = tuple(order[1:25]), tuple(order[:36])
            steps = (32.0,) * len(frequencies)
        floor = 0.2 if strength.block == 8 else 0.0
        return cls(strength.name, strength.block, tuple(frequencies), band, steps, floor=floor, **changes)

    @property
    def carried(self) -> list[int]:
        """Indices into the band of the frequencies that carry, in the order of ``frequencies``."""
        return [self.band.index(f) for f in self.frequencies]

    @property
    def passive(self) -> list[int]:
        """Indices into the band of the passive frequencies, in the order of the band."""
        return [i for i, f in enumerate(self.band) if f not in self.frequencies]
