"""Four families of speech coders as raw frames, without a container.

Taught in notebook 04. FLAC, Opus (RFC 6716) and AMR-NB (3GPP TS 26.071) come from FFmpeg through PyAV, Codec2 (Rowe)
from ``pycodec2``. All of them take and return 16-bit PCM of shape (n,) at the ``rate`` of the coder, without delay: the
coder's own delay (``lead``) is padded at the end and cut off at the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from .. import audio
from ..audio import Speech
from ..errors import Truncated
from .packing import join_bits, join_packets, split_bits, split_packets

if TYPE_CHECKING:
    import av

Pcm = NDArray[np.int16]


class Coder(Protocol):
    """A speech coder that works at ``rate`` hertz."""

    rate: ClassVar[int]

    def encode(self, pcm: Pcm) -> bytes:
        """Samples of shape (n,) to the bytes of their frames."""

    def decode(self, body: bytes, count: int) -> Pcm:
        """Decode frames to exactly ``count`` samples; Truncated if they are not the frames of ``count`` samples."""


class Flac:
    """Lossless: 16-bit samples come back bit for bit."""

    rate: ClassVar[int] = 16_000
    block: ClassVar[int] = 1152  # samples a frame: the best of 576, 1152, 2048 and 4096 on speech

    def encode(self, pcm: Pcm) -> bytes:
        """Samples of shape (n,) to FLAC frames, each behind its length."""
        options = {"compression_level": "8", "frame_size": str(self.block)}
        return join_packets(_av_encode(_av_encoder("flac", self.rate, options), pcm))

    def decode(self, body: bytes, count: int) -> Pcm:
        """Decode FLAC frames to exactly the samples that were encoded."""
        frames = split_packets(body)
        _expect(len(frames) == -(-count // self.block))
        return _exactly(count, _av_decode("flac", self.rate, frames, longest=self.block))


@dataclass(frozen=True)
class Opus:
    """RFC 6716 packets of 60 ms at a variable bit rate; ``bit_rate`` is the rate that libopus aims at during speech."""

    bit_rate: int  # bit/s
    rate: ClassVar[int] = 16_000
    frame: ClassVar[int] = 960  # samples of 60 ms
    lead: ClassVar[int] = 104  # samples that the decoder gives before the first one: the pre-skip

    def encode(self, pcm: Pcm) -> bytes:
        """Samples of shape (n,) to Opus packets, each behind its length."""
        options = {"frame_duration": "60", "vbr": "on", "application": "voip"}
        encoder = _av_encoder("libopus", self.rate, options, self.bit_rate)
        return join_packets(_av_encode(encoder, _padded(pcm, self.lead, self.frame)))

    def decode(self, body: bytes, count: int) -> Pcm:
        """Opus packets to ``count`` samples."""
        packets = split_packets(body)
        _expect(len(packets) == _n_frames(count, self.lead, self.frame))
        pcm48 = _av_decode("libopus", 48_000, packets, longest=3 * self.frame)  # libopus decodes to 48 kHz
        aligned = _exactly(3 * count, pcm48[3 * self.lead :])
        return audio.to_pcm16(audio.resample(audio.from_pcm16(aligned, 48_000), self.rate))


@dataclass(frozen=True)
class FixedFrames:
    """A coder of frames that all have the same number of bits, packed without a gap: the base of AMR-NB and Codec2."""

    bit_rate: int  # bit/s
    frame: int  # samples
    bits: int  # in a frame
    lead: int  # samples that the decoder gives before the first one
    rate: ClassVar[int] = 8_000

    def size(self, count: int) -> int:
        """Bytes that ``count`` samples take, known without encoding them."""
        return -(-_n_frames(count, self.lead, self.frame) * self.bits // 8)

    def samples_that_fit(self, n_bytes: int) -> int:
        """The inverse of :meth:`size`: the most samples that take no more than ``n_bytes``."""
        return max(8 * n_bytes // self.bits * self.frame - self.lead, 0)

    def encode(self, pcm: Pcm) -> bytes:
        """Samples of shape (n,) to frames, packed bit by bit."""
        return join_bits(self._encode(_padded(pcm, self.lead, self.frame)), self.bits)

    def decode(self, body: bytes, count: int) -> Pcm:
        """Frames to ``count`` samples."""
        frames = split_bits(body, self.bits, _n_frames(count, self.lead, self.frame))
        return _exactly(count, self._decode(frames)[self.lead :])

    def _encode(self, pcm: Pcm) -> list[bytes]:
        raise NotImplementedError

    def _decode(self, frames: list[bytes]) -> Pcm:
        raise NotImplementedError


class AmrNb(FixedFrames):
    """Adaptive multi-rate narrow-band at one of its eight rates; the frame-type byte is left out of every frame.

    Every build of FFmpeg has the decoder; the only encoder is a separate library, which many builds leave out.
    """

    encoder: ClassVar[str] = "libopencore_amrnb"
    decoder: ClassVar[str] = "amrnb"

    def _encode(self, pcm: Pcm) -> list[bytes]:
        encoder = _av_encoder(self.encoder, self.rate, {}, self.bit_rate)
        return [packet[1:] for packet in _av_encode(encoder, pcm)]

    def _decode(self, frames: list[bytes]) -> Pcm:
        frame_type = sorted(AMR_NB).index(self.bit_rate)
        first = bytes([frame_type << 3 | 4])  # RFC 4867: the type, and a bit that says the frame is good
        return _av_decode(self.decoder, self.rate, [first + frame for frame in frames], longest=self.frame)


class Codec2(FixedFrames):
    """Rowe's sinusoidal vocoder: speech as harmonics of a pitch.

    It fills unvoiced phases with random noise: two decodings of one message sound alike but differ in samples.
    """

    def _encode(self, pcm: Pcm) -> list[bytes]:
        import pycodec2

        coder = pycodec2.Codec2(self.bit_rate)
        return [coder.encode(frame) for frame in pcm.reshape(-1, self.frame)]  # it encodes one frame per call

    def _decode(self, frames: list[bytes]) -> Pcm:
        import pycodec2

        coder = pycodec2.Codec2(self.bit_rate)
        return np.concatenate([coder.decode(frame) for frame in frames])


_AMR_BITS = {12200: 244, 10200: 204, 7950: 159, 7400: 148, 6700: 134, 5900: 118, 5150: 103, 4750: 95}
AMR_NB = {rate: AmrNb(rate, frame=160, bits=bits, lead=40) for rate, bits in _AMR_BITS.items()}

# Leads chosen for the best match of short-time envelopes of speech, because a vocoder's waveforms do not match.
CODEC2 = {
    3200: Codec2(3200, frame=160, bits=64, lead=150),
    2400: Codec2(2400, frame=160, bits=48, lead=150),
    1600: Codec2(1600, frame=320, bits=64, lead=150),
    1400: Codec2(1400, frame=320, bits=56, lead=150),
    1300: Codec2(1300, frame=320, bits=52, lead=150),
    1200: Codec2(1200, frame=320, bits=48, lead=150),
    700: Codec2(700, frame=320, bits=28, lead=240),  # the mode called 700C
}


def _n_frames(count: int, lead: int, frame: int) -> int:
    return -(-(count + lead) // frame)


def _padded(pcm: Pcm, lead: int, frame: int) -> Pcm:
    """Zeros at the end: the samples that the delay pushes out, and the rest of the last frame."""
    return np.pad(pcm, (0, _n_frames(len(pcm), lead, frame) * frame - len(pcm)))


def _exactly(count: int, pcm: Pcm) -> Pcm:
    _expect(len(pcm) >= count)
    return pcm[:count]


def _expect(consistent: bool) -> None:
    if not consistent:
        raise Truncated("the speech message does not hold as many samples as it declares: have it sent again")


@cache
def amr_can_be_encoded() -> bool:
    """Whether PyAV's FFmpeg has an encoder for AMR-NB."""
    import av

    try:
        av.Codec(AmrNb.encoder, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def _av_encoder(name: str, rate: int, options: dict[str, str], bit_rate: int = 0) -> av.AudioCodecContext:
    import av

    encoder = cast("av.AudioCodecContext", av.CodecContext.create(name, "w"))
    encoder.sample_rate, encoder.layout, encoder.format, encoder.options = rate, "mono", "s16", options
    if bit_rate:
        encoder.bit_rate = bit_rate
    encoder.open()
    return encoder


def _av_encode(encoder: av.AudioCodecContext, pcm: Pcm) -> list[bytes]:
    """One packet for each frame of ``pcm``, without those that flushing adds for the encoder's own delay."""
    import av

    whole = av.AudioFrame.from_ndarray(pcm[None], "s16", "mono")
    whole.sample_rate, whole.pts = encoder.sample_rate, 0
    packets = [bytes(packet) for packet in [*encoder.encode(whole), *encoder.encode(None)]]
    return packets[: _n_frames(len(pcm), 0, encoder.frame_size)]


def _av_decode(name: str, rate: int, packets: list[bytes], longest: int) -> Pcm:
    """Decode packet by packet; none may give more than ``longest`` samples, which limits time and memory."""
    import av

    decoder = cast("av.AudioCodecContext", av.CodecContext.create(name, "r"))
    decoder.sample_rate, decoder.layout = rate, "mono"
    parts: list[Pcm] = []
    for packet in packets:
        try:
            frames = decoder.decode(av.Packet(packet))
        except (av.FFmpegError, ValueError) as error:
            raise Truncated("a frame of the speech message is damaged: have it sent again") from error
        for frame in frames:
            _expect((frame.sample_rate, frame.layout.name, frame.samples <= longest) == (rate, "mono", True))
            parts.append(_pcm16(frame))
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def _pcm16(frame: av.AudioFrame) -> Pcm:
    """A decoded frame's samples of shape (n,): integers unchanged, floating point rounded to integers."""
    samples = frame.to_ndarray()[0]
    _expect(samples.dtype in (np.int16, np.float32) and bool(np.isfinite(samples).all()))
    return samples if samples.dtype == np.int16 else audio.to_pcm16(Speech(samples, frame.sample_rate))
