"""The sealed envelope around a message: AES-256-GCM with 32 bytes of overhead.

Taught in notebook 04. A sealed body is

    | salt, 16 bytes | ciphertext, as long as the message | tag, 16 bytes |

Key and nonce are HKDF-SHA256 (RFC 5869) of the provider's secret and the salt, so neither travels. The header that
precedes the body in the picture is authenticated with it. GCM: NIST SP 800-38D.
"""

from __future__ import annotations

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import AuthenticationFailed, BadSpec, Truncated, Uncorrectable
from .keys import KEY_BYTES, KeyProvider

SALT_BYTES = 16
TAG_BYTES = 16
OVERHEAD = SALT_BYTES + TAG_BYTES
PLAIN_OVERHEAD = 8  # the checksum of an unencrypted message

_NONCE_BYTES = 12
_SEALED = b"stegolab/1 sealed aes-256-gcm\0"  # the version is part of every derivation
_PLAIN = b"stegolab/1 plain sha-256\0"


class UnencryptedWarning(UserWarning):
    """The message can be read by anyone who has this software."""


def check_salt(salt: bytes | None) -> None:
    """Raise BadSpec unless ``salt`` is one, or None."""
    if salt is not None and len(salt) != SALT_BYTES:
        raise BadSpec(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")


def seal(message: bytes, provider: KeyProvider, header: bytes, *, salt: bytes | None = None) -> bytes:
    """Encrypt ``message`` and bind it to ``header``: ``len(message) + OVERHEAD`` bytes.

    ``salt`` is drawn at random. Give one only to reproduce a figure: two messages with the same salt and secret share
    their nonce, which reveals both.

    Raises:
        BadKey: the provider has no secret to give.
    """
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    check_salt(salt)
    cipher, nonce = _cipher(provider, salt)
    return salt + cipher.encrypt(nonce, message, _SEALED + header)


def open_sealed(body: bytes, provider: KeyProvider, header: bytes) -> bytes:
    """The message that :func:`seal` put into ``body``.

    Raises:
        Truncated: the body is shorter than its overhead.
        AuthenticationFailed: wrong key, or a bit of body or header differs; the two are deliberately not distinguished.
        BadKey: the provider has no secret to give.
    """
    if len(body) < OVERHEAD:
        raise Truncated(f"a sealed message has at least {OVERHEAD} bytes, not {len(body)}: ask for the picture again")
    cipher, nonce = _cipher(provider, body[:SALT_BYTES])
    try:
        return cipher.decrypt(nonce, body[SALT_BYTES:], _SEALED + header)
    except InvalidTag as error:
        raise AuthenticationFailed("wrong key, or the message was changed: check the key you were given") from error


def wrap_plain(message: bytes, header: bytes) -> bytes:
    """An unencrypted body: a checksum over ``header`` and ``message``, then the message as it is."""
    return _checksum(message, header) + message


def unwrap_plain(body: bytes, header: bytes) -> bytes:
    """The message that :func:`wrap_plain` put into ``body``.

    Raises:
        Truncated: the body is shorter than its checksum.
        Uncorrectable: the checksum does not match. It detects damage but not forgery.
    """
    if len(body) < PLAIN_OVERHEAD:
        raise Truncated(f"a message has at least {PLAIN_OVERHEAD} bytes, not {len(body)}: ask for the picture again")
    checksum, message = body[:PLAIN_OVERHEAD], body[PLAIN_OVERHEAD:]
    if checksum != _checksum(message, header):
        raise Uncorrectable("the message arrived damaged: ask for the picture again, less compressed")
    return message


def _cipher(provider: KeyProvider, salt: bytes) -> tuple[AESGCM, bytes]:
    kdf = HKDF(SHA256(), length=KEY_BYTES + _NONCE_BYTES, salt=salt, info=_SEALED)
    derived = kdf.derive(provider.derive(salt))
    return AESGCM(derived[:KEY_BYTES]), derived[KEY_BYTES:]


def _checksum(message: bytes, header: bytes) -> bytes:
    framed = _PLAIN + len(header).to_bytes(4, "big") + header + message
    return hashlib.sha256(framed).digest()[:PLAIN_OVERHEAD]
