"""From evidence to log-likelihood ratios: logistic regression on the pilots (notebook 04).

A soft decoder must know how sure each bit is. If the error of a received angle is von Mises distributed, the ratio is
``2 * kappa * evidence``; kappa depends on the frequency, and on how busy the block is, because smoothing moves detail
of busy blocks into the band. Both are fitted by maximum likelihood where the true bits are known (Platt 1999). For a
decoder this is the right fit even if the error is not von Mises distributed (JPEG's is nearly uniform).

The reliability diagram shows whether the ratios are then calibrated (notebook 07): of the bits that are said to be ones
with a probability of nine tenths, nine tenths must be ones. DeGroot & Fienberg 1983; expected calibration error: Guo,
Pleiss, Sun & Weinberger 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_KAPPAS = np.geomspace(0.02, 12, 48).astype(np.float32)
_EXPONENTS = np.linspace(-0.2, 1.2, 8)
_PRIOR = 20  # weight of the mean over all frequencies in the fit of each one, in pilots


def reliability(
    agreement: Floats, frequency: NDArray[np.int64], busy: Floats, frequencies: int
) -> tuple[Floats, float]:
    """Fit ``LLR = 2 * kappa[frequency] * busy ** -exponent * evidence`` to pilots.

    Args:
        agreement: (pilots,) evidence times the true sign, in [-1, 1].
        frequency: (pilots,) index of each one's frequency, below ``frequencies``.
        busy: (pilots,) activity of its block over the picture's median, positive.
        frequencies: how many frequencies there are.

    Returns:
        kappa (frequencies,) and the exponent.
    """
    best: tuple[float, Floats, float] = (np.inf, np.zeros(frequencies, np.float32), 0.0)
    for exponent in _EXPONENTS:
        weighted = agreement * busy ** np.float32(-exponent)
        # cost in nats of each pilot under each kappa; (kappas, pilots)
        cost = np.logaddexp(0, -2 * _KAPPAS[:, None] * weighted)
        each = [np.bincount(frequency, row, minlength=frequencies) for row in cost]
        per_frequency = np.stack(each)  # (kappas, frequencies)
        choice = np.argmin(per_frequency + _PRIOR * cost.mean(axis=1, keepdims=True), axis=0)  # (frequencies,)
        total = float(np.take_along_axis(per_frequency, choice[None], axis=0).sum())
        if total < best[0]:
            best = total, _KAPPAS[choice], float(exponent)
    return best[1], best[2]


@dataclass(frozen=True)
class ReliabilityDiagram:
    """Bins of equal width over the predicted probability of a 1, each array (bins,).

    predicted: mean probability that the ratios give; NaN where a bin is empty.
    observed: share of bits that are 1; NaN where a bin is empty.
    count: how many bits.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error, in [0, 1]: the mean of |observed - predicted| over all bits."""
        return float(np.nansum(np.abs(self.observed - self.predicted) * self.count) / self.count.sum())


def reliability_diagram(llr: NDArray[np.float32], bits: NDArray[np.uint8], bins: int = 15) -> ReliabilityDiagram:
    """The diagram for ratios log p(1)/p(0) and the bits that were sent, of any shape.

    >>> reliability_diagram(np.log([3, 3, 3, 3]), np.array([1, 1, 1, 0])).error
    0.0
    """
    probability = np.ravel(1 / (1 + np.exp(-llr.astype(np.float64))))  # (bits,)
    bin_ = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(bin_, minlength=bins)  # (bins,)
    with np.errstate(invalid="ignore"):
        predicted, observed = (np.bincount(bin_, w, minlength=bins) / count for w in (probability, np.ravel(bits)))
    return ReliabilityDiagram(predicted, observed, count)
