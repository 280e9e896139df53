"""The tables about what real programs do to pictures; see ``tables``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .markdown import markdown, of

Metrics = Mapping[str, Any]


def pipelines(metrics: Metrics) -> Iterator[str]:
    """The study of real programs by family: what came back, and every pipeline after which something was refused."""
    families: dict[str, list[Mapping[str, Any]]] = {}
    for attack in metrics["attacks"]:
        families.setdefault(attack["family"], []).append(attack)
    yield from markdown(
        ["program", "pipelines", "exact", "of which complete", "refused, exact of tried"],
        (
            [
                family,
                len(some),
                of(sum(a["exact"] for a in some), sum(a["trials"] for a in some)),
                sum(a["exact"] == a["trials"] for a in some),
                ", ".join(f"`{a['attack']}` {of(a['exact'], a['trials'])}" for a in some if a["exact"] < a["trials"]),
            ]
            for family, some in families.items()
        ),
    )


def tried(metrics: Metrics) -> Iterator[str]:
    """What a sender tries: what each attack leaves, how often that was least, and for how many pipelines it stands."""
    yield from markdown(
        ["tried by the sender", "bits a slot left", "worst on", "stands for"],
        (
            [
                f"`{row['attack']}`",
                f"{row['information']:.3f}",
                f"{of(row['worst_on'], metrics['covers'])} covers",
                f"{row['stands_for']} pipelines",
            ]
            for row in metrics["tried"]
        ),
    )


def stand_ins(metrics: Metrics) -> Iterator[str]:
    """For each program: which of its pipelines are covered by what the sender tries, and which are not."""
    covers = metrics["covers"]
    yield from markdown(
        ["program", "stood for by", "not covered, on how many covers it is"],
        (
            [
                family["family"],
                ", ".join(f"`{name}`" for name in dict.fromkeys(_stand_ins(family, covers))) or "nothing",
                ", ".join(
                    f"`{row['attack']}` {of(row['covered'], covers)}"
                    for row in family["attacks"]
                    if row["covered"] < covers
                ),
            ]
            for family in metrics["families"]
        ),
    )


def _stand_ins(family: Mapping[str, Any], covers: int) -> Iterator[str]:
    for row in family["attacks"]:
        if row["covered"] == covers:
            yield row["stand_in"] or "the worst of all together"


def candidates(metrics: Metrics) -> Iterator[str]:
    """Further attacks that a sender could try: the payload that would be left, and what they would cover."""
    yield from markdown(
        ["also tried", "payload left", "pipelines covered by it alone"],
        (
            [f"`{row['attack']}`", f"{100 * row['payload']:.0f} %", len(row["covers_more"])]
            for row in metrics["candidates"]
        ),
    )


def widths(metrics: Metrics) -> Iterator[str]:
    """The walk over all widths: what came back at all of them together, by how far the picture was reduced."""
    steps = [(0.0, 0.6), (0.6, 0.75), (0.75, 0.9), (0.9, 2.0)]
    scaled = [(float(a["attack"].split(":")[1]) if ":" in a["attack"] else 1.0, a) for a in metrics["attacks"]]
    rows = []
    for low, high in steps:
        some = [a for scale, a in scaled if low <= scale < high]
        if some:
            between = [scale for scale, _ in scaled if low <= scale < high]
            exact, trials = (sum(a[what] for a in some) for what in ("exact", "trials"))
            missed = [f"`{a['attack']}` {of(a['exact'], a['trials'])}" for a in some if a["exact"] < a["trials"]]
            rows.append([f"{min(between):.3f} to {max(between):.3f}", len(some), of(exact, trials), ", ".join(missed)])
    yield from markdown(["scale", "widths", "exact", "refused, exact of tried"], rows)
