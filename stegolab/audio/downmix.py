"""Mix many channels down to one as ITU-R BS.775 says, and notice when they cancel each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LOSS = 6.0  # decibels that the sum may lose, compared with the sum of independent channels

_HALF = 0.5  # of each front channel: what is in both keeps its level
_MINUS_3_DB = np.sqrt(0.5)
_SURROUND = _HALF * _MINUS_3_DB

# BS.775 mixes C and the surrounds into L and R at -3 dB, and mono is the mean of those two; LFE is left out.
_COEFFICIENTS = {
    **{"FL": _HALF, "FR": _HALF, "FC": _MINUS_3_DB, "LFE": 0.0, "LFE2": 0.0},
    **dict.fromkeys(("BL", "BR", "SL", "SR", "FLC", "FRC"), _SURROUND),
    **{"BC": _HALF, "TC": _HALF},
}

_CUSTOMARY = {  # for files with this many channels that name no loudspeakers
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}


def named(speakers: Sequence[str]) -> tuple[str, ...]:
    """The names of channels, (channels,): those given, or the usual order for 5.1 and 7.1 without names."""
    known = set(speakers) & set(_COEFFICIENTS)
    return tuple(speakers) if known else _CUSTOMARY.get(len(speakers), tuple(speakers))


def coefficients(speakers: Sequence[str]) -> NDArray[np.float32]:
    """The weight of every channel in the mono sum, (channels,), by the names of FFmpeg such as ``FL`` and ``LFE``.

    A single channel is taken as it is. If the layout is unknown or has no front pair, all channels have the same
    weight.
    """
    n = len(speakers)
    if n == 1 or not {"FL", "FR"} <= set(speakers):
        return np.full(n, 1 / max(n, 1), np.float32)
    return np.array([_COEFFICIENTS.get(name, _SURROUND) for name in speakers], np.float32)


class Downmix:
    """Mixes blocks down, and sums the energy of the input and of the output."""

    def __init__(self, speakers: Sequence[str]) -> None:
        self.weights = coefficients(speakers)
        self._powers = np.zeros(len(speakers))  # of the weighted channels
        self._power = 0.0  # of their sum

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, channels) to (n,)."""
        mono = block @ self.weights
        if len(self.weights) > 1 and len(block):
            with np.errstate(invalid="ignore", over="ignore"):  # samples that are not finite are refused later
                self._powers += np.einsum("nc,nc->c", block, block, dtype=np.float64) * self.weights**2
                self._power += float(np.dot(mono.astype(np.float64), mono))
        return mono

    @property
    def lost(self) -> float:
        """Decibels by which the sum is weaker than the sum of independent channels would be.

        -3 for two equal channels, 0 where one is silent or they are independent, infinite where they cancel.
        """
        expected = self._powers.sum()
        if not np.isfinite(expected) or expected <= 0:
            return 0.0
        return float(10 * np.log10(expected / self._power)) if self._power > 0 else np.inf

    @property
    def cancels(self) -> bool:
        """Whether the sum loses more than :data:`LOSS`."""
        return self.lost > LOSS

    @property
    def strongest(self) -> int:
        """The number of the channel that contributes most, from 0."""
        return int(self._powers.argmax())
