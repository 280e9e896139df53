"""The scores: perfect for a copy, monotone in noise, insensitive where they say so, BadAudio without a score."""

import numpy as np
import pesq
import pytest

from stegolab import audio, data
from stegolab.audio import Speech
from stegolab.errors import BadAudio
from stegolab.speech.scores import SCORES, estoi, pesq_nb, pesq_wb, si_sdr, stoi

RATE = 16_000


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return audio.read_audio(data.sample_speech()["morning_awb"]).samples


def with_noise(clean: np.ndarray, snr_db: float) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(len(clean))
    noise *= np.linalg.norm(clean) / np.linalg.norm(noise) * 10 ** (-snr_db / 20)
    return (clean + noise).astype(np.float32)


def test_a_copy_has_the_best_score_there_is(clean):
    assert pesq_wb(clean, clean, RATE) == pytest.approx(4.644, abs=0.001)
    assert pesq_nb(clean, clean, RATE) == pytest.approx(4.549, abs=0.001)
    assert stoi(clean, clean, RATE) == pytest.approx(1, abs=1e-6)
    assert estoi(clean, clean, RATE) == pytest.approx(1, abs=1e-6)
    assert si_sdr(clean, clean, RATE) > 100


@pytest.mark.parametrize("name", SCORES)
def test_less_noise_is_a_better_score(clean, name):
    values = [SCORES[name](clean, with_noise(clean, snr), RATE) for snr in (-5, 5, 15, 25)]
    assert values == sorted(values) and values[-1] > values[0] * 1.2


@pytest.mark.parametrize("name", SCORES)
def test_the_level_does_not_matter(clean, name):
    estimate = with_noise(clean, 10)
    quiet = SCORES[name](clean, 0.3 * estimate, RATE)
    assert quiet == pytest.approx(SCORES[name](clean, estimate, RATE), rel=0.01)


@pytest.mark.parametrize("snr", [-3.0, 0.0, 12.0])
def test_si_sdr_of_orthogonal_noise_is_its_snr(snr):
    t = np.arange(RATE)
    tone, other = np.sin(2 * np.pi * 100 * t / RATE), np.sin(2 * np.pi * 300 * t / RATE)
    assert si_sdr(tone, 5 * (tone + 10 ** (-snr / 20) * other), RATE) == pytest.approx(snr, abs=1e-6)


def test_si_sdr_does_not_hear_a_constant_offset(clean):
    estimate = with_noise(clean, 10)
    assert si_sdr(clean, estimate + 0.1, RATE) == pytest.approx(si_sdr(clean, estimate, RATE), abs=1e-3)


def test_estoi_is_the_stricter_one(clean):
    estimate = with_noise(clean, 5)
    assert estoi(clean, estimate, RATE) < stoi(clean, estimate, RATE) - 0.05


@pytest.mark.parametrize("name", SCORES)
def test_no_score_hears_the_sign(clean, name):
    estimate = with_noise(clean, 10)
    assert SCORES[name](clean, -estimate, RATE) == pytest.approx(SCORES[name](clean, estimate, RATE), abs=0.02)


def test_only_pesq_forgives_a_delay(clean):
    late = np.pad(clean, (round(0.02 * RATE), 0))[: len(clean)]  # 20 ms
    assert pesq_wb(clean, late, RATE) > 4
    assert stoi(clean, late, RATE) < 0.9
    assert si_sdr(clean, late, RATE) < 0


def test_other_rates_are_resampled(clean):
    estimate = with_noise(audio.resample(Speech(clean, RATE), 48_000).samples, 15)  # most of it above 8 kHz
    at16k = audio.resample(Speech(estimate, 48_000), RATE).samples
    high = audio.resample(Speech(clean, RATE), 48_000).samples
    assert pesq_wb(high, estimate, 48_000) == pytest.approx(pesq_wb(clean, at16k, RATE), abs=0.05)
    assert stoi(high, estimate, 48_000) == pytest.approx(stoi(clean, at16k, RATE), abs=0.01)
    low = audio.resample(Speech(clean, RATE), 8_000).samples
    assert pesq_nb(low, low, 8_000) == pytest.approx(4.549, abs=0.001)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (lambda x: (np.zeros_like(x), x), "reference is silent"),
        (lambda x: (x, np.full_like(x, 0.1)), "estimate is silent"),
        (lambda x: (x, np.where(x > 0.1, np.nan, x)), "not finite"),
        (lambda x: (x, x[:-1]), "of one shape"),
        (lambda x: (x[:, None], x[:, None]), "of one shape"),
        (lambda x: (x[:0], x[:0]), "empty"),
    ],
)
def test_what_cannot_be_compared_is_refused(clean, name, spoilt, said):
    with pytest.raises(BadAudio, match=said):
        reference, estimate = spoilt(clean)
        SCORES[name](reference, estimate, RATE)


@pytest.mark.parametrize("name", ["pesq_wb", "pesq_nb", "stoi", "estoi"])
@pytest.mark.parametrize("n", [2, 300, 3000])
def test_too_short_a_clip_is_refused(clean, name, n):
    middle = clean[RATE : RATE + n]
    with pytest.raises(BadAudio):
        SCORES[name](middle, middle, RATE)


def test_what_pesq_refuses_is_bad_audio(clean, monkeypatch):
    def refuse(*_):
        raise pesq.NoUtterancesError(b"No utterances detected")

    monkeypatch.setattr(pesq, "pesq", refuse)
    with pytest.raises(BadAudio, match="No utterances detected"):
        pesq_wb(clean, clean, RATE)


@pytest.mark.parametrize(("name", "rate"), [("pesq_wb", 8_000), ("pesq_nb", 4_000), ("stoi", 0)])
def test_a_rate_too_low_is_refused(clean, name, rate):
    with pytest.raises(BadAudio, match=f"{rate} Hz"):
        SCORES[name](clean, clean, rate)
