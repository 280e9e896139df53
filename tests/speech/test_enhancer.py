"""What a recording goes through: any rate, length and level; and the weights that ship."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.audio import RATE, Speech
from stegolab.errors import NotTrained
from stegolab.speech import enhancer
from stegolab.speech.dccrn import Dccrn, DccrnConfig
from stegolab.speech.dccrn_weights import save
from stegolab.speech.enhancer import LEVEL, Enhancer, shipped, speech_level
from tests.voice import speak

THROUGH = Enhancer(lambda samples: samples)
DULL = Enhancer(lambda samples: np.convolve(samples, [0.5, 0.3, 0.2])[: len(samples)].astype(np.float32))


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Signal to distortion in decibels, level and all."""
    return float(10 * np.log10(np.square(a).sum() / np.square(a - b).sum()))


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_every_rate_comes_back_at_its_rate_in_step(rate):
    speech = speak(1.5, rate)
    found = THROUGH(speech)
    assert found.rate == rate
    assert found.samples.dtype == np.float32
    assert found.samples.shape == speech.samples.shape
    assert likeness(speech.samples, found.samples) > (15 if rate > RATE else 30)  # its breath above 8 kHz is lost


@settings(max_examples=25)
@given(st.integers(1, 3000), st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]))
def test_as_many_samples_come_out_as_went_in(n, rate):
    samples = speak(1, rate).samples[:n]
    assert len(DULL(Speech(samples, rate)).samples) == n


def test_no_samples_are_no_samples():
    assert not len(DULL(Speech(np.zeros(0, np.float32), 44_100)).samples)


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_silence_stays_silence(rate):
    assert not DULL(Speech(np.zeros(rate, np.float32), rate)).samples.any()


@settings(max_examples=15)
@given(st.floats(-70, 6))
def test_louder_in_is_louder_out_by_as_much(decibel):
    speech, gain = speak(1.0), np.float32(10 ** (decibel / 20))
    found = DULL(Speech(gain * speech.samples, RATE)).samples
    np.testing.assert_allclose(found / gain, DULL(speech).samples, rtol=0, atol=2e-4)


def test_it_stays_within_full_scale():
    """A peak over 1 scales the whole down: it does not clip."""
    speech = speak(1.0)  # of peak 0.5
    found = Enhancer(lambda samples: 3 * samples)(speech).samples
    np.testing.assert_allclose(found, 2 * speech.samples, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("gain", [0.01, 1.0])
def test_the_network_hears_16_khz_at_one_level(rate, gain):
    def network(samples):
        assert len(samples) == 2 * RATE
        assert speech_level(samples) == pytest.approx(LEVEL, rel=1e-4)
        return samples

    Enhancer(network)(Speech(np.float32(gain) * speak(2.0, rate).samples, rate))


def test_the_level_is_that_of_the_speech_not_of_its_pauses():
    speech = speak(2.0).samples
    level = speech_level(speech)
    assert speech_level(np.concatenate([speech, np.zeros(4 * RATE, np.float32)])) == pytest.approx(level, rel=0.1)
    assert speech_level(0.1 * speech) == pytest.approx(0.1 * level, rel=1e-5)
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    assert speech_level(tone) == pytest.approx(np.sqrt(0.5), rel=1e-4)


# --- the file ----------------------------------------------------------------------------------------------------


# --- the weights that ship ---------------------------------------------------------------------------------------


def keep(path, seed: int = 0) -> Dccrn:
    torch.manual_seed(seed)
    model = Dccrn(DccrnConfig(channels=(4, 8), hidden=6)).eval()
    save(model, path)
    return model


def test_without_weights_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path / "missing.safetensors")
    assert not enhancer.trained()
    with pytest.raises(NotTrained, match="--no-enhance"):
        shipped()


def test_the_weights_that_ship_are_loaded_once(monkeypatch, tmp_path):
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path / "speech.safetensors")
    keep(enhancer.WEIGHTS)
    assert enhancer.trained()
    assert shipped() is shipped()


def test_it_is_the_network_between_two_gains(monkeypatch, tmp_path):
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path / "speech.safetensors")
    model, speech = keep(enhancer.WEIGHTS), speak(3.3)
    gain = np.float32(LEVEL / speech_level(speech.samples))
    with torch.no_grad():
        wanted = model(torch.from_numpy(gain * speech.samples)[None])[0].numpy() / gain
    assert likeness(speech.samples, wanted) < 40  # this network does something
    np.testing.assert_allclose(shipped()(speech).samples, wanted, rtol=0, atol=1e-3)  # half precision


def test_minutes_are_enhanced_as_their_seconds_are(monkeypatch, tmp_path):
    """Nothing piles up: once the first part is behind, each sounds as the one before."""
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path / "speech.safetensors")
    keep(enhancer.WEIGHTS)
    part = speak(5.0).samples
    found = shipped()(Speech(np.tile(part, 24), RATE)).samples.reshape(24, -1)
    np.testing.assert_allclose(found[2:23], np.broadcast_to(found[1], (21, len(part))), rtol=0, atol=1e-4)
