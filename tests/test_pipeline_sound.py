"""What the three functions take as speech, and what they say of it."""

import io
import json
import warnings
from typing import Any

import numpy as np
import pytest
import soundfile

import stegolab
from stegolab import pipeline
from stegolab.audio import CutShortWarning, OutOfPhaseWarning, Speech, to_pcm16
from stegolab.errors import BadAudio
from stegolab.pipeline import MuchRemovedWarning
from stegolab.speech.conditioning import HighPass, whole
from stegolab.speech.enhancer import Enhancer
from tests import covers
from tests.voice import speak

pytestmark = pytest.mark.usefixtures("rehearsed_once")

KEY = bytes(range(32))
COVER = covers.larger()["coffee"]
SPEECH = speak(0.5)


def made(samples: Any, rate: Any) -> Speech:
    """A Speech of whatever a caller may put into it."""
    return Speech(samples, rate)


@pytest.fixture(autouse=True)
def network(monkeypatch):
    """An enhancer that halves what it hears, in place of the one that ships."""
    monkeypatch.setattr(pipeline, "trained", lambda: True)
    monkeypatch.setattr(pipeline, "shipped", lambda: Enhancer(lambda samples: np.float32(0.5) * samples))


def hidden(speech: Any, **options: Any) -> dict[str, Any]:
    return stegolab.hide(speech, COVER, KEY, strength="jpeg", **options).report


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "speech.flac"
    soundfile.write(path, to_pcm16(SPEECH), 16_000)
    return path


def test_speech_may_be_a_path_bytes_or_a_stream(file):
    wanted = hidden(stegolab.read_audio(file))["payload_sha256"]
    for kind in (lambda: file, lambda: str(file), file.read_bytes, lambda: io.BytesIO(file.read_bytes())):
        assert hidden(kind())["payload_sha256"] == wanted
        np.testing.assert_allclose(stegolab.enhance(kind()).samples, whole(HighPass(), SPEECH.samples) / 2, atol=2e-5)
    with file.open("rb") as stream:
        assert hidden(stream)["payload_sha256"] == wanted


def test_enhancing_a_file_keeps_its_rate(tmp_path):
    speech = speak(0.5, 44_100)
    soundfile.write(tmp_path / "in.wav", speech.samples, 44_100)
    found = stegolab.enhance(tmp_path / "in.wav")
    assert (found.rate, len(found.samples)) == (44_100, len(speech.samples))


def test_lists_and_whole_rates_are_speech():
    wanted = hidden(SPEECH)["payload_sha256"]
    assert hidden(made(SPEECH.samples.tolist(), 16_000.0))["payload_sha256"] == wanted
    assert hidden(made(SPEECH.samples.astype(np.float64), np.int64(16_000)))["payload_sha256"] == wanted
    assert stegolab.enhance(made(SPEECH.samples.tolist(), 16_000.0)).rate == 16_000


@pytest.mark.parametrize(
    "speech",
    [None, 7, SPEECH.samples, "nothing.wav", b"noise", "a\0b.wav", made([[0.1], [0.1, 0.2]], 16_000)]
    + [made(SPEECH.samples, rate) for rate in (44_100.5, "44100", None, np.nan, np.inf)]
    + [made(samples, 16_000) for samples in (None, "speech", 1j * SPEECH.samples, [None] * 800)],
)
def test_what_is_no_speech_is_a_declared_error_of_one_line(speech):
    for action in (hidden, stegolab.enhance):
        with pytest.raises(BadAudio) as caught:
            action(speech)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_the_report_says_what_was_taken_away():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = hidden(SPEECH)
    assert report["removed_db"] == pytest.approx(20 * np.log10(2), abs=0.01)
    assert report["notes"] == []
    assert "removed_db" not in hidden(SPEECH, enhance=False)


@pytest.mark.parametrize("decibels, warned", [(11.5, False), (12.5, True), (40, True)])
def test_more_than_12_db_taken_away_is_said(monkeypatch, decibels, warned):
    gain = np.float32(10 ** (-decibels / 20))
    monkeypatch.setattr(pipeline, "shipped", lambda: Enhancer(lambda samples: gain * samples))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = hidden(SPEECH)
    assert [warning.category for warning in caught] == [MuchRemovedWarning] * warned
    assert report["notes"] == [str(warning.message) for warning in caught]
    assert report["removed_db"] == pytest.approx(decibels, abs=0.05)


def test_enhancement_that_leaves_nothing_names_the_remedy(monkeypatch):
    monkeypatch.setattr(pipeline, "shipped", lambda: Enhancer(np.zeros_like))
    with pytest.raises(BadAudio, match="--no-enhance"):
        hidden(SPEECH)


def test_what_reading_remarked_is_in_the_report(tmp_path):
    pair = np.stack([SPEECH.samples, -SPEECH.samples], axis=1)
    soundfile.write(tmp_path / "in.wav", pair, 16_000)
    data = (tmp_path / "in.wav").read_bytes()
    (tmp_path / "in.wav").write_bytes(data[: len(data) // 2])
    with pytest.warns(CutShortWarning), pytest.warns(OutOfPhaseWarning):
        report = hidden(tmp_path / "in.wav")
    assert sorted(remark.split(": ")[1].split()[1] for remark in report["notes"]) == ["channels", "is"]
    assert json.loads(json.dumps(report)) == report
    assert report["seconds"] == pytest.approx(0.25, abs=0.01)
