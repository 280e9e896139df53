"""A picture back into bytes: find the header at some strength and size, calibrate on it, decode, open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

import numpy as np

from .carrier.interface import PRESENT, Carrier, Reading
from .errors import BadKey, NoPayload
from .images import Picture
from .message import envelope, frame
from .message.keys import Key, as_provider


def receive(picture: Picture, key: Key | None, carriers: Iterable[Carrier]) -> tuple[bytes, dict[str, Any]]:
    """The message in ``picture``, and the account of what it took.

    ``carriers`` are tried in turn, first at the size as received, then at others; the next one is only asked for where
    those before it have found nothing.

    Raises:
        NoPayload: no header by any of ``carriers``. UnsupportedVersion, Truncated, Uncorrectable,
        AuthenticationFailed: there is one, but. BadKey: it is encrypted and ``key`` is None or malformed.
    """
    for carrier, reading in _readings(picture, carriers):
        header = frame.read_header(reading.header_llr)
        if header is not None:
            return _decode(picture, key, carrier, reading, header)
    raise NoPayload(
        "no payload found in this picture: it carries none, or it was cropped, rotated or changed too much to find it"
    )


def _readings(picture: Picture, carriers: Iterable[Carrier]) -> Iterator[tuple[Carrier, Reading]]:
    shape = picture.rgb.shape[:2]
    for carrier in carriers:
        reading = carrier.read(picture.rgb, shape)
        if reading.presence > PRESENT:
            yield carrier, reading
    for carrier in carriers:  # slower: other sizes that the original may have had
        for located in carrier.locate(picture.rgb):
            yield carrier, located


def _decode(
    picture: Picture, key: Key | None, carrier: Carrier, reading: Reading, header: frame.Header
) -> tuple[bytes, dict[str, Any]]:
    if header.encrypted and key is None:
        raise BadKey("the payload of this picture is encrypted: give the passphrase or key file it was hidden with")
    found = frame.unpack(reading.body_llr(header.code_word()), header)
    if header.encrypted and key is not None:
        message = envelope.open_sealed(found.body, as_provider(key), bytes(header))
    else:
        message = envelope.unwrap_plain(found.body, bytes(header))
    certainty = np.abs(found.llr).astype(np.float64)
    wrong = 1 / (1 + np.exp(certainty))  # the probability of each hard decision being wrong
    information = 1 - float(np.mean(_entropy(wrong)))
    rate = 8 * header.length / len(found.llr)
    return message, {
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
