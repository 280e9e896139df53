"""Hiding a secret clip in a cover clip for a WAV file, and revealing it again (notebook 12).

    stego = hide(cover, secret, network, key, nonce)
    audio.write_wav("stego.wav", stego)
    heard = reveal(audio.read_audio("stego.wav"), network, key, nonce)

The network works at one level, :data:`~..levels.LEVEL`: covers are brought to it, and secrets come out at it. The
original loudness of the secret is not sent.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...audio import RATE, Speech, check
from ...errors import BadAudio, BadKey, CapacityExceeded
from .data import at_level
from .network import InvertibleNetwork
from .noise import requantise
from .scrambling import FRAME, Scrambler

KEY_BYTES = 32


def hide(
    cover: Speech, secret: Speech, network: InvertibleNetwork, key: bytes | None = None, nonce: bytes = b""
) -> Speech:
    """The stego: ``cover`` at the network's level, with ``secret`` inside, rounded to 16 bits.

    Both are 16 kHz; the stego is as long as the cover, rounded up to whole frames of 256 samples.

    Args:
        key: 32 secret bytes that scramble the secret; None leaves it as it is.
        nonce: public, never used twice with one key; the receiver needs the same one.

    Raises:
        BadAudio: see :func:`stegolab.audio.check`; also another rate than 16 kHz.
        CapacityExceeded: the secret is longer than the cover.
        BadKey: the key does not have 32 bytes.
    """
    if len(secret.samples) > len(cover.samples):
        raise CapacityExceeded(
            f"the secret lasts {secret.seconds:.1f} s, the cover {cover.seconds:.1f} s: choose a cover as long"
        )
    x = prepare(cover)
    y = prepare(secret, x.shape[1])
    scrambler = scrambler_for(key, nonce, x.shape[1])
    with torch.no_grad():
        return as_speech(requantise(network(x, scrambler.scramble(y) if scrambler else y)[0]))


def reveal(stego: Speech, network: InvertibleNetwork, key: bytes | None = None, nonce: bytes = b"") -> Speech:
    """What :func:`hide` hid, as long as the stego; with another key or nonce, noise.

    Raises:
        BadAudio: the sound is not one that :func:`hide` wrote: another rate, or no whole frames.
        BadKey: the key does not have 32 bytes.
    """
    if stego.rate != RATE or len(stego.samples) % FRAME:
        raise BadAudio(f"no stego: it would be at {RATE} Hz and of whole frames of {FRAME} samples; ask for the file")
    scrambler = scrambler_for(key, nonce, len(stego.samples))
    with torch.no_grad():
        secret = network.inverse(torch.from_numpy(stego.samples)[None])[1]
        return as_speech(scrambler.invert(secret) if scrambler else secret)


def prepare(speech: Speech, length: int = 0) -> Tensor:
    """Speech as the network meets it: (1, ``length``) at its level, with silence behind; whole frames by default.

    Raises:
        BadAudio: see :func:`hide`.
    """
    if check(speech).rate != RATE:
        raise BadAudio(f"the sound is at {speech.rate} Hz: read it with audio.read_audio, which resamples to {RATE}")
    samples = at_level(speech.samples)
    length = length or -(-len(samples) // FRAME) * FRAME
    return torch.from_numpy(np.pad(samples, (0, length - len(samples))))[None]


def as_speech(waveform: Tensor) -> Speech:
    """(1, N) as speech, clipped to full scale."""
    return Speech(waveform[0].clamp(-1, 1).cpu().numpy(), RATE)


def scrambler_for(key: bytes | None, nonce: bytes, samples: int) -> Scrambler | None:
    """The scrambler of a message, or None without a key.

    Raises:
        BadKey: the key does not have 32 bytes.
    """
    if key is not None and len(key) != KEY_BYTES:
        raise BadKey(f"a key has {KEY_BYTES} bytes, not {len(key)}: make one with secrets.token_bytes(32)")
    return None if key is None else Scrambler.from_key(key, nonce, samples)
