"""Whitening: which slots of the learned carrier carry the opposite of their bit.

Its networks have no dither. What the cover has in a slot would speak for the same bit everywhere; with every other bit
flipped it averages out over the repeats of the header, and without the key nobody knows which bits were flipped.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .layout import Layout

_TILE = 32  # blocks: period of the whitening of format 1


def whitening(layout: Layout, header: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which slots (slots,) carry the opposite of their bit, so that the cover's influence averages out.

    In the body it depends on the code word of the ``header`` (HEADER_CODE_BITS,).
    """
    if layout.keystream.format == 1:
        return _tiled_whitening(layout)
    whole = layout.keystream.within(np.packbits(header).tobytes()).bits("slots", layout.slots).astype(bool)
    whole[layout.header_slots] = header_whitening(layout)
    return whole  # (slots,)


def header_whitening(layout: Layout) -> NDArray[np.bool_]:
    """The same for the header's slots (header slots,), which is known before the header."""
    if layout.keystream.format == 1:
        return _tiled_whitening(layout)[layout.header_slots]
    return layout.header_bits("header slots").astype(bool)


def _tiled_whitening(layout: Layout) -> NDArray[np.bool_]:
    """(slots,) that of format 1, which repeats over the picture."""
    count = len(layout.strength.frequencies)
    tile = layout.keystream.bits("slots", _TILE * _TILE * count).astype(bool).reshape(_TILE, _TILE, count)
    rows, columns = np.arange(layout.rows) % _TILE, np.arange(layout.columns) % _TILE
    return tile[rows[:, None], columns].reshape(-1)  # (slots,)
