"""The symbols that never repeat give the size of the original and the place of the received part in it."""

import numpy as np
import pytest

from stegolab.carrier.sync.extent import likeliest_extents
from stegolab.carrier.sync.geometry import Axes, Axis
from stegolab.carrier.sync.view import View

from .drawings import BOTH, drawn


@pytest.mark.parametrize("known", BOTH.values(), ids=BOTH)
@pytest.mark.parametrize(("rows", "columns", "top", "left"), [(24, 40, 0, 0), (40, 36, 7, 5), (20, 120, 2, 34)])
def test_the_likeliest_extent_is_the_right_one(rows, columns, top, left, known):
    plane = np.ascontiguousarray(drawn(rows, columns, known)[top * 16 :, left * 16 :])
    period = left // 32
    axes = Axes(Axis(1.0, -16.0 * top), Axis(1.0, -16.0 * (left - 32 * period)))
    view = View(plane)
    first, *others = likeliest_extents(known, view, axes, view.received_blocks(axes))
    assert (first.rows, first.columns, first.down, first.right) == (rows, columns, 0, period)
    assert all(other.agreement < first.agreement for other in others)
    assert first.origin(axes) == Axes(axes.vertical, Axis(1.0, -16.0 * left))
