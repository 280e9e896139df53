"""Pseudo-random numbers that never change: both ends must draw the same ones, on every machine and in every version.

NumPy does not promise that its permutations stay the same across releases; a cipher's keystream is stable by
definition. What is drawn under a label is public: it spreads and decorrelates. Secrecy comes from the envelope
(``message/envelope``); only two related systems scramble with a key (:func:`keyed_words`).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from numpy.typing import NDArray


def public_bytes(label: str, count: int) -> bytes:
    """``count`` bytes of ChaCha20 keystream under the key SHA-256("stegolab:" + label)."""
    key = hashlib.sha256(b"stegolab:" + label.encode()).digest()
    return _keystream(key, count)


def public_bits(label: str, count: int) -> NDArray[np.uint8]:
    """``count`` fair bits, values 0 and 1."""
    return np.unpackbits(np.frombuffer(public_bytes(label, -(-count // 8)), np.uint8))[:count]


def public_uniform(label: str, count: int) -> NDArray[np.float32]:
    """``count`` numbers, uniform in [0, 1)."""
    words = np.frombuffer(public_bytes(label, 4 * count), "<u4")
    return (words.astype(np.float64) / 2**32).astype(np.float32) % np.float32(1)


@lru_cache(maxsize=4)
def public_permutation(label: str, count: int) -> NDArray[np.int64]:
    """A permutation of 0 .. count - 1, read-only: the stable order of ``count`` 64-bit words."""
    order = order_of(np.frombuffer(public_bytes(label, 8 * count), "<u8"))
    order.flags.writeable = False  # read-only, because the cache gives all callers the same array
    return order


def keyed_words(secret: bytes, salt: bytes, info: bytes, rows: int, columns: int) -> NDArray[np.uint64]:
    """(rows, columns) words of keystream that can be drawn only with ``secret``.

    Args:
        secret: 32 secret bytes. HKDF-SHA256 derives the cipher's key from it, ``salt`` and ``info``.
        salt: public, never used twice with one secret.
        info: the purpose.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    key = HKDF(SHA256(), length=32, salt=salt, info=info).derive(secret)
    return np.frombuffer(_keystream(key, 8 * rows * columns), "<u8").reshape(rows, columns)


def order_of(words: NDArray[np.uint64], axis: int = -1) -> NDArray[np.int64]:
    """The permutation that sorts words along an axis; equal ones keep their order."""
    return np.argsort(words, axis=axis, kind="stable")


def _keystream(key: bytes, count: int) -> bytes:
    """The keystream of ChaCha20, from the beginning."""
    return Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(count))
