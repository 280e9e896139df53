"""What a recording goes through: any rate, length and level; and the weights that ship."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab import data
from stegolab.audio import RATE, Speech, read_audio
from stegolab.errors import BadAudio, NotTrained
from stegolab.speech import enhancer
from stegolab.speech.conditioning import LEVEL, HighPass, Leveller, whole
from stegolab.speech.dccrn import Dccrn, DccrnConfig
from stegolab.speech.dccrn_weights import save
from stegolab.speech.enhancer import Enhancer, shipped, speech_level
from stegolab.speech.faults import thump
from stegolab.speech.scores import pesq_wb, si_sdr
from tests.voice import speak

THROUGH = Enhancer(lambda samples: samples)
DULL = Enhancer(lambda samples: np.convolve(samples, [0.5, 0.3, 0.2])[: len(samples)].astype(np.float32))


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Signal-to-distortion ratio in decibels, including errors of level."""
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
    passed = whole(HighPass(), speech.samples)
    np.testing.assert_allclose(found, passed / np.abs(passed).max(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("gain", [0.01, 1.0])
def test_the_network_hears_16_khz_at_one_level(rate, gain):
    def network(samples):
        assert len(samples) == 2 * RATE
        assert 20 * np.log10(speech_level(samples) / LEVEL) == pytest.approx(0, abs=3)
        return samples

    Enhancer(network)(Speech(np.float32(gain) * speak(2.0, rate).samples, rate))


def test_the_level_is_that_of_the_speech_not_of_its_pauses():
    speech = speak(2.0).samples
    level = speech_level(speech)
    assert speech_level(np.concatenate([speech, np.zeros(4 * RATE, np.float32)])) == pytest.approx(level, rel=0.1)
    assert speech_level(0.1 * speech) == pytest.approx(0.1 * level, rel=1e-5)
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    assert speech_level(tone) == pytest.approx(np.sqrt(0.5), rel=1e-4)


# --- in blocks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("block", [997, 20_000])
def test_a_stream_is_the_call_whatever_its_blocks(monkeypatch, tmp_path, rate, block):
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path / "speech.safetensors")
    keep(enhancer.WEIGHTS)
    samples = speak(3.1, rate).samples
    blocks = [samples[start : start + block] for start in range(0, len(samples), block)]
    found = np.concatenate(list(shipped().stream(blocks, rate)))
    np.testing.assert_array_equal(found, shipped()(Speech(samples, rate)).samples)


def test_a_stream_holds_seconds_of_sound_however_long_it_is(monkeypatch, tmp_path):
    """The number of samples taken but not yet returned is limited, and so is the memory."""
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path / "speech.safetensors")
    keep(enhancer.WEIGHTS)
    second, taken, given, owed = speak(1.0, 48_000).samples, 0, 0, []

    def blocks():
        nonlocal taken
        for _ in range(90):
            taken += len(second)
            yield second

    for block in shipped().stream(blocks(), 48_000):
        owed.append(taken - given)
        given += len(block)
    assert given == taken == 90 * 48_000
    assert max(owed) <= 8 * 48_000


def test_a_stream_of_nothing_is_nothing(monkeypatch, tmp_path):
    assert not list(DULL.stream([], 44_100))
    assert not list(DULL.stream([np.zeros(0, np.float32)], 16_000))


def test_a_stream_stays_within_full_scale():
    found = np.concatenate(list(Enhancer(lambda samples: 3 * samples).stream([speak(1.0).samples], RATE)))
    assert np.abs(found).max() == 1


@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("silent", [(False, False, False), (False, True, False), (True, True, True)])
def test_channels_are_streams_in_step_and_the_silent_ones_stay(monkeypatch, tmp_path, rate, silent):
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path / "speech.safetensors")
    keep(enhancer.WEIGHTS)
    sound = np.stack([speak(3.1, rate, seed=n).samples for n in range(3)], axis=1)
    blocks = [sound[start : start + 20_000] for start in range(0, len(sound), 20_000)]
    found = np.concatenate(list(shipped().stream_channels(blocks, rate, silent)))
    for n in range(3):
        said = np.concatenate(list(shipped().stream([sound[:, n]], rate)))
        np.testing.assert_array_equal(found[:, n], sound[:, n] if silent[n] else said)


@pytest.mark.parametrize("rate", [0, 100, 10**7])
def test_a_stream_of_another_rate_than_one_of_sound_is_refused(rate):
    with pytest.raises(BadAudio, match="sampling rate"):
        DULL.stream([], rate)
    with pytest.raises(BadAudio, match="sampling rate"):
        DULL.stream_channels([], rate, [False])


# --- what recordings do to speech, with the weights that ship ----------------------------------------------------

VOICES = {name: whole(HighPass(), read_audio(path).samples) for name, path in data.sample_speech().items()}


