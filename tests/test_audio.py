"""stegolab.audio: whatever sound comes in, mono float32 in [-1, 1] at the rate that was asked for comes out."""

import contextlib
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import resample_poly

from stegolab import audio
from stegolab.audio import Speech
from stegolab.errors import BadAudio, CannotWrite

from .voice import speak


def tone(seconds: float, rate: int, hertz: float = 440) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def save(path: Path, samples: np.ndarray, rate: int = 16_000, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.mark.parametrize("suffix, kind", [(".wav", "WAV"), (".flac", "FLAC"), (".FLAC", "FLAC")])
def test_what_is_written_comes_back_to_the_bit(tmp_path, suffix, kind):
    speech, path = speak(0.5), tmp_path / f"out{suffix}"
    audio.write_wav(path, speech)
    assert (soundfile.info(path).format, soundfile.info(path).subtype) == (kind, "PCM_16")
    back = audio.read_audio(path)
    assert back.rate == 16_000 and back.samples.dtype == np.float32
    np.testing.assert_array_equal(audio.to_pcm16(back), audio.to_pcm16(speech))


def test_every_16_bit_value_survives_the_way_through_float():
    pcm = np.arange(-32_768, 32_768).astype(np.int16)
    np.testing.assert_array_equal(audio.to_pcm16(audio.from_pcm16(pcm, 16_000)), pcm)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW"])
@pytest.mark.parametrize("rate, channels", [(8_000, 1), (44_100, 2), (48_000, 6)])
def test_any_rate_depth_and_channel_count_gives_the_same_tone(tmp_path, subtype, rate, channels):
    path = save(tmp_path / "in.wav", np.stack([tone(0.5, rate)] * channels, axis=1), rate, subtype)
    speech = audio.read_audio(path)
    assert speech.rate == 16_000 and speech.samples.shape == (8_000,)
    middle = slice(500, -500)  # a filter has edges
    gain = 2 if channels == 6 else 1  # the same in all six sums to 2.4, and is scaled down to full scale
    error = np.abs(speech.samples[middle] / gain - tone(0.5, 16_000)[middle])
    assert error.max() < 0.03  # 8-bit steps are .008, u-law's .016


def test_channels_are_averaged(tmp_path):
    left, right = tone(0.5, 16_000, 440), tone(0.5, 16_000, 1_000)
    speech = audio.read_audio(save(tmp_path / "in.wav", np.stack([left, right], axis=1)))
    np.testing.assert_allclose(speech.samples, (left + right) / 2, atol=1e-6)


def test_files_that_only_ffmpeg_reads_are_read(tmp_path):
    path, rate = tmp_path / "film.mkv", 44_100
    sound = np.rint(np.stack([tone(0.5, rate)] * 2, axis=1) * 32_767).astype(np.int16)  # (n, channels)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), "s16", "stereo")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(path)
    speech = audio.read_audio(path)
    assert speech.seconds == pytest.approx(0.5, abs=1e-3)
    middle = slice(500, -500)
    assert np.abs(speech.samples[middle] - tone(0.5, 16_000)[: len(speech.samples)][middle]).max() < 1e-3


def test_sound_beyond_full_scale_is_scaled_not_clipped(tmp_path):
    speech = audio.read_audio(save(tmp_path / "in.wav", 6 * tone(0.5, 16_000)))
    np.testing.assert_allclose(speech.samples, 2 * tone(0.5, 16_000), atol=1e-4)


def test_ten_minutes_are_read(tmp_path):
    path = save(tmp_path / "long.wav", np.tile(tone(1, 22_050), 600), 22_050, "PCM_16")
    assert audio.read_audio(path).samples.shape == (600 * 16_000,)


def spoiled(samples: np.ndarray, value: float) -> np.ndarray:
    samples = samples.copy()
    samples[100] = value
    return samples


@pytest.mark.parametrize(
    "samples, said",
    [
        (np.zeros(0), "empty"),
        (np.zeros(8_000), "silent"),
        (np.full(8_000, 0.3), "silent"),
        (np.ones(1), "0.1 ms"),
        (tone(0.0199, 16_000), "19.9 ms"),
        (spoiled(tone(1, 16_000), np.nan), "finite"),
        (spoiled(tone(1, 16_000), -np.inf), "finite"),
    ],
)
def test_unusable_sound_is_refused_from_files_and_from_python(tmp_path, samples, said):
    with pytest.raises(BadAudio, match=said):
        audio.check(Speech(samples.astype(np.float32), 16_000))
    path = save(tmp_path / "in.wav", samples)
    with pytest.raises(BadAudio, match=said) as caught:
        audio.read_audio(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_more_than_an_hour_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(4_000 * 3_601, np.int16), 4_000, subtype="PCM_U8")
    with pytest.raises(BadAudio, match="60 minutes"):
        audio.read_audio(path)


@pytest.mark.parametrize(
    "samples, rate, said",
    [
        (32_767 * tone(1, 16_000), 16_000, "divide"),
        (np.stack([tone(1, 16_000)] * 2, axis=1), 16_000, "shape"),
        (tone(1, 16_000), 1, "rate"),
    ],
)
def test_speech_built_in_python_is_checked(samples, rate, said):
    with pytest.raises(BadAudio, match=said):
        audio.check(Speech(samples, rate))


def test_the_shortest_and_the_loudest_pass():
    speech = Speech(np.sign(tone(0.02, 16_000)), 16_000)
    assert audio.check(speech) is speech


@pytest.mark.parametrize(
    "name, content",
    [
        ("nothing.wav", b""),
        ("text.wav", b"good morning\n" * 100),
        ("header.flac", b"fLaC\0\0\0\x22"),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\ngood.wav\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile good.wav\n"),
    ],
)
def test_files_that_are_no_sound_are_refused(tmp_path, monkeypatch, name, content):
    save(tmp_path / "good.wav", tone(1, 16_000))  # a playlist must not lead to it
    (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadAudio, match=name):
        audio.read_audio(name)


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(BadAudio, match="No such file"):
        audio.read_audio(tmp_path / "missing.wav")
    with pytest.raises(BadAudio, match="directory"):
        audio.read_audio(tmp_path)


@given(st.binary(max_size=300), st.sampled_from([b"", b"RIFF\x24\0\0\0WAVEfmt ", b"fLaC", b"OggS", b"ID3"]))
def test_arbitrary_files_give_speech_or_a_declared_error(tmp_path_factory, content, magic):
    path = tmp_path_factory.getbasetemp() / "fuzz.bin"
    path.write_bytes(magic + content)
    with contextlib.suppress(BadAudio):
        audio.check(audio.read_audio(path))


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_resampling_agrees_with_scipy(rate):
    speech = speak(0.5, rate)
    divisor = np.gcd(rate, 16_000)
    expected = resample_poly(speech.samples.astype(np.float64), 16_000 // divisor, rate // divisor)
    got = audio.resample(speech, 16_000)
    assert got.rate == 16_000 and got.samples.shape == expected.shape
    error = (got.samples - expected)[500:-500]
    assert np.sqrt((error**2).mean()) < 0.02 * np.sqrt((expected**2).mean())  # their transition bands differ


@given(n=st.integers(320, 5_000), rate=st.integers(4_000, 96_000), to=st.sampled_from([8_000, 16_000, 48_000]))
def test_resampled_length_is_the_duration_rounded_up(n, rate, to):
    assert len(audio.resample(Speech(np.zeros(n, np.float32), rate), to).samples) == -(-n * to // rate)


def test_resampling_removes_what_would_alias():
    assert np.abs(audio.resample(Speech(tone(0.5, 48_000, 11_000), 48_000), 16_000).samples[200:-200]).max() < 1e-3


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(CannotWrite, match="nowhere"):
        audio.write_wav(tmp_path / "nowhere" / "out.wav", speak(0.1))
    assert list(tmp_path.iterdir()) == []
