"""The summary of the table: recovery rates with confidence intervals, with nothing left out (notebook 08)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import sqrt
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

import numpy as np

from .trial import CORRUPT, Trial


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of a rate (Wilson 1927), within 0 to 1: sensible for few trials, and for no or only successes.

    Without trials it is (0, 1). Written out because notebook 08 teaches it; a test compares it with SciPy's.
    """
    if not trials:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, weight = successes / trials, z**2 / trials
    centre = (rate + weight / 2) / (1 + weight)
    half = z * sqrt(rate * (1 - rate) / trials + weight / (4 * trials)) / (1 + weight)
    low = 0.0 if successes == 0 else centre - half  # exactly, in spite of rounding
    high = 1.0 if successes == trials else centre + half
    return low, high


def summary(
    rows: Sequence[Trial],
    software: Mapping[str, str] = MappingProxyType({}),
    left_out: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """The table as Markdown: a line for each carrier, strength and attack, the means of its trials.

    Below it the ``software`` that attacked, with its versions, and the attacks ``left_out``, by what is not installed.

    ``exact`` counts all trials, including covers that were too small; an attack in italics is beyond what the strength
    declares. Raw BER and margin are over the trials that came back.
    """
    several = len({row.carrier for row in rows}) > 1
    lines = [
        f"| {'carrier | ' if several else ''}strength | attack | exact | 95 % interval | PSNR (dB) | SSIM "
        "| net payload (bit per pixel) | raw BER | margin |",
        "|---" * (9 + several) + "|",
    ]
    for (carrier, strength, attack), group in grouped(
        rows, lambda row: (row.carrier, row.strength, row.attack)
    ).items():
        exact = [row for row in group if row.exact]
        low, high = wilson(len(exact), len(group))
        name = f"`{attack}`" if group[0].declared else f"*`{attack}`*"
        lines.append(
            f"| {f'{carrier} | ' if several else ''}{strength} | {name} | {len(exact)} of {len(group)} "
            f"| {100 * low:.0f} to {100 * high:.0f} % | {_mean(group, 'psnr_db'):.2f} | {_mean(group, 'ssim'):.3f} "
            f"| {_mean(group, 'bits_per_pixel'):.4f} | {_mean(exact, 'raw_ber'):.4f} | {_mean(exact, 'margin'):+.2f} |"
        )
    below = [_verdict(rows)]
    if software:
        below.append("Software: " + ", ".join(f"{name} {version}" for name, version in software.items()) + ".")
    for missing, attacks in left_out.items():
        below.append(f"Left out without {missing}: " + ", ".join(f"`{attack}`" for attack in attacks) + ".")
    return "\n".join([*lines, "", "\n\n".join(below)])


def grouped(rows: Iterable[Trial], key: Callable[[Trial], Any]) -> dict[Any, list[Trial]]:
    """The trials grouped by key, in order."""
    groups: dict[Any, list[Trial]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _verdict(rows: Sequence[Trial]) -> str:
    corrupt = sum(row.outcome == CORRUPT for row in rows)
    failures: dict[str, int] = {}
    for row in rows:
        if not row.exact:
            failures[row.outcome] = failures.get(row.outcome, 0) + 1
    named = ", ".join(f"{count} {outcome}" for outcome, count in sorted(failures.items())) or "none"
    bound = 100 * wilson(corrupt, len(rows))[1]
    return f"{len(rows)} trials; failures: {named}; silent corruptions: {corrupt} (95 % interval up to {bound:.2f} %)."


def _mean(rows: Sequence[Trial], column: str) -> float:
    values = [getattr(row, column) for row in rows]
    return float(np.mean(known)) if (known := [value for value in values if not np.isnan(value)]) else np.nan
