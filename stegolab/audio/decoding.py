"""Decode sound files to blocks of their channels, with libsndfile where it can read them and with FFmpeg otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from ..errors import BadAudio
from .blocks import Block
from .containers import Container, inspect
from .downmix import named
from .source import GIVE
from .speech import RATE, CutShortWarning, refuse_longer

BLOCK = 1 << 17  # samples of each channel, at most
_SHORT = 0.1  # seconds that may be missing at the end: encoders' padding
_STEREO = ("FL", "FR")
_LOSSLESS = ("pcm", "flac", "alac")
_SUBTYPES = {"s16": "PCM_16", "s32": "PCM_24", "flt": "FLOAT", "dbl": "DOUBLE"}


@dataclass
class Sound:
    """A sound file that is decoded block by block, as often as asked. ``notes`` are complete after the last block."""

    file: BinaryIO
    rate: int = RATE
    speakers: tuple[str, ...] = ("FC",)
    subtype: str = "PCM_16"
    notes: dict[str, type[Warning]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._container: Container = inspect(self.file)
        self._begin()

    def _begin(self) -> None:
        """Learn rate and layout; choose the decoder."""
        import soundfile

        known = False
        self._by_ffmpeg = self._container.untold or self._container.mpeg
        if not self._container.mpeg:
            try:
                with soundfile.SoundFile(self.file) as sound:
                    refuse_longer(sound.frames / sound.samplerate)
                    self.rate, self.subtype = sound.samplerate, _subtype(sound.subtype)
                    self.speakers = _STEREO if sound.channels == 2 else ("FC",) * sound.channels
                    self._by_ffmpeg |= sound.channels > 2  # which knows the positions of the loudspeakers
                    known = True
            except (soundfile.SoundFileError, ValueError):
                self._by_ffmpeg = True
        self.file.seek(0)
        if self._by_ffmpeg:
            with _container(self.file) as container:
                stream = container.streams.audio[0]
                self.rate = int(stream.rate or RATE)
                if not known and stream.codec_context.name.startswith(_LOSSLESS):
                    self.subtype = _SUBTYPES.get(stream.format.name.removesuffix("p"), "PCM_16")
                self.speakers = named(tuple(channel.name for channel in stream.layout.channels))

    def blocks(self) -> Iterator[Block]:
        """Blocks (n, channels), from the beginning."""
        import soundfile

        found = 0
        self._short = self._container.ends_early
        if not self._by_ffmpeg:
            self.file.seek(0)
            try:
                with soundfile.SoundFile(self.file) as sound:
                    declared = sound.frames
                    while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
                        found += len(block)
                        yield block
                self._short |= found < declared - _SHORT * self.rate
            except (soundfile.SoundFileError, ValueError):
                self._by_ffmpeg = True  # FFmpeg continues after damage
        if self._by_ffmpeg:
            skip = found
            for block in self._decoded():
                yield block[skip:]
                skip -= min(skip, len(block))
        if self._short:
            self.notes["it is cut short or damaged: the part that can be read is used"] = CutShortWarning

    def _decoded(self) -> Iterator[Block]:
        import av

        self.file.seek(0)
        with _container(self.file) as container:
            stream = container.streams.audio[0]
            planar = av.AudioResampler(format="fltp")  # converts only the sample format
            count, declared = 0, float(stream.duration * stream.time_base) if stream.duration else 0.0
            try:
                for packet in container.demux(stream):
                    try:
                        frames = packet.decode()
                    except av.error.InvalidDataError:
                        self._short = True
                        continue
                    for frame in (part for whole in frames for part in planar.resample(whole)):
                        count += frame.samples
                        refuse_longer(count / self.rate)
                        yield frame.to_ndarray().T.astype(np.float32, copy=False)  # (n, channels)
            except (av.FFmpegError, ValueError) as error:  # ValueError: the sound's layout changes on the way
                if not count or isinstance(error, ValueError):
                    raise BadAudio(f"it is not a sound file that can be read: {GIVE}") from error
                self._short = True
            if not count and self._short:
                raise BadAudio(f"it is not a sound file that can be read: {GIVE}")
            if not self._container.untold:
                self._short |= count / self.rate < declared - _SHORT


class _container:
    """FFmpeg's view of ``file``, which must hold sound."""

    def __init__(self, file: BinaryIO) -> None:
        import av

        file.seek(0)
        try:
            # A playlist may name other files and addresses; a sound file must not make us open any.
            self._opened = av.open(file, mode="r", options={"protocol_whitelist": "none"})
        except (av.FFmpegError, ValueError) as error:
            raise BadAudio(f"it is not a sound file that can be read: {GIVE}") from error

    def __enter__(self) -> Any:
        if not self._opened.streams.audio or not self._opened.streams.audio[0].rate:
            self._opened.close()
            raise BadAudio(f"there is no sound in it: {GIVE}")
        return self._opened

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def _subtype(name: str) -> str:
    """The sample format to keep: that of PCM files, 16 bit for all others."""
    return name if name in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE") else "PCM_16"
