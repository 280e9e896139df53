"""A picture that was rescaled and nothing else begins where the original began: only its scale is unknown.

That is what platforms do most. No place has to be found, so a scale is tried by reading a few of the original's blocks
at the corner, which takes a thirtieth of a look's time. What is saved goes into trying scales at full resolution and in
steps that are fine enough for the busiest pictures, where nothing shows that is half a pixel off.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

import numpy as np

from .geometry import Axes, Axis
from .template import Template
from .view import Blocks, View

# Blocks on a side of the square at the corner. More say more, and need a more exact scale: at 256 pixels from the
# corner half a step of scale is a third of a pixel.
_SIDE = 16
# Of the logarithm of the scale, between two that are tried.
STEP = 0.0025
# Standard deviations from which a scale is followed. Chance reaches 3.6 in a thousand tries; the busiest pictures show
# 8 to 11 at the right scale, and 5 where it is half a per cent off.
CERTAIN = 5.0
# Blocks on a side of the square in which a scale is refined, and the steps: each side by itself, to within a fifth of a
# pixel at the square's edge.
_REFINED_SIDE = 24
_FINER = tuple(k * 0.0005 for k in range(-10, 11))


def scales_between(least: float, largest: float) -> list[float]:
    """Every scale of the range, a step apart, from the middle outwards."""
    count = int(log(largest / least) / STEP)
    return sorted((least * exp(STEP * k) for k in range(count + 1)), key=lambda scale: abs(log(scale)))


def agreements(templates: Sequence[Template], view: View, axes: Axes, side: int = _SIDE) -> list[float]:
    """How far the blocks at the corner say what each template says, in standard deviations of chance.

    0 where there are next to none.
    """
    received = view.received_blocks(axes)
    rows, columns = min(received.rows, side), min(received.columns, side)
    if min(rows, columns) < 4:
        return [0.0] * len(templates)
    angles = view.angles(axes, Blocks(0, 0, rows, columns))  # (rows, columns)
    return [known.agreement(angles, 0, 0) for known in templates]


def refined(known: Template, view: View, scale: float) -> Axes:
    """Both axes from the corner, each at the scale where more of the blocks agree best."""
    axes = Axes(Axis(scale, 0.0), Axis(scale, 0.0))
    for side in (_SIDE, _REFINED_SIDE):
        for vertical in (False, True):
            options = [_stretched(axes, change, vertical) for change in _FINER]
            axes = options[int(np.argmax([agreements([known], view, option, side) for option in options]))]
    return axes


def _stretched(axes: Axes, change: float, vertical: bool) -> Axes:
    axis = axes.vertical if vertical else axes.horizontal
    other = Axis(axis.scale * (1 + change), 0.0)
    return Axes(other, axes.horizontal) if vertical else Axes(axes.vertical, other)
