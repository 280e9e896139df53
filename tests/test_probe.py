"""What the sender promises is less than what the receiver will know, and falls as the attack grows."""

from dataclasses import replace

import numpy as np
import pytest

from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.strengths import JPEG, SOCIAL, STRENGTHS
from stegolab.probe import Rehearsal, Trial, information, rehearse, run_all, uncalibrated_information
from tests import covers


def against(*attacks, strength=JPEG):
    return rehearse(LatticeCarrier(replace(strength, attacks=attacks)), covers.larger()["coffee"])


@pytest.mark.parametrize("name", STRENGTHS)
def test_the_safe_rate_is_below_the_information_of_every_attack(name):
    cover, carrier = covers.larger()["coffee"], LatticeCarrier(STRENGTHS[name])
    found = rehearse(carrier, cover)
    assert found.slots == carrier.body_slots(cover.shape)
    assert tuple(trial.attack for trial in found.trials) == carrier.strength.attacks
    assert 0 < found.safe_rate < 0.85 * min(trial.information for trial in found.trials)
    assert found.worst.information == min(trial.information for trial in found.trials)
    assert found.worst_bit_error_rate == max(trial.bit_error_rate for trial in found.trials)
    assert found.finds_header


def test_a_worse_attack_leaves_less():
    qualities = ("jpeg:90", "jpeg:70", "jpeg:50", "jpeg:30", "jpeg:10")
    found = against(*qualities)
    assert np.all(np.diff([trial.information for trial in found.trials]) < 0)
    assert np.all(np.diff([trial.bit_error_rate for trial in found.trials]) > 0)
    assert np.all(np.diff([against(quality).safe_rate for quality in qualities]) < 0)
    assert np.all(np.diff([trial.header for trial in found.trials]) <= 0)


def test_no_attack_leaves_nearly_everything():
    (trial,) = against("none").trials
    assert trial.information > 0.95
    assert trial.bit_error_rate < 0.01
    assert trial.header > 200


def test_a_hopeless_channel_promises_nothing():
    found = against("blur:8", strength=SOCIAL)
    assert found.worst.information < 0.02
    assert found.safe_rate == 0
    assert not found.finds_header


def test_one_attack_more_never_promises_more():
    assert against("jpeg:90", "jpeg:50").safe_rate == against("jpeg:50").safe_rate


def test_rehearsing_is_deterministic():
    assert against("jpeg:50", "jpeg:75") == against("jpeg:50", "jpeg:75")


def test_a_cover_too_small_for_the_header_has_no_slots():
    found = rehearse(LatticeCarrier(SOCIAL), np.zeros((16, 16, 3), np.uint8))
    assert found == Rehearsal(0, ())
    assert found.safe_rate == 0
    assert found.worst_bit_error_rate == 0.5


def test_more_slots_allow_a_rate_nearer_to_the_information():
    trial = (Trial("none", 0.5, 0.1, header=200, detection_score=30),)
    assert Rehearsal(3000, trial, lost_share=0.1).safe_rate == pytest.approx(0.9 * Rehearsal(3000, trial).safe_rate)
    rates = [Rehearsal(slots, trial).safe_rate for slots in (500, 3000, 10_000, 1_000_000)]
    assert rates == sorted(rates)
    assert rates[-1] < 0.5
    assert Rehearsal(10, trial).safe_rate == 0


def test_information_is_the_channels():
    """A binary symmetric channel of error rate p, with LLRs that know p, has 1 - H(p) bits."""
    rng = np.random.default_rng(0)
    for p in (0.01, 0.11, 0.3):
        right = np.where(rng.random(200_000) < p, -1, 1)
        entropy = -p * np.log2(p) - (1 - p) * np.log2(1 - p)
        agreement = (right * np.log((1 - p) / p)).astype(np.float32)
        assert information(agreement) == pytest.approx(1 - entropy, abs=0.01)
        assert uncalibrated_information(agreement * 37) == pytest.approx(1 - entropy, abs=0.06)
        assert uncalibrated_information(agreement * 37) <= 1 - entropy + 0.01


@pytest.mark.parametrize("useless", [np.zeros(50, np.float32), np.full(50, -3, np.float32)])
def test_useless_and_misleading_ratios_carry_nothing(useless):
    assert information(useless) == pytest.approx(0, abs=1e-6)
    assert uncalibrated_information(useless) == pytest.approx(0, abs=1e-6)


def test_run_all_keeps_the_order():
    assert run_all(lambda x: x * x, range(20), "squaring") == [x * x for x in range(20)]
