"""The header's slots as evidence: what they say together, and whether there is a header at all.

A header is repeated over the picture; read at the wrong size, or in a picture without one, its repeats disagree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...header import HEADER_CODE_BITS

Floats = NDArray[np.float32]


def together(header_bit: NDArray[np.int64], evidence: Floats) -> Floats:
    """Sum of the evidence (header slots,) for each bit of the code word (HEADER_CODE_BITS,).

    ``header_bit``: which bit each slot carries, see :attr:`stegolab.carrier.layout.Layout.header_bit`.
    """
    return np.bincount(header_bit, evidence, minlength=HEADER_CODE_BITS).astype(np.float32)


def presence(header_bit: NDArray[np.int64], evidence: Floats) -> float:
    """How surely a header is here, in standard deviations of what chance gives.

    Without a header the signs are fair coins: the square of a bit's sum is then, on average, the sum of its squares.
    """
    energy = np.bincount(header_bit, np.square(evidence, dtype=np.float64), minlength=HEADER_CODE_BITS)
    seen = energy > 1e-9
    if not seen.any():
        return 0.0
    ratio = together(header_bit, evidence)[seen].astype(np.float64) ** 2 / energy[seen]
    return float((ratio.sum() - seen.sum()) / np.sqrt(2 * HEADER_CODE_BITS))
