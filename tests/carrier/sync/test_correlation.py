"""The highest peak is where the template was drawn, with the turn that undoes its rotation."""

import numpy as np
import pytest

from stegolab.carrier.sync.correlation import Scales, highest_peak
from stegolab.carrier.sync.geometry import TURNS, turned
from stegolab.carrier.sync.view import View

from .drawings import drawn


@pytest.mark.parametrize("shrink", [1, 2])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (6, 10), (34, 500)])
def test_the_peak_is_at_the_corner_of_what_was_received(shrink, top, left):
    received = View(np.ascontiguousarray(drawn(48, 72)[top:, left:]), shrink)
    peak = highest_peak(received, Scales.equal(1.0))
    assert peak.score > 15 and peak.turn == 0
    for found, wanted in ((peak.top, top), (peak.left, left)):
        assert abs((found - wanted + 256) % 512 - 256) < shrink  # to a pixel of the window


@pytest.mark.parametrize("turn", TURNS)
def test_the_turn_that_undoes_a_turn_is_told(turn):
    plane = drawn(32, 36)
    peak = highest_peak(View(turned(plane, turn)), Scales.equal(1.0))
    np.testing.assert_array_equal(turned(turned(plane, turn), peak.turn), plane)
