"""A common measure of what is received, and channels for sounds beside those for pictures (notebook 13).

A secret may be a message, a voice or a picture; the numbers that were sent are compared with the numbers that were
revealed. A system that checks what it received can also refuse it, which is better than noise, because the failure is
known.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..audio import Speech, from_pcm16, to_pcm16
from ..errors import StegolabError

Numbers = NDArray[Any]
Container = TypeVar("Container")  # a picture, uint8 (H, W, 3), or a sound
SoundChannel = Callable[[Speech], Speech]

BLOCK = 512  # samples of silence before and after a sound, so that codecs are not judged by their edges


@dataclass(frozen=True)
class Arrival:
    """The fate of a secret: ``exact``, ``refused`` by the receiver, or similar with correlation ``pcc``, 0 to 1."""

    pcc: float
    exact: bool = False
    refused: bool = False


@dataclass(frozen=True)
class Trip(Generic[Container]):
    """A container before sending: its ``cover``, its content (``sent``), and the function that reads it."""

    cover: Container
    container: Container
    sent: Numbers
    reveal: Callable[[Container], Numbers]

    def through(self, channel: Callable[[Container], Container]) -> Arrival:
        """Send the container through ``channel`` and compare what is revealed, in the shape of ``sent``."""
        try:
            revealed = self.reveal(channel(self.container))
        except StegolabError:
            return Arrival(0.0, refused=True)
        return Arrival(alike(self.sent, revealed), bool(np.array_equal(self.sent, revealed)))


def alike(sent: Numbers, revealed: Numbers) -> float:
    """Pearson's correlation of two arrays of one shape; 0 where it is negative or one of them is constant."""
    if not (np.ptp(sent) and np.ptp(revealed)):
        return 0.0
    pcc = np.corrcoef(sent.ravel().astype(np.float64), revealed.ravel().astype(np.float64))[0, 1]
    return max(0.0, float(pcc))


def worth(pcc: float, numbers: int, most: float = 16) -> float:
    """The most bits that numbers with this correlation can carry: Shannon's rate for Gaussian noise.

    ``-log2(1 - pcc²) / 2`` per number, and never over ``most``, the bits that it had. Neighbouring samples and pixels
    are similar, so the true value is lower.
    """
    return numbers * min(most, -math.log2(max(1 - pcc**2, 1e-12)) / 2)


def noisy(snr_db: float, seed: int = 0) -> SoundChannel:
    """Add white noise ``snr_db`` below the sound and round to 16 bits."""

    def channel(sound: Speech) -> Speech:
        level = float(np.std(sound.samples)) * 10 ** (-snr_db / 20)
        added = np.random.default_rng(seed).normal(0, level, len(sound.samples))
        return requantised(16)(Speech((sound.samples + added).astype(np.float32), sound.rate))

    return channel


def requantised(bits: int) -> SoundChannel:
    """The sound in a file of ``bits`` bits per sample, 2 to 16."""

    def channel(sound: Speech) -> Speech:
        pcm = to_pcm16(sound).astype(np.int32)
        step = 1 << (16 - bits)
        coarse = np.clip((pcm + step // 2) // step * step, -(1 << 15), (1 << 15) - step)
        return from_pcm16(coarse.astype(np.int16), sound.rate)

    return channel


def coded(codec: str, bit_rate: int) -> SoundChannel:
    """Encoded with FFmpeg's ``libmp3lame`` or ``libopus`` at ``bit_rate`` bit/s and decoded: same length, no delay.

    A codec adds a delay, which is found by comparing with what was sent; a receiver that knows the codec can remove it
    too.
    """

    def channel(sound: Speech) -> Speech:
        padded = np.pad(sound.samples, BLOCK)
        decoded = _decode(_encode(Speech(padded, sound.rate), codec, bit_rate), sound.rate)
        return requantised(16)(Speech(_in_step(decoded, sound.samples), sound.rate))

    return channel


SOUND_CHANNELS: dict[str, SoundChannel] = {
    "16-bit WAV": requantised(16),
    "8-bit WAV": requantised(8),
    "noise, 40 dB": noisy(40),
    "MP3, 128 kbit/s": coded("libmp3lame", 128_000),
    "Opus, 64 kbit/s": coded("libopus", 64_000),
    "Opus, 24 kbit/s": coded("libopus", 24_000),
}
PICTURE_CHANNELS = {"PNG": "none", "noise, σ 2": "noise:2", "JPEG 90": "jpeg:90", "JPEG 50": "jpeg:50"}


def _encode(sound: Speech, codec: str, bit_rate: int) -> bytes:
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format={"libmp3lame": "mp3", "libopus": "ogg"}[codec]) as file:
        stream: Any = file.add_stream(codec, rate=sound.rate)  # of sound; PyAV's types know them only by literal names
        stream.bit_rate, stream.layout = bit_rate, "mono"
        frame = av.AudioFrame.from_ndarray(to_pcm16(sound)[None], format="s16", layout="mono")
        frame.rate = sound.rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    return buffer.getvalue()


def _decode(contents: bytes, rate: int) -> NDArray[np.float32]:
    import av

    resampler = av.AudioResampler("s16", "mono", rate)
    with av.open(io.BytesIO(contents), "r") as file:
        frames = [piece for frame in file.decode(audio=0) for piece in resampler.resample(frame)]
    frames += resampler.resample(None)
    pcm = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return from_pcm16(pcm, rate).samples


def _in_step(decoded: NDArray[np.float32], sent: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part of ``decoded`` that is most similar to ``sent``."""
    from scipy.signal import correlate

    longer = np.pad(decoded, len(sent) // 2 + 2 * BLOCK)
    start = int(np.argmax(correlate(longer, sent, "valid", "fft")))
    return longer[start : start + len(sent)]
