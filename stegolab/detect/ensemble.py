"""The classical detector: many linear discriminants, each of a few features, averaged (notebook 08).

Kodovsky, Fridrich & Holub 2012, Ensemble classifiers for steganalysis of digital media. Each learner draws a random
subspace of the features and a bootstrap sample of the pictures, and finds Fisher's linear discriminant there. All crops
of a picture are drawn together, covers and stego pictures alike. The pictures that a learner has not drawn (out of bag)
measure how good it is, and decide the size of the subspaces. Unlike in the paper, the learners do not vote; their
projections are averaged. So the whole ensemble is one weight per feature, and gives a score from which a ROC can be
drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .roc import Roc

Matrix = NDArray[np.float32]  # (pictures, features)

SUBSPACES = (50, 100, 200)
_RIDGE = 1e-2  # share of the mean variance in a subspace


@dataclass(frozen=True)
class Ensemble:
    """A trained detector. ``subspace`` and ``out_of_bag``: the chosen size, and its P_E on pictures not drawn."""

    weights: NDArray[np.float64]
    offset: float
    subspace: int
    out_of_bag: float

    def __call__(self, features: Matrix) -> NDArray[np.float64]:
        """Scores (pictures,): a higher score is more like a stego picture; 0 is the threshold."""
        return features @ self.weights - self.offset


def train(
    covers: Matrix,
    stegos: Matrix,
    sources: Sequence[str],
    *,
    learners: int = 60,
    subspaces: Sequence[int] = SUBSPACES,
    seed: int = 0,
) -> Ensemble:
    """Learn from covers and their stego pictures, row by row; the size with the smallest out-of-bag error is taken.

    ``sources``: the picture that each row was cut from, at least two.
    """
    both = np.concatenate([covers, stegos]).astype(np.float64)
    mean, spread = both.mean(axis=0), both.std(axis=0)
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 1e-12)  # constant features tell nothing
    x, y = (covers - mean) * scale, (stegos - mean) * scale
    members = [np.flatnonzero(np.asarray(sources) == source) for source in dict.fromkeys(sources)]
    sizes = sorted({min(size, x.shape[1]) for size in subspaces})
    found = [_grow(x, y, members, size, learners, np.random.default_rng((seed, size))) for size in sizes]
    best = min(range(len(found)), key=lambda k: found[k][2])
    direction, border, error = found[best]
    weights = direction * scale
    return Ensemble(weights, border + float(mean @ weights), sizes[best], error)


def _grow(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    members: Sequence[NDArray[np.int64]],
    size: int,
    learners: int,
    random: np.random.Generator,
) -> tuple[NDArray[np.float64], float, float]:
    """Mean direction, mean threshold, and P_E of the out-of-bag scores."""
    pairs, width = x.shape
    direction, border = np.zeros(width), 0.0
    scores, times = np.zeros((2, pairs)), np.zeros(pairs)
    for _ in range(learners):
        chosen = random.choice(width, size, replace=False)
        drawn = np.concatenate([members[k] for k in random.integers(len(members), size=len(members))])
        w, middle = _discriminant(x[np.ix_(drawn, chosen)], y[np.ix_(drawn, chosen)])
        direction[chosen] += w / learners
        border += middle / learners
        left = np.setdiff1d(np.arange(pairs), drawn)
        scores[:, left] += [part[np.ix_(left, chosen)] @ w - middle for part in (x, y)]
        times[left] += 1
    known = times > 0
    of_cover, of_stego = scores[:, known] / times[known]
    return direction, border, Roc.of(of_cover, of_stego).p_e


def _discriminant(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Fisher's direction, scaled to unit deviation within the classes, and the middle between their means."""
    scatter = (np.cov(x, rowvar=False) + np.cov(y, rowvar=False)) / 2
    scatter[np.diag_indices_from(scatter)] += _RIDGE * np.trace(scatter) / len(scatter) + 1e-9
    apart = y.mean(axis=0) - x.mean(axis=0)
    w = np.linalg.solve(scatter, apart)
    w /= np.sqrt(w @ scatter @ w) + 1e-12
    return w, float(w @ (x.mean(axis=0) + y.mean(axis=0))) / 2
