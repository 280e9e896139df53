"""Sound files: the format that the suffix says, the sample format that was asked for, and refusals before the work."""

import io
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from stegolab.audio import SUFFIXES, Speech, check_output, encode, read_audio, read_channels, write_sound, write_wav
from stegolab.errors import BadAudio, CannotWrite
from tests.voice import speak

SPEECH = speak(0.5)
FORMATS = {
    **{".wav": "WAV", ".aiff": "AIFF", ".aif": "AIFF", ".flac": "FLAC"},
    **{".ogg": "OGG", ".opus": "OGG", ".mp3": "MP3"},
}


def made(samples: Any, rate: Any) -> Speech:
    """A Speech of whatever a caller may put into it."""
    return Speech(samples, rate)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_every_suffix_gets_its_own_format_and_is_read_again(tmp_path, suffix, rate):
    speech, path = speak(0.5, rate), tmp_path / f"out{suffix}"
    write_wav(path, speech, speech)
    if suffix in FORMATS:
        assert soundfile.info(path).format == FORMATS[suffix]
    else:
        with av.open(str(path)) as container:
            assert container.streams.audio[0].codec_context.name == "aac"
    found = read_audio(path, rate).samples
    lead = 1024 if suffix == ".aac" else 0  # it has no place to say how long the encoder's delay is
    assert abs(len(found) - lead - len(speech.samples)) <= 2048
    n = min(len(found) - lead, len(speech.samples))
    assert np.corrcoef(found[lead : lead + n], speech.samples[:n])[0, 1] > 0.95


@pytest.mark.parametrize("name", ["out.txt", "out.wma", "out.png", "a\0b.wav"])
def test_what_cannot_be_written_is_refused_with_what_can(tmp_path, name):
    for action in (check_output, lambda path: write_wav(path, SPEECH)):
        with pytest.raises(CannotWrite) as caught:
            action(f"{tmp_path}/{name}")
        assert ".flac" in str(caught.value) or "NUL" in str(caught.value)
        assert "\0" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_too_many_channels_and_missing_folders_are_refused_beforehand(tmp_path):
    with pytest.raises(CannotWrite, match=r"\.mp3 .* 6"):
        check_output(tmp_path / "out.mp3", 6)
    with pytest.raises(CannotWrite, match="nowhere"):
        check_output(tmp_path / "nowhere" / "out.wav")
    check_output(tmp_path / "out.wav", 6)
    check_output("-")


@pytest.mark.parametrize("subtype, error", [("PCM_16", 2**-15), ("PCM_24", 2**-23), ("FLOAT", 0), ("DOUBLE", 0)])
@pytest.mark.parametrize("suffix", [".wav", ".aiff"])
def test_sample_formats_are_kept(suffix, subtype, error):
    quiet = made(np.float32(0.001) * SPEECH.samples, 16_000)
    data = encode([quiet], suffix, subtype)
    assert soundfile.info(io.BytesIO(data)).subtype == subtype
    channels = read_channels(data)
    assert channels.subtype == subtype
    assert np.abs(channels[0].samples - quiet.samples).max() <= error


def test_a_format_takes_the_finest_that_it_can_hold():
    assert soundfile.info(io.BytesIO(encode([SPEECH], ".flac", "FLOAT"))).subtype == "PCM_24"
    assert soundfile.info(io.BytesIO(encode([SPEECH], ".flac", "PCM_16"))).subtype == "PCM_16"


def test_dither_makes_the_error_independent_of_the_sound():
    """A tone of .4 steps, which rounding erases, is still there; and the noise is that of triangular dither."""
    tone = 0.4 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000) / 32_768
    speech = made(tone.astype(np.float32), 16_000)
    rounded, dithered = (soundfile.read(io.BytesIO(encode([speech], dither=dither)))[0] for dither in (False, True))
    assert not rounded.any()
    assert np.dot(dithered, tone) / np.dot(tone, tone) == pytest.approx(1, abs=0.05)
    assert 32_768 * np.std(dithered - tone) == pytest.approx(0.5, rel=0.02)  # 1/12 for rounding, 2/12 for the dither
    assert encode([speech], dither=True) == encode([speech], dither=True)


def test_16_bit_samples_and_silence_are_never_dithered():
    exact = made(np.rint(SPEECH.samples * 32_768).astype(np.float32) / 32_768, 16_000)
    assert encode([exact], dither=True) == encode([exact])
    silent = made(np.zeros(8_000, np.float32), 16_000)
    assert not soundfile.read(io.BytesIO(encode([silent], dither=True)))[0].any()


@pytest.mark.parametrize(
    "channels, said",
    [
        ([], "no channel"),
        ([SPEECH, speak(0.4)], "alike"),
        ([SPEECH, made(SPEECH.samples, 8_000)], "alike"),
        ([made(np.where(np.arange(800) == 7, np.nan, 0.1), 16_000)], "finite"),
        ([made([[0.1, 0.2], [0.3]], 16_000)], "real numbers"),
        ([made(np.zeros((800, 2), np.float32), 16_000)], "shape"),
        ([made(SPEECH.samples, 16_000.5)], "whole number"),
        ([made(SPEECH.samples, "fast")], "whole number"),
        ([made(SPEECH.samples, np.nan)], "whole number"),
        ([made(np.ones(800, complex), 16_000)], "real numbers"),
        ([made(["a"], 16_000)], "real numbers"),
    ],
)
def test_channels_that_cannot_be_written_are_refused(tmp_path, channels, said):
    with pytest.raises(BadAudio, match=said):
        write_wav(tmp_path / "out.wav", *channels)
    assert list(tmp_path.iterdir()) == []


def test_lists_and_rates_that_are_whole_are_taken(tmp_path):
    write_wav(tmp_path / "out.wav", made([0.0, 0.5] * 400, 16_000.0))
    found, rate = soundfile.read(tmp_path / "out.wav")
    assert rate == 16_000 and found.tolist() == [0.0, 0.5] * 400


def test_standard_output_gets_a_wav(capfdbinary):
    write_sound("-", [SPEECH])
    np.testing.assert_array_equal(
        soundfile.read(io.BytesIO(capfdbinary.readouterr().out))[0], np.rint(SPEECH.samples * 32_768) / 32_768
    )
