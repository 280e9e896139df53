"""The tables about carriers, what they hold and what they cost; see ``tables``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .markdown import markdown, of

Metrics = Mapping[str, Any]


def carriers(metrics: Metrics) -> Iterator[str]:
    """Carriers filled to their declared capacity, and one with the messages of another."""
    yield from markdown(
        ["strength", "carrier", "net bit per pixel", "PSNR (dB)", "SSIM", "LPIPS-VGG", "exact"],
        (
            [
                row["strength"],
                row["carrier"],
                f"{row['net_bpp']:.4f}",
                f"{row['psnr_db']:.2f}",
                f"{row['ssim']:.4f}",
                f"{row['lpips_vgg']:.4f}",
                of(row["exact"], row["covers"]),
            ]
            for row in metrics["rows"]
        ),
    )


def visibility(metrics: Metrics) -> Iterator[str]:
    """Each carrier filled: what it holds, and how far that shows, with the worst cover."""
    yield from markdown(
        [
            *("strength", "carrier", "net bit per pixel", "covers that carry", "PSNR (dB)", "SSIMULACRA2 (worst)"),
            *("LPIPS-VGG (worst)", "Watson (JND)", "noise in flat parts", "also back after"),
        ],
        (
            [
                *(r["strength"], f"`{r['carrier']}`", f"{r['net_bpp']:.4f}", of(r["carrying"], metrics["covers"])),
                *(f"{r['psnr_db']:.1f}", f"{r['ssimulacra2']:.1f} ({r['worst']['ssimulacra2']:.0f})"),
                *(
                    f"{r['lpips_vgg']:.3f} ({r['worst']['lpips_vgg']:.3f})",
                    f"{r['watson_jnd']:.1f}",
                    f"{r['flat_rms']:.2f}",
                ),
                ", ".join(f"`{attack}` {of(count, r['carrying'])}" for attack, count in r["further"].items()),
            ]
            for r in metrics["rows"]
        ),
    )


def frontier(metrics: Metrics) -> Iterator[str]:
    """Payload and picture quality of each carrier, from its full capacity to half of it."""
    yield from markdown(
        ["strength", "carrier", "step", "share", "net bit per pixel", "PSNR (dB)", "SSIM", "LPIPS-VGG", "exact"],
        (
            [
                p["strength"],
                p["carrier"],
                f"{p['factor']:g} x",
                f"{p['share']:g}",
                f"{p['net_bpp']:.4f}",
                f"{p['psnr_db']:.2f}",
                f"{p['ssim']:.4f}",
                f"{p['lpips_vgg']:.3f}",
                of(p["exact"], p["covers"]),
            ]
            for p in metrics["points"]
        ),
    )


def ablations(metrics: Metrics) -> Iterator[str]:
    """What each part of the learned carrier contributes: one change at a time."""
    yield from markdown(
        ["training", "information after the worst JPEG (bit per pixel)", "PSNR (dB)", "SSIM", "LPIPS-VGG"],
        (
            [
                row["variant"],
                f"{row['information']:.3f}",
                f"{row['psnr_db']:.1f}",
                f"{row['ssim']:.3f}",
                f"{row['lpips_vgg']:.3f}",
            ]
            for row in metrics["rows"]
        ),
    )
