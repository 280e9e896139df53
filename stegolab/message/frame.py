"""How header and body are coded, whitened and interleaved over the slots of a picture (notebook 04).

A picture offers a header of :data:`HEADER_CODE_BITS` and a body of ``slots`` code bits. The header says how to read the
body, in 48 bits: version 4, encrypted 1, error-correcting scheme 5, body length in bytes 22, CRC 16. It has its own
code (LDPC 48 -> 240, which the carrier repeats over the picture), because it must be read before everything else.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import CapacityExceeded, Truncated, UnsupportedVersion
from ..header import HEADER_BITS, HEADER_CODE_BITS
from ..keystream import public_bits, public_permutation
from . import ecc
from .ldpc import Algorithm, LdpcCode

Bits = NDArray[np.uint8]
Llr = NDArray[np.float32]

VERSION = 1
MAX_BODY = (1 << 22) - 1  # bytes
_CODE = LdpcCode(HEADER_BITS, HEADER_CODE_BITS)
_ALGORITHMS: tuple[Algorithm, ...] = ("sum-product", "min-sum")
_RMS = 1.7  # mean of calibrated LLRs at the signal-to-noise ratio where this code begins to fail, about -6 dB


@dataclass(frozen=True)
class Header:
    """What the receiver must know to read the body: ``length`` in bytes, ``scheme`` an index into ecc.SCHEMES."""

    length: int
    scheme: int
    encrypted: bool = True
    version: int = VERSION

    def __bytes__(self) -> bytes:
        """Four bytes; the envelope authenticates them (associated data)."""
        if not (0 <= self.length <= MAX_BODY and 0 <= self.scheme < 32 and 0 <= self.version < 16):
            raise CapacityExceeded(
                f"a body of {self.length} bytes is over the format's {MAX_BODY}: send shorter speech"
            )
        word = self.version << 28 | int(self.encrypted) << 27 | self.scheme << 22 | self.length
        return word.to_bytes(4, "big")

    def code_word(self) -> Bits:
        """(HEADER_CODE_BITS,) whitened code bits."""
        packed = bytes(self)
        crc = binascii.crc_hqx(packed, 0xFFFF)  # start value that is not zero, so that all zeros is not a valid header
        protected = packed + crc.to_bytes(2, "big")
        bits = np.unpackbits(np.frombuffer(protected, np.uint8))
        return _CODE.encode(bits[None])[0] ^ public_bits("header", HEADER_CODE_BITS)

    @property
    def code(self) -> ecc.Code:
        """The body's error-correcting code."""
        return ecc.SCHEMES[self.scheme]


def read_header(llr: Llr) -> Header | None:
    """Read the header from LLRs (HEADER_CODE_BITS,) of any positive scale; None where there is none.

    Raises:
        UnsupportedVersion: a valid header of a later version of the format, or one naming a code unknown to this one.
    """
    if llr.shape != (HEADER_CODE_BITS,) or not (np.isfinite(llr).all() and llr.any()):
        return None
    scale = _RMS / np.sqrt(np.mean(np.square(llr, dtype=np.float64)))
    received = (llr * scale).astype(np.float32) * _signs("header", HEADER_CODE_BITS)
    for algorithm in _ALGORITHMS:
        bits, ok = _CODE.decode(received[None], algorithm=algorithm)
        raw = np.packbits(bits[0]).tobytes()
        if ok[0] and binascii.crc_hqx(raw[:4], 0xFFFF) == int.from_bytes(raw[4:], "big"):
            return _parse(int.from_bytes(raw[:4], "big"))
    return None


def pack(body: bytes, header: Header, slots: int) -> tuple[Bits, NDArray[np.bool_]]:
    """Code the body for a picture with ``slots``: returns its bits (slots,) and which slots are used (slots,).

    Raises:
        CapacityExceeded: it does not fit.
    """
    message = np.unpackbits(np.frombuffer(body, np.uint8))
    size = header.code.room(len(message), slots)
    if size > slots:
        raise CapacityExceeded(f"{len(body)} bytes become {size} code bits, and the picture has {slots}")
    coded = header.code.encode(message, size) ^ public_bits("body", size)
    place = public_permutation("body", slots)[:size]
    bits, used = np.zeros(slots, np.uint8), np.zeros(slots, bool)
    bits[place], used[place] = coded, True
    return bits, used


@dataclass(frozen=True)
class Unpacked:
    """The ``body``, how many code bits had arrived wrong, and the ``llr`` of all code bits in code order."""

    body: bytes
    corrected: int
    llr: Llr


def unpack(llr: Llr, header: Header) -> Unpacked:
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
    received = in_code_order(llr, size)
    decoded = header.code.decode(received, 8 * header.length)
    return Unpacked(np.packbits(decoded.bits).tobytes(), decoded.corrected, received)


def in_code_order(llr: Llr, size: int) -> Llr:
    """Undo interleaver and whitening for the first ``size`` code bits."""
    return llr[public_permutation("body", len(llr))[:size]] * _signs("body", size)


def capacity(slots: int, rate: float) -> int:
    """Whole bytes of body that ``slots`` carry at code rate ``rate``, within the format's limits."""
    return max(0, min(int(slots * min(rate, float(ecc.MAX_RATE))) // 8, MAX_BODY))


def _signs(label: str, count: int) -> Llr:
    """The effect of whitening on LLRs: -1 where the bit was flipped."""
    return np.float32(1) - 2 * public_bits(label, count).astype(np.float32)


def _parse(word: int) -> Header:
    version, encrypted = word >> 28, bool(word >> 27 & 1)
    scheme, length = word >> 22 & 31, word & MAX_BODY
    if version != VERSION or scheme >= len(ecc.SCHEMES):
        raise UnsupportedVersion(
            f"this picture carries a payload of format {version}, scheme {scheme}, and this version reads format "
            f"{VERSION} up to scheme {len(ecc.SCHEMES) - 1}: upgrade stegolab"
        )
    return Header(length, scheme, encrypted, version)
