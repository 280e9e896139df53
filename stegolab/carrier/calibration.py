"""From evidence to log-likelihood ratios: logistic regression on the pilots (notebook 04).

A soft decoder must know how sure each bit is. If the error of a received angle is von Mises distributed, the ratio is
``2 * kappa * evidence``; kappa depends on the frequency, and on how busy the block is, because smoothing spills the
detail of busy blocks into the band. Both are fitted where the true bits are known, by maximum likelihood
(Platt 1999), which for a decoder is the right fit even when the error is not von Mises: JPEG's is nearly uniform.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_KAPPAS = np.geomspace(0.02, 12, 48).astype(np.float32)
_EXPONENTS = np.linspace(-0.2, 1.2, 8)
_PRIOR = 20  # pilots' worth of the mean over all frequencies, in the fit of each


def reliability(
    agreement: Floats, frequency: NDArray[np.int64], busy: Floats, frequencies: int
) -> tuple[Floats, float]:
    """Fit ``LLR = 2 * kappa[frequency] * busy ** -exponent * evidence`` to pilots.

    Args:
        agreement: (pilots,) evidence times the true sign, in [-1, 1].
        frequency: (pilots,) index of each one's frequency, below ``frequencies``.
        busy: (pilots,) activity of its block over the picture's median, positive.
        frequencies: how many there are.

    Returns:
        kappa (frequencies,) and the exponent.
    """
    best: tuple[float, Floats, float] = (np.inf, np.zeros(frequencies, np.float32), 0.0)
    for exponent in _EXPONENTS:
        weighted = agreement * busy ** np.float32(-exponent)
        # cost in nats of each pilot under each kappa; (kappas, pilots)
        cost = np.logaddexp(0, -2 * _KAPPAS[:, None] * weighted)
        per_frequency = np.stack([np.bincount(frequency, row, minlength=frequencies) for row in cost])
        choice = np.argmin(per_frequency + _PRIOR * cost.mean(axis=1, keepdims=True), axis=0)
        total = float(np.take_along_axis(per_frequency, choice[None], axis=0).sum())
        if total < best[0]:
            best = total, _KAPPAS[choice], float(exponent)
    return best[1], best[2]
