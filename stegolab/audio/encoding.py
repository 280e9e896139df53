"""Write blocks of samples to an open file: AAC with FFmpeg, all else with libsndfile; round to 16 bit with dither."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import CannotWrite
from .blocks import Block
from .resampling import Resampler
from .speech import FULL_SCALE, rounded

_STEP = np.float32(1 / FULL_SCALE)
_SIZES_OF_32_BITS = {"WAV", "WAVEX", "AIFF", "AU"}
LARGEST = 2**32 - 2**16  # bytes of such a file, with room for its header


def by_libsndfile(
    file: BinaryIO, blocks: Iterable[NDArray[np.generic]], rate: int, channels: int, kind: str, subtype: str
) -> None:
    """Write blocks (n, channels) as a file of libsndfile's format ``kind`` and sample format ``subtype``.

    Raises:
        OSError: writing to ``file`` failed, which libsndfile itself would not report.
        CannotWrite: the sound is longer than a header of this format can declare.
    """
    import soundfile

    with (
        _reporting(file) as sink,
        soundfile.SoundFile(sink, "w", rate, channels, subtype, format=kind) as sound,  # type: ignore[arg-type]
    ):
        for block in blocks:
            sound.write(block)
            sink.check()
            if kind in _SIZES_OF_32_BITS and sink.tell() > LARGEST:
                raise CannotWrite(f"a {kind} file holds 4 GiB at most, and this sound is longer: write .flac instead")


def by_ffmpeg(file: BinaryIO, blocks: Iterable[Block], rate: int, channels: int, kind: str) -> None:
    """Write blocks (n, channels) of one channel or two as AAC in FFmpeg's format ``kind``.

    Raises:
        OSError: writing to ``file`` failed.
    """
    import av

    layout = "mono" if channels == 1 else "stereo"
    with _reporting(file) as sink, av.open(sink, "w", format=kind) as container:
        stream = container.add_stream("aac", rate=rate, layout=layout)
        stream.bit_rate = 96_000 * channels
        n = 0
        for block in blocks:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T), "fltp", layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, n, Fraction(1, rate)  # to record the delay
            n += len(block)
            container.mux(stream.encode(frame))
            sink.check()
        container.mux(stream.encode(None))


def resampled(blocks: Iterable[Block], channels: int, rate: int, to: int) -> Iterator[Block]:
    """Blocks (n, channels) from ``rate`` to ``to`` hertz, in [-1, 1]: peaks that the filter makes are clipped."""
    stages = [Resampler(rate, to) for _ in range(channels)]
    for block in blocks:
        yield np.stack([stage.push(block[:, n]) for n, stage in enumerate(stages)], axis=1).clip(-1, 1)
    yield np.stack([stage.flush() for stage in stages], axis=1).clip(-1, 1)


def in_16_bit(blocks: Iterable[Block], channels: int, dither: bool) -> Iterator[NDArray[np.int16]]:
    """Blocks (n, channels) rounded to 16 bit. ``dither`` adds triangular noise of two steps before.

    In each channel it starts at the first sample that is not a 16-bit value, so sound of 16 bit is unchanged. The noise
    is the same each time.
    """
    noises = [_Noise(number) for number in range(channels)] if dither else []
    for block in blocks:
        yield rounded(np.stack([noise.on(block[:, n]) for n, noise in enumerate(noises)], axis=1) if noises else block)


class _Noise:
    """Triangular noise for one channel, continued from block to block."""

    def __init__(self, number: int) -> None:
        self._random = np.random.default_rng(number)
        self._begun = False

    def on(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples (n,) with noise added from where it begins, (n,)."""
        start = 0
        if not self._begun:
            steps = samples * np.float32(FULL_SCALE)
            finer = np.flatnonzero(steps != np.rint(steps))
            if not len(finer):
                return samples
            start, self._begun = int(finer[0]), True
        noise = self._random.random((len(samples) - start, 2), np.float32) * _STEP
        return np.concatenate([samples[:start], samples[start:] + noise[:, 0] - noise[:, 1]])


class _Sink:
    """A file that remembers write errors, such as a full disk, for encoders that do not report them.

    The encoders see no error, because an exception would be lost in their callbacks.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self._error is None:
            with self._remembered():
                self._file.write(data)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with self._remembered():  # closing writes what is still buffered
            self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return self._file.tell()

    def check(self) -> None:
        """Raise the first error that writing gave."""
        if self._error is not None:
            raise self._error

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._error = self._error or error


@contextmanager
def _reporting(file: BinaryIO) -> Iterator[_Sink]:
    """Yield ``file`` as a :class:`_Sink`, and raise its write error instead of the encoder's."""
    sink = _Sink(file)
    try:
        yield sink
        with sink._remembered():
            file.flush()
    finally:
        sink.check()
