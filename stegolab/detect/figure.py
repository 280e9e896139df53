"""P_E against payload, from ``results/detectability.json`` (benchmarks/detectability.py, notebook 08)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import show
from .pictures import HEADER_BITS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHIPPED = ("lattice", "inn")
_MARKERS = "osD^vP*X<>"
_LOOKS: dict[str, dict[str, Any]] = {"features": {}, "network": {"linestyle": "none", "mfc": "white", "markersize": 9}}


def draw_errors(drawn: Figure, metrics: Mapping[str, Any]) -> None:
    """Two panels: the shipped carriers at every strength, and other methods at strength jpeg compared with them.

    P_E is for all held-out pictures, with its 95 % interval; hollow marks are networks. Pictures without a body are
    drawn at the header's number of bits, on grey.
    """
    rows = [row for row in metrics["rows"] if row["detector"] != "receiver"]
    left, right = drawn.subplots(1, 2, sharex=True, sharey=True)
    kinds = list(dict.fromkeys((row["carrier"], row["strength"]) for row in rows))  # looks the same in both panels
    _draw(left, metrics, kinds, [row for row in rows if row["carrier"] in SHIPPED or row["strength"] == "none"])
    _draw(right, metrics, kinds, [row for row in rows if row["strength"] == "jpeg"])
    left.set(xscale="log", ylim=(-0.02, 0.5), ylabel="$P_E$ (0: finds them all)", title="what ships")
    right.set_title("strength jpeg: other ways")
    drawn.supxlabel(
        "message (bits per pixel); grey: no message, only what every picture begins with", fontsize="medium"
    )


def _draw(
    axes: Any, metrics: Mapping[str, Any], kinds: Sequence[tuple[str, str]], rows: Iterable[Mapping[str, Any]]
) -> None:
    least, guessing = HEADER_BITS / metrics["side"] ** 2, metrics["guessing"]["both"]
    curves: dict[tuple[str, str, str], list[tuple[float, float, float, float]]] = {}
    for row in rows:
        verdict = row["verdicts"]["both"]
        point = (max(least, row["bits_per_pixel"]), verdict["p_e"], *verdict["p_e_interval"])
        curves.setdefault((row["carrier"], row["strength"], row["detector"]), []).append(point)
    for (*kind, detector), points in curves.items():
        number = kinds.index((kind[0], kind[1]))
        bits, p_e, low, high = np.array(sorted(points)).T
        style: dict[str, Any] = {
            "color": show.PALETTE[number % len(show.PALETTE)],
            "marker": _MARKERS[number % len(_MARKERS)],
        }
        label = " ".join([part for part in kind if part != "none"] + ["(network)"] * (detector == "network"))
        style |= {"capsize": 2, "elinewidth": 0.8, "markersize": 5, "label": label}
        axes.errorbar(bits, p_e, [p_e - low, high - p_e], **style | _LOOKS[detector])
    axes.axhline(guessing, linestyle=":", color="0.3")
    axes.text(0.99, guessing, "guessing", transform=axes.get_yaxis_transform(), ha="right", va="bottom")
    axes.axvspan(least / 1.4, 1.4 * least, color="0.9", zorder=0)
    if curves:
        axes.legend(fontsize="x-small", loc="upper right", bbox_to_anchor=(1.0, 0.86))
