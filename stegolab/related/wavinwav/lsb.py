"""The classical method, for comparison: the secret's eight upper bits in the cover's eight lower ones (notebook 12).

It needs no training, and is hard to beat on a lossless file. But noise of a few of the 65,536 steps, which nobody
hears, already changes the secret's upper bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]


def hide(cover: Pcm, secret: Pcm, bits: int = 8) -> Pcm:
    """16-bit samples (N,) and (N,) to the stego (N,): the cover's upper ``16 - bits``, the secret's upper ``bits``."""
    upper = (secret.astype(np.int32) >> (16 - bits)) + (1 << (bits - 1))  # 0 .. 2**bits - 1
    return ((cover.astype(np.int32) >> bits << bits) | upper).astype(np.int16)


def reveal(stego: Pcm, bits: int = 8) -> Pcm:
    """The secret (N,), each sample in the middle of the values that its ``bits`` allow."""
    upper = (stego.astype(np.int32) & ((1 << bits) - 1)) - (1 << (bits - 1))
    return ((upper << (16 - bits)) + (1 << (15 - bits))).astype(np.int16)
