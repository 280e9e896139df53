"""Read sound files as speech in memory, or as blocks of all channels: any format that libsndfile or FFmpeg reads."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import BadAudio
from .blocks import Block, of_size
from .decoding import BLOCK, Sound
from .downmix import Downmix
from .resampling import resample
from .source import SoundSource, name_of, opened
from .speech import (
    RATE,
    SILENCE,
    OutOfPhaseWarning,
    Speech,
    check,
    check_measured,
    check_samples,
    within_full_scale,
)


@dataclass(frozen=True)
class SoundBlocks:
    """A sound that is decoded block by block, as often as asked, while :func:`sound_blocks` keeps it open.

    ``rate`` in hertz, ``length`` in samples of each channel. ``subtype`` is the sample format, as libsndfile calls it;
    ``PCM_16`` for compressed files, which have none. ``silent`` says for each channel whether it is silent.
    """

    rate: int
    subtype: str
    length: int
    silent: tuple[bool, ...]
    _sound: Sound
    _peak: np.float32  # for all channels; 1 if they stay within full scale
    _name: str

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return len(self.silent)

    def blocks(self) -> Iterator[Block]:
        """Blocks (n, channels) in [-1, 1], from the beginning; all but the last one of the same size.

        Raises:
            BadAudio: the file can no longer be read.
        """
        try:
            for block in of_size(self._sound.blocks(), BLOCK):
                yield block / self._peak if self._peak > 1 else block
        except (BadAudio, OSError, ValueError) as error:
            raise BadAudio(f"cannot use {self._name}: {error}") from error


def read_audio(source: SoundSource, rate: int | None = RATE) -> Speech:
    """Read sound as mono speech at ``rate`` hertz, or at its own rate for None.

    ``source`` is a path, ``-`` for standard input, bytes, or a binary stream of anything that libsndfile or FFmpeg
    reads. Channels are mixed down by the coefficients of ITU-R BS.775; where they cancel each other the strongest is
    taken, with an :class:`OutOfPhaseWarning`. Of a file that ends early, the part that is there is returned, with a
    :class:`CutShortWarning`. Floating-point files that exceed full scale are scaled down to it, never clipped.

    Raises:
        BadAudio: missing, unreadable, empty, silent, shorter than 20 ms, longer than an hour, or holds values
            that are not finite numbers.
    """
    try:
        with opened(source) as file:
            sound = Sound(file)
            mix = Downmix(sound.speakers)
            samples = _joined([mix.push(block) for block in sound.blocks()])
            notes = sound.notes
            if mix.cancels:
                taken = mix.strongest
                notes[f"its channels cancel each other: only channel {taken + 1} is used"] = OutOfPhaseWarning
                samples = _joined([block[:, taken].copy() for block in sound.blocks()])
        check_samples(samples, sound.rate)
    except BadAudio as error:
        raise BadAudio(f"cannot use {name_of(source)}: {error}") from error
    speech = Speech(within_full_scale(samples), sound.rate, _told(source, notes))
    return speech if rate is None else resample(speech, rate)


@contextmanager
def sound_blocks(source: SoundSource) -> Iterator[SoundBlocks]:
    """Open a sound of any length to read all its channels at its own rate, with a constant amount of memory.

    ``source`` is what :func:`read_audio` takes. It is decoded once to check it and to find its peak. If the peak
    exceeds full scale, all channels are scaled down alike, never clipped.

    Raises:
        BadAudio: as for :func:`read_audio`; single channels may be silent, but not all.
    """
    held = ExitStack()
    try:
        try:
            sound = Sound(held.enter_context(opened(source)))
            found = _Extent.of(sound)
        except BadAudio as error:
            raise BadAudio(f"cannot use {name_of(source)}: {error}") from error
        _told(source, sound.notes, level=4)  # past contextlib
        yield SoundBlocks(sound.rate, sound.subtype, found.length, found.silent, sound, found.peak, name_of(source))
    finally:
        held.close()  # not including what the caller raises: opened() would mistake a write error for a read error


def speech_from(source: Speech | SoundSource, rate: int | None = RATE) -> Speech:
    """Speech from what the caller has: a :class:`Speech`, which is checked, or anything that :func:`read_audio` takes.

    Raises:
        BadAudio: see :func:`check` and :func:`read_audio`.
    """
    return check(source) if isinstance(source, Speech) else read_audio(source, rate)


@dataclass
class _Extent:
    """What must be known about a sound before it is used; ``low`` and ``high`` are the extremes of each channel."""

    length: int
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, sound: Sound) -> _Extent:
        """Measure a sound; raises :class:`BadAudio` if it cannot be speech."""
        found = cls(0, np.full(1, np.inf), np.full(1, -np.inf))
        for block in sound.blocks():
            found.length += len(block)
            if len(block):
                found.low, found.high = np.minimum(found.low, block.min(0)), np.maximum(found.high, block.max(0))
        finite = bool(np.isfinite([found.low, found.high]).all())  # minima and maxima keep values that are not finite
        check_measured(found.length, sound.rate, finite, silent=finite and all(found.silent))
        return found

    @property
    def peak(self) -> np.float32:
        return np.float32(max(-self.low.min(), self.high.max()))

    @property
    def silent(self) -> tuple[bool, ...]:
        """Whether each channel, scaled to full scale, is silent in the sense of :attr:`Speech.silent`."""
        return tuple((self.high - self.low < SILENCE * np.maximum(self.peak, 1)).tolist())


def _told(source: SoundSource, notes: dict[str, type[Warning]], level: int = 3) -> tuple[str, ...]:
    """Issue the warnings for the caller that is this many levels above, and return them as text."""
    texts = {f"{name_of(source)}: {text}": kind for text, kind in notes.items()}
    for text, kind in texts.items():
        warnings.warn(text, kind, stacklevel=level)
    return tuple(texts)


def _joined(blocks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
