"""Tables in Markdown, and how their cells are written; used by :mod:`stegolab.tables`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A Markdown table: its head, and one line per row; None is an empty cell."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |"


def of(successes: int, trials: int) -> str:
    """So many of so many."""
    return f"{successes:,} of {trials:,}"


def interval(interval: Sequence[float]) -> str:
    """A confidence interval of rates, in per cent."""
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def p_e(value: float | None) -> str | None:
    """An error probability, or an empty cell."""
    return None if value is None else f"{value:.2f}"


def number(value: float | None, digits: int) -> str | None:
    """With so many digits after the point, or an empty cell."""
    return None if value is None else f"{value:.{digits}f}"


def difference(value: Sequence[float] | None, digits: int) -> str | None:
    """A mean difference with its confidence interval, or an empty cell."""
    if value is None:
        return None
    mean, low, high = (f"{v:+.{digits}f}" for v in value)
    return f"{mean} ({low} to {high})"
