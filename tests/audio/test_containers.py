"""Files that end early, and files whose header was never completed."""

import io
import struct
import warnings

import numpy as np
import pytest
import soundfile

from stegolab.audio import CutShortWarning, read_audio, sound_blocks
from tests.voice import speak

SPEECH = speak(3.0)


def encoded(kind: str, subtype: str) -> bytes:
    sound = io.BytesIO()
    soundfile.write(sound, SPEECH.samples, SPEECH.rate, format=kind, subtype=subtype)
    return sound.getvalue()


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


WHOLE = encoded("WAV", "PCM_16")


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F024])
def test_a_wav_whose_header_was_never_filled_in_is_read_to_its_end(size):
    at = WHOLE.index(b"data") + 4
    streamed = WHOLE[:4] + struct.pack("<I", size) + WHOLE[8:at] + struct.pack("<I", size) + WHOLE[at + 4 :]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(read_audio(streamed).samples, read_audio(WHOLE).samples)
        with sound_blocks(streamed) as sound:
            assert (sound.subtype, sound.length) == ("PCM_16", len(SPEECH.samples))


@pytest.mark.parametrize(
    "kind, subtype, least",
    [
        ("WAV", "PCM_16", 0.999),
        ("WAV", "GSM610", 0.9),
        ("AIFF", "PCM_24", 0.999),
        ("FLAC", "PCM_16", 0.999),
        ("OGG", "VORBIS", 0.95),
        ("OGG", "OPUS", 0.95),
        ("MP3", "MPEG_LAYER_III", 0.95),
    ],
)
def test_half_a_file_gives_its_half_and_says_so(kind, subtype, least):
    data = encoded(kind, subtype)
    with pytest.warns(CutShortWarning, match="cut short") as caught:
        found = read_audio(data[: len(data) // 2])
    n = len(found.samples)
    assert 0.2 * len(SPEECH.samples) < n < 0.6 * len(SPEECH.samples)
    assert likeness(found.samples, SPEECH.samples[:n]) > least
    assert found.notes == tuple(str(warning.message) for warning in caught)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = read_audio(data)
    assert abs(len(whole.samples) - len(SPEECH.samples)) < 400
    assert likeness(whole.samples[:n], SPEECH.samples[:n]) > least
    assert whole.notes == ()


def test_a_chunk_after_empty_sound_is_not_sound():
    from stegolab.errors import BadAudio

    sound = io.BytesIO()
    soundfile.write(sound, np.zeros(0), 16_000, format="WAV", subtype="PCM_16")
    with pytest.raises(BadAudio, match="empty"):
        read_audio(sound.getvalue() + b"LIST" + struct.pack("<I", 4000) + bytes(4000))


def test_bytes_behind_the_sound_are_no_sound():
    np.testing.assert_array_equal(read_audio(WHOLE + b"trailer" * 100).samples, read_audio(WHOLE).samples)
