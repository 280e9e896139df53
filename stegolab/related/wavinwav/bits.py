"""The strong mode: bytes sealed with AES-256-GCM, as a waveform that the network hides like speech (notebook 12).

The main system's envelope around a message (speech from a codec, say), LDPC around that, and each code bit becomes the
sign of one MDCT coefficient between 125 Hz and 2 kHz, where speech has its energy. A wrong key and a changed bit are
both detected, which scrambling cannot do; the price is that there is only room for the bit rate of a speech codec.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ...audio import Speech
from ...errors import CapacityExceeded
from ...keystream import public_permutation
from ...message import ecc, envelope
from ...message.keys import KeyProvider
from .codec import as_speech, prepare
from .data import at_level
from .network import InvertibleNetwork
from .noise import requantise
from .scrambling import FRAME, analyse, synthesise

BINS = slice(4, 68)  # of the MDCT, 31.25 Hz each
CODE = ecc.code("ldpc:1/2")

_HEADER = b"wavinwav bits 1"
_LENGTH = 4  # bytes that say how long the message is


def capacity(samples: int) -> int:
    """Bytes of message in a stego of so many samples: about 240 a second, less 36."""
    return max(0, _slots(samples) // 2 // 8 - envelope.OVERHEAD - _LENGTH)


def hide(
    cover: Speech,
    message: bytes,
    network: InvertibleNetwork,
    provider: KeyProvider,
    *,
    salt: bytes | None = None,
) -> Speech:
    """The stego: ``cover`` at the network's level with the sealed ``message`` inside, rounded to 16 bits.

    ``salt`` is for reproducing a figure only; see :func:`stegolab.message.envelope.seal`.

    Raises:
        BadAudio: see :func:`.codec.hide`.
        CapacityExceeded: the message is longer than :func:`capacity`.
        BadKey: the provider has no secret to give.
    """
    x = prepare(cover)
    room = capacity(x.shape[1])
    if len(message) > room:
        raise CapacityExceeded(f"{len(message)} bytes, and the cover carries {room}: choose a longer cover")
    framed = len(message).to_bytes(_LENGTH, "big") + message.ljust(room, b"\0")
    body = envelope.seal(framed, provider, _HEADER, salt=salt)
    y = _modulate(np.unpackbits(np.frombuffer(body, np.uint8)), x.shape[1])
    with torch.no_grad():
        return as_speech(requantise(network(x, torch.from_numpy(y)[None])[0]))


def reveal(stego: Speech, network: InvertibleNetwork, provider: KeyProvider) -> bytes:
    """The message that :func:`hide` put into the stego.

    Raises:
        Uncorrectable: too much noise, or nothing hidden.
        AuthenticationFailed: another key, or tampering; the two are deliberately not distinguished.
        BadKey: the provider has no secret to give.
    """
    length = len(stego.samples) // FRAME * FRAME
    with torch.no_grad():
        y = network.inverse(torch.from_numpy(stego.samples[:length])[None])[1]
    message_bits = 8 * (capacity(length) + envelope.OVERHEAD + _LENGTH)
    llr = _demodulate(y[0].numpy())[: CODE.room(message_bits, _slots(length))]
    body = np.packbits(CODE.decode(llr, message_bits).bits).tobytes()
    framed = envelope.open_sealed(body, provider, _HEADER)
    return framed[_LENGTH : _LENGTH + int.from_bytes(framed[:_LENGTH], "big")]


def _slots(samples: int) -> int:
    return samples // FRAME * (BINS.stop - BINS.start)


def _slope() -> NDArray[np.float32]:
    """Amplitudes of the bins, falling as speech's spectrum does: -6 dB per octave."""
    return (1 / np.arange(BINS.start, BINS.stop) ** 0.5).astype(np.float32)


def _modulate(message: NDArray[np.uint8], samples: int) -> NDArray[np.float32]:
    """Message bits to a waveform (samples,) at the network's level."""
    slots = _slots(samples)
    signs = np.ones(slots, np.float32)
    coded = CODE.encode(message, CODE.room(len(message), slots))
    signs[public_permutation("wavinwav", slots)[: len(coded)]] = 2 * coded.astype(np.float32) - 1
    spectrum = torch.zeros(1, samples // FRAME, FRAME)
    spectrum[0, :, BINS] = torch.from_numpy(signs.reshape(samples // FRAME, -1) * _slope())
    return at_level(synthesise(spectrum)[0].numpy())


def _demodulate(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """The LLRs of the code bits in a waveform; amplitude and noise are estimated for each bin."""
    seen = analyse(torch.from_numpy(waveform)[None])[0, :, BINS].numpy()  # (frames, bins)
    amplitude = np.abs(seen).mean(0)
    noise = np.maximum(np.square(seen).mean(0) - amplitude**2, 1e-3 * amplitude**2) + 1e-12
    llr = (2 * amplitude * seen / noise).astype(np.float32).reshape(-1)
    return llr[public_permutation("wavinwav", llr.size)]
