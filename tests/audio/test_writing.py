"""Sound files: the format of the suffix, the sample format asked for, and refusals before any work."""

import io
import resource
import signal
import weakref
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from stegolab.audio import (
    SUFFIXES,
    Speech,
    check_output,
    encode,
    read_audio,
    sound_blocks,
    write_blocks,
    write_sound,
    write_wav,
)
from stegolab.errors import BadAudio, CannotWrite
from tests.voice import speak

SPEECH = speak(0.5)
FORMATS = {
    **{".wav": "WAV", ".aiff": "AIFF", ".aif": "AIFF", ".flac": "FLAC"},
    **{".ogg": "OGG", ".opus": "OGG", ".mp3": "MP3"},
}


def made(samples: Any, rate: Any) -> Speech:
    """A Speech with arbitrary content, as a caller could build it."""
    return Speech(samples, rate)


def heard(source: Any) -> np.ndarray:
    """All samples (n, channels) of a file."""
    with sound_blocks(source) as sound:
        return np.concatenate(list(sound.blocks()))


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
    with sound_blocks(data) as sound:
        assert sound.subtype == subtype
    assert np.abs(heard(data)[:, 0] - quiet.samples).max() <= error


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


def test_each_channel_is_dithered_with_noise_of_its_own_from_its_first_sample_that_is_finer():
    exact = np.rint(SPEECH.samples * 32_768).astype(np.float32) / 32_768
    finer = exact.copy()
    finer[3_000:] += np.float32(0.4 / 32_768)
    channels = [made(samples, 16_000) for samples in (finer, exact, finer)]
    steps = 32_768 * soundfile.read(io.BytesIO(encode(channels, dither=True)))[0]
    np.testing.assert_array_equal(steps[:3_000], 32_768 * np.stack([exact[:3_000]] * 3, axis=1))
    np.testing.assert_array_equal(steps[:, 1], 32_768 * exact)
    error = steps[3_000:] - 32_768 * finer[3_000:, None]
    assert np.abs(error[:, [0, 2]].mean(axis=0)).max() < 0.05  # the noise, not .4 of a step
    assert abs(np.corrcoef(error[:, 0], error[:, 2])[0, 1]) < 0.05


def test_once_it_has_begun_dither_goes_on_where_samples_are_those_of_16_bit_again():
    samples = np.zeros(50_000, np.float32)  # some of the blocks in which they are written
    samples[1_000] = 0.4 / 32_768
    steps = 32_768 * soundfile.read(io.BytesIO(encode([made(samples, 16_000)], dither=True)))[0]
    assert not steps[:1_000].any()
    for start in range(2_000, 50_000, 2_000):
        assert 0.2 < np.square(steps[start : start + 2_000]).mean() < 0.3  # 1/4: rounded to 0 or one step either way


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


# --- in blocks ---------------------------------------------------------------------------------------------------

STEREO = np.stack([speak(3, 44_100).samples, speak(3, 44_100, seed=1).samples], axis=1)


def cut(sound: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Blocks (n, channels) of ``sound``, and an empty one."""
    yield sound[:0]
    for start in range(0, len(sound), size):
        yield sound[start : start + size]


@pytest.mark.parametrize("suffix, rate", [*((suffix, 44_100) for suffix in SUFFIXES), (".mp3", 44_101)])
def test_blocks_make_no_difference_to_the_sample(tmp_path, suffix, rate):
    wanted = heard(encode([made(channel, rate) for channel in STEREO.T], suffix, dither=True))
    for size in (997, 50_000):
        write_blocks(tmp_path / f"out{suffix}", cut(STEREO, size), rate, dither=True)
        np.testing.assert_array_equal(heard(tmp_path / f"out{suffix}"), wanted)
    assert len(wanted) >= len(STEREO)


@pytest.mark.parametrize("suffix, rate", [*((suffix, 44_100) for suffix in SUFFIXES), (".mp3", 44_101)])
def test_few_blocks_are_held_however_many_there_are(tmp_path, suffix, rate):
    held = []

    def blocks() -> Iterator[np.ndarray]:
        for number in range(60):
            block = STEREO[1000 * number : 1000 * number + 10_000].copy()
            finalizers.append(weakref.finalize(block, int))
            held.append(sum(finalizer.alive for finalizer in finalizers))
            yield block

    finalizers: list[Any] = []
    write_blocks(tmp_path / f"out{suffix}", blocks(), rate)
    assert len(held) == 60 and max(held) <= 5


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("early", [True, False])
def test_a_full_disk_leaves_the_old_file_whenever_it_is_full(tmp_path, suffix, early):
    """The disk is full early or at the last byte, which libsndfile does not report when it closes a file."""
    path = tmp_path / f"out{suffix}"
    size = len(encode([SPEECH], suffix))
    path.write_bytes(b"old")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000 if early else size - 1, limits[1]))
        with pytest.raises(CannotWrite, match=path.name):
            write_wav(path, SPEECH)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(path.name, b"old")]


def test_a_full_device_is_told_of():
    with pytest.raises(CannotWrite, match="/dev/full: No space left"):
        write_wav("/dev/full", SPEECH)


def test_what_goes_wrong_with_a_block_leaves_the_old_file(tmp_path):
    def blocks() -> Iterator[np.ndarray]:
        yield STEREO
        raise BadAudio("it cannot be read any more")

    (tmp_path / "out.wav").write_bytes(b"old")
    with pytest.raises(BadAudio, match="any more"):
        write_blocks(tmp_path / "out.wav", blocks(), 44_100)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


@pytest.mark.parametrize(
    "blocks, said",
    [
        ([], "no sound"),
        ([np.zeros(800, np.float32)], "shape"),
        ([np.zeros((800, 0), np.float32)], "shape"),
        ([STEREO, STEREO[:, :1]], r"\(n, 2\)"),
        ([STEREO, np.where(np.arange(132_300)[:, None] == 7, np.inf, STEREO)], "finite"),
    ],
)
def test_blocks_that_cannot_be_written_are_refused(tmp_path, blocks, said):
    with pytest.raises(BadAudio, match=said):
        write_blocks(tmp_path / "out.wav", blocks, 44_100)
    assert list(tmp_path.iterdir()) == []


def test_what_the_change_of_rate_lifts_above_full_scale_is_clipped(tmp_path):
    """A square wave, which the filter makes exceed full scale between its samples."""
    square = np.sign(np.sin(2 * np.pi * 300 * np.arange(44_101) / 44_101)).astype(np.float32)[:, None]
    write_blocks(tmp_path / "out.mp3", [square], 44_101)
    assert np.abs(heard(tmp_path / "out.mp3")).max() == 1
