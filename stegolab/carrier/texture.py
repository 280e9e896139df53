"""Texture first: where a message needs less than the whole picture, its busiest blocks take it (notebook 07).

Change shows least where much goes on already, to the eye and to a detector (Westfeld & Pfitzmann 1999; Pevny, Filler &
Bas 2010). The sender alone chooses the blocks: the code is laid over all of them, the smooth ones stay as they are, and
the receiver, who cannot tell exactly which, learns from the header's slots below which activity blocks say nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SCALES = np.geomspace(0.05, 20, 23).astype(np.float32)
_CLEARLY = 6.0  # nats by which the pilots must be better explained, before blocks are held to be silent


def activity(coefficients: Floats, seen: NDArray[np.bool_] | None = None) -> Floats:
    """(rows, columns, frequencies) -> (rows, columns), mean magnitude around each block over the picture's median.

    ``seen`` (rows, columns): the blocks whose median it is, all by default.
    """
    own = np.pad(np.abs(coefficients).mean(axis=2) + 1, 1, mode="edge")
    tall = own[:-2] + own[1:-1] + own[2:]
    around = tall[:, :-2] + tall[:, 1:-1] + tall[:, 2:]
    return (around / np.median(around if seen is None else around[seen])).astype(np.float32)


def busiest(busy: Floats, share: float) -> NDArray[np.bool_]:
    """Activity (rows, columns) -> which blocks are among the busiest ``share``; of equally busy ones, the upper ones.

    So in a flat drawing the blocks that change lie together, and show as busier than what is left.
    """
    order = np.argsort(-busy, axis=None, kind="stable")
    chosen = np.zeros(busy.size, bool)
    chosen[order[: round(share * busy.size)]] = True
    return chosen.reshape(busy.shape)


def floor(agreement: Floats, busy: Floats) -> float:
    """The activity below which blocks say nothing, as far as the pilots tell; 0 where all of them speak.

    Args:
        agreement: (pilots,) evidence, or log-likelihood ratio, times the true sign.
        busy: (pilots,) activity of the block of each.
    """
    if not len(busy):
        return 0.0
    order = np.argsort(-busy, kind="stable")
    cost = np.logaddexp(0, -_SCALES[:, None] * agreement[order]) - np.log(2)  # nats more than of one that says nothing
    total = np.cumsum(cost, axis=1).min(axis=0)  # of all pilots as busy as this one, or busier
    levels = np.append(busy[order][1:] < busy[order][:-1], True)  # blocks as busy are silent together
    total[~levels] = np.inf
    best = int(np.argmin(total))
    return float(busy[order][best]) if total[-1] - total[best] > _CLEARLY else 0.0
