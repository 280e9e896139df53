"""The classical method, for comparison: the picture's bits in the least significant bits of the samples (notebook 11).

On a file that is not changed it is hard to beat, quieter than any residual and exact, but noise destroys it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import CapacityExceeded


def hide(pcm: NDArray[np.int16], message: bytes, bits: int = 5) -> NDArray[np.int16]:
    """``message`` in the ``bits`` lowest bits of each sample, most significant bit first.

    Raises:
        CapacityExceeded: it does not fit.
    """
    sent = np.unpackbits(np.frombuffer(message, np.uint8))
    if len(sent) > bits * len(pcm):
        raise CapacityExceeded(
            f"{len(message)} bytes do not fit into {bits} bits of {len(pcm)} samples: {bits * len(pcm) // 8} bytes do"
        )
    rows = np.pad(sent, (0, -len(sent) % bits)).reshape(-1, bits)
    values = rows @ (1 << np.arange(bits)[::-1])  # (samples that are needed,)
    stego = pcm.copy()
    stego[: len(values)] = (stego[: len(values)] >> bits << bits) | values.astype(np.int16)
    return stego


def reveal(pcm: NDArray[np.int16], length: int, bits: int = 5) -> bytes:
    """The ``length`` bytes that :func:`hide` put there, if noise has not changed them."""
    samples = pcm[: -(-8 * length // bits), None].astype(np.int32)
    read = (samples >> np.arange(bits)[::-1]) & 1
    return np.packbits(read.astype(np.uint8).ravel()[: 8 * length]).tobytes()
