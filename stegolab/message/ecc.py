"""Error correction behind one interface: soft LDPC (default), BCH, none (notebook 04).

A :class:`Code` turns message bits into as many code bits as there is room for, and log-likelihood ratios back into
message bits. It reports what it cannot repair; the envelope's tag then guarantees that the result is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSpec, Uncorrectable
from .ldpc import LdpcCode

Bits = NDArray[np.uint8]
Llr = NDArray[np.float32]


@dataclass(frozen=True)
class Decoded:
    """Message ``bits``, and how many code bits had arrived wrong."""

    bits: Bits
    corrected: int


class Code(Protocol):
    """One member of a family: a name like ``ldpc:1/3`` and a place in the table of :data:`SCHEMES`."""

    @property
    def name(self) -> str:
        """The name of the code."""
        ...

    def room(self, message_bits: int, slots: int) -> int:
        """The code bits for a message of this length, given ``slots``; more than ``slots`` means that it does not
        fit."""
        ...

    def encode(self, message: Bits, code_bits: int) -> Bits:
        """Message bits (k,) -> code bits (code_bits,), ``code_bits`` as :meth:`room` said."""
        ...

    def decode(self, llr: Llr, message_bits: int) -> Decoded:
        """Log-likelihood ratios log p(1)/p(0) (code_bits,) -> the message.

        Raises:
            Uncorrectable: more errors than the code repairs.
        """
        ...


@dataclass(frozen=True)
class Ldpc:
    """5G LDPC blocks of equal size, as few and as long as the standard allows; the shortest holds 12 bits.

    With ``rate`` None the code fills all slots: the strongest protection for which the picture has room. It stops at
    rate ``least``: where all slots carry, more repetition would only cost picture quality.
    """

    name: str
    rate: Fraction | None = None
    least: Fraction = Fraction(1, 10)

    def room(self, message_bits: int, slots: int) -> int:
        """See :class:`Code`."""
        padded = max(message_bits, SHORTEST)
        if self.rate is not None:
            return ceil(padded / self.rate)
        return max(min(slots, ceil(padded / self.least)), ceil(padded / MAX_RATE))

    def encode(self, message: Bits, code_bits: int) -> Bits:
        """See :class:`Code`."""
        code, blocks = self._code(len(message), code_bits)
        padded = np.pad(message, (0, blocks * code.k - len(message)))
        coded = code.encode(padded.reshape(blocks, code.k)).reshape(-1)
        return np.pad(coded, (0, code_bits - len(coded)))

    def decode(self, llr: Llr, message_bits: int) -> Decoded:
        """See :class:`Code`. Sum-product on calibrated ratios; blocks that fail are tried again with min-sum."""
        code, blocks = self._code(message_bits, len(llr))
        received = llr[: blocks * code.n].reshape(blocks, code.n)
        bits, ok = code.decode(received)
        if not ok.all():
            bits[~ok], ok[~ok] = code.decode(received[~ok], algorithm="min-sum")
        if not ok.all():
            raise Uncorrectable(_too_damaged(int((~ok).sum()), blocks))
        sent = code.encode(bits)
        return Decoded(bits.reshape(-1)[:message_bits], int((sent != (received > 0)).sum()))

    def _code(self, message_bits: int, code_bits: int) -> tuple[LdpcCode, int]:
        blocks = self._blocks(message_bits, code_bits)
        return LdpcCode(max(-(-message_bits // blocks), SHORTEST), code_bits // blocks), blocks

    @staticmethod
    def _blocks(message_bits: int, code_bits: int) -> int:
        longest = 8448 if message_bits > 0.27 * code_bits else 3840  # the graph changes at rate 1/4
        return max(1, -(-message_bits // longest))


@dataclass(frozen=True)
class Bch:
    """Binary BCH blocks: at most 2^m - 1 bits, whole bytes of message, t errors repaired by ``bchlib``; hard decisions.

    The bounded-distance decoder sometimes accepts blocks that it cannot repair (a few in a hundred), so each block is
    encoded again and compared. Bose & Ray-Chaudhuri 1960, Hocquenghem 1959.
    """

    name: str
    m: int
    t: int

    @cached_property
    def block(self) -> tuple[int, int]:
        """(message, parity) bits per block. bchlib pads the parity to whole bytes; the padding is not sent."""
        parity = self._code().ecc_bits
        return ((1 << self.m) - 1 - parity) // 8 * 8, parity

    def room(self, message_bits: int, slots: int) -> int:
        """See :class:`Code`."""
        message, parity = self.block
        whole_bytes = -(-message_bits // 8) * 8
        return whole_bytes + parity * -(-whole_bytes // message)

    def fits(self, slots: int) -> int:
        """The longest message in bytes that needs no more than ``slots`` code bits."""
        message, parity = self.block
        blocks, rest = divmod(slots, message + parity)
        return (blocks * message + max(0, rest - parity)) // 8

    def repairs(self, bit_error_rate: float) -> bool:
        """Whether a block's expected errors stay four standard deviations below t."""
        expected = sum(self.block) * bit_error_rate
        return expected + 4 * sqrt(expected) < self.t

    def encode(self, message: Bits, code_bits: int) -> Bits:
        """See :class:`Code`."""
        code, data = self._code(), np.packbits(message).tobytes()
        size = self.block[0] // 8
        words = (data[i : i + size] for i in range(0, len(data), size))
        return np.concatenate([np.zeros(0, np.uint8), *(self._coded(code, word) for word in words)])

    def decode(self, llr: Llr, message_bits: int) -> Decoded:
        """See :class:`Code`."""
        code, (size, parity) = self._code(), self.block
        hard = (llr > 0).astype(np.uint8)
        words = [hard[i : i + size + parity] for i in range(0, len(hard), size + parity)]
        out, corrected, failed = [np.zeros(0, np.uint8)], 0, 0
        for word in words:
            message = bytearray(np.packbits(word[:-parity]))
            checks = bytearray(np.packbits(word[-parity:]).tobytes().ljust(code.ecc_bytes, b"\0"))
            if code.decode(message, checks) > 0:
                code.correct(message, checks)
            repaired = self._coded(code, bytes(message))
            errors = int((repaired != word).sum())
            failed += errors > self.t
            corrected += errors
            out.append(repaired[:-parity])
        if failed:
            raise Uncorrectable(_too_damaged(failed, len(words)))
        return Decoded(np.concatenate(out)[:message_bits], corrected)

    def _coded(self, code: Any, word: bytes) -> Bits:
        bits = np.unpackbits(np.frombuffer(word + code.encode(word), np.uint8))
        return bits[: 8 * len(word) + self.block[1]]

    def _code(self) -> Any:  # bchlib has no types; one object per call, because it is not thread-safe
        import bchlib

        return bchlib.BCH(self.t, m=self.m)


