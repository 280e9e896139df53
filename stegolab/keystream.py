"""Pseudo-random numbers that never change: both ends must draw the same ones, on every machine and in every version.

They decide where in a picture the symbols stand, which of two points of a lattice is a 1, and in which order bits
travel. Drawn with a key they hide all of that from everybody else (Kerckhoffs' principle); without one they only spread
and decorrelate. Secrecy of the message itself comes from the envelope (``message/envelope``).

NumPy does not promise that its permutations stay the same across releases; a cipher's keystream is stable by
definition.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from numpy.typing import NDArray


@dataclass(frozen=True)
class Keystream:
    """Numbers that sender and receiver draw alike, a different sequence for each label.

    ``format``: of the pictures that are made with it; ``secret``: 32 bytes. Format 1 had none: its numbers are public.
    """

    format: int
    secret: bytes | None = field(repr=False)

    @classmethod
    def keyed(cls, secret: bytes) -> Keystream:
        """That of format 2, for a key's ``secret`` of 32 bytes."""
        return cls(2, secret)

    @property
    def public(self) -> bool:
        """Whether everybody can draw the same numbers."""
        return self in (FORMAT_1, PUBLIC)

    def within(self, context: bytes) -> Keystream:
        """Another one that depends on this one and on ``context``; in format 1 the same."""
        if self.secret is None:
            return self
        return Keystream(self.format, hmac.digest(self.secret, b"stegolab/2 within:" + context, "sha256"))

    def stream(self, label: str, count: int) -> bytes:
        """``count`` bytes of ChaCha20 keystream, under a key that depends on secret and label."""
        return _keystream(self._key(label), count)

    def bits(self, label: str, count: int) -> NDArray[np.uint8]:
        """``count`` fair bits, values 0 and 1."""
        return np.unpackbits(np.frombuffer(self.stream(label, -(-count // 8)), np.uint8))[:count]

    def uniform(self, label: str, count: int) -> NDArray[np.float32]:
        """``count`` numbers, uniform in [0, 1)."""
        words = np.frombuffer(self.stream(label, 4 * count), "<u4")
        return (words.astype(np.float64) / 2**32).astype(np.float32) % np.float32(1)

    def permutation(self, label: str, count: int) -> NDArray[np.int64]:
        """A permutation of 0 .. count - 1, read-only: the stable order of ``count`` 64-bit words."""
        return _permutation(self._key(label), count)

    def _key(self, label: str) -> bytes:
        if self.secret is None:
            return hashlib.sha256(b"stegolab:" + label.encode()).digest()
        return hmac.digest(self.secret, b"stegolab/2:" + label.encode(), "sha256")


#: What format 1 draws from, with and without a key
FORMAT_1 = Keystream(1, None)
#: What format 2 draws from where nothing is encrypted
PUBLIC = Keystream(2, hashlib.sha256(b"stegolab/2 public").digest())

public_bytes, public_bits, public_uniform = FORMAT_1.stream, FORMAT_1.bits, FORMAT_1.uniform
public_permutation = FORMAT_1.permutation


@lru_cache(maxsize=4)
def _permutation(key: bytes, count: int) -> NDArray[np.int64]:
    order = order_of(np.frombuffer(_keystream(key, 8 * count), "<u8"))
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
