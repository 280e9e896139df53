"""Alternating projections end on the lattice and within 8-bit colours, where the nearest point is one of both."""

import numpy as np
import pytest

from stegolab.carrier.clipping import project_alternately
from stegolab.images import luma

STEP = 20.0


def onto_multiples(plane, round_):
    """A lattice in one number a pixel: the nearest multiple of a step."""
    move = STEP * np.round(plane / STEP) - plane
    return move.astype(np.float32), float(np.abs(move / STEP).mean())


def distance(rgb):
    """Of each pixel's luma to the lattice."""
    plane = luma(rgb)
    return np.abs(plane - STEP * np.round(plane / STEP))


@pytest.mark.parametrize("grey", [3, 128, 228])
def test_grey_pictures_end_within_rounding_of_the_lattice(grey):
    noise = np.random.default_rng(grey).normal(grey, 5, (24, 32, 1)).clip(0, 255).astype(np.uint8)
    stego = project_alternately(noise.repeat(3, axis=2), onto_multiples)
    assert stego.dtype == np.uint8 and stego.shape == (24, 32, 3)
    assert (distance(stego) <= 0.51).all()
    assert (np.abs(luma(stego) - luma(noise.repeat(3, axis=2))) <= STEP / 2 + 1.01).all()


def test_where_colours_clip_one_round_is_not_enough_and_several_are():
    """Saturated red is dark: raising all three by as much clips red, and green and blue have to make up for it."""
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0], red[..., 1:] = 250, 8  # luma 80.4, near the point 80; and one that has to rise
    red[::2, :, 1:] = 15  # luma 85.3 falls to 80
    red[1::2, :, 0] = 255
    red[1::2, :, 1:] = 24  # luma 93.1 rises to 100: red clips at once
    rounds = []

    def counted(plane, round_):
        rounds.append(round_)
        return onto_multiples(plane, round_)

    stego = project_alternately(red, counted)
    assert len(rounds) > 2 and rounds == list(range(len(rounds)))
    assert (distance(stego) <= 1).all()
    once = np.clip(red.astype(np.float32) + onto_multiples(luma(red), 0)[0][..., None], 0, 255)
    assert distance(once).max() > 1.5


def test_a_cover_that_clips_nowhere_takes_one_round():
    rounds = []
    project_alternately(
        np.full((4, 4, 3), 93, np.uint8), lambda plane, n: (rounds.append(n), onto_multiples(plane, n))[1]
    )
    assert rounds == [0]
