"""Speech to message bytes and back: a ladder of codecs, from lossless down to 700 bit/s.

Taught in notebook 04. A message is self-contained:

    | codec, 1 byte | Opus only: bit rate, varint | number of samples at 16 kHz, varint | frames |

and decodes to exactly as many samples as went in, without delay. Every codec takes and returns 16 kHz; AMR-NB and
Codec2 work at 8 kHz internally.
"""

from __future__ import annotations

import math

from .. import audio
from ..audio import Speech
from ..choices import LADDER
from ..errors import BadSpec, CapacityExceeded, Truncated, UnsupportedVersion
from .packing import read_varint, varint
from .vocoders import AMR_NB, CODEC2, AmrNb, Coder, FixedFrames, Flac, Opus, amr_can_be_encoded

# A codec's index here is the first byte of its messages. Written out, and only ever appended to, whatever the family of
# the new one: old pictures must stay readable.
_NUMBERED: tuple[str, ...] = (
    *("flac", "opus"),
    *("amrnb:12200", "amrnb:10200", "amrnb:7950", "amrnb:7400", "amrnb:6700", "amrnb:5900", "amrnb:5150", "amrnb:4750"),
    *("codec2:3200", "codec2:2400", "codec2:1600", "codec2:1400", "codec2:1300", "codec2:1200", "codec2:700"),
)

_CODERS: dict[str, Coder] = {"flac": Flac()}
_CODERS |= {f"amrnb:{rate}": coder for rate, coder in AMR_NB.items()}
_CODERS |= {f"codec2:{rate}": coder for rate, coder in CODEC2.items()}

_OPUS_RATES = range(6_000, 24_001)  # bit/s
_OPUS_SPENDS = 0.95  # share of the nominal rate that speech with its pauses takes
_FLAC_RATE = 140_000  # bit/s; typical of speech, which ranges from about 110 to 170 thousand
_HEADER = 5  # bytes before the frames, at most; Opus has three more


def ladder() -> tuple[str, ...]:
    """The codecs of :data:`LADDER` that can be encoded here, best first: "auto" tries them in this order.

    FFmpeg is often built without an encoder for AMR-NB. AMR-NB messages made elsewhere can still be decoded.
    """
    return tuple(rung for rung in LADDER if amr_can_be_encoded() or not isinstance(_coder(rung), AmrNb))


def encode(speech: Speech, name: str) -> bytes:
    """Code ``speech`` with the codec ``name``, such as ``flac``, ``opus:8000``, ``amrnb:4750`` or ``codec2:1300``.

    Opus takes any bit rate from 6000 to 24000 bit/s. Speech at other rates than 16 kHz is resampled first.

    Raises:
        BadSpec: no such codec, or one that can be decoded here but not encoded.
        BadAudio: the speech is empty, silent, not finite, too short or too long.
    """
    coder = _encoder(name)
    at16k = audio.resample(audio.check(speech), audio.RATE)
    pcm = audio.to_pcm16(audio.resample(at16k, coder.rate))
    return _name_bytes(name) + varint(len(at16k.samples)) + coder.encode(pcm)


