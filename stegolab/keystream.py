"""Public pseudo-random numbers that never change: both ends must draw the same ones, on every machine and version.

NumPy promises no stable stream for its permutations across releases; a cipher's keystream is stable by definition.
None of this is secret: it spreads and decorrelates. Secrecy is the envelope's (``message/envelope``).
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
    return Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(count))


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
    order = np.argsort(np.frombuffer(public_bytes(label, 8 * count), "<u8"), kind="stable")
    order.flags.writeable = False  # the cache hands the same array to everyone
    return order
