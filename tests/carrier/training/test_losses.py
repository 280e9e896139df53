"""The losses are what their names say; the multiplier settles where the image quality equals its target."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from stegolab.carrier.training.losses import (
    PayloadConstraint,
    QualityConstraint,
    adversarial_loss,
    discriminator_loss,
    payload_loss,
    squared_error,
    straight_through,
)
from stegolab.images import psnr
from stegolab.probe import information

SHAPE = (2, 3, 4, 5)


def bits(seed=0):
    return torch.randint(0, 2, SHAPE, generator=torch.Generator().manual_seed(seed)).double()


def test_who_knows_nothing_loses_one_bit_a_slot_and_who_knows_all_loses_none():
    torch.testing.assert_close(payload_loss(torch.zeros(SHAPE), bits().float()), torch.ones(2))
    certain = 50 * (2 * bits() - 1)
    assert payload_loss(certain, bits()).max() < 1e-12
    assert payload_loss(-certain, bits()).min() > 50  # sure and wrong: without bound


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 5))
def test_one_minus_the_loss_is_the_information_that_the_sender_rehearses(seed, scale):
    llr = torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed)) * scale + 2 * bits() - 1
    lost = payload_loss(llr, bits())
    torch.testing.assert_close(payload_loss(llr, bits(), torch.ones(SHAPE[1:])), lost)
    assert lost.shape == (2,)
    for number in range(2):
        agreement = (llr * (2 * bits() - 1))[number].numpy()
        assert max(0.0, 1 - float(lost[number])) == pytest.approx(information(agreement), abs=1e-6)


def test_slots_without_payload_say_nothing():
    carries = (torch.arange(math.prod(SHAPE[1:])).reshape(SHAPE[1:]) % 3 > 0).float()
    llr = torch.randn(SHAPE, generator=torch.Generator().manual_seed(2))
    other = torch.where(carries > 0, llr, -7 * llr + 1)
    torch.testing.assert_close(payload_loss(llr, bits(), carries), payload_loss(other, bits(), carries))
    torch.testing.assert_close(payload_loss(torch.zeros(SHAPE), bits().float(), carries), torch.ones(SHAPE[0]))


def test_the_loss_is_least_where_ratios_are_calibrated():
    """For bits that are wrong one time in four, the best ratio is log 3."""
    said = torch.ones(1, 1, 1, 400).double()
    truth = torch.cat([torch.ones(300), torch.zeros(100)]).double().reshape_as(said)
    losses = {scale: float(payload_loss(scale * said, truth)) for scale in np.linspace(0.2, 3, 57)}
    assert min(losses, key=lambda scale: losses[scale]) == pytest.approx(math.log(3), abs=0.05)


@pytest.mark.parametrize("wanted", [30.0, 40.2, 45.5])
def test_squared_error_is_the_inverse_of_psnr(wanted):
    cover = np.full((64, 64, 3), 100, np.uint8)
    assert squared_error(psnr(cover, cover + np.uint8(3))) == pytest.approx(9)
    assert 10 * math.log10(255**2 / squared_error(wanted)) == pytest.approx(wanted)


def test_at_the_target_the_image_costs_nothing_and_the_weight_rests():
    hold = QualityConstraint(40.0, weight=0.7)
    at = torch.tensor([0.5, 1.5]) * squared_error(40.0)  # the mean counts
    assert float(hold.loss(at)) == pytest.approx(0, abs=1e-6)
    hold.update(at)
    assert hold.weight == pytest.approx(0.7)


@given(st.floats(0.05, 20), st.floats(0.01, 100))
def test_the_weight_rises_while_quality_is_short_and_falls_while_there_is_some_to_spare(excess, weight):
    assume(abs(excess - 1) > 1e-3)  # at the target itself float32 decides
    hold = QualityConstraint(40.0, weight=weight)
    before = hold.weight
    hold.update(torch.tensor([squared_error(40.0) * excess]))
    assert np.sign(hold.weight - before) == np.sign(excess - 1)
    assert hold.weight <= before * math.exp(2 * 0.02) + 1e-9  # no step throws it far


def test_the_weight_stays_in_its_range():
    hold = QualityConstraint(40.0)
    for error, end in ((1e6, 1e3), (0.0, 1e-3)):
        for _ in range(2000):
            hold.update(torch.tensor([error]))
        assert hold.weight == pytest.approx(end)


def test_a_network_that_trades_quality_for_bits_is_held_at_the_target():
    """Payload falls as exp(-error / 10): with the multiplier gradient descent settles at the target, not at the end."""
    hold, log_error = QualityConstraint(40.0, weight=0.05), torch.tensor(3.0, requires_grad=True)
    optimiser = torch.optim.SGD([log_error], lr=0.05)
    for _ in range(1500):
        error = log_error.exp()[None]
        loss = torch.exp(-error.mean() / 10) + hold.loss(error)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        hold.update(error)
    assert float(log_error.detach().exp()) == pytest.approx(squared_error(40.0), rel=0.03)


def test_straight_through_has_the_one_value_and_the_other_gradient():
    x = torch.tensor([0.2, 1.7], requires_grad=True)
    found = straight_through(x * 3, torch.round(x))
    torch.testing.assert_close(found.detach(), torch.tensor([0.0, 2.0]))
    torch.testing.assert_close(torch.autograd.grad(found.sum(), x)[0], torch.tensor([3.0, 3.0]))


# --- the discriminator's two losses ---------------------------------------------------------------------------------


def test_a_discriminator_that_knows_nothing_loses_one_bit_and_one_that_knows_all_none():
    nothing, sure = torch.zeros(4), torch.full((4,), 40.0)
    assert float(discriminator_loss(nothing, nothing)) == pytest.approx(1)
    assert float(discriminator_loss(-sure, sure)) == pytest.approx(0, abs=1e-9)
    assert float(discriminator_loss(sure, -sure)) > 40
    assert float(adversarial_loss(nothing)) == pytest.approx(1)
    assert float(adversarial_loss(-sure)) == pytest.approx(0, abs=1e-9)


def test_where_the_discriminator_is_sure_the_carrier_still_has_a_slope():
    logits = torch.tensor([30.0], requires_grad=True)
    (slope,) = torch.autograd.grad(adversarial_loss(logits), logits)
    assert float(slope) == pytest.approx(1 / math.log(2), rel=1e-3)


# --- along the frontier --------------------------------------------------------------------------------------------


@given(st.floats(0.01, 0.99), st.floats(0.05, 0.9), st.floats(0.01, 100))
def test_image_weights_rise_only_while_the_payload_loss_is_under_its_threshold(lost, threshold, weight):
    assume(abs(lost / threshold - 1) > 1e-3)
    frontier = PayloadConstraint(threshold, 40.0, weight=weight)
    frontier.update(torch.tensor([1.0]), torch.tensor([lost]))
    assert np.sign(frontier.weight - weight) == np.sign(threshold - lost)
    assert frontier.weight == pytest.approx(weight, rel=0.05)  # no step throws it far


def test_the_frontier_weighs_all_that_is_said_about_the_picture_alike():
    error, rest = torch.tensor([squared_error(40.0)]), torch.tensor(0.5)
    assert float(PayloadConstraint(0.3, 40.0, weight=2.0).loss(error, rest)) == pytest.approx(2 * (1 + 0.5))
    assert float(QualityConstraint(40.0, weight=2.0).loss(error, rest)) == pytest.approx(0.5)


def test_a_network_that_trades_bits_for_quality_settles_at_the_payload_that_is_asked_for():
    """The payload loss falls as exp(-error / 10): descent ends where it is the threshold, from either side."""
    for weight in (0.05, 5.0):
        frontier, log_error = PayloadConstraint(0.4, 40.0, weight=weight), torch.tensor(2.0, requires_grad=True)
        optimiser = torch.optim.SGD([log_error], lr=0.05)
        for _ in range(1500):
            error = log_error.exp()[None]
            lost = torch.exp(-error / 10)
            loss = lost.mean() + frontier.loss(error)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            frontier.update(error, lost)
        assert float(torch.exp(-log_error.detach().exp() / 10)) == pytest.approx(0.4, abs=0.02)