def decode(message: bytes) -> Speech:
    """Decode a message that :func:`encode` made: speech at 16 kHz, as long as the speech that went in.

    Raises:
        Truncated: the message is cut short or damaged.
        UnsupportedVersion: a codec that this version does not know.
    """
    name, rest = _read_name(message)
    count, body = read_varint(rest)
    if not 0 < count <= audio.LONGEST * audio.RATE:
        raise Truncated(f"the speech message declares {count} samples: it is damaged, have it sent again")
    coder = _coder(name)
    pcm = coder.decode(body, -(-count * coder.rate // audio.RATE))
    at16k = audio.resample(audio.from_pcm16(pcm, coder.rate), audio.RATE)
    return Speech(at16k.samples[:count], audio.RATE)


def check(name: str) -> None:
    """Raise BadSpec unless ``name`` is ``auto`` or a codec that can be encoded here."""
    if name != "auto":
        _encoder(name)


def name_of(message: bytes) -> str:
    """The name of the codec that made ``message``; raises what :func:`decode` raises."""
    return _read_name(message)[0]


def seconds_that_fit(name: str, n_bytes: int) -> float:
    """Seconds of speech that ``n_bytes`` hold: exact for AMR-NB and Codec2, typical for Opus and FLAC.

    Raises:
        BadSpec: no such codec.
    """
    coder, room = _coder(name), max(n_bytes - _HEADER, 0)
    if isinstance(coder, FixedFrames):
        return coder.samples_that_fit(room) / coder.rate
    return 8 * room / _typical_rate(coder)


def choose(speech: Speech, max_bytes: int, name: str = "auto") -> tuple[str, bytes]:
    """Code ``speech`` in at most ``max_bytes``: with the best codec of the ladder that fits, or with ``name``.

    Returns the codec's name and the message.

    Raises:
        CapacityExceeded: not even the smallest codec fits, or the one that was asked for does not.
        BadSpec, BadAudio: see :func:`encode`.
    """
    speech = audio.check(speech)
    if name != "auto":
        _encoder(name)
    rungs = ladder() if name == "auto" else (name,)
    tried = [rung for rung in rungs if _least(rung, speech.seconds) <= max_bytes]
    for rung in tried:
        message = encode(speech, rung)
        if len(message) <= max_bytes:
            return rung, message
    remedy = "" if name == "auto" else "choose a smaller codec, "
    if name != "auto" and tried:
        fits = speech.seconds * max_bytes / len(message)
    else:
        name = LADDER[-1] if name == "auto" else name
        fits = seconds_that_fit(name, max_bytes)
    raise CapacityExceeded(
        f"{speech.seconds:.1f} s of speech are too much: {math.floor(10 * fits) / 10} s fit as {name}; "
        f"shorten the speech, {remedy}or take a larger cover"
    )


def _coder(name: str) -> Coder:
    family, _, rate = name.partition(":")
    if family == "opus" and rate.isdecimal() and int(rate) in _OPUS_RATES:
        return Opus(int(rate))
    if name not in _CODERS:
        raise BadSpec(f"no codec {name!r}: choose opus:6000 to opus:24000, or one of {', '.join(_CODERS)}")
    return _CODERS[name]


def _encoder(name: str) -> Coder:
    coder = _coder(name)
    if isinstance(coder, AmrNb) and not amr_can_be_encoded():
        below = next(rung for rung in LADDER[LADDER.index(name) :] if rung in ladder())
        raise BadSpec(f"no encoder for {name}: PyAV's FFmpeg was built without {coder.encoder}; choose {below}")
    return coder


def _typical_rate(coder: Coder) -> float:
    return _OPUS_SPENDS * coder.bit_rate if isinstance(coder, Opus) else _FLAC_RATE


def _least(name: str, seconds: float) -> float:
    """Bytes below which ``name`` need not be tried; silence may halve what Opus and FLAC need."""
    coder = _coder(name)
    if isinstance(coder, FixedFrames):
        return coder.size(int(seconds * coder.rate))
    return 0.5 * seconds * _typical_rate(coder) / 8


def _name_bytes(name: str) -> bytes:
    family, _, rate = name.partition(":")
    if family == "opus":
        return bytes([_NUMBERED.index("opus")]) + varint(int(rate))
    return bytes([_NUMBERED.index(name)])


def _read_name(message: bytes) -> tuple[str, bytes]:
    """Invert :func:`_name_bytes`: the name, and the bytes that follow it."""
    if not message:
        raise Truncated("the speech message is empty: have it sent again")
    if message[0] >= len(_NUMBERED):
        raise UnsupportedVersion(f"codec number {message[0]} is unknown to this version: update stegolab")
    name = _NUMBERED[message[0]]
    if name != "opus":
        return name, message[1:]
    rate, rest = read_varint(message[1:])
    if rate not in _OPUS_RATES:
        raise Truncated(f"the speech message declares Opus at {rate} bit/s: it is damaged, have it sent again")
    return f"opus:{rate}", rest
