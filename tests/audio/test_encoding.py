"""Encoders stop with the reason when a file cannot be written, although the libraries do not report it."""

import errno
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from stegolab.audio.encoding import by_ffmpeg, by_libsndfile
from stegolab.errors import CannotWrite

BLOCK = np.random.default_rng(0).uniform(-0.5, 0.5, (16_384, 2)).astype(np.float32)
ENCODERS: dict[str, Any] = {
    "wav": lambda file, blocks: by_libsndfile(file, blocks, 16_000, 2, "WAV", "FLOAT"),
    "flac": lambda file, blocks: by_libsndfile(file, blocks, 16_000, 2, "FLAC", "PCM_24"),
    "ogg": lambda file, blocks: by_libsndfile(file, blocks, 16_000, 2, "OGG", "VORBIS"),
    "mp3": lambda file, blocks: by_libsndfile(file, blocks, 16_000, 2, "MP3", "MPEG_LAYER_III"),
    "m4a": lambda file, blocks: by_ffmpeg(file, blocks, 16_000, 2, "ipod"),
    "aac": lambda file, blocks: by_ffmpeg(file, blocks, 16_000, 2, "adts"),
}


class Full(io.BytesIO):
    """A file on a disk that is full after this many bytes, and has room again after it has reported that."""

    def __init__(self, room: float) -> None:
        super().__init__()
        self.room = room

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self.room:
            self.room = np.inf
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("name", ENCODERS)
def test_bytes_that_were_refused_once_are_an_error_and_end_the_work(name):
    used = 0

    def blocks() -> Iterator[np.ndarray]:
        nonlocal used
        for _ in range(100):
            used += 1
            yield BLOCK

    with pytest.raises(OSError, match="No space") as caught:
        ENCODERS[name](Full(10_000), blocks())
    assert caught.value.errno == errno.ENOSPC
    assert used <= 10


@pytest.mark.parametrize("name", ENCODERS)
def test_so_are_the_last_ones_that_are_written_when_the_file_is_closed(name):
    whole = io.BytesIO()
    ENCODERS[name](whole, [BLOCK])
    with pytest.raises(OSError, match="No space"):
        ENCODERS[name](Full(len(whole.getvalue()) - 1), [BLOCK])


@pytest.mark.parametrize(("kind", "limited"), [("WAV", True), ("AIFF", True), ("AU", True), ("FLAC", False)])
def test_what_the_header_of_a_format_cannot_say_is_refused(kind, limited, monkeypatch):
    monkeypatch.setattr("stegolab.audio.encoding.LARGEST", 3 * BLOCK.astype(np.int16).nbytes)
    write = lambda n: by_libsndfile(io.BytesIO(), n * [BLOCK], 16_000, 2, kind, "PCM_16")  # noqa: E731
    write(2)
    if not limited:
        write(4)
        return
    with pytest.raises(CannotWrite, match="4 GiB"):
        write(4)
