"""The published figures of a study: how often the message came back, by attack and by family of attacks (notebook 08).

``results.json`` beside the table holds this, and ``results/attack_study.json`` is a copy of such a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .pipelines import PIPELINES
from .summary import grouped, wilson
from .sweeps import SWEEPS
from .trial import COLUMNS, CORRUPT, Trial

_SCORES = tuple(name for name in COLUMNS if name.startswith(("pesq_", "stoi_", "si_sdr_")))


def figures(rows: Sequence[Trial]) -> dict[str, Any]:
    """The study in numbers; rates are over all trials, including covers that were too small.

    ``strengths``: for each strength and carrier its families within the declared range, with the promised rate (None
    for a user's own attack, for which nothing is promised), its cost, and the mean scores of the speech that came back.
    ``attacks``: each attack. Intervals are Wilson's of 95 %. A mean over nothing is None; a score is the mean of the
    finite values.
    """
    corrupt = sum(row.outcome == CORRUPT for row in rows)
    return {
        **_rate(rows),
        "silent_corruptions": corrupt,
        "silent_corruptions_interval": list(wilson(corrupt, len(rows))),
        "outcomes": dict(sorted(Counter(row.outcome for row in rows).items())),
        "strengths": [
            {"strength": strength, "carrier": carrier, **_of_strength(group)}
            for (strength, carrier), group in grouped(rows, lambda row: (row.strength, row.carrier)).items()
        ],
        "attacks": [
            {
                **dict(zip(("strength", "carrier", "family", "attack", "declared"), key, strict=True)),
                **_rate(group),
                "outcomes": dict(sorted(Counter(row.outcome for row in group).items())),
                "raw_ber": _mean(group, "raw_ber"),
                **_margins(group),
            }
            for key, group in grouped(
                rows, lambda row: (row.strength, row.carrier, row.family, row.attack, row.declared)
            ).items()
        ],
    }


def _of_strength(rows: Sequence[Trial]) -> dict[str, Any]:
    declared = [row for row in rows if row.declared]
    stegos = list({(row.cover, row.speech): row for row in rows}.values())
    return {
        "covers": len({row.cover for row in rows}),
        "clips": len({row.speech for row in rows if row.speech}),
        "codecs": dict(sorted(Counter(row.codec for row in stegos).items())),
        **{f"declared_{name}": value for name, value in _rate(declared).items()},
        "families": [
            {"family": family, "target": _target(family), "attacks": len({row.attack for row in group}), **_rate(group)}
            for family, group in grouped(declared, lambda row: row.family).items()
        ],
        **{name: _mean(stegos, name) for name in ("payload_bits", "bits_per_pixel", "psnr_db", "ssim", "lpips")},
        **_margins(declared),
        "speech": {name: _mean([row for row in rows if row.exact], name) for name in _SCORES},
    }


def _rate(rows: Sequence[Trial]) -> dict[str, Any]:
    exact = sum(row.exact for row in rows)
    rate = exact / len(rows) if rows else None
    return {"trials": len(rows), "exact": exact, "rate": rate, "interval": list(wilson(exact, len(rows)))}


def _margins(rows: Iterable[Trial]) -> dict[str, Any]:
    """The margins of the trials that came back."""
    margins = [row.margin for row in rows if row.exact]
    return {"margin": float(np.mean(margins)) if margins else None, "margin_worst": min(margins, default=None)}


def _target(family: str) -> float | None:
    return next((sweep.target for sweep in (*SWEEPS, *PIPELINES) if sweep.family == family), None)


def _mean(rows: Sequence[Trial], column: str) -> float | None:
    values = np.array([getattr(row, column) for row in rows], float)
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None
