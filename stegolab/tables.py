"""The tables of the documents: each is a function from the metrics of one published result to lines of Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .carrier_tables import ablations, carriers, frontier, visibility
from .markdown import difference, interval, markdown, number, of, p_e
from .software_tables import candidates, pipelines, stand_ins, tried, widths

Metrics = Mapping[str, Any]


def families(metrics: Metrics) -> Iterator[str]:
    """Attack families within the declared range: how many trials came back bit for bit, and how many were promised."""
    kinds = [family for strength in metrics["strengths"] for family in strength["families"]]
    yield from markdown(
        ["attacks within the declared range", "exact", "95 % interval", "promised"],
        (
            [
                f"{f['family']} ({f['attacks']} attack{'s' * (f['attacks'] != 1)})",
                of(f["exact"], f["trials"]),
                interval(f["interval"]),
                f"{100 * f['target']:.0f} %",
            ]
            for f in kinds
        ),
    )


def missed(metrics: Metrics) -> Iterator[str]:
    """Declared attacks after which at least one message was refused."""
    yield from markdown(
        ["attack", "exact", "95 % interval", "refused as"],
        (
            [
                f"`{a['attack']}`",
                of(a["exact"], a["trials"]),
                interval(a["interval"]),
                ", ".join(f"{k} {n}" for k, n in a["outcomes"].items() if k != "exact"),
            ]
            for a in metrics["attacks"]
            if a["declared"] and a["exact"] < a["trials"]
        ),
    )


def beyond(metrics: Metrics) -> Iterator[str]:
    """Attacks that no strength declares, grouped by the number of covers that still came back."""
    for strength in metrics["strengths"]:
        name = strength["strength"]
        undeclared = [a for a in metrics["attacks"] if a["strength"] == name and not a["declared"]]
        yield f"Strength `{name}`, {strength['covers']} covers:"
        yield ""
        counts = sorted({(a["exact"], a["trials"]) for a in undeclared}, reverse=True)
        yield from markdown(
            ["exact", "attacks"],
            (
                [of(*count), ", ".join(f"`{a['attack']}`" for a in undeclared if (a["exact"], a["trials"]) == count)]
                for count in counts
            ),
        )
        yield ""


def full_covers(metrics: Metrics) -> Iterator[str]:
    """Covers filled to their declared capacity, attack by attack."""
    strengths = {found["strength"]: found for found in metrics["strengths"]}
    head = ["strength", "attack", "exact", "PSNR (dB)", "SSIM", "net payload (bit per pixel)", "raw BER", "margin"]
    yield from markdown(
        head,
        (
            [
                a["strength"],
                f"`{a['attack']}`",
                of(a["exact"], a["trials"]),
                f"{strengths[a['strength']]['psnr_db']:.2f}",
                f"{strengths[a['strength']]['ssim']:.3f}",
                f"{strengths[a['strength']]['bits_per_pixel']:.4f}",
                number(a["raw_ber"], 4),
                None if a["margin"] is None else f"{a['margin']:+.2f}",
            ]
            for a in metrics["attacks"]
        ),
    )


def outcomes(metrics: Metrics) -> Iterator[str]:
    """Every attack, and the outcome of each message."""
    yield from markdown(
        ["what happened", "exact", "refused as"],
        (
            [
                f"`{a['attack']}`",
                of(a["exact"], a["trials"]),
                ", ".join(f"{k} {n}" for k, n in a["outcomes"].items() if k != "exact") or None,
            ]
            for a in metrics["attacks"]
        ),
    )


def speed(metrics: Metrics) -> Iterator[str]:
    """How long a person waits, by strength, and how much memory is used."""
    rows = metrics["rows"]
    yield from markdown(
        ["", *(f"`{strength}`" for strength in dict.fromkeys(row["strength"] for row in rows))],
        (
            [f"{what}, {unit}", *(f"{row[key]:.{digits}f}" for row in rows if row["command"] == what)]
            for what in dict.fromkeys(row["command"] for row in rows)
            for key, unit, digits in (
                ("seconds", "seconds", 2),
                ("jpegs", "times as long as a JPEG takes", 0),
                ("processor_seconds", "seconds of processor", 2),
                ("peak_megabytes", "MB of memory at most", 0),
            )
        ),
    )


def baselines(metrics: Metrics) -> Iterator[str]:
    """Other schemes and other features: P_E of the same detector on schemes that only avoid detection."""
    yield from markdown(
        ["scheme", "strength", "bit per pixel", "PSNR (dB)", "detector", "P_E"],
        (
            [
                row["carrier"],
                None if row["strength"] == "none" else row["strength"],
                f"{row['bits_per_pixel']:.4f}",
                f"{row['psnr_db']:.1f}",
                row["detector"],
                p_e(row["verdicts"]["both"]["p_e"]),
            ]
            for row in metrics["rows"]
        ),
    )


def peers(metrics: Metrics) -> Iterator[str]:
    """Other programs on the same covers: each at its own payload."""
    attacks = list(metrics["rows"][0]["exact"])
    yield from markdown(
        ["program", "payload (bit)", "PSNR (dB)", *(f"`{attack}`" for attack in attacks)],
        (
            [
                row["program"],
                f"{row['payload_bits']:.0f}",
                f"{row['psnr_db']:.1f}",
                *(of(row["exact"][attack], row["trials"]) for attack in attacks),
            ]
            for row in metrics["rows"]
        ),
    )


def detectability(metrics: Metrics) -> Iterator[str]:
    """Error probability of the feature detector (.5 is blind), by carrier, strength and length of the message."""
    rows = [row for row in metrics["rows"] if row["detector"] == "features" and row["strength"] != "none"]
    payloads = sorted({row["payload"] for row in rows}, reverse=True)
    lines = dict.fromkeys((row["carrier"], row["strength"]) for row in rows)
    seen = {(row["carrier"], row["strength"], row["payload"]): row["verdicts"]["both"]["p_e"] for row in rows}
    yield from markdown(
        ["P_E", *(f"{x:.3g} of the capacity" if x else "header alone" for x in payloads)],
        (
            [f"{carrier}, `{strength}`", *(p_e(seen.get((carrier, strength, x))) for x in payloads)]
            for carrier, strength in lines
        ),
    )


def lsb_matching(metrics: Metrics) -> Iterator[str]:
    """The same detector on LSB matching, a fragile scheme that one JPEG destroys."""
    rows = [row for row in metrics["rows"] if row["carrier"] == "LSB matching"]
    yield from markdown(
        ["LSB matching, bit per pixel", "PSNR (dB)", "P_E"],
        ([f"{r['payload']:g}", f"{r['psnr_db']:.1f}", p_e(r["verdicts"]["both"]["p_e"])] for r in rows),
    )


def enhancement(metrics: Metrics) -> Iterator[str]:
    """Model 1 and other enhancers: mean scores over the clips of each kind."""
    yield from markdown(
        ["clips", "method", "PESQ-WB", "STOI", "SI-SDR (dB)", "DNSMOS", "real-time factor", "parameters"],
        (
            [
                f"{row['clips']} {row['kind']}",
                row["method"],
                number(row["pesq_wb"], 2),
                number(row["stoi"], 3),
                number(row["si_sdr_db"], 1),
                number(row["dnsmos"], 2),
                number(row["real_time_factor"], 3),
                row["parameters"],
            ]
            for row in metrics["rows"]
        ),
    )


def enhancement_differences(metrics: Metrics) -> Iterator[str]:
    """The difference of each method from another one, clip by clip, with the 95 % interval of a paired bootstrap."""
    scores = {"pesq_wb": ("PESQ-WB", 2), "stoi": ("STOI", 3), "si_sdr_db": ("SI-SDR (dB)", 1), "dnsmos": ("DNSMOS", 2)}
    yield from markdown(
        ["clips", f"method, less {metrics['against']}", *(name for name, _ in scores.values())],
        (
            [
                row["kind"],
                row["method"],
                *(difference(row[score], digits) for score, (_, digits) in scores.items()),
            ]
            for row in metrics["differences"]
        ),
    )


def processor_bits(metrics: Metrics) -> Iterator[str]:
    """What is not equal to the bit under every choice of kernels."""
    yield from markdown(
        ["what", "different outcomes", "largest difference", "largest value"],
        (
            [name, len(row["outcomes"]), f"{row['largest_difference']:.2g}", f"{row['largest_value']:.3g}"]
            for name, row in metrics["bits"].items()
            if not row["equal"]
        ),
    )


def processor_spreads(metrics: Metrics) -> Iterator[str]:
    """Of each notebook the metrics that differ between kernels, with the tolerance that is stated for them."""
    yield from markdown(
        ["notebook", "metric", "value", "spread", "tolerance"],
        (
            [name, f"`{key}`", f"{row['values'][0]:.5g}", f"{row['spread']:.1g}", row["tolerance"]]
            for name, notebook in metrics["notebooks"].items()
            for key, row in notebook.get("metrics", {}).items()
            if row["spread"]
        ),
    )


_ALL = (
    *(families, missed, beyond, full_covers, outcomes, peers, carriers, visibility, frontier, ablations, speed),
    *(detectability, lsb_matching, baselines, enhancement, enhancement_differences),
    *(processor_bits, processor_spreads),
    *(pipelines, tried, stand_ins, candidates, widths),
)
#: by the name that documents call them by
TABLES: dict[str, Callable[[Metrics], Iterator[str]]] = {table.__name__: table for table in _ALL}
