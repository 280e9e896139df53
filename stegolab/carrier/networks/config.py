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
BLURS = tuple(x / 10 for x in range(-4, 17, 2))  # square pixels; a receiver tries these, see LatticeReading


@dataclass(frozen=True)
class ModelConfig:
    """How the networks are built. ``frequencies`` carry; the networks see only ``band``, which contains them.

    The ablations are ``network`` plain (``plain.py``; ``attention`` then has no meaning), no ``attention``, and no
    ``restoration``. A field that a file lacks has its default.
    """

    strength: str
    block: int
    frequencies: tuple[tuple[int, int], ...]
    band: tuple[tuple[int, int], ...]
    steps: tuple[float, ...]
    width: int = 32
    floor: float = 0.0
    attention: bool = True
    restoration: bool = True
    network: str = NETWORKS[0]

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
