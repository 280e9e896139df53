"""A picture as sound: bytes to 16-bit samples and back, open or sealed (notebook 10).

The open route is the one that the original describes: the picture's BMP file, one byte per sample, at full scale.
Everybody who has the sound has the picture. The sealed route encrypts the same bytes with AES-256-GCM and sends two per
sample, which sounds like noise.
"""

from __future__ import annotations

import os
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...audio import RATE, Speech, from_pcm16, read_audio, to_pcm16, write_wav
from ...errors import BadAudio, BadImage
from ...images import RGB, from_array, from_pillow, to_pillow
from ...message.envelope import open_sealed, seal
from ...message.keys import Key, as_provider

_PURPOSE = b"stegolab hide_reveal picture as sound"  # authenticated with every message; says what the key is used for
_END = b"\x80"  # ISO/IEC 7816-4: then zeros, until the samples are full


def send(path: str | os.PathLike[str], rgb: RGB, key: Key | None = None, *, salt: bytes | None = None) -> None:
    """Write the picture, uint8 (H, W, 3), as a WAV file: sealed with ``key``, or open without a key.

    ``salt`` is for reproducing a figure only; see :func:`stegolab.message.envelope.seal`.

    Raises:
        BadImage: not a picture. BadKey: a malformed key. CannotWrite: the file cannot be written.
    """
    data = to_bmp(rgb)
    write_wav(path, open_sound(data) if key is None else sealed_sound(data, key, salt=salt))


def receive(path: str | os.PathLike[str], key: Key | None = None) -> RGB:
    """The picture in a WAV file that :func:`send` wrote.

    Raises:
        BadAudio: not a sound file, or a silent one. BadImage: the samples are not a picture.
        AuthenticationFailed: wrong key, or a sample differs. Truncated: the sound is too short to be sealed.
    """
    sound = read_audio(path)
    return from_bmp(open_bytes(sound) if key is None else sealed_bytes(sound, key))


def to_bmp(rgb: RGB) -> bytes:
    """The picture as a BMP file: 54 bytes of header, then rows from the bottom, blue first."""
    file = BytesIO()
    to_pillow(from_array(rgb)).save(file, "BMP")
    return file.getvalue()


def from_bmp(data: bytes) -> RGB:
    """The picture in the bytes of a BMP file.

    Raises:
        BadImage: they are not a BMP file.
    """
    try:
        with Image.open(BytesIO(data), formats=("BMP",)) as image:
            return from_pillow(image).rgb
    except BadImage:
        raise
    except Exception as error:  # Pillow may raise anything on damaged bytes
        raise BadImage("the samples are no picture: was the sound sealed with a key, cut or compressed?") from error


def open_sound(data: bytes) -> Speech:
    """One byte per sample: 0 to 255 becomes -1 to 127/128 of full scale."""
    samples = np.frombuffer(data, np.uint8).astype(np.float32)
    return Speech((samples - np.float32(128)) / np.float32(128), RATE)


def open_bytes(sound: Speech) -> bytes:
    """The inverse of :func:`open_sound`, for samples off by less than 1/256 of full scale."""
    return np.clip(np.rint(sound.samples * 128) + 128, 0, 255).astype(np.uint8).tobytes()


def sealed_sound(data: bytes, key: Key, *, salt: bytes | None = None) -> Speech:
    """``data`` of any length, encrypted, two bytes per sample.

    Raises:
        BadKey: a malformed key.
    """
    padded = data + _END + b"\0" * ((len(data) + 1) % 2)
    body = seal(padded, as_provider(key), _PURPOSE, salt=salt)
    return from_pcm16(np.frombuffer(body, "<i2").astype(np.int16), RATE)


def sealed_bytes(sound: Speech, key: Key) -> bytes:
    """The inverse of :func:`sealed_sound`; every bit of every sample counts.

    Raises:
        AuthenticationFailed: wrong key, or a sample differs. Truncated: too few samples. BadKey: a malformed key.
    """
    return open_sealed(sample_bytes(sound), as_provider(key), _PURPOSE).rstrip(b"\0")[: -len(_END)]


def sample_bytes(sound: Speech) -> bytes:
    """The 16-bit samples as a WAV file holds them, little-endian: what can be seen without the key."""
    return to_pcm16(sound).astype("<i2").tobytes()


def entropy(data: bytes) -> float:
    """Entropy of the histogram in bits per byte, 0 to 8. For n random bytes it is about 8 - 184/n, so give many."""
    counts = np.bincount(np.frombuffer(data, np.uint8), minlength=256)
    share = counts[counts > 0] / len(data)
    return float(-(share * np.log2(share)).sum())


def autocorrelation(values: NDArray[np.generic] | bytes, lags: int = 1) -> NDArray[np.float64]:
    """Correlation of a sequence with itself 1 to ``lags`` places on, shape (lags,), each in about [-1, 1].

    Raises:
        BadAudio: a constant sequence, or one not longer than ``lags``.
    """
    x = np.frombuffer(values, np.uint8) if isinstance(values, bytes) else np.asarray(values)
    if len(x) <= lags or not np.ptp(x):
        raise BadAudio(f"no correlation over {lags} places: the sequence is constant or too short")
    centred = x.astype(np.float64) - x.mean()
    padded = 2 ** int(np.ceil(np.log2(len(x) + lags)))
    power = np.abs(np.fft.rfft(centred, padded)) ** 2
    product = np.fft.irfft(power, padded)[: lags + 1]
    return product[1:] / product[0]
