"""From bytes to a picture: rehearse the channel on this cover, then seal, code, embed, and check that it survives."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .carrier import opacity
from .carrier.interface import Carrier
from .channel import spec
from .errors import BadImage, CapacityExceeded, NoPayload, StegolabError, Uncorrectable
from .images import Picture
from .keystream import PUBLIC
from .message import ecc, envelope, frame
from .message.keys import Key, KeyProvider, keystream_of, required
from .probe import Rehearsal, rehearse, run_all
from .receiver import decode

MIN_COVER = 128  # pixels on the shorter side
_ATTEMPTS = 3  # with new salts, so new code bits, and more blocks, before giving a message up
_SHARES = 20  # steps from no blocks to all blocks


class Unsafe(CapacityExceeded):
    """The message fits but did not survive the attacks that the sender tried on it."""


class Untraceable(Unsafe):
    """After some attack not even the header was found, so a shorter message would not be found either."""


@dataclass(frozen=True)
class Stego:
    """A stego picture, and a report of what went into it, whose keys docs/reference.md lists."""

    picture: Picture
    report: dict[str, Any]


@dataclass(frozen=True)
class Sender:
    """One cover, one carrier, one family of codes: rehearsed once, then usable for any message."""

    cover: Picture
    carrier: Carrier
    family: str = "auto"
    sparse: bool = False
    rehearsal: Rehearsal = field(repr=False, kw_only=True)

    @classmethod
    def on(cls, cover: Picture, carrier: Carrier, family: str = "auto", sparse: bool | None = None) -> Sender:
        """Rehearse ``cover``.

        Args:
            cover: at least 128 pixels a side.
            carrier: where the bits go.
            family: auto (ldpc), bch (with the rate that the channel needs), or one code by name.
            sparse: change only as much as the rehearsed channel needs (least visible), instead of everything (most
                robust). Only the busiest blocks change, or, for a dense strength, only as many slots as needed. None
                takes the default of the strength.

        Raises:
            BadImage: smaller than 128 pixels on a side, or opaque nowhere. BadSpec: no such code.
        """
        ecc.check(family)
        if min(cover.height, cover.width) < MIN_COVER:
            raise BadImage(
                f"{cover.width} x {cover.height} is too small for a cover: at least {MIN_COVER} on each side"
            )
        if not opacity.opaque_share(cover.alpha, carrier.strength.block):
            raise BadImage(
                "0 % of this cover's blocks are opaque, and only opaque ones can carry: lay it onto a background first"
            )
        chosen = not carrier.strength.spread if sparse is None else sparse
        return cls(cover, carrier, family, chosen, rehearsal=rehearse(carrier, cover.rgb, alpha=cover.alpha))

    @property
    def forced(self) -> bool:
        """Whether a code was asked for by name. It is then used even if it does not survive, and the report says so."""
        return self.family not in ("auto", "ldpc", "bch")

    @property
    def opaque(self) -> float:
        """The share of the cover's blocks, 0 to 1, that are opaque; only these carry anything."""
        return opacity.opaque_share(self.cover.alpha, self.carrier.strength.block)

    @property
    def _limits(self) -> str:
        """What keeps this cover from carrying more, for messages."""
        clear = [f"being opaque in only {100 * self.opaque:.1f} % of its blocks"] if self.opaque < 1 else []
        carrying = self.rehearsal.carrying
        flat = [f"since only {100 * carrying:.1f} % of it can hide anything this unseen"] if carrying < 1 else []
        return "".join(f", {limit}" for limit in [*clear, *flat])

    @cached_property
    def code(self) -> ecc.Code:
        """The error-correcting code: the one asked for, or the one that the rehearsed channel needs."""
        if self.family == "bch":
            blocks = [c for c in ecc.SCHEMES if isinstance(c, ecc.Bch)]
            return next((c for c in blocks if c.repairs(self.rehearsal.worst_bit_error_rate)), blocks[-1])
        if self.family in ("auto", "ldpc") and self.sparse and self.carrier.strength.dense:
            rated = {c.rate: c for c in ecc.SCHEMES if isinstance(c, ecc.Ldpc) and c.rate}
            safe = [rate for rate in rated if rate <= self.rehearsal.safe_rate]
            return rated[max(safe)] if safe else ecc.code("ldpc")
        if self.family in ("auto", "ldpc") and self.rehearsal.carrying < 1:
            return ecc.code("ldpc:fill")
        return ecc.code("ldpc" if self.family == "auto" else self.family)

    def capacity(self, encrypt: bool = True) -> int:
        """The number of message bytes that come back exactly after every attack that the strength declares."""
        if not (self.rehearsal.finds_header or self.forced):
            return 0
        slots = self.rehearsal.slots
        if isinstance(self.code, ecc.Bch):
            room = self.code.fits(slots) if self.forced or self.code.repairs(self.rehearsal.worst_bit_error_rate) else 0
        elif isinstance(self.code, ecc.Ldpc):
            room = frame.capacity(slots, float(self.code.rate or self.rehearsal.safe_rate))
        else:
            room = slots // 8
        return max(0, min(room, frame.MAX_BODY) - (envelope.OVERHEAD if encrypt else envelope.PLAIN_OVERHEAD))

    def send(self, message: bytes, key: Key | None, *, encrypt: bool = True, salt: bytes | None = None) -> Stego:
        """Seal, code and embed ``message``, then attack the result and check that it can be read.

        Where it stands in the picture follows from the key, whatever the keystream of the carrier was; without
        encryption it is public.

        Raises:
            CapacityExceeded: longer than :meth:`capacity`. Unsafe: it fits, but an attack destroys it. Untraceable:
            after an attack the receiver does not even find it. BadKey: no key, or a malformed one.
        """
        if len(message) > self.capacity(encrypt) or not self.capacity(encrypt):
            raise CapacityExceeded(self.too_long(8 * len(message), encrypt))
        provider = _provider(key, encrypt)
        carrier = self.carrier.keyed(keystream_of(provider) if provider else PUBLIC)
        overhead = envelope.OVERHEAD if provider else envelope.PLAIN_OVERHEAD
        length, scheme = len(message) + overhead, ecc.SCHEMES.index(self.code)
        least = self.least_share(8 * length)
        if salt is None:  # an unencrypted picture depends on nothing but its message
            salt = os.urandom(envelope.SALT_BYTES) if provider else sha256(message).digest()[: envelope.SALT_BYTES]
        for attempt in range(_ATTEMPTS):
            share = least + (1 - least) * attempt / (_ATTEMPTS - 1)
            nonce = int.from_bytes(sha256(salt).digest()[:2], "big") % frame.NONCES
            header = frame.Header(length, scheme, encrypt, nonce, carrier.weights_identity)
            body = (
                envelope.seal(message, provider, bytes(header), salt=salt)
                if provider
                else envelope.wrap_plain(message, bytes(header))
            )
            bits, carrying = frame.pack(body, header, self.rehearsal.slots, carrier.keystream)
            picture, word = (self.cover.rgb, self.cover.alpha), header.code_word(carrier.keystream)
            stego = opacity.embed(carrier, *picture, word, bits, carrying, share)
            lost = self._lost(carrier, stego, header, body)
            if not lost or self.forced:
                report = self._report(message, header, int(carrying.sum()), list(lost)) | {"share": share}
                return Stego(replace(self.cover, rgb=stego), report)
            salt = sha256(salt).digest()[: len(salt)]  # the next salt, which depends only on the first
        if any(isinstance(error, NoPayload) for error in lost.values()):
            raise Untraceable(f"this cover's payload is no longer found after {', '.join(lost)}: take another cover")
        raise Unsafe(f"this cover loses the message after {', '.join(lost)}: shorten the speech or take another cover")

    def too_long(self, bits: int, encrypt: bool = True) -> str:
        """Why ``bits`` of message do not fit, and how large a cover of this kind would have to be."""
        have = 8 * self.capacity(encrypt)
        pixels = self.cover.height * self.cover.width
        if not have:
            return (
                f"this {self.cover.width} x {self.cover.height} cover carries nothing at strength "
                f"{self.carrier.strength.name}{self._limits}: take a larger or busier one, or another strength, "
                "visibility or code"
            )
        factor = (bits + 512) / have  # 512: the envelope does not grow with the cover
        scale = factor**0.5
        return (
            f"{bits} bits do not fit into the {have} that this cover carries at strength {self.carrier.strength.name}"
            f"{self._limits}: a cover like it would need about {pixels * factor / 1e6:.1f} megapixels, "
            f"{round(self.cover.width * scale)} x {round(self.cover.height * scale)}"
        )

    def least_share(self, bits: int) -> float:
        """The smallest share of busiest blocks that carries this many bits of body; 1 where blocks are not chosen."""
        if not self.sparse or self.carrier.strength.dense or self.family not in ("auto", "ldpc"):
            return 1.0
        low, high = 0, _SHARES
        while high - low > 1:
            middle = (low + high) // 2
            rehearsal = rehearse(self.carrier, self.cover.rgb, middle / _SHARES, self.cover.alpha)
            enough = rehearsal.finds_header and rehearsal.safe_rate * rehearsal.slots >= bits
            low, high = (low, middle) if enough else (middle, high)
        return high / _SHARES

    def _lost(
        self, carrier: Carrier, stego: NDArray[np.uint8], header: frame.Header, body: bytes
    ) -> dict[str, StegolabError]:
        """The attacks that the message does not survive, and the error that the receiver would raise."""
        views = dict(opacity.views(stego, self.cover.alpha, self.carrier.strength))
        tried = [(attack, on) for attack in self.carrier.strength.attacks for on in views]
        check = lambda pair: _failure(carrier, views[pair[1]], header, body)(pair[0])  # noqa: E731 - used once
        failures = run_all(check, tried, "checking that it survives attacks")
        return {attack: error for (attack, _), error in zip(tried, failures, strict=True) if error}

    def _report(self, message: bytes, header: frame.Header, code_bits: int, lost: list[str]) -> dict[str, Any]:
        return {
            "payload_sha256": sha256(message).hexdigest(),
            "payload_bits": 8 * len(message),
            "capacity_bits": 8 * self.capacity(header.encrypted),
            "strength": self.carrier.strength.name,
            "carrier": self.carrier.name,
            "ecc": self.code.name,
            "code_rate": 8 * header.length / code_bits,
            "encrypted": header.encrypted,
            "opaque": self.opaque,
            "format": header.version,
            "survives": [a for a in self.carrier.strength.attacks if a not in lost],
            "lost": lost,
        }


def _provider(key: Key | None, encrypt: bool) -> KeyProvider | None:
    if encrypt:
        return required(key)
    warnings.warn(
        "NOT ENCRYPTED: anyone who has this software can hear what is hidden", envelope.UnencryptedWarning, stacklevel=4
    )
    return None


def _failure(
    carrier: Carrier, stego: NDArray[np.uint8], header: frame.Header, body: bytes
) -> Callable[[str], StegolabError | None]:
    def after(attack: str) -> StegolabError | None:
        received = spec.parse(attack)(stego)
        try:
            *_, found, decoded = decode(received, [carrier])
        except StegolabError as error:
            return error
        return None if found == header and decoded.body == body else Uncorrectable("another message was read")

    return after
