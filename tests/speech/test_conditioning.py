"""The high-pass and the leveller: exact in blocks, in step, and right where the level of the speech changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.audio import RATE
from stegolab.speech.conditioning import LEVEL, HighPass, Leveller, as_heard, whole
from stegolab.speech.enhancer import speech_level
from tests.voice import speak

T = np.arange(4 * RATE) / RATE


def tone(hertz: float) -> np.ndarray:
    return (0.3 * np.cos(2 * np.pi * hertz * T)).astype(np.float32)


def heard(samples: np.ndarray) -> np.ndarray:
    """The network's input for samples without rumble."""
    samples, level = whole(Leveller(), samples)
    return samples / level * np.float32(LEVEL)


def decibels(samples: np.ndarray) -> float:
    """The level of speech relative to the network's nominal level."""
    return float(20 * np.log10(speech_level(samples) / LEVEL))


@pytest.mark.parametrize("make", [HighPass, Leveller])
@settings(max_examples=20)
@given(n=st.integers(0, 60_000), cuts=st.lists(st.integers(0, 60_000), max_size=12))
def test_blocks_make_no_difference_to_the_last_bit(make, n, cuts):
    samples = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    stage = make()
    parts = [stage.push(part) for part in np.split(samples, sorted(min(cut, n) for cut in cuts))]
    found = np.concatenate([*parts, stage.flush()], axis=-1)
    assert found.shape[-1] == n and found.dtype == np.float32
    np.testing.assert_array_equal(found, whole(make(), samples))


@pytest.mark.parametrize("make", [HighPass, Leveller])
def test_what_is_held_does_not_grow(make):
    """The number of buffered samples is limited: look-ahead and memory are constant."""
    stage, given, owed = make(), 0, []
    for block in range(40):
        given += stage.push(speak(1.0, seed=block % 3).samples).shape[-1]
        owed.append((block + 1) * RATE - given)
    assert max(owed) <= 5 * RATE


@pytest.mark.parametrize("hertz, gain", [(5, 0), (10, 0), (20, 0.5), (30, 1), (80, 1), (1_000, 1), (7_900, 1)])
def test_the_high_pass_halves_20_hz_takes_all_below_and_delays_nothing(hertz, gain):
    found = whole(HighPass(), tone(hertz))
    np.testing.assert_allclose(found[RATE:-RATE], gain * tone(hertz)[RATE:-RATE], rtol=0, atol=0.01 * 0.3 + 1e-6)


@pytest.mark.parametrize("n", [1, 100, 3_000, 50_000])
def test_an_offset_leaves_no_trace(n):
    samples = np.full(n, 0.25, np.float32)
    assert np.abs(whole(HighPass(), samples)).max() < 1e-12
    voice = speak(2.0).samples
    np.testing.assert_allclose(whole(HighPass(), voice + np.float32(0.02)), whole(HighPass(), voice), atol=1e-7)


@pytest.mark.parametrize("gain", [0.003, 0.05, 1.0])
def test_speech_is_heard_at_one_level(gain):
    assert decibels(heard(np.float32(gain) * speak(4.0).samples)) == pytest.approx(0, abs=3)
    np.testing.assert_allclose(heard(np.float32(gain) * speak(4.0).samples), heard(speak(4.0).samples), atol=1e-3)


@pytest.mark.parametrize("order", [1, -1])
def test_a_quiet_talker_beside_a_loud_one_is_heard_as_loud(order):
    """Two talkers 30 dB apart, in either order, are both at the level, except for .3 s around the change."""
    one, other = speak(4.0).samples, np.float32(10 ** (-30 / 20)) * speak(4.0, seed=1).samples
    found = heard(np.concatenate([one, other][::order]))
    for part in (found[: 4 * RATE - RATE // 3], found[4 * RATE + RATE // 3 :]):
        assert decibels(part) == pytest.approx(0, abs=3)
    assert np.abs(found).max() < 20 * LEVEL  # and what is still loud there is held down


def test_a_thump_leaves_the_words_after_it_as_loud_as_they_are_without():
    voice = np.float32(0.01) * speak(4.0).samples
    knock = np.zeros(RATE // 2, np.float32)
    knock[: RATE // 5] = 0.7 * np.sin(2 * np.pi * 60 * T[: RATE // 5]) * np.exp(-T[: RATE // 5] / 0.04)
    quiet, loud = (heard(np.concatenate([before, voice])) for before in (0 * knock, knock))
    assert decibels(loud[RATE // 2 :]) == pytest.approx(decibels(quiet[RATE // 2 :]), abs=0.5)
    assert np.abs(loud[: RATE // 2]).max() < 20 * LEVEL


def test_next_to_silence_is_not_raised_to_the_level_of_speech():
    hiss = (1e-5 * np.random.default_rng(0).standard_normal(4 * RATE)).astype(np.float32)  # -100 dBFS
    assert decibels(heard(hiss)) == pytest.approx(-20, abs=0.5)
    assert not heard(np.zeros(RATE, np.float32)).any()


def test_a_pair_is_heard_by_the_gains_of_its_noisy_one():
    clean = speak(2.0).samples
    noisy = clean + (0.05 * np.random.default_rng(0).standard_normal(len(clean))).astype(np.float32)
    one, other = as_heard(noisy + np.float32(0.1), clean)
    np.testing.assert_allclose(one, heard(whole(HighPass(), noisy)), atol=1e-5)
    gain = one[1000:-1000] / whole(HighPass(), noisy)[1000:-1000]
    np.testing.assert_allclose(other[1000:-1000], gain * whole(HighPass(), clean)[1000:-1000], atol=1e-3)
