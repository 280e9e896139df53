"""How often a detector is wrong: the ROC, the area under it, and P_E (notebook 08).

P_E = min (P_FA + P_MD) / 2 over all thresholds, the measure of Fridrich's group: 0 is perfect, 1/2 is guessing. The
minimum is taken on the same pictures that are counted, so few pictures make a detector look better: :func:`by_chance`
says by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]  # a higher score is more like a stego picture


@dataclass(frozen=True)
class Roc:
    """P_FA, the share of covers classified as stego, and P_D = 1 - P_MD, for every threshold; both rise from 0 to 1."""

    false_alarm: NDArray[np.float64]
    detection: NDArray[np.float64]

    @classmethod
    def of(cls, covers: Scores, stegos: Scores) -> Roc:
        """From the scores of covers and of stego pictures; equal scores fall on one side together."""
        thresholds = np.unique(np.concatenate([covers, stegos]))[::-1]
        alarm, detection = (
            np.concatenate([[0.0], np.searchsorted(-np.sort(scores)[::-1], -thresholds, side="right") / len(scores)])
            for scores in (np.asarray(covers), np.asarray(stegos))
        )
        return cls(alarm, detection)

    @property
    def corners(self) -> list[tuple[float, float]]:
        """(P_FA, P_D) at the corners of the curve, which are enough to draw it."""
        points = np.stack([self.false_alarm, self.detection], axis=1)
        before, after = np.diff(points[:-1], axis=0), np.diff(points[1:], axis=0)
        turns = ~np.isclose(before[:, 0] * after[:, 1], before[:, 1] * after[:, 0])
        return [(float(x), float(y)) for x, y in points[np.concatenate([[True], turns, [True]])]]

    @property
    def p_e(self) -> float:
        """The smallest mean of false alarms and missed detections: covers and stego pictures are equally likely."""
        return float((self.false_alarm + 1 - self.detection).min() / 2)

    @property
    def area(self) -> float:
        """The area under the curve: how often a stego picture scores higher than a cover, ties counting half."""
        return float(np.trapezoid(self.detection, self.false_alarm))


@dataclass(frozen=True)
class Verdict:
    """P_E and area with the 95 % intervals of a bootstrap over sources, and the curve."""

    p_e: float
    p_e_interval: tuple[float, float]
    area: float
    area_interval: tuple[float, float]
    roc: Roc


def judge(covers: Scores, stegos: Scores, sources: Sequence[str], resamples: int = 1000, seed: int = 0) -> Verdict:
    """Judge the scores of covers and of their stego pictures, in the same order; ``sources`` names the picture of each.

    The bootstrap draws whole sources: crops of one picture are not independent trials. Without any error the bootstrap
    finds none either; the upper end is then the bound for 0 errors among n sources (Clopper & Pearson 1934).
    """
    whole = Roc.of(covers, stegos)
    random = np.random.default_rng(seed)
    members = [np.flatnonzero(np.asarray(sources) == source) for source in dict.fromkeys(sources)]
    drawn = []
    for _ in range(resamples):
        chosen = np.concatenate([members[k] for k in random.integers(len(members), size=len(members))])
        roc = Roc.of(covers[chosen], stegos[chosen])
        drawn.append((roc.p_e, roc.area))
    p_e, area = ((float(low), float(high)) for low, high in np.quantile(drawn, [0.025, 0.975], axis=0).T)
    if not whole.p_e:
        p_e = 0.0, min(0.5, 1 - 0.025 ** (1 / len(members)))
    return Verdict(whole.p_e, p_e, whole.area, area, whole)


def by_chance(count: int, resamples: int = 1000, seed: int = 0) -> float:
    """The mean P_E of a detector that guesses, on ``count`` covers and as many stego pictures: below 1/2."""
    random = np.random.default_rng(seed)
    return float(np.mean([Roc.of(*random.random((2, count))).p_e for _ in range(resamples)]))
