"""How header and body are coded, whitened and interleaved over the slots of a picture (notebook 04).

A picture offers a header of :data:`HEADER_CODE_BITS` and a body of ``slots`` code bits. The header says how to read the
body, in 64 bits: version 3, encrypted 1, error-correcting scheme 5, body length in bytes 22, nonce 9, weights of the
carrier's networks 8, CRC 16. It has its own code (LDPC 64 -> 240, which the carrier repeats over the picture), because
it must be read before everything else. Format 1 had 48 bits: a version of 4, no nonce and no weights.

Header and body are whitened, and the body is interleaved, by a keystream: without the key nobody finds either. What the
body draws depends on the header too, so pictures that differ in their nonce share nothing.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import CapacityExceeded, Truncated, UnsupportedVersion
from ..header import HEADER_BITS, HEADER_CODE_BITS
from ..keystream import PUBLIC, Keystream
from . import ecc
from .ldpc import Algorithm, LdpcCode

Bits = NDArray[np.uint8]
Llr = NDArray[np.float32]

VERSION = 2
MAX_BODY = (1 << 22) - 1  # bytes
NONCES = 1 << 9
_CODES = {format_: LdpcCode(bits, HEADER_CODE_BITS) for format_, bits in HEADER_BITS.items()}
_ALGORITHMS: tuple[Algorithm, ...] = ("sum-product", "min-sum")
_RMS = {1: 1.7, 2: 2.0}  # of calibrated LLRs at the signal-to-noise ratio where the code begins to fail, -6 and -5 dB


@dataclass(frozen=True)
class Header:
    """What the receiver must know to read the body.

    length: of the body, in bytes; ``scheme``: an index into ecc.SCHEMES.
    nonce: what the body's keystream depends on, 0 to 511, so that two pictures of one key do not share it.
    weights: which networks embedded the body, 8 bits of the digest of their weights; 0 for none.
    """

    length: int
    scheme: int
    encrypted: bool = True
    nonce: int = 0
    weights: int = 0
    version: int = VERSION

    def __bytes__(self) -> bytes:
        """Six bytes, in format 1 four; the envelope authenticates them (associated data)."""
        if not (0 <= self.length <= MAX_BODY and 0 <= self.scheme < 32 and 0 <= self.version < 8):
            raise CapacityExceeded(
                f"a body of {self.length} bytes is over the format's {MAX_BODY}: send shorter speech"
            )
        if not (0 <= self.nonce < NONCES and 0 <= self.weights < 256):
            raise CapacityExceeded(f"nonce {self.nonce} or weights {self.weights} are over the format's 511 and 255")
        word = int(self.encrypted) << 27 | self.scheme << 22 | self.length
        if self.version == 1:
            return (1 << 28 | word).to_bytes(4, "big")
        return ((self.version << 28 | word) << 17 | self.nonce << 8 | self.weights).to_bytes(6, "big")

    def code_word(self, keystream: Keystream = PUBLIC) -> Bits:
        """(HEADER_CODE_BITS,) whitened code bits."""
        packed = bytes(self)
        crc = binascii.crc_hqx(packed, 0xFFFF)  # start value that is not zero, so that all zeros is not a valid header
        protected = packed + crc.to_bytes(2, "big")
        bits = np.unpackbits(np.frombuffer(protected, np.uint8))
        return _CODES[keystream.format].encode(bits[None])[0] ^ keystream.bits("header", HEADER_CODE_BITS)

    @property
    def code(self) -> ecc.Code:
        """The body's error-correcting code."""
        return ecc.SCHEMES[self.scheme]


