"""One measure for every system: what is equal, what is refused, what noise is worth, and that codecs stay in step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.audio import RATE, Speech, read_audio, to_pcm16
from stegolab.data import sample_speech
from stegolab.errors import NoPayload
from stegolab.related.comparison import SOUND_CHANNELS, Trip, alike, noisy, requantised, worth


@pytest.fixture(scope="module")
def voice() -> Speech:
    clip = read_audio(next(iter(sample_speech().values())))
    return Speech(clip.samples[RATE // 2 : 2 * RATE], RATE)


def identity(container):
    return container


def test_a_trip_tells_exact_from_about_and_from_refused():
    sent = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    exact = Trip(sent, sent, sent, identity).through(identity)
    assert exact.exact and exact.pcc == pytest.approx(1)
    about = Trip(sent, sent, sent, identity).through(lambda x: x ^ 1)
    assert not about.exact and not about.refused and 0.99 < about.pcc < 1

    def refuse(container):
        raise NoPayload("nothing here")

    refused = Trip(sent, sent, sent, refuse).through(identity)
    assert refused.refused and not refused.exact and refused.pcc == 0


def test_a_bug_is_no_refusal():
    def broken(container):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Trip(0, 0, np.arange(3), broken).through(identity)


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_correlation_does_not_care_for_level(gain, offset):
    sent = np.random.default_rng(0).normal(size=50)
    assert alike(sent, gain * sent + offset) == pytest.approx(1)
    assert alike(sent, -gain * sent) == 0
    assert alike(sent, np.full(50, offset)) == 0


@given(st.floats(-10, 60))
def test_noise_leaves_what_shannon_says(snr_db):
    power = 10 ** (snr_db / 10)
    pcc = (power / (1 + power)) ** 0.5
    assert worth(pcc, 3) == pytest.approx(3 * np.log2(1 + power) / 2, rel=1e-3)
    assert worth(1, 3, most=8) == 24


@pytest.mark.parametrize("name", SOUND_CHANNELS)
def test_every_channel_keeps_length_and_step(name, voice):
    received = SOUND_CHANNELS[name](voice)
    assert received.rate == voice.rate and len(received.samples) == len(voice.samples)
    in_step, early, late = (alike(voice.samples, np.roll(received.samples, shift)) for shift in (0, -1, 1))
    assert in_step > max(0.8, early, late)
    assert np.array_equal(received.samples, SOUND_CHANNELS[name](voice).samples)  # the same on every call


def test_noise_is_as_loud_as_it_says(voice):
    error = noisy(40)(voice).samples - voice.samples
    assert 10 * np.log10(np.var(voice.samples) / np.var(error)) == pytest.approx(40, abs=0.2)


@pytest.mark.parametrize("bits", [2, 8, 12, 16])
def test_requantising_leaves_so_many_values_and_moves_half_a_step(bits):
    ramp = Speech(np.linspace(-1, 1, 70_000, dtype=np.float32), RATE)
    coarse = to_pcm16(requantised(bits)(ramp)).astype(int)
    assert len(np.unique(coarse)) == 2**bits
    inside = np.abs(ramp.samples) < 1 - 2.0 ** (1 - bits)
    moved = np.abs(coarse - to_pcm16(ramp).astype(int))[inside]
    assert moved.max() == (2 ** (15 - bits) if bits < 16 else 0)
