"""Dither modulation: evidence reads what embed writes; the distortion is known; a second projection changes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.carrier.qim import embed, evidence, lattice_point, project, wrap

N = 256
steps = st.floats(0.5, 60)
shares = st.floats(0.5, 1)
seeds = st.integers(0, 2**32 - 1)


def draw(seed: int, step: float) -> tuple[np.ndarray, ...]:
    """Coefficients, bits, steps and dithers of N slots."""
    rng = np.random.default_rng(seed)
    x = rng.laplace(0, 40, N).astype(np.float32)
    dither = rng.uniform(-step / 2, step / 2, N).astype(np.float32)
    return x, rng.integers(0, 2, N, np.uint8), np.full(N, step, np.float32), dither


@given(st.floats(-1000, 1000), steps, st.integers(-20, 20))
def test_wrap_is_the_remainder_nearest_to_zero(u, step, turns):
    u, step = np.float64(u), np.float64(step)
    assert abs(wrap(u, step)) <= step / 2 * (1 + 1e-9)
    again = wrap(u + turns * step, step) - wrap(u, step)
    assert abs(wrap(again, step)) < 1e-6  # the same, or the other end of the range


@given(seeds, steps, shares)
def test_embed_moves_at_most_its_share_of_half_a_step(seed, step, share):
    x, bits, step, dither = draw(seed, step)
    moved = embed(x, lattice_point(bits, step, dither), step, share) - x
    assert np.all(np.abs(moved) <= share * step / 2 + 1e-3)


@given(seeds, steps)
def test_a_point_says_its_bit_with_certainty(seed, step):
    x, bits, step, dither = draw(seed, step)
    said = evidence(embed(x, lattice_point(bits, step, dither), step, 1.0), step, dither)
    np.testing.assert_allclose(said, 2.0 * bits - 1, atol=1e-4)


@given(seeds, steps, shares)
def test_every_bit_reads_back_at_every_share_above_half(seed, step, share):
    x, bits, step, dither = draw(seed, step)
    said = evidence(embed(x, lattice_point(bits, step, dither), step, share), step, dither)
    assert np.all(np.abs(said) <= 1)
    at_worst = np.sin(np.pi / 2 - np.pi * (1 - share))  # what embedding leaves is at most (1 - share) * step / 2
    assert np.all(said * (2.0 * bits - 1) >= at_worst - 1e-3)


@given(seeds, steps, shares)
def test_projecting_twice_is_projecting_once(seed, step, share):
    x, bits, step, dither = draw(seed, step)
    point = lattice_point(bits, step, dither)
    once = project(x, point, step, share)
    np.testing.assert_allclose(project(once, point, step, share), once, atol=1e-3)
    assert np.all(np.abs(wrap(once - point, step)) <= (1 - share) * step / 2 + 1e-3)


@given(seeds, steps, shares)
def test_projecting_leaves_what_embed_made(seed, step, share):
    x, bits, step, dither = draw(seed, step)
    point = lattice_point(bits, step, dither)
    made = embed(x, point, step, share)
    np.testing.assert_allclose(project(made, point, step, share), made, atol=1e-3)


@given(seeds, steps, shares)
def test_a_projection_moves_no_further_than_embed(seed, step, share):
    """It is the nearest place, so nothing that embed could reach is nearer."""
    x, bits, step, dither = draw(seed, step)
    point = lattice_point(bits, step, dither)
    nearest = np.abs(project(x, point, step, share) - x)
    assert np.all(nearest <= np.abs(embed(x, point, step, share) - x) + 1e-3)


@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("step", [3.0, 39.0])
def test_the_mean_squared_move_is_that_of_a_uniform_error(step, share):
    rng = np.random.default_rng(7)
    n = 200_000
    x = rng.laplace(0, 5, n).astype(np.float32)
    dither = rng.uniform(-step / 2, step / 2, n).astype(np.float32)
    steps = np.full(n, step, np.float32)
    moved = embed(x, lattice_point(rng.integers(0, 2, n, np.uint8), steps, dither), steps, share) - x
    assert np.mean(np.square(moved)) == pytest.approx((share * step) ** 2 / 12, rel=0.01)
    assert abs(moved.mean()) < 0.01 * step  # and the picture grows neither lighter nor darker


def test_the_two_lattices_interleave():
    step, dither = np.array([8.0], np.float32), np.array([1.5], np.float32)
    ones, zeros = (lattice_point(np.array([b], np.uint8), step, dither)[0] for b in (1, 0))
    assert (zeros, ones) == (-0.5, 3.5)
    assert evidence(np.array([1.5, 5.5], np.float32), step, dither) == pytest.approx([0, 0], abs=1e-6)
