"""Speech in memory, and the way in from and out to sound files.

Everything behind this door is mono float32 in [-1, 1]; whatever a person hands in (8 bit, 96 kHz, six channels, a
film's sound track) is turned into that here and nowhere else.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .errors import BadAudio
from .files import replacing

RATE = 16_000  # hertz; wide-band speech, what the models and the codecs work at
SHORTEST = 0.02  # seconds; less than one frame of any speech codec
LONGEST = 3600.0  # seconds; beyond it a file is a mistake, and would fill the memory before it fits a picture
FULL_SCALE = 32_768  # 16-bit steps to 1.0

Keep = Callable[[NDArray[Any]], NDArray[np.float32]]

_GIVE = "give a sound file such as WAV, FLAC, OGG, MP3 or M4A"


@dataclass(frozen=True)
class Speech:
    """Mono speech: ``samples`` float32 of shape (n,) in [-1, 1], ``rate`` in hertz."""

    samples: NDArray[np.float32]
    rate: int

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.rate

    @property
    def silent(self) -> bool:
        """Whether there is nothing to hear; a constant offset is silence too."""
        return not self.samples.size or bool(np.ptp(self.samples) < 2 / FULL_SCALE)


def read_audio(path: str | os.PathLike[str], rate: int = RATE) -> Speech:
    """Read any sound file that libsndfile or FFmpeg reads, mixed down to mono and resampled to ``rate`` hertz.

    Floating-point files that exceed full scale are scaled down to it, never clipped.

    Raises:
        BadAudio: missing, unreadable, empty, silent, shorter than 20 ms, longer than an hour, or holds values
            that are not finite numbers.
    """
    try:
        samples, own_rate = _read(Path(path), lambda block: block.mean(axis=1))
        _check(samples, own_rate)
    except BadAudio as error:
        raise BadAudio(f"cannot use {path}: {error}") from error
    return resample(Speech(_within_full_scale(samples), own_rate), rate)


def read_channels(path: str | os.PathLike[str]) -> list[Speech]:
    """Read every channel of a sound file, at its own rate. Beyond full scale all are scaled down alike.

    Raises:
        BadAudio: as :func:`read_audio`; a single channel may be silent.
    """
    try:
        samples, rate = _read(Path(path), lambda block: block)  # (n, channels)
        _check(samples[:, np.abs(samples).sum(axis=0).argmax()] if samples.size else samples.ravel(), rate)
        if not np.isfinite(samples).all():
            raise BadAudio("it holds samples that are not finite numbers: export it again as PCM")
    except BadAudio as error:
        raise BadAudio(f"cannot use {path}: {error}") from error
    return [Speech(np.ascontiguousarray(channel), rate) for channel in _within_full_scale(samples).T]


def write_wav(path: str | os.PathLike[str], *channels: Speech) -> None:
    """Write 16-bit PCM, a channel for each ``Speech``: FLAC when ``path`` ends in ``.flac``, WAV otherwise.

    Raises:
        CannotWrite: no such folder, no permission, disk full.
    """
    import soundfile

    kind = "FLAC" if Path(path).suffix.lower() == ".flac" else "WAV"
    pcm = np.stack([to_pcm16(channel) for channel in channels], axis=1)
    sound = io.BytesIO()  # in memory first: libsndfile does not report a disk that fills up when it closes the file
    soundfile.write(sound, pcm, channels[0].rate, format=kind, subtype="PCM_16")
    with replacing(path) as temporary:
        temporary.write_bytes(sound.getbuffer())


def resample(speech: Speech, rate: int) -> Speech:
    """Change the rate to ``rate`` hertz with FFmpeg's polyphase filter: ceil(n * rate / speech.rate) samples, no delay.

    The filter is libswresample's because PyAV is loaded for the codecs anyway: importing ``scipy.signal`` alone
    costs more than a second, a third of what hiding may take.
    """
    if rate == speech.rate:
        return speech
    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(speech.samples[None], np.float32), "flt", "mono")
    frame.sample_rate = speech.rate
    parts = [part.to_ndarray()[0] for part in [*resampler.resample(frame), *resampler.resample(None)]]
    n = -(-len(speech.samples) * rate // speech.rate)
    samples = np.zeros(n, np.float32)  # the filter's tail may be a sample short or long
    found = np.concatenate(parts)[:n] if parts else samples
    samples[: len(found)] = found
    return Speech(_within_full_scale(samples), rate)


def check(speech: Speech) -> Speech:
    """Return ``speech`` when it can be used, for callers that built it in Python.

    Raises:
        BadAudio: not mono, not finite, beyond [-1, 1], silent, shorter than 20 ms or longer than an hour.
    """
    samples = np.asarray(speech.samples)
    _check(samples, speech.rate)
    peak = float(np.abs(samples).max())
    if peak > 1:
        raise BadAudio(f"samples must lie in [-1, 1] but reach {peak:g}: divide integer samples by their full scale")
    return speech


def to_pcm16(speech: Speech) -> NDArray[np.int16]:
    """Round the samples to 16-bit integers, shape (n,); the inverse of :func:`from_pcm16`, exactly."""
    return np.clip(np.rint(speech.samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_pcm16(pcm: NDArray[np.int16], rate: int) -> Speech:
    """Speech from 16-bit integer samples of shape (n,)."""
    return Speech(pcm.astype(np.float32) / np.float32(FULL_SCALE), rate)


def _check(samples: NDArray[np.float32], rate: int) -> None:
    if not 4_000 <= rate <= 768_000:
        raise BadAudio(f"its sampling rate of {rate} Hz is not one of speech: use 8000 to 48000 Hz")
    if samples.ndim != 1:
        raise BadAudio(f"samples must have shape (n,), not {samples.shape}: mix the channels down first")
    if not samples.size:
        raise BadAudio("it is empty: record at least 20 ms of speech")
    seconds = samples.size / rate
    if seconds < SHORTEST:
        raise BadAudio(f"it lasts {1000 * seconds:.1f} ms: record at least {1000 * SHORTEST:.0f} ms of speech")
    _refuse_longer(seconds)
    if not np.isfinite(samples).all():
        raise BadAudio("it holds samples that are not finite numbers: export it again as PCM")
    if Speech(samples, rate).silent:
        raise BadAudio("it is silent: check the microphone or the export")


def _within_full_scale(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    peak = np.abs(samples).max(initial=0)
    return (samples / peak if peak > 1 else samples).astype(np.float32, copy=False)


def _read(path: Path, keep: Keep) -> tuple[NDArray[np.float32], int]:
    """What ``keep`` keeps of each block (n, channels), joined, and the file's own rate."""
    import soundfile

    try:
        with path.open("rb") as file:
            try:
                with soundfile.SoundFile(file) as sound:
                    _refuse_longer(len(sound) / sound.samplerate)
                    blocks = sound.blocks(1 << 20, dtype="float32", always_2d=True)  # (n, channels)
                    return _joined([keep(block) for block in blocks]), sound.samplerate
            except soundfile.LibsndfileError:
                file.seek(0)
                return _read_with_ffmpeg(file, keep)
    except OSError as error:
        raise BadAudio(f"{error.strerror or error}: {_GIVE}") from error


def _read_with_ffmpeg(file: BinaryIO, keep: Keep) -> tuple[NDArray[np.float32], int]:
    import av

    try:
        # A playlist may name other files and addresses; a sound file has no business opening either.
        with av.open(file, mode="r", options={"protocol_whitelist": "none"}) as container:
            if not container.streams.audio:
                raise BadAudio(f"there is no sound in it: {_GIVE}")
            planar = av.AudioResampler(format="fltp")  # converts the sample format only
            blocks, rate, count = [], RATE, 0
            for decoded in container.decode(audio=0):
                for frame in planar.resample(decoded):
                    blocks.append(keep(frame.to_ndarray().T))  # (n, channels)
                    rate, count = frame.sample_rate, count + frame.samples
                    _refuse_longer(count / rate)
            return _joined(blocks), rate
    except (av.FFmpegError, ValueError) as error:  # ValueError: the sound's layout changes on the way
        raise BadAudio(f"it is not a sound file that can be read: {_GIVE}") from error


def _joined(blocks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _refuse_longer(seconds: float) -> None:
    if seconds > LONGEST:
        raise BadAudio(f"it lasts {seconds / 60:.0f} minutes: cut it to at most {LONGEST / 60:.0f} minutes")
