"""Whatever is wrong with the input, the result is one declared error of one line, and nothing half done."""

import warnings

import numpy as np
import pytest
import soundfile
from PIL import Image

import stegolab
from stegolab.audio import Speech, read_audio
from stegolab.errors import BadAudio, BadImage, BadKey, CapacityExceeded, NoPayload, StegolabError
from tests import covers
from tests.voice import speak

KEY = bytes(range(32))
COVER = covers.photographs()["camera"]
SPEECH = speak(0.5)


def refusal(kind: type[StegolabError], action, *arguments, **options) -> str:
    """The line that ``action`` is refused with; declared and single."""
    with pytest.raises(kind) as caught:
        action(*arguments, **options)
    line = str(caught.value)
    assert line
    assert "\n" not in line
    return line


# --- speech ------------------------------------------------------------------------------------------------------

BAD_SAMPLES = {
    "empty": np.zeros(0),
    "one sample": np.array([0.5]),
    "silent": np.zeros(16_000),
    "NaN": np.where(np.arange(16_000) == 77, np.nan, SPEECH.samples[0] + np.sin(np.arange(16_000))),
    "infinite": np.where(np.arange(16_000) == 77, np.inf, np.sin(np.arange(16_000))),
}


@pytest.mark.parametrize("name", BAD_SAMPLES)
def test_bad_speech_is_refused_from_python(name):
    samples = BAD_SAMPLES[name].astype(np.float32)
    refusal(BadAudio, stegolab.hide, Speech(samples, 16_000), COVER, KEY)
    refusal(BadAudio, stegolab.enhance, Speech(samples, 16_000))


@pytest.mark.parametrize("name", BAD_SAMPLES)
def test_bad_speech_is_refused_from_files(name, tmp_path):
    soundfile.write(tmp_path / "in.wav", BAD_SAMPLES[name], 16_000, subtype="FLOAT")
    assert "in.wav" in refusal(BadAudio, read_audio, tmp_path / "in.wav")


def test_8_bit_speech_is_good_speech(tmp_path):
    soundfile.write(tmp_path / "in.wav", SPEECH.samples, 16_000, subtype="PCM_U8")
    stego = stegolab.hide(read_audio(tmp_path / "in.wav"), COVER, KEY, strength="jpeg", carrier="inn")
    assert len(stegolab.reveal(stego.picture, KEY).speech.samples) == 8000


@pytest.mark.parametrize("codec", ["auto", "flac", "opus:8000", "codec2:700"])
def test_ten_minutes_into_a_small_cover_are_refused_before_they_are_enhanced_or_hidden(codec, monkeypatch):
    for place in ("shipped", "Sender.send"):
        monkeypatch.setattr(f"stegolab.pipeline.{place}", lambda *_, **__: pytest.fail("worked on what cannot fit"))
    long = Speech(np.resize(SPEECH.samples, 600 * 16_000), 16_000)
    line = refusal(CapacityExceeded, stegolab.hide, long, COVER, KEY, codec=codec, carrier="inn")
    assert "megapixels" in line


# --- pictures ----------------------------------------------------------------------------------------------------


def both_refuse(path) -> str:
    """Hiding into it and revealing from it give the same line."""
    lines = {
        refusal(BadImage, stegolab.hide, SPEECH, path, KEY),
        refusal(BadImage, stegolab.reveal, path, KEY),
    }
    assert len(lines) == 1
    return lines.pop()


def test_a_truncated_png(tmp_path):
    Image.fromarray(COVER).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:30_000])
    assert "truncated" in both_refuse(tmp_path / "cut.png")


def test_one_pixel(tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    assert "too small" in both_refuse(tmp_path / "one.png")


def test_twenty_thousand_pixels_squared(tmp_path):
    """Refused from the header, before 1.2 GB are decoded."""
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    assert "megapixels" in both_refuse(tmp_path / "huge.png")


def test_a_text_file_named_png(tmp_path):
    (tmp_path / "letter.png").write_text("Dear reader, this is no picture.")
    assert "not an image" in both_refuse(tmp_path / "letter.png")


def test_no_such_file(tmp_path):
    assert "no such file" in both_refuse(tmp_path / "nothing.png")


@pytest.mark.parametrize(
    "array", [np.zeros((200, 200), np.float32), np.zeros((200, 200, 2), np.uint8), np.zeros(5, np.uint8)]
)
def test_arrays_that_are_no_picture(array):
    both_refuse(array)


def test_a_cover_too_small_to_carry():
    assert "128" in refusal(BadImage, stegolab.hide, SPEECH, COVER[:100], KEY)


@pytest.mark.parametrize("strength", ["jpeg", "social"])
def test_a_cover_that_carries_next_to_nothing(strength):
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    line = refusal(CapacityExceeded, stegolab.hide, SPEECH, noise, KEY, strength=strength, carrier="lattice")
    assert "cover" in line


def test_a_photograph_without_payload():
    assert "carries none" in refusal(NoPayload, stegolab.reveal, COVER, KEY)


# --- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [b"short", b"", "", bytes(33), 12345, 1.5, ["key"], object(), None])
def test_a_key_of_no_known_kind(key):
    refusal(BadKey, stegolab.hide, SPEECH, COVER, key, strength="jpeg")


@pytest.mark.parametrize("key", [b"short", "", 12345])
def test_a_key_of_no_known_kind_to_the_receiver(key):
    refusal(BadKey, stegolab.reveal, _sealed(), key)


def test_a_key_file_that_is_missing(tmp_path):
    assert "nothing.key" in refusal(BadKey, stegolab.hide, SPEECH, COVER, tmp_path / "nothing.key", strength="jpeg")


@pytest.fixture(autouse=True)
def no_warnings():
    """A refusal consists of the error alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _sealed():
    return stegolab.hide(SPEECH, COVER, KEY, strength="jpeg", carrier="inn").picture
