"""The highest peak is where the template was drawn, with the turn that undoes its rotation."""

import numpy as np
import pytest

from stegolab.carrier.sync.correlation import Scales, highest_peaks
from stegolab.carrier.sync.geometry import TURNS, turned
from stegolab.carrier.sync.view import View
from stegolab.images import luma
from tests import covers

from .drawings import BOTH, KEYED, PUBLIC, drawn, marked

EITHER = pytest.mark.parametrize("known", BOTH.values(), ids=BOTH)


@EITHER
@pytest.mark.parametrize("shrink", [1, 2])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (6, 10), (34, 500)])
def test_the_peak_is_at_the_corner_of_what_was_received(shrink, top, left, known):
    received = View(np.ascontiguousarray(drawn(48, 72, known)[top:, left:]), shrink)
    (peak,) = highest_peaks([known], received, Scales.equal(1.0))
    assert peak.score > 15 and peak.turn == 0
    for found, wanted in ((peak.top, top), (peak.left, left)):
        assert abs((found - wanted + 256) % 512 - 256) < shrink  # to a pixel of the window


@EITHER
@pytest.mark.parametrize("turn", TURNS)
def test_the_turn_that_undoes_a_turn_is_told(turn, known):
    plane = drawn(32, 36, known)
    (peak,) = highest_peaks([known], View(turned(plane, turn)), Scales.equal(1.0))
    np.testing.assert_array_equal(turned(turned(plane, turn), peak.turn), plane)


@EITHER
def test_several_templates_are_looked_for_as_each_alone(known):
    view = View(luma(marked(covers.larger()["coffee"], known)[6:, 4:]))
    together = highest_peaks([KEYED, PUBLIC], view, Scales.equal(1.0))
    alone = [highest_peaks([each], view, Scales.equal(1.0))[0] for each in (KEYED, PUBLIC)]
    assert together == alone
    assert max(together, key=lambda peak: peak.score) == together[known is PUBLIC]
    assert max(peak.score for peak in together) > 12
