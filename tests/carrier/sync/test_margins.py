"""Where the picture ends and the page begins, to the pixel; a picture that fills what was received has no margins."""

import numpy as np
import pytest

from stegolab.carrier.sync.margins import without_margins
from stegolab.channel import spec
from stegolab.images import luma
from tests import covers

PICTURE = covers.larger()["chelsea"]


def page(colour, top, bottom, left, right):
    """A page of one colour, with the picture on it and so many pixels around it."""
    return np.pad(PICTURE, ((top, bottom), (left, right), (0, 0)), constant_values=colour)


@pytest.mark.parametrize("colour", [255, 18, 240])
@pytest.mark.parametrize("attack", ["none", "jpeg:85", "jpeg:60", "webp:75"])
@pytest.mark.parametrize("around", [(40, 133, 7, 250), (61, 61, 0, 0), (0, 9, 0, 0), (9, 10, 11, 12)])
def test_what_is_within_margins_is_found_to_the_pixel(colour, attack, around):
    received = luma(spec.parse(attack)(page(colour, *around)))
    top, left = around[0], around[2]
    inner = without_margins(received)
    assert inner is not None
    height, width = PICTURE.shape[:2]
    np.testing.assert_array_equal(inner, received[top : top + height, left : left + width])


def test_a_margin_of_one_pixel_is_one():
    inner = without_margins(luma(page(255, 1, 1, 1, 1)))
    np.testing.assert_array_equal(inner, luma(PICTURE))


@pytest.mark.parametrize("name", sorted(covers.larger()))
def test_a_picture_that_fills_what_was_received_has_no_margins(name):
    assert without_margins(luma(covers.larger()[name])) is None


@pytest.mark.parametrize("shape", [(1, 1), (16, 700), (300, 200)])
def test_one_colour_is_no_picture_in_margins(shape):
    assert without_margins(np.full(shape, 77, np.float32)) is None


def test_what_is_too_small_is_no_picture():
    plane = np.full((300, 400), 200, np.float32)
    plane[100:163, 100:300] = np.random.default_rng(0).normal(100, 30, (63, 200))
    assert without_margins(plane) is None
    plane[100:164, 100:300] = np.random.default_rng(0).normal(100, 30, (64, 200))
    inner = without_margins(plane)
    assert inner is not None and inner.shape == (64, 200)
