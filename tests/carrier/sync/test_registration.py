"""From a rough lock the best agreement is found: the exact geometry."""

import numpy as np
import pytest
from PIL import Image

from stegolab.carrier.sync import registration
from stegolab.carrier.sync.geometry import Axis, Geometry
from stegolab.carrier.sync.view import View

from .drawings import BOTH, KEYED, PUBLIC, drawn


@pytest.mark.parametrize("known", BOTH.values(), ids=BOTH)
@pytest.mark.parametrize("shrink", [1, 2])
def test_the_exact_place_and_the_exact_size_are_found_from_nearby(shrink, known):
    plane = np.ascontiguousarray(drawn(30, 34, known)[21:, 6:-7])
    rough = Geometry(0, Axis(0.998, -20.0), Axis(1.003, -7.5))
    aligned = next(registration.align(known, View(plane, shrink), rough))
    assert aligned.geometry == Geometry(0, Axis(1.0, -21.0), Axis(1.0, -6.0))


def test_pixels_that_are_held_are_not_climbed_over():
    """Sizes around the given one are tried to the pixel."""
    whole = drawn(30, 34)
    plane = np.asarray(Image.fromarray(whole).resize((381, 336), Image.Resampling.BOX))
    rough = Geometry(0, Axis(336 / 481, 0.0), Axis(381 / 543, 0.0))
    aligned = next(registration.align(PUBLIC, View(plane, 1, held=True), rough))
    assert aligned.geometry == Geometry(0, Axis(336 / 480, 0.0), Axis(381 / 544, 0.0))


def test_far_from_the_corner_the_period_is_told_by_the_symbols_of_the_size():
    """A picture wider than a period, without its first period; drawn instead of embedded, to be fast."""
    rows, columns, lost = 24, 120, 34
    plane = np.ascontiguousarray(drawn(rows, columns, KEYED)[:, lost * 16 - 3 :])
    rough = Geometry(0, Axis(1.0, 0.0), Axis(1.0, -float((lost % 32) * 16 - 3)))
    aligned = next(registration.align(KEYED, View(plane), rough))
    assert aligned.seen.shape == (rows, columns)
    assert aligned.geometry.horizontal == Axis(1.0, -float(lost * 16 - 3))
    assert not aligned.seen[:, :lost].any()
    assert aligned.seen[:, lost:].all()
