"""The evidence in the header's slots: its combined repeats, and whether there is a header at all (notebook 08).

A header is repeated over the picture. At the wrong size, or in a picture without a header, the repeats disagree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...header import HEADER_CODE_BITS

Floats = NDArray[np.float32]


def combine_repeats(header_bit: NDArray[np.int64], evidence: Floats) -> Floats:
    """Sum of the evidence for each bit of the header's code word.

    Args:
        header_bit: (header slots,) which bit each slot carries, see :attr:`stegolab.carrier.layout.Layout.header_bit`.
        evidence: (header slots,) positive for a 1, negative for a 0.

    Returns:
        (HEADER_CODE_BITS,)
    """
    return np.bincount(header_bit, evidence, minlength=HEADER_CODE_BITS).astype(np.float32)


def detection_score(header_bit: NDArray[np.int64], evidence: Floats) -> float:
    """How clearly a header is there, in standard deviations of what chance gives; arguments as above.

    Without a header the signs are random, and the square of a bit's sum is on average the sum of its squares.
    """
    energy = np.bincount(header_bit, np.square(evidence, dtype=np.float64), minlength=HEADER_CODE_BITS)  # (code bits,)
    received = energy > 1e-9
    if not received.any():
        return 0.0
    ratio = combine_repeats(header_bit, evidence)[received].astype(np.float64) ** 2 / energy[received]
    return float((ratio.sum() - received.sum()) / np.sqrt(2 * HEADER_CODE_BITS))
