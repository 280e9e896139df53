"""Whether log-likelihood ratios mean what they say: the reliability diagram of soft decisions (notebook 07).

A decoder that is told "nine in ten" must find nine in ten. DeGroot & Fienberg 1983; expected calibration error: Guo,
Pleiss, Sun & Weinberger 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ReliabilityDiagram:
    """Bins of equal width over the predicted probability of a 1; NaN in ``predicted`` and ``observed`` where empty.

    ``predicted``: mean probability that the ratios give; ``observed``: share of bits that are 1; ``count``: how many.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error, in [0, 1]: the mean of |observed - predicted| over all bits."""
        return float(np.nansum(np.abs(self.observed - self.predicted) * self.count) / self.count.sum())


def reliability_diagram(llr: NDArray[np.float32], bits: NDArray[np.uint8], bins: int = 15) -> ReliabilityDiagram:
    """The diagram of ratios log p(1)/p(0) and the bits that were sent, any shape.

    >>> reliability_diagram(np.log([3, 3, 3, 3]), np.array([1, 1, 1, 0])).error
    0.0
    """
    probability = np.ravel(1 / (1 + np.exp(-llr.astype(np.float64))))
    bin_ = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(bin_, minlength=bins)
    with np.errstate(invalid="ignore"):
        predicted, observed = (np.bincount(bin_, w, minlength=bins) / count for w in (probability, np.ravel(bits)))
    return ReliabilityDiagram(predicted, observed, count)
