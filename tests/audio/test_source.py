"""Paths, pipes, bytes and streams: the same sound from all of them."""

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stegolab.audio import read_audio, sound_blocks
from stegolab.errors import BadAudio
from tests.voice import speak

SPEECH = speak(0.3)


@pytest.fixture(params=["wav", "flac", "mp3"])
def file(request, tmp_path) -> Path:
    path = tmp_path / f"in.{request.param}"
    soundfile.write(path, SPEECH.samples, SPEECH.rate)
    return path


def test_bytes_and_streams_are_read_as_their_file_is(file):
    wanted = read_audio(file).samples
    data = file.read_bytes()
    with file.open("rb") as stream:
        for source in (str(file), data, bytearray(data), memoryview(data), io.BytesIO(data), stream):
            np.testing.assert_array_equal(read_audio(source).samples, wanted)
            assert not getattr(source, "closed", False)
    with sound_blocks(data) as sound:
        np.testing.assert_array_equal(np.concatenate(list(sound.blocks()))[:, 0], wanted)


def test_pipes_are_read_to_their_end(file, tmp_path):
    """A name that cannot seek, like ``<(...)`` and ``/dev/stdin``."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(file.read_bytes()))
    writer.start()
    np.testing.assert_array_equal(read_audio(fifo).samples, read_audio(file).samples)
    writer.join()


def test_a_stream_is_read_from_where_it_stands(file):
    stream = io.BytesIO(b"letter" + file.read_bytes())
    stream.seek(6)
    np.testing.assert_array_equal(read_audio(stream).samples, read_audio(file).samples)


@pytest.mark.parametrize(
    "source, said",
    [
        ("a\0b.wav", "NUL"),
        (b"no sound at all", "the 15 bytes of sound"),
        (io.StringIO("text"), "binary"),
        (42, "int"),
        (None, "NoneType"),
        (io.BytesIO(b""), "the stream of sound"),
    ],
)
def test_what_is_no_source_of_sound_is_refused_in_one_line(source, said):
    with pytest.raises(BadAudio, match=said) as caught:
        read_audio(source)
    assert "\n" not in str(caught.value) and "\0" not in str(caught.value)


def test_a_closed_stream_is_refused():
    stream = io.BytesIO(b"")
    stream.close()
    with pytest.raises(BadAudio, match="closed"):
        read_audio(stream)