def at(decibels: float, name: str) -> np.ndarray:
    """A sample recording at a level in dBFS."""
    return (VOICES[name] * (10 ** (decibels / 20) / speech_level(VOICES[name]))).astype(np.float32)


def hiss(like: np.ndarray, decibels: float) -> np.ndarray:
    return (10 ** (decibels / 20) * np.random.default_rng(0).standard_normal(len(like))).astype(np.float32)


def enhanced(samples: np.ndarray) -> np.ndarray:
    return shipped()(Speech(samples, RATE)).samples


def ratio(clean: np.ndarray, samples: np.ndarray) -> float:
    return si_sdr(clean, samples, RATE)


@pytest.fixture(params=sorted(VOICES))
def name(request):
    return request.param


def test_an_offset_costs_nothing(name):
    """.02 on speech at -43 dBFS, with noise 10 dB below it."""
    clean = at(-43, name)
    noisy = clean + hiss(clean, -53)
    without, found = enhanced(noisy), enhanced(noisy + np.float32(0.02))
    assert ratio(clean, noisy + np.float32(0.02)) == pytest.approx(ratio(clean, noisy), abs=0.01)  # it hears no offset
    assert ratio(clean, without) > ratio(clean, noisy) + 6
    assert ratio(clean, found) == pytest.approx(ratio(clean, without), abs=0.1)
    assert abs(found.mean()) < 1e-4


def test_rumble_goes(name):
    clean = at(-30, name)
    rumbling = clean + np.float32(0.05) * np.sin(2 * np.pi * 9 * np.arange(len(clean)) / RATE).astype(np.float32)
    assert ratio(clean, rumbling) < 3
    assert ratio(clean, enhanced(rumbling)) > 30


def test_a_thump_does_not_cost_the_quiet_speech_after_it(name):
    clean = at(-43, name)
    noisy = clean + hiss(clean, -53)
    before = np.zeros(RATE // 2, np.float32)
    knock = (0.7 * thump(len(before), 60, 0.04)).astype(np.float32)
    without, found = (enhanced(np.concatenate([part, noisy]))[len(before) :] for part in (before, knock))
    assert ratio(clean, found) > ratio(clean, noisy) + 5
    assert ratio(clean, found) > ratio(clean, without) - 1.5


def test_a_talker_30_db_below_the_one_before_is_enhanced_as_alone(name):
    loud, clean = at(-20, next(other for other in VOICES if other != name)), at(-50, name)
    noisy = clean + hiss(clean, -60)
    found = enhanced(np.concatenate([loud, noisy]))[len(loud) :]
    assert ratio(clean, found) > ratio(clean, noisy) + 5
    assert ratio(clean, found) > ratio(clean, enhanced(noisy)) - 3
    untroubled = enhanced(np.concatenate([loud, clean]))
    assert ratio(loud, untroubled[: len(loud)]) > 25 and ratio(clean, untroubled[len(loud) :]) > 25


def test_clean_speech_stays_as_good_as_loud_and_in_step(name):
    clean = at(-26, name)
    found = enhanced(clean)
    assert pesq_wb(clean, found, RATE) > 4.2
    assert abs(20 * np.log10(speech_level(found) / speech_level(clean))) < 0.5
    correlation = np.correlate(found, clean[400:-400], mode="valid")
    assert np.argmax(correlation) == 400


def test_silence_before_between_and_after_stays_silence(name):
    clean, pause = at(-26, name), np.zeros(3 * RATE, np.float32)
    found = enhanced(np.concatenate([pause, clean, pause]))
    for quiet in (found[: 2 * RATE], found[-2 * RATE :]):
        assert np.abs(quiet).max() < 0.5 / 32_768


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


def test_it_is_the_network_between_the_stages_and_their_inverse(monkeypatch, tmp_path):
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path / "speech.safetensors")
    model, speech = keep(enhancer.WEIGHTS), speak(3.3)
    samples, level = whole(Leveller(), whole(HighPass(), speech.samples))
    gain = np.float32(LEVEL) / level
    with torch.no_grad():
        wanted = model(torch.from_numpy(gain * samples)[None])[0].numpy() / gain
    assert likeness(speech.samples, wanted) < 40  # this network does something
    np.testing.assert_allclose(shipped()(speech).samples, wanted, rtol=0, atol=1e-3)  # half precision


def test_minutes_are_enhanced_as_their_seconds_are(monkeypatch, tmp_path):
    """Nothing accumulates: after the first part, each part sounds like the one before."""
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path / "speech.safetensors")
    keep(enhancer.WEIGHTS)
    part = speak(5.0).samples
    found = shipped()(Speech(np.tile(part, 24), RATE)).samples.reshape(24, -1)
    np.testing.assert_allclose(found[2:23], np.broadcast_to(found[1], (21, len(part))), rtol=0, atol=1e-4)
