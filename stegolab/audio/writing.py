"""Write sound to files block by block, in the format of the suffix and the sample format asked for."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .. import files
from ..errors import BadAudio, CannotWrite
from .blocks import Block, of_size
from .encoding import by_ffmpeg, by_libsndfile, in_16_bit, resampled
from .speech import Speech, as_arrays

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
_RATES = {  # rates that a format knows; other sound is resampled to the next higher one
    ".opus": (8_000, 12_000, 16_000, 24_000, 48_000),
    ".mp3": _MPEG_RATES,
    ".m4a": (*_MPEG_RATES, 64_000, 88_200, 96_000),
    ".aac": (*_MPEG_RATES, 64_000, 88_200, 96_000),
}
_MOST_CHANNELS = {".mp3": 2, ".m4a": 2, ".aac": 2, ".ogg": 2, ".opus": 2, ".flac": 8}
_BLOCK = 1 << 14  # samples; libsndfile's Vorbis encoder runs out of stack on blocks of millions


def suffix_of(path: str | os.PathLike[str]) -> str:
    """The suffix that gives the format: WAV for standard output, for devices, and for names without one.

    Raises:
        CannotWrite: the suffix is of a format that cannot be written, or the name is not a file name.
    """
    name = os.fspath(path)
    if "\0" in name:
        raise CannotWrite(f"cannot write {files.shown(name)}: a file name cannot hold a NUL character")
    suffix = Path(name).suffix.lower()
    if name == "-" or not suffix:
        return ".wav"
    if suffix not in SUFFIXES:
        raise CannotWrite(f"cannot write {files.shown(name)}: sound is written as {', '.join(SUFFIXES)}")
    return suffix


def check_output(path: str | os.PathLike[str], channels: int = 1) -> None:
    """Refuse an unusable output before the work begins.

    Raises:
        CannotWrite: a format that cannot be written or holds fewer channels, or see :func:`stegolab.files.check`.
    """
    suffix = suffix_of(path)
    files.check(path)
    _check_channels(suffix, channels)


def _check_channels(suffix: str, channels: int) -> None:
    if channels > _MOST_CHANNELS.get(suffix, channels):
        raise CannotWrite(f"{suffix} holds at most {_MOST_CHANNELS[suffix]} channels, not {channels}: take .wav")


def encode(channels: Sequence[Speech], suffix: str = ".wav", subtype: str = "PCM_16", dither: bool = False) -> bytes:
    """The bytes of a sound file with a channel for each ``Speech``; see :func:`write_blocks`.

    Raises:
        BadAudio: channels of different rates or lengths, or with samples that are not finite.
        CannotWrite: no such format, or it holds fewer channels.
    """
    sound, (blocks, rate) = io.BytesIO(), _together(channels)
    _write(sound, suffix, blocks, rate, subtype, dither)
    return sound.getvalue()


def write_blocks(
    path: str | os.PathLike[str], blocks: Iterable[Block], rate: int, subtype: str = "PCM_16", dither: bool = False
) -> None:
    """Write sound in the format that the suffix says, as its blocks (n, channels) in [-1, 1] come: it may be long.

    ``rate`` in hertz; where a format does not know it, the sound is resampled to the next higher one that it does, or
    to its highest. ``subtype`` is the sample format, one of ``PCM_16``, ``PCM_24``, ``PCM_32``, ``FLOAT`` and
    ``DOUBLE``; a format that cannot hold it gets the finest one it can hold, and compressed formats have none.
    ``dither`` adds triangular noise of two steps before rounding to 16 bit, the same each time; in each channel it
    starts at the first sample that is not a 16-bit value. The division into blocks does not affect the file. A path
    ``-`` is standard output, and gets a WAV when it is complete.

    Raises:
        BadAudio: there is no block, blocks differ in shape, or samples are not finite.
        CannotWrite: no such format, or it holds fewer channels; no such folder, no permission, disk full.
        BrokenPipeError: the reader of standard output has gone.
    """
    suffix = suffix_of(path)
    with files.replacing(path, suffix) as temporary, temporary.open("w+b") as file:
        _write(file, suffix, blocks, rate, subtype, dither)


def write_sound(
    path: str | os.PathLike[str], channels: Sequence[Speech], subtype: str = "PCM_16", dither: bool = False
) -> None:
    """Write a channel for each ``Speech``; see :func:`write_blocks`.

    Raises:
        BadAudio, CannotWrite, BrokenPipeError: see :func:`encode` and :func:`write_blocks`.
    """
    suffix_of(path)  # report a wrong name before wrong samples
    blocks, rate = _together(channels)
    write_blocks(path, blocks, rate, subtype, dither)


def write_wav(path: str | os.PathLike[str], *channels: Speech) -> None:
    """Write rounded 16-bit samples, a channel for each ``Speech``, in the format of the suffix.

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


def _together(channels: Sequence[Speech]) -> tuple[Iterator[Block], int]:
    """The channels in blocks (n, channels), at least one, and their rate."""
    channels = _alike(channels)
    samples = [channel.samples for channel in channels]
    starts = range(0, max(len(samples[0]), 1), _BLOCK)
    return (np.stack([each[at : at + _BLOCK] for each in samples], axis=1) for at in starts), channels[0].rate


def _write(file: BinaryIO, suffix: str, blocks: Iterable[Block], rate: int, subtype: str, dither: bool) -> None:
    """What :func:`write_blocks` describes, into an open file."""
    blocks = iter(blocks)
    first = next(blocks, None)
    if first is None or first.ndim != 2 or not first.shape[1]:
        raise BadAudio("there is no sound to write: give blocks of shape (n, channels)")
    channels = first.shape[1]
    _check_channels(suffix, channels)
    blocks = _checked(itertools.chain([first], blocks), channels)
    to = rate
    if suffix in _RATES and rate not in _RATES[suffix]:
        to = next((known for known in _RATES[suffix] if known >= rate), _RATES[suffix][-1])
        blocks = resampled(blocks, channels, rate, to)
    blocks = of_size(blocks, _BLOCK)  # fixed blocks, because encoders look ahead as far as they are given
    if suffix in _FFMPEG:
        by_ffmpeg(file, blocks, to, channels, _FFMPEG[suffix])
        return
    kind, subtypes = _SOUNDFILE[suffix]
    if subtype not in subtypes:
        subtype = subtypes[-1]
    coded = in_16_bit(blocks, channels, dither) if subtype == "PCM_16" else blocks
    by_libsndfile(file, coded, to, channels, kind, subtype)


def _checked(blocks: Iterable[Block], channels: int) -> Iterator[Block]:
    for block in blocks:
        if block.ndim != 2 or block.shape[1] != channels:
            raise BadAudio(f"blocks must have shape (n, {channels}) like the first one, not {block.shape}")
        if not np.isfinite(block).all():
            raise BadAudio("there are samples that are not finite numbers: nothing is written")
        yield np.asarray(block, np.float32)
