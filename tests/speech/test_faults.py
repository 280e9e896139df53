"""Recording faults: each one alone, with the strength that was asked for."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stegolab.audio import RATE
from stegolab.errors import BadSpec
from stegolab.speech.faults import CHANCES, FaultConfig, rumble, thump

N = 2 * RATE
VOICE = 0.1 * np.sin(2 * np.pi * 300 * np.arange(N) / RATE)
POWER = 0.005


def added(seed: int = 0, **options) -> np.ndarray:
    return FaultConfig(**options).added(VOICE, POWER, np.random.default_rng(seed))


def test_without_any_nothing_is_drawn_and_nothing_added():
    random = np.random.default_rng(0)
    before = random.bit_generator.state
    assert not FaultConfig().added(VOICE, POWER, random).any()
    assert FaultConfig().jumped(VOICE[None], random) is not None
    assert random.bit_generator.state == before


def test_an_offset_is_a_constant_of_the_size_asked_for():
    np.testing.assert_allclose(added(offset=1, offset_of=(0.02, 0.02)), 0.02, atol=1e-12)


def test_rumble_lies_below_30_hz_at_its_level():
    found = added(rumble=1, rumble_db=(-6, -6))
    assert 10 * np.log10(np.mean(found**2) / POWER) == pytest.approx(-6, abs=0.01)
    power = np.abs(np.fft.rfft(found)) ** 2
    assert power[np.fft.rfftfreq(N, 1 / RATE) >= 30].sum() < 1e-6 * power.sum()
    assert not rumble(3, np.random.default_rng(0)).any()  # too short for any


def test_a_thump_decays_from_its_peak():
    found = thump(RATE, 60, 0.04)
    assert 0.8 < np.abs(found).max() <= 1
    assert np.abs(found[RATE // 2 :]).max() < 1e-5
    knock = added(thump=1, thump_db=(20, 20), thump_hertz=(60, 60), thump_decay=(0.04, 0.04))
    assert np.abs(knock).max() == pytest.approx(0.9 * 10 * np.sqrt(POWER), rel=0.1)


def test_clipping_cuts_off_at_its_limit():
    limit = np.sqrt(np.mean(VOICE**2)) * 10 ** (1 / 20)
    spoilt = VOICE + added(clip=1, clip_db=(1, 1))
    assert np.abs(spoilt).max() == pytest.approx(limit)
    untouched = np.abs(VOICE) < limit
    np.testing.assert_allclose(spoilt[untouched], VOICE[untouched], atol=1e-12)


@pytest.mark.parametrize("decibels", [-30, 30])
def test_a_jump_lowers_one_end_of_all_parts(decibels):
    parts = np.stack([VOICE, 0.5 * VOICE])
    found = FaultConfig(jump=1, jump_db=(decibels, decibels)).jumped(parts, np.random.default_rng(0))
    np.testing.assert_allclose(found[1], 0.5 * found[0], atol=1e-12)
    quiet, loud = (slice(0, RATE // 4), slice(-RATE // 4, None))[:: 1 if decibels < 0 else -1]
    np.testing.assert_allclose(found[0, quiet], 10 ** (-30 / 20) * VOICE[quiet], atol=1e-12)
    np.testing.assert_allclose(found[0, loud], VOICE[loud], atol=1e-12)


@pytest.mark.parametrize("name", CHANCES)
def test_what_cannot_be_asked(name):
    likely: dict[str, Any] = {name: 1.5}
    turned: dict[str, Any] = {f"{name}_of" if name == "offset" else f"{name}_db": (3, 1)}
    with pytest.raises(BadSpec, match=name):
        replace(FaultConfig(), **likely)
    with pytest.raises(BadSpec, match="lower end first"):
        replace(FaultConfig(), **turned)
