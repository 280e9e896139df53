"""Turns form the symmetry group of the square; an axis is an affine map; a cut equals that part of the original."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stegolab.carrier.sync.geometry import TURNS, Axis, cut, resized, turned
from stegolab.data import sample_covers
from stegolab.images import luma

PLANE = luma(sample_covers()["camera"][:160, :224])
axes = st.builds(Axis, st.floats(0.3, 3), st.floats(-500, 500))


def test_the_turns_are_eight_and_each_is_undone_by_one():
    ways = [turned(PLANE, turn) for turn in TURNS]
    assert len({way.tobytes() for way in ways}) == 8
    for way in ways:
        assert sum(np.array_equal(turned(way, back), PLANE) for back in TURNS) == 1
    assert turned(np.zeros((3, 5, 2)), 4).shape == (5, 3, 2)


@given(axes, st.floats(-1000, 1000), st.floats(-20, 20), st.floats(-500, 500), st.floats(-0.1, 0.1))
def test_an_axis_maps_there_and_back_and_moves_as_it_says(axis, place, by, centre, stretch):
    assert axis.original(axis.received(place)) == pytest.approx(place, abs=1e-6)
    before = place + by + stretch * (place - centre)
    assert axis.moved(by, centre, stretch).received(place) == pytest.approx(axis.received(before), abs=1e-6)
    assert axis.beginning(by).received(place + by) == pytest.approx(axis.received(place), abs=1e-6)


def test_whole_pixels_are_cut_out_as_they_are():
    down, right = Axis(1.0, -32.0), Axis(1.0, -10.0)  # cropped by so much
    piece = cut(PLANE[32:, 10:], down, right, (48, 16), (64, 80))
    np.testing.assert_allclose(piece, PLANE[48:112, 16:96], atol=1e-4)


def test_beyond_the_edges_the_edges_go_on():
    piece = cut(PLANE, Axis(1.0, 5.0), Axis(1.0, 0.0), (-9, 200), (16, 40))
    np.testing.assert_allclose(piece[:4, :20], np.tile(PLANE[0, 200:220], (4, 1)), atol=1e-3)
    np.testing.assert_allclose(piece[:, 26:], np.tile(piece[:, 25:26], (1, 14)), atol=1e-3)


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.4])
def test_what_was_resized_is_cut_out_as_it_was(factor):
    shape = round(160 * factor), round(224 * factor)
    received = resized(PLANE, shape)
    down, right = (Axis(got / had, 0.0) for got, had in zip(shape, PLANE.shape, strict=True))
    piece = cut(received, down, right, (0, 0), PLANE.shape)
    inner = slice(6, -6)  # at the edges Pillow mirrors nothing, it looks at fewer pixels
    np.testing.assert_allclose(piece[inner, inner], resized(received, PLANE.shape)[inner, inner], atol=0.05)


@pytest.mark.parametrize("shape", [(96, 134), (80, 112), (107, 149), (64, 90), (115, 157)])
def test_what_a_box_filter_averaged_is_held_in_the_pixels_that_it_took(shape):
    """Averaged again they give the received pixels, which are means of them."""
    averaged = Image.fromarray(PLANE).resize(shape[::-1], Image.Resampling.BOX)
    down, right = (Axis(got / had, 0.0) for got, had in zip(shape, PLANE.shape, strict=True))
    held = cut(np.asarray(averaged), down, right, (0, 0), PLANE.shape, held=True)
    again = Image.fromarray(held).resize(shape[::-1], Image.Resampling.BOX)
    np.testing.assert_allclose(np.asarray(again), np.asarray(averaged), atol=1e-3)
    part = cut(np.asarray(averaged), down, right, (37, 21), (64, 96), held=True)
    np.testing.assert_array_equal(part, held[37:101, 21:117])


def test_a_plane_that_has_the_shape_is_not_copied():
    assert resized(PLANE, PLANE.shape) is PLANE
