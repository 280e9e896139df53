"""Long sound with all its channels: in blocks of one size, as often as asked, and checked before the first one."""

import errno
import warnings
from typing import Any

import numpy as np
import pytest
import soundfile

from stegolab.audio import CutShortWarning, encode, read_audio, sound_blocks
from stegolab.audio.decoding import BLOCK
from stegolab.errors import BadAudio
from tests.voice import speak

RATE = 44_100
LONG = speak(7, RATE)  # some blocks of it


def save(path: Any, *channels: np.ndarray, subtype: str = "FLOAT") -> Any:
    soundfile.write(path, np.stack(channels, axis=1), RATE, subtype=subtype)
    return path


def test_channels_come_as_they_are_at_their_own_rate_as_often_as_asked(tmp_path):
    left, right = LONG.samples, LONG.samples[::-1]
    with sound_blocks(save(tmp_path / "in.wav", left, right)) as sound:
        assert (sound.rate, sound.length, sound.channels, sound.subtype) == (RATE, len(left), 2, "FLOAT")
        assert sound.silent == (False, False)
        for _ in range(2):
            blocks = list(sound.blocks())
            assert [len(block) for block in blocks] == [BLOCK, BLOCK, len(left) - 2 * BLOCK]
            np.testing.assert_array_equal(np.concatenate(blocks), np.stack([left, right], axis=1))


@pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".ogg"])
def test_compressed_sound_comes_in_blocks_of_the_same_size(suffix):
    data = encode([LONG, LONG], suffix)
    with sound_blocks(data) as sound:
        blocks = list(sound.blocks())
    assert sound.subtype == "PCM_16"
    assert {len(block) for block in blocks[:-1]} == {BLOCK} and sum(map(len, blocks)) == sound.length
    np.testing.assert_array_equal(np.concatenate(blocks).mean(axis=1), read_audio(data, RATE).samples)


def test_beyond_full_scale_all_channels_are_scaled_alike_whichever_block_holds_the_peak(tmp_path):
    left, right = LONG.samples.copy(), 0.5 * LONG.samples
    left[-1000] = -4
    with sound_blocks(save(tmp_path / "in.wav", left, right)) as sound:
        found = np.concatenate(list(sound.blocks()))
    np.testing.assert_array_equal(found, np.stack([left, right], axis=1) / np.float32(4))


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_silent_channels_are_told_of_whether_loud_or_not(tmp_path, offset):
    """A constant offset has more power than the speech in the other channel, but counts as silent."""
    with sound_blocks(save(tmp_path / "in.wav", 0.1 * LONG.samples, np.full(len(LONG.samples), offset))) as sound:
        assert sound.silent == (False, True)
    with (
        pytest.raises(BadAudio, match=r"in\.wav.*silent"),
        sound_blocks(save(tmp_path / "in.wav", *[np.full(RATE, offset)] * 2)),
    ):
        pass


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_sample_that_is_no_number_is_found_in_any_block_and_channel(tmp_path, value):
    right = LONG.samples.copy()
    right[-7] = value
    with (
        pytest.raises(BadAudio, match=r"in\.wav.*finite"),
        sound_blocks(save(tmp_path / "in.wav", LONG.samples, right)),
    ):
        pass


@pytest.mark.parametrize("n, said", [(0, "empty"), (100, "20 ms")])
def test_what_is_too_short_is_refused(tmp_path, n, said):
    with pytest.raises(BadAudio, match=said), sound_blocks(save(tmp_path / "in.wav", *[LONG.samples[:n]] * 2)):
        pass


def test_more_than_an_hour_is_refused(tmp_path):
    soundfile.write(tmp_path / "in.flac", np.zeros(4_000 * 3_601, np.int16), 4_000)
    with pytest.raises(BadAudio, match="60 minutes"), sound_blocks(tmp_path / "in.flac"):
        pass


def test_a_file_that_ends_early_gives_what_is_there_and_says_so_once_to_its_caller(tmp_path):
    data = save(tmp_path / "in.wav", LONG.samples).read_bytes()
    (tmp_path / "in.wav").write_bytes(data[: len(data) // 2])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with sound_blocks(tmp_path / "in.wav") as sound:
            found = np.concatenate(list(sound.blocks()))[:, 0]
    assert [(each.category, each.filename) for each in caught] == [(CutShortWarning, __file__)]
    np.testing.assert_array_equal(found, LONG.samples[: len(found)])
    assert 0.49 < len(found) / len(LONG.samples) < 0.5


def test_the_file_is_closed_afterwards(tmp_path):
    with sound_blocks(save(tmp_path / "in.wav", LONG.samples)) as sound:
        pass
    with pytest.raises(BadAudio, match=r"in\.wav: .*closed"):
        next(sound.blocks())


def test_what_goes_wrong_with_the_blocks_is_not_taken_for_an_error_of_reading(tmp_path):
    path = save(tmp_path / "in.wav", LONG.samples)
    with pytest.raises(OSError, match="full") as caught, sound_blocks(path):
        raise OSError(errno.ENOSPC, "full")
    assert caught.value.errno == errno.ENOSPC
