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
    OtherWeights,
    StegolabError,
    Truncated,
    Uncorrectable,
)
from .images import Picture, luma
from .keystream import FORMAT_1, PUBLIC
from .message import envelope, frame
from .message.keys import Key, KeyProvider, keystream_of, readings

_IN_VAIN = 6  # bodies that are decoded in vain, at other places and sizes, before a picture is given up as damaged


def receive(
    picture: Picture, key: Key | None, carriers: Collection[Carrier], *, allow_unencrypted: bool = False
) -> tuple[bytes, dict[str, Any]]:
    """The message in ``picture``, and a report of how it was recovered.

    ``carriers`` are tried in turn, first on the picture as received, then as aligned by ``carrier.sync``, then rotated
    and flipped. So they are iterated over several times. Each is looked for where the key puts it, and where format 1
    and unencrypted payloads are; what its own keystream says does not matter.

    With a ``key``, only a payload sealed with that key is accepted; otherwise anybody could replace the picture.
    ``allow_unencrypted`` also accepts an unencrypted payload.

    Raises:
        NoPayload: no header was found by any of ``carriers``: no payload, another key, or too much damage.
        UnsupportedVersion, Truncated, Uncorrectable, OtherWeights: a header was found, but its payload cannot be read.
        AuthenticationFailed: tampered with, or the wrong key for a picture of format 1. NotEncrypted: a key was given,
        and the payload is not encrypted. BadKey: a picture of format 1 is encrypted and ``key`` is None, or the key is
        malformed.
    """
    keys = [] if key is None else list(readings(key))  # report a malformed key before the work
    keystreams = [*(keystream_of(provider) for provider in keys[:1]), PUBLIC, FORMAT_1]
    looked_for = [carrier.keyed(keystream) for keystream in keystreams for carrier in carriers]
    carrier, reading, header, found = decode(flattened(picture.rgb, picture.alpha), looked_for)
    if header.encrypted:
        if not keys:
            raise BadKey("the payload of this picture is encrypted: give the passphrase or key file it was hidden with")
        message = _opened(found.body, keys, bytes(header))
    elif keys and not allow_unencrypted:
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
        NoPayload, UnsupportedVersion, Truncated, Uncorrectable, OtherWeights: see :func:`receive`.
    """
    damaged: StegolabError | None = None
    in_vain = 0
    for carrier, reading in _readings(rgb, carriers):
        drawn = carrier.keystream
        header = frame.read_header(reading.header_llr, drawn)
        if header is None:
            continue
        if header.version > 1 and header.weights != carrier.weights_identity:
            damaged = damaged or OtherWeights(
                f"this picture was made with networks {header.weights}, and those of carrier {carrier.name} here are "
                f"{carrier.weights_identity}: read it with the version of stegolab that made it"
            )
            continue
        try:
            return carrier, reading, header, frame.unpack(reading.body_llr(header.code_word(drawn)), header, drawn)
        except (Truncated, Uncorrectable) as error:
            if not carrier.strength.rescaled:
                raise
            damaged = damaged or error  # a part may show the header but not the original size
            in_vain += 1
            if in_vain == _IN_VAIN:
                break
    raise damaged or NoPayload(
        "nothing found in this picture: it carries none, its key is not the one that was given (or none was given), "
        "or too much of it was changed or cut away"
    )


def _readings(rgb: NDArray[np.uint8], carriers: Collection[Carrier]) -> Iterator[tuple[Carrier, Reading]]:
    plane = luma(rgb)
    for carrier in carriers:
        yield from _looked(carrier, carrier.read_luma(plane))
    if any(carrier.strength.rescaled for carrier in carriers):
        templates = list(dict.fromkeys(Template.of(carrier.keystream) for carrier in carriers))
        for known, aligned in search(plane, templates):  # slower: any scale, part and orientation of the original
            for carrier in carriers:
                if carrier.strength.rescaled and Template.of(carrier.keystream) == known:
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
        "format": header.version,
        "received_size": [picture.width, picture.height],
        "original_size": [reading.shape[1], reading.shape[0]],
    }


def _entropy(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-12, 0.5)
    return -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