def read_header(llr: Llr, keystream: Keystream = PUBLIC) -> Header | None:
    """Read the header from LLRs (HEADER_CODE_BITS,) of any positive scale; None where there is none of the keystream.

    Raises:
        UnsupportedVersion: a valid header of a later version of the format, or one naming a code unknown to this one.
    """
    if llr.shape != (HEADER_CODE_BITS,) or not (np.isfinite(llr).all() and llr.any()):
        return None
    scale = _RMS[keystream.format] / np.sqrt(np.mean(np.square(llr, dtype=np.float64)))
    received = (llr * scale).astype(np.float32) * _signs(keystream, "header", HEADER_CODE_BITS)
    for algorithm in _ALGORITHMS:
        bits, ok = _CODES[keystream.format].decode(received[None], algorithm=algorithm)
        raw = np.packbits(bits[0]).tobytes()
        if ok[0] and binascii.crc_hqx(raw[:-2], 0xFFFF) == int.from_bytes(raw[-2:], "big"):
            return _parse(raw[:-2])
    return None


def pack(body: bytes, header: Header, slots: int, keystream: Keystream = PUBLIC) -> tuple[Bits, NDArray[np.bool_]]:
    """Code the body for a picture with ``slots``: returns its bits (slots,) and which slots are used (slots,).

    Raises:
        CapacityExceeded: it does not fit.
    """
    message = np.unpackbits(np.frombuffer(body, np.uint8))
    size = header.code.room(len(message), slots)
    if size > slots:
        raise CapacityExceeded(f"{len(body)} bytes become {size} code bits, and the picture has {slots}")
    drawn = keystream.within(bytes(header))
    coded = header.code.encode(message, size) ^ drawn.bits("body", size)
    place = drawn.permutation("body", slots)[:size]
    bits, used = np.zeros(slots, np.uint8), np.zeros(slots, bool)
    bits[place], used[place] = coded, True
    return bits, used


@dataclass(frozen=True)
class Unpacked:
    """The ``body``, how many code bits had arrived wrong, and the ``llr`` of all code bits in code order."""

    body: bytes
    corrected: int
    llr: Llr


def unpack(llr: Llr, header: Header, keystream: Keystream = PUBLIC) -> Unpacked:
    """Decode the body from LLRs (slots,); also returns what the decoder found.

    Raises:
        Truncated: the header declares more than the picture has slots for.
        Uncorrectable: too many errors.
    """
    size = header.code.room(8 * header.length, len(llr))
    if size > len(llr):
        raise Truncated(
            f"the header declares {header.length} bytes, more than this picture carries: a part of it is missing"
        )
    received = in_code_order(llr, size, keystream.within(bytes(header)))
    decoded = header.code.decode(received, 8 * header.length)
    return Unpacked(np.packbits(decoded.bits).tobytes(), decoded.corrected, received)


def in_code_order(llr: Llr, size: int, drawn: Keystream) -> Llr:
    """Undo interleaver and whitening, ``drawn`` for this body, for the first ``size`` code bits."""
    return llr[drawn.permutation("body", len(llr))[:size]] * _signs(drawn, "body", size)


def capacity(slots: int, rate: float) -> int:
    """Whole bytes of body that ``slots`` carry at code rate ``rate``, within the format's limits."""
    return max(0, min(int(slots * min(rate, float(ecc.MAX_RATE))) // 8, MAX_BODY))


def _signs(drawn: Keystream, label: str, count: int) -> Llr:
    """The effect of whitening on LLRs: -1 where the bit was flipped."""
    return np.float32(1) - 2 * drawn.bits(label, count).astype(np.float32)


def _parse(raw: bytes) -> Header:
    """The header of four bytes, of format 1, or six."""
    word, nonce, weights = int.from_bytes(raw, "big"), 0, 0
    version = word >> 28
    if len(raw) > 4:
        word, nonce, weights = word >> 17, word >> 8 & NONCES - 1, word & 255
        version = word >> 28
    encrypted, scheme, length = bool(word >> 27 & 1), word >> 22 & 31, word & MAX_BODY
    if version != (1 if len(raw) == 4 else VERSION) or scheme >= len(ecc.SCHEMES):
        raise UnsupportedVersion(
            f"this picture carries a payload of format {version}, scheme {scheme}, and this version reads formats up "
            f"to {VERSION}, schemes up to {len(ecc.SCHEMES) - 1}: upgrade stegolab"
        )
    return Header(length, scheme, encrypted, nonce, weights, version)
