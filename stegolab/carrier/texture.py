"""Texture first: where a message needs less than the whole picture, its busiest blocks take it (notebook 07).

Change shows least where much goes on already, to the eye and to a detector (Westfeld & Pfitzmann 1999; Pevny, Filler &
Bas 2010). The sender alone chooses the blocks. The code is laid over all of them, and those that were not chosen stay
as they are; the receiver cannot tell exactly which, but learns from the header's slots below which activity a block
carries nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SCALES = np.geomspace(0.05, 20, 23).astype(np.float32)  # of the evidence, to be tried as log-likelihood ratios
# Nats by which "blocks below the threshold carry nothing" must explain the pilots better than "all carry". At 6 the
# likelihood is four hundred times as high; lower, and blocks that carry are discarded for noise.
_MUCH_BETTER = 6.0


def activity(coefficients: Floats, received: NDArray[np.bool_] | None = None) -> Floats:
    """How busy each block's surroundings are: their mean magnitude over the picture's median.

    Args:
        coefficients: (rows, columns, frequencies).
        received: (rows, columns) the blocks whose median it is; None for all.

    Returns:
        (rows, columns), positive.
    """
    block = np.pad(np.abs(coefficients).mean(axis=2) + 1, 1, mode="edge")  # (rows + 2, columns + 2)
    rows_of_three = block[:-2] + block[1:-1] + block[2:]  # (rows, columns + 2)
    around = rows_of_three[:, :-2] + rows_of_three[:, 1:-1] + rows_of_three[:, 2:]  # (rows, columns)
    return (around / np.median(around if received is None else around[received])).astype(np.float32)


def busiest(activity_: Floats, share: float) -> NDArray[np.bool_]:
    """Which blocks (rows, columns) are among the busiest ``share``, 0 to 1; of equally busy ones, the upper ones.

    So in a flat drawing the blocks that change lie together, and show as busier than what is left.
    """
    order = np.argsort(-activity_, axis=None, kind="stable")  # (rows * columns,)
    chosen = np.zeros(activity_.size, bool)
    chosen[order[: round(share * activity_.size)]] = True
    return chosen.reshape(activity_.shape)  # (rows, columns)


def carrying_threshold(agreement: Floats, activity_: Floats) -> float:
    """The activity below which blocks carry nothing, as far as the pilots tell; 0 where all of them carry.

    Args:
        agreement: (pilots,) evidence, or log-likelihood ratio, times the true sign.
        activity_: (pilots,) of the block of each.
    """
    if not len(activity_):
        return 0.0
    order = np.argsort(-activity_, kind="stable")
    falling = activity_[order]
    # nats by which each pilot is explained worse than by "carries nothing", under each scale; (scales, pilots)
    cost = np.logaddexp(0, -_SCALES[:, None] * agreement[order]) - np.log(2)
    total = np.cumsum(cost, axis=1).min(axis=0)  # (pilots,): of all as busy as this one, or busier
    last_of_level = np.append(falling[1:] < falling[:-1], True)  # blocks that are equally busy go together
    total[~last_of_level] = np.inf
    best = int(np.argmin(total))
    return float(falling[best]) if total[-1] - total[best] > _MUCH_BETTER else 0.0
