"""Sound of any number of channels in blocks, for sound that is too long to fit into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]  # (n, channels)


def of_size(blocks: Iterable[Block], size: int) -> Iterator[Block]:
    """The same samples in blocks of ``size`` samples of each channel; the last one may be shorter, none is empty."""
    held: list[Block] = []
    wanted = size
    for block in blocks:
        rest = block
        while len(rest) >= wanted:
            yield np.concatenate([*held, rest[:wanted]])
            held, rest, wanted = [], rest[wanted:], size
        if len(rest):
            held.append(rest)
            wanted -= len(rest)
    if held:
        yield np.concatenate(held)
