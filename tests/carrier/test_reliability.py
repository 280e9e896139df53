"""The diagram lies on the diagonal for ratios that tell the truth, and off it by as much as they lie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.carrier.reliability import reliability_diagram


def honest(seed=0, count=200_000):
    rng = np.random.default_rng(seed)
    llr = rng.normal(0, 2, count)
    return llr.astype(np.float32), (rng.random(count) < 1 / (1 + np.exp(-llr))).astype(np.uint8)


def test_honest_ratios_lie_on_the_diagonal():
    found = reliability_diagram(*honest())
    assert found.count.sum() == 200_000
    np.testing.assert_allclose(found.observed, found.predicted, atol=0.02)
    assert found.error < 0.005


@pytest.mark.parametrize("factor", [0.3, 3.0, -1.0])
def test_ratios_that_are_too_sure_or_too_shy_are_found_out(factor):
    llr, bits = honest()
    found = reliability_diagram(np.float32(factor) * llr, bits)
    assert found.error > 0.08
    upper, lower = found.predicted > 0.7, found.predicted < 0.3
    over = np.sign(found.predicted - found.observed)  # too sure: beyond what happens, on both sides
    assert np.all(over[upper] == (-1 if factor == 0.3 else 1))
    assert np.all(over[lower] == (1 if factor == 0.3 else -1))


def test_the_error_is_the_distance_from_the_diagonal():
    """Half of the bits are called at .75 and right, half at .75 and never 1."""
    llr = np.full(800, np.log(3), np.float32)
    bits = np.tile([1, 1, 1, 0], 200).astype(np.uint8)
    assert reliability_diagram(llr, bits).error == pytest.approx(0, abs=1e-6)
    bits[:400] = 0
    assert reliability_diagram(llr, bits).error == pytest.approx(0.75 / 2, abs=1e-6)


@given(st.integers(0, 1000), st.integers(1, 40))
def test_any_number_of_bins_holds_every_bit_and_empty_ones_count_nothing(seed, bins):
    llr, bits = honest(seed, 30)
    found = reliability_diagram(llr.reshape(5, 6), bits.reshape(5, 6), bins)
    assert len(found.count) == bins and found.count.sum() == 30
    assert np.array_equal(np.isnan(found.observed), found.count == 0)
    assert 0 <= found.error <= 1
