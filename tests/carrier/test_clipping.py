"""Alternating projections end on the lattice and within 8-bit colours, where the nearest point is one of both."""

import numpy as np
import pytest

from stegolab.carrier.clipping import project_alternately
from stegolab.images import luma

STEP = 20.0


def onto_multiples(plane, round_):
    """A lattice with one number per pixel: the nearest multiple of a step."""
    move = STEP * np.round(plane / STEP) - plane
    return move.astype(np.float32), float(np.abs(move / STEP).mean())


def distance(rgb):
    """The distance of each pixel's luma from the lattice."""
    plane = luma(rgb)
    return np.abs(plane - STEP * np.round(plane / STEP))


@pytest.mark.parametrize("grey", [3, 128, 228])
def test_grey_pictures_end_within_rounding_of_the_lattice(grey):
    noise = np.random.default_rng(grey).normal(grey, 5, (24, 32, 1)).clip(0, 255).astype(np.uint8)
    stego = project_alternately(noise.repeat(3, axis=2), onto_multiples)
    assert stego.dtype == np.uint8 and stego.shape == (24, 32, 3)
    assert (distance(stego) <= 0.51).all()
    assert (np.abs(luma(stego) - luma(noise.repeat(3, axis=2))) <= STEP / 2 + 1.01).all()


class Counted:
    """:func:`onto_multiples`, and the rounds that it was asked for."""

    def __init__(self):
        self.rounds: list[int] = []

    def __call__(self, plane, round_):
        self.rounds.append(round_)
        return onto_multiples(plane, round_)


def test_where_colours_clip_one_round_is_not_enough_and_several_are():
    """Red that has to rise clips at once; green and blue compensate for it, round by round."""
    red = np.zeros((8, 8, 3), np.uint8)
    red[...] = (255, 24, 24)  # luma 93.1, to rise to 100
    counted = Counted()
    stego = project_alternately(red, counted)
    assert len(counted.rounds) > 2 and counted.rounds == list(range(len(counted.rounds)))
    assert (distance(stego) <= 1).all()
    once = np.clip(red.astype(np.float32) + onto_multiples(luma(red), 0)[0][..., None], 0, 255)
    assert distance(once).min() > 1.5


def test_a_cover_that_clips_nowhere_takes_one_round():
    counted = Counted()
    project_alternately(np.full((4, 4, 3), 93, np.uint8), counted)
    assert counted.rounds == [0]