@dataclass(frozen=True)
class NoCode:
    """The message bits themselves, without protection: the envelope rejects a message with one wrong bit."""

    name: str = "none"

    def room(self, message_bits: int, slots: int) -> int:
        """See :class:`Code`."""
        return message_bits

    def encode(self, message: Bits, code_bits: int) -> Bits:
        """See :class:`Code`."""
        return message

    def decode(self, llr: Llr, message_bits: int) -> Decoded:
        """See :class:`Code`."""
        return Decoded((llr > 0).astype(np.uint8)[:message_bits], 0)


MAX_RATE = Fraction(4, 5)
SHORTEST = 12  # message bits of the standard's smallest block
_RATES = ("1/10", "1/8", "1/6", "1/5", "1/4", "1/3", "2/5", "1/2", "3/5", "2/3", "3/4", "4/5")
_FINER = ("1/7", "2/9", "2/7", "4/11", "3/7", "9/20", "11/20", "5/8", "7/10")

# The header stores the index: append, never reorder.
SCHEMES: tuple[Code, ...] = (
    NoCode(),
    Ldpc("ldpc"),
    *(Ldpc(f"ldpc:{rate}", Fraction(rate)) for rate in _RATES),
    Bch("bch:4/5", 10, 20),
    Bch("bch:2/3", 10, 35),
    Bch("bch:1/2", 10, 56),
    Bch("bch:1/3", 9, 46),
    Bch("bch:1/4", 9, 55),
    *(Ldpc(f"ldpc:{rate}", Fraction(rate)) for rate in _FINER),
    Ldpc("ldpc:fill", least=Fraction(1, 1000)),  # for carriers that leave most slots silent
)


def code(name: str) -> Code:
    """The code called ``none``, ``ldpc`` (rate to fit), ``ldpc:1/10`` to ``ldpc:4/5``, or ``bch:1/4`` to ``bch:4/5``.

    ``ldpc:fill`` fills all slots however low the rate is.

    Raises:
        BadSpec: no such code.
    """
    for scheme in SCHEMES:
        if scheme.name == name:
            return scheme
    raise BadSpec(f"no error-correcting code {name!r}: choose one of auto, bch, {', '.join(s.name for s in SCHEMES)}")


def check(family: str) -> None:
    """Raise BadSpec unless ``family`` is ``auto``, ``bch`` or a code that :func:`code` knows."""
    if family not in ("auto", "bch"):
        code(family)


def _too_damaged(failed: int, blocks: int) -> str:
    return (
        f"{failed} of {blocks} code blocks are damaged beyond repair: the picture was changed more than this strength "
        "survives. Ask for the original file, or hide again with a stronger setting"
    )
