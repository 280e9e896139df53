"""Speech to sound files: the format that the suffix says, in the sample format that was asked for."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import files
from ..errors import BadAudio, CannotWrite
from .source import repr_of_path
from .speech import FULL_SCALE, Speech, as_arrays, resample, to_pcm16

_PCM = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")  # from coarse to fine
_SOUNDFILE = {  # what libsndfile writes, and the sample formats that each can hold
    ".wav": ("WAV", _PCM),
    ".aiff": ("AIFF", _PCM),
    ".aif": ("AIFF", _PCM),
    ".flac": ("FLAC", ("PCM_16", "PCM_24")),
    ".ogg": ("OGG", ("VORBIS",)),
    ".opus": ("OGG", ("OPUS",)),
    ".mp3": ("MP3", ("MPEG_LAYER_III",)),
}
_FFMPEG = {".m4a": "ipod", ".aac": "adts"}
SUFFIXES = (*_SOUNDFILE, *_FFMPEG)

_MPEG_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_RATES = {  # that a format knows; any other sound is resampled to the next higher one
    ".opus": (8_000, 12_000, 16_000, 24_000, 48_000),
    ".mp3": _MPEG_RATES,
    ".m4a": (*_MPEG_RATES, 64_000, 88_200, 96_000),
    ".aac": (*_MPEG_RATES, 64_000, 88_200, 96_000),
}
_MOST_CHANNELS = {".mp3": 2, ".m4a": 2, ".aac": 2, ".ogg": 2, ".opus": 2, ".flac": 8}
_BLOCK = 1 << 14  # samples; libsndfile's Vorbis encoder runs out of stack on blocks of millions


def suffix_of(path: str | os.PathLike[str]) -> str:
    """The suffix that says the format: WAV for standard output and for devices and names without one.

    Raises:
        CannotWrite: a suffix of a format that cannot be written, or a name that is none.
    """
    name = os.fspath(path)
    if "\0" in name:
        raise CannotWrite(f"cannot write {repr_of_path(name)}: a file name cannot hold a NUL character")
    suffix = Path(name).suffix.lower()
    if name == "-" or not suffix:
        return ".wav"
    if suffix not in SUFFIXES:
        raise CannotWrite(f"cannot write {repr_of_path(name)}: sound is written as {', '.join(SUFFIXES)}")
    return suffix


def check_output(path: str | os.PathLike[str], channels: int = 1) -> None:
    """Refuse an output before the work that is to fill it.

    Raises:
        CannotWrite: a format that cannot be written or holds fewer channels, or see :func:`stegolab.files.check`.
    """
    suffix = suffix_of(path)
    files.check(path)
    _check_channels(suffix, channels)


def _check_channels(suffix: str, channels: int) -> None:
    if channels > _MOST_CHANNELS.get(suffix, channels):
        raise CannotWrite(f"{suffix} holds fewer than {channels} channels: take .wav")


def encode(channels: Sequence[Speech], suffix: str = ".wav", subtype: str = "PCM_16", dither: bool = False) -> bytes:
    """The bytes of a sound file, a channel for each ``Speech``.

    ``subtype`` is the sample format, one of ``PCM_16``, ``PCM_24``, ``PCM_32``, ``FLOAT`` and ``DOUBLE``; a format
    that cannot hold it takes the finest it can, and compressed ones none. ``dither`` adds triangular noise of two
    steps before rounding to 16 bit, the same each time, unless the samples are 16-bit ones already.

    Raises:
        BadAudio: channels of different rates or lengths, or with samples that are not finite.
        CannotWrite: no such format, or it holds fewer channels.
    """
    channels = _alike(channels)
    _check_channels(suffix, len(channels))
    wanted = channels[0].rate
    if suffix in _RATES and wanted not in _RATES[suffix]:
        wanted = next((rate for rate in _RATES[suffix] if rate >= wanted), _RATES[suffix][-1])
        channels = [resample(channel, wanted) for channel in channels]
    if suffix in _FFMPEG:
        return _aac(np.stack([c.samples for c in channels]), wanted, _FFMPEG[suffix])
    kind, subtypes = _SOUNDFILE[suffix]
    if subtype not in subtypes:
        subtype = subtypes[-1]
    rounded = subtype == "PCM_16"
    columns = [_pcm16(c, n, dither) if rounded else c.samples for n, c in enumerate(channels)]
    return _by_libsndfile(np.stack(columns, axis=1), wanted, kind, subtype)


def write_sound(
    path: str | os.PathLike[str], channels: Sequence[Speech], subtype: str = "PCM_16", dither: bool = False
) -> None:
    """Write what :func:`encode` makes for the suffix of ``path``; ``-`` is standard output, and gets a WAV.

    Raises:
        BadAudio, CannotWrite: see :func:`encode`; no such folder, no permission, disk full.
    """
    suffix = suffix_of(path)
    files.check(path)
    data = encode(channels, suffix, subtype, dither)
    if os.fspath(path) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    with files.replacing(path, suffix) as temporary:
        temporary.write_bytes(data)


def write_wav(path: str | os.PathLike[str], *channels: Speech) -> None:
    """Write 16-bit samples, rounded, a channel for each ``Speech``, in the format that the suffix says.

    Raises:
        BadAudio: channels of different rates or lengths, or with samples that are not finite.
        CannotWrite: no such format or folder, no permission, disk full.
    """
    write_sound(path, channels)


def _alike(channels: Sequence[Speech]) -> list[Speech]:
    channels = [as_arrays(channel) for channel in channels]
    if not channels:
        raise BadAudio("there is no channel to write: give at least one Speech")
    if len({(channel.samples.shape, channel.rate) for channel in channels}) > 1:
        kinds = ", ".join(f"{len(channel.samples)} samples at {channel.rate} Hz" for channel in channels)
        raise BadAudio(f"channels must be alike in rate and length, not {kinds}: resample or pad them")
    if channels[0].samples.ndim != 1:
        raise BadAudio(f"samples must have shape (n,), not {channels[0].samples.shape}: give a Speech for each channel")
    if not all(np.isfinite(channel.samples).all() for channel in channels):
        raise BadAudio("there are samples that are not finite numbers: nothing is written")
    return channels


def _pcm16(channel: Speech, number: int, dither: bool) -> NDArray[np.int16]:
    steps = channel.samples * np.float32(FULL_SCALE)
    if not dither or np.array_equal(steps, np.rint(steps)):
        return to_pcm16(channel)
    random = np.random.default_rng(number)
    noise = random.random(len(steps), np.float32) - random.random(len(steps), np.float32)
    return to_pcm16(Speech(((steps + noise) / FULL_SCALE).astype(np.float32), channel.rate))


def _by_libsndfile(samples: NDArray[np.generic], rate: int, kind: str, subtype: str) -> bytes:
    import soundfile

    sound = io.BytesIO()  # in memory first: libsndfile does not report a disk that fills up when it closes the file
    with soundfile.SoundFile(sound, "w", rate, samples.shape[1], subtype, format=kind) as file:
        for start in range(0, len(samples), _BLOCK):
            file.write(samples[start : start + _BLOCK])
    return sound.getvalue()


def _aac(samples: NDArray[np.float32], rate: int, kind: str) -> bytes:
    """(channels, n) to AAC."""
    import av

    layout = "mono" if len(samples) == 1 else "stereo"
    sound = io.BytesIO()
    with av.open(sound, "w", format=kind) as container:
        stream = container.add_stream("aac", rate=rate, layout=layout)
        stream.bit_rate = 96_000 * len(samples)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)  # so that the delay is written down
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return sound.getvalue()
