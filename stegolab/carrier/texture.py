"""Texture first: a message that does not need the whole picture goes into its busiest blocks (notebook 07).

Changes are least noticeable where there is much detail, both to the eye and to a detector (Westfeld & Pfitzmann 1999;
Pevny, Filler & Bas 2010). The sender alone chooses the blocks. The code is spread over all of them, and those that were
not chosen do not change. The receiver cannot tell exactly which, but learns from the header's slots below which
activity blocks carry nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SCALES = np.geomspace(0.05, 20, 23).astype(np.float32)  # scales of the evidence to try as log-likelihood ratios
# Nats by which "blocks below the threshold carry nothing" must explain the pilots better than "all carry". At 6 the
# likelihood is four hundred times as high; with less, noise makes it discard blocks that carry.
_MUCH_BETTER = 6.0


def activity(coefficients: Floats, received: NDArray[np.bool_] | None = None) -> Floats:
    """How busy the surroundings of each block are: their mean magnitude divided by the picture's median.

    Args:
        coefficients: (rows, columns, frequencies).
        received: (rows, columns) the blocks over which the median is taken; None for all.

    Returns:
        (rows, columns), positive.
    """
    block = np.pad(np.abs(coefficients).mean(axis=2) + 1, 1, mode="edge")  # (rows + 2, columns + 2)
    rows_of_three = block[:-2] + block[1:-1] + block[2:]  # (rows, columns + 2)
    around = rows_of_three[:, :-2] + rows_of_three[:, 1:-1] + rows_of_three[:, 2:]  # (rows, columns)
    return (around / np.median(around if received is None else around[received])).astype(np.float32)


def busiest(activity_: Floats, share: float) -> NDArray[np.bool_]:
    """Which blocks (rows, columns) are among the busiest ``share``, 0 to 1; of equally busy ones, the upper ones.

    So in a flat drawing the changed blocks lie together, and are measurably busier than the rest.
    """
    order = np.argsort(-activity_, axis=None, kind="stable")  # (rows * columns,)
    chosen = np.zeros(activity_.size, bool)
    chosen[order[: round(share * activity_.size)]] = True
    return chosen.reshape(activity_.shape)  # (rows, columns)


def carrying_threshold(agreement: Floats, activity_: Floats) -> float:
    """The activity below which blocks carry nothing, estimated from the pilots; 0 if all of them carry.

    Args:
        agreement: (pilots,) evidence, or log-likelihood ratio, times the true sign.
        activity_: (pilots,) of the block of each.
    """
    if not len(activity_):
        return 0.0
    order = np.argsort(-activity_, kind="stable")
    falling = activity_[order]
    # nats by which each scale explains each pilot worse than "carries nothing" does; (scales, pilots)
    cost = np.logaddexp(0, -_SCALES[:, None] * agreement[order]) - np.log(2)
    total = np.cumsum(cost, axis=1).min(axis=0)  # (pilots,): sums over all pilots that are at least as busy
    last_of_level = np.append(falling[1:] < falling[:-1], True)  # equally busy blocks stay together
    total[~last_of_level] = np.inf
    best = int(np.argmin(total))
    return float(falling[best]) if total[-1] - total[best] > _MUCH_BETTER else 0.0
