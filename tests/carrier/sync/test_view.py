"""The template's agreement is a standard score, and blocks count as received where they are."""

import numpy as np
import pytest

from stegolab.carrier.sync.geometry import Axes, Axis
from stegolab.carrier.sync.view import Blocks, View
from stegolab.images import luma
from tests import covers

from .drawings import BOTH, drawn

EITHER = pytest.mark.parametrize("known", BOTH.values(), ids=BOTH)


@EITHER
def test_agreement_is_a_standard_score(known):
    blocks, exact = Blocks(0, 0, 24, 32), Axis(1.0, 0.0)
    view = View(luma(covers.larger()["coffee"]))
    scores = [
        view.agreement(known, Axes(Axis(1.0, float(dy)), Axis(1.0, float(dx))), blocks)
        for dy in range(0, 16, 3)
        for dx in range(0, 16, 3)
    ]
    assert abs(np.mean(scores)) < 0.6
    assert 0.6 < np.std(scores) < 1.5
    assert View(drawn(24, 32, known)).agreement(known, Axes(exact, exact), blocks) > 15


@pytest.mark.parametrize(
    ("offset", "scale", "wanted"),
    [(0.0, 1.0, (0, 4)), (-1.0, 1.0, (0, 4)), (-2.0, 1.0, (1, 3)), (3.0, 1.0, (0, 3)), (-8.0, 0.5, (1, 8))],
)
def test_a_block_counts_as_received_if_no_more_than_a_pixel_of_it_is_missing(offset, scale, wanted):
    """65 received rows, of which four blocks are 64, eight at half the size."""
    plane = np.zeros((65, 16), np.float32)
    received = View(plane).received_blocks(Axes(Axis(scale, offset), Axis(1.0, 0.0)))
    assert (received.row, received.rows) == wanted
    assert (received.column, received.columns) == (0, 1)


def test_the_middle_is_as_large_as_asked_for_and_no_larger_than_there_is():
    assert Blocks(3, 0, 30, 4).middle(24) == Blocks(6, 0, 24, 4)
    assert Blocks(3, 0, 30, 4).middle(30) == Blocks(3, 0, 30, 4)
    assert Blocks(3, 0, 30, 4).middle(24).count == 96
