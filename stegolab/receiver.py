"""From a picture back to bytes: find the header for some strength and geometry, calibrate on it, decode, open."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .carrier.interface import Carrier, Reading
from .carrier.sync.geometry import TURNS, facing
from .carrier.sync.search import search
from .carrier.sync.template import Template
from .channel.uploading import flattened
from .errors import (
    AuthenticationFailed,
    BadKey,
    NoPayload,
    NotEncrypted,
    StegolabError,
    Truncated,
    Uncorrectable,
)
from .images import Picture, luma
from .keystream import FORMAT_1
from .message import envelope, frame
from .message.keys import Key, KeyProvider, readings


def receive(
    picture: Picture, key: Key | None, carriers: Collection[Carrier], *, allow_unencrypted: bool = False
) -> tuple[bytes, dict[str, Any]]:
    """The message in ``picture``, and a report of how it was recovered.

    ``carriers`` are tried in turn, first on the picture as received, then as aligned by ``carrier.sync``, then rotated
    and flipped. So they are iterated over several times.

    With a ``key``, only a payload sealed with that key is accepted; otherwise anybody could replace the picture.
    ``allow_unencrypted`` also accepts an unencrypted payload.

    Raises:
        NoPayload: no header was found by any of ``carriers``. UnsupportedVersion, Truncated, Uncorrectable: a header
        was found, but its payload cannot be read. AuthenticationFailed: wrong key, or tampered with. NotEncrypted: a
        key was given, and the payload is not encrypted. BadKey: it is encrypted and ``key`` is None, or the key is
        malformed.
    """
    providers = None if key is None else readings(key)  # report a malformed key before the work
    carrier, reading, header, found = decode(flattened(picture.rgb, picture.alpha), carriers)
    if header.encrypted:
        if providers is None:
            raise BadKey("the payload of this picture is encrypted: give the passphrase or key file it was hidden with")
        message = _opened(found.body, providers, bytes(header))
    elif providers is not None and not allow_unencrypted:
        raise NotEncrypted(
            "the payload of this picture is not encrypted, so anyone may have put it there: "
            "ask for another picture, or accept it with --allow-unencrypted (allow_unencrypted=True)"
        )
    else:
        message = envelope.unwrap_plain(found.body, bytes(header))
    return message, _account(picture, message, carrier, reading, header, found)


def _opened(body: bytes, providers: Iterable[KeyProvider], header: bytes) -> bytes:
    """The message, opened with the first of the key's readings that fits."""
    failed: StegolabError | None = None
    for provider in providers:
        try:
            return envelope.open_sealed(body, provider, header)
        except AuthenticationFailed as error:
            failed = failed or error
    assert failed is not None  # a key has at least one reading
    raise failed


def decode(
    rgb: NDArray[np.uint8], carriers: Collection[Carrier]
) -> tuple[Carrier, Reading, frame.Header, frame.Unpacked]:
    """The part of :func:`receive` that needs no key: the carrier, its reading, and the decoded body.

    The sender checks its own pictures with the same function.

    Raises:
        NoPayload, UnsupportedVersion, Truncated, Uncorrectable: see :func:`receive`.
    """
    damaged: StegolabError | None = None
    for carrier, reading in _readings(rgb, carriers):
        header = frame.read_header(reading.header_llr)
        if header is None:
            continue
        try:
            return carrier, reading, header, frame.unpack(reading.body_llr(header.code_word()), header)
        except (Truncated, Uncorrectable) as error:
            if not carrier.strength.rescaled:
                raise
            damaged = damaged or error  # a part may show the header but not the original size
    raise damaged or NoPayload(
        "no payload found in this picture: it carries none, or too much of it was changed or cut away to find it"
    )


def _readings(rgb: NDArray[np.uint8], carriers: Collection[Carrier]) -> Iterator[tuple[Carrier, Reading]]:
    plane = luma(rgb)
    for carrier in carriers:
        yield from _looked(carrier, carrier.read_luma(plane))
    if any(carrier.strength.rescaled for carrier in carriers):
        templates = [Template.of(FORMAT_1)]
        for _, aligned in search(plane, templates):  # slower: any scale, part and orientation of the original
            for carrier in carriers:
                if carrier.strength.rescaled:
                    yield from _looked(carrier, carrier.read_aligned(aligned))
    for turn in TURNS[1:]:  # the others have no template; only their orientation may have changed
        there = facing(plane, turn)
        for carrier in carriers:
            if not carrier.strength.rescaled:
                yield from _looked(carrier, carrier.read_luma(there))


def _looked(carrier: Carrier, reading: Reading) -> Iterator[tuple[Carrier, Reading]]:
    if reading.detection_score > carrier.detected:
        yield carrier, reading


def _account(
    picture: Picture, message: bytes, carrier: Carrier, reading: Reading, header: frame.Header, found: frame.Unpacked
) -> dict[str, Any]:
    certainty = np.abs(found.llr).astype(np.float64)
    wrong = 1 / (1 + np.exp(certainty))  # the probability that each hard decision is wrong
    information = 1 - float(np.mean(_entropy(wrong)))
    rate = 8 * header.length / len(found.llr)
    return {
        "payload_sha256": sha256(message).hexdigest(),
        "payload_bits": 8 * len(message),
        "corrected_bits": found.corrected,
        "code_bits": len(found.llr),
        "estimated_ber": float(wrong.mean()),
        "information": information,
        "code_rate": rate,
        "margin": information / rate - 1,
        "strength": carrier.strength.name,
        "carrier": carrier.name,
        "ecc": header.code.name,
        "encrypted": header.encrypted,
        "received_size": [picture.width, picture.height],
        "original_size": [reading.shape[1], reading.shape[0]],
    }


def _entropy(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-12, 0.5)
    return -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
