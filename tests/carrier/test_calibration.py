"""Log-likelihood ratios are calibrated: fitted on pilots they give the odds of a bit, and the diagram shows it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.carrier.calibration import reliability, reliability_diagram
from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.strengths import JPEG, SOCIAL
from stegolab.channel import spec
from stegolab.header import HEADER_CODE_BITS
from tests import covers


def pilots(kappas, exponent, n, seed=0):
    """Agreements under von Mises errors of concentration kappa * busy ** -exponent.

    A point of bit 1 stands at the angle pi/2, so the evidence of an error e is cos(e). With bit 0 at -pi/2 the ratio
    of the two densities is exp(2 kappa cos(e)): the model is exact.
    """
    rng = np.random.default_rng(seed)
    frequency = rng.integers(0, len(kappas), n)
    busy = np.exp(rng.normal(0, 0.6, n)).astype(np.float32)
    kappa = np.asarray(kappas)[frequency] * busy**-exponent
    return np.cos(rng.vonmises(0, kappa)).astype(np.float32), frequency, busy


@pytest.mark.parametrize("kappa", [0.3, 1.0, 4.0])
def test_a_known_concentration_is_estimated(kappa):
    agreement, frequency, busy = pilots([kappa], 0.0, 20_000)
    estimate, exponent = reliability(agreement, frequency, np.ones_like(busy), 1)
    assert estimate == pytest.approx([kappa], rel=0.15)
    assert np.isfinite(exponent)


@settings(max_examples=10)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.4, 0.8]))
def test_each_frequency_and_the_dependence_on_activity_are_estimated(seed, exponent):
    kappas = [0.5, 1.0, 2.0, 3.0]
    agreement, frequency, busy = pilots(kappas, exponent, 20_000, seed)
    estimate, found = reliability(agreement, frequency, busy, len(kappas))
    assert estimate == pytest.approx(kappas, rel=0.15)
    assert found == pytest.approx(exponent, abs=0.21)  # one step of the grid, and a little


def test_pure_chance_is_given_no_weight():
    rng = np.random.default_rng(3)
    agreement = np.sin(rng.uniform(-np.pi, np.pi, 5000)).astype(np.float32)
    kappa, _ = reliability(agreement, rng.integers(0, 10, 5000), np.ones(5000, np.float32), 10)
    assert kappa.max() < 0.2


def test_a_frequency_without_pilots_is_taken_for_an_average_one():
    agreement, frequency, busy = pilots([1.5, 1.5], 0.0, 4000)
    kappa, _ = reliability(agreement, frequency, np.ones_like(busy), 3)
    assert kappa.shape == (3,)
    assert kappa[2] == pytest.approx(1.5, rel=0.2)


@pytest.mark.parametrize(
    ("strength", "attack"), [(JPEG, "jpeg:50"), (SOCIAL, "jpeg:50"), (SOCIAL, "resize:0.5,jpeg:75")]
)
@pytest.mark.parametrize("name", covers.larger())
def test_ratios_are_the_odds_of_being_right(name, strength, attack):
    """A reliability diagram: among bits of ratio L, the share 1 / (1 + exp|L|) is wrong, after a real attack.

    This holds only approximately: the ratio's shape over the angle is fixed, while JPEG's error at its own steps is
    nearly uniform.
    """
    cover, carrier, rng = covers.larger()[name], LatticeCarrier(strength), np.random.default_rng(0)
    said, happened = [], []
    for _ in range(3):
        slots = carrier.body_slots(cover.shape)
        header, body = rng.integers(0, 2, HEADER_CODE_BITS, np.uint8), rng.integers(0, 2, slots, np.uint8)
        stego = carrier.embed(cover, header, body, np.ones(slots, bool))
        llr = carrier.read(spec.parse(attack)(stego), cover.shape[:2]).body_llr(header)
        said.append(1 / (1 + np.exp(np.abs(llr.astype(np.float64)))))
        happened.append((llr > 0) != (body == 1))
    expected, wrong = np.concatenate(said), np.concatenate(happened)
    assert expected.mean() == pytest.approx(wrong.mean(), abs=0.03)
    for low, high in [(0.02, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5)]:
        among = (expected >= low) & (expected < high)
        if among.sum() > 300:
            assert wrong[among].mean() == pytest.approx(expected[among].mean(), abs=0.09), (low, high)


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
    """Half of the bits are predicted at .75 correctly, half are predicted at .75 but never 1."""
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
