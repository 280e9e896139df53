"""Sources of the secret: a passphrase, a key file, bytes, or a key management service.

Taught in notebook 04. A :class:`KeyProvider` turns the public salt of one message into 32 secret bytes;
:mod:`.envelope` derives the cipher's key and nonce from them. With a salt that is always the same it also gives the
keystream that decides where in a picture everything stands (:func:`keystream_of`). To support another service, write
one class with one method.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import os
import re
import secrets
import stat
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from .. import extras
from ..errors import BadKey, CannotWrite, KeyFileWarning, WeakPassphraseWarning
from ..files import reason, shown
from ..keystream import Keystream

KEY_BYTES = 32
SHORTEST_PASSPHRASE = 8  # characters; anybody who has the picture can try all shorter ones
_PLACES_SALT = b"stegolab/2 place"  # fixed, because a receiver needs the places before it can read any salt
_KMS_DOMAIN = b"stegolab/1 root key\0"  # separates our MACs from others that the service's key may sign


@runtime_checkable
class KeyProvider(Protocol):
    """Anything that turns a salt into a secret."""

    def derive(self, salt: bytes) -> bytes:
        """32 secret bytes for a public ``salt`` of 16, always the same for one salt; BadKey if there are none."""


@dataclass(frozen=True)
class Passphrase:
    """Argon2id (RFC 9106) over a passphrase: three passes over 64 MiB in four lanes, about 0.15 s per guess.

    Trailing line ends are ignored, because files and shells add them. ``as_typed`` keeps them, as earlier versions did.

    Raises:
        BadKey: the passphrase is empty, or not text in UTF-8.
    """

    text: str = field(repr=False)
    as_typed: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a passphrase that protects nothing, or that cannot be typed in the same way again."""
        if not self.text.rstrip("\r\n"):
            raise BadKey("the passphrase is empty: choose one, or use a key file")
        try:  # bytes from the environment are surrogates where the locale is not UTF-8
            text = self.text.encode("utf-8", "surrogateescape").decode("utf-8")
        except UnicodeError as error:
            raise BadKey("the passphrase is not in UTF-8: type it in a UTF-8 terminal, or use a key file") from error
        object.__setattr__(self, "text", text)

    @property
    def has_line_end(self) -> bool:
        """Whether it ends with a line end, which is ignored unless ``as_typed``."""
        return self.text != self.text.rstrip("\r\n")

    def warn_if_weak(self) -> None:
        """Warn with :class:`WeakPassphraseWarning` where it is blank, short, or one character over and over."""
        counted = self.text.rstrip("\r\n")
        if not counted.strip():
            why = "it is blank"
        elif len(counted) < SHORTEST_PASSPHRASE:
            why = f"it has {len(counted)} character{'s' * (len(counted) != 1)}"
        elif len(set(counted)) == 1:
            why = "it is one character over and over"
        else:
            return
        warnings.warn(
            f"the passphrase is weak, {why}: whoever has the picture can guess it; use four words, or a key file",
            WeakPassphraseWarning,
            stacklevel=3,
        )

    def derive(self, salt: bytes) -> bytes:
        """See :class:`KeyProvider`."""
        text = self.text if self.as_typed else self.text.rstrip("\r\n")
        typed = unicodedata.normalize("NFC", text).encode()  # keyboards compose an é in different ways
        return Argon2id(salt=salt, length=KEY_BYTES, iterations=3, lanes=4, memory_cost=64 * 1024).derive(typed)


@dataclass(frozen=True)
class RawKey:
    """A key of 32 random bytes; the envelope mixes the salt in.

    Raises:
        BadKey: not 32 bytes.
    """

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse other lengths."""
        if len(self.key) != KEY_BYTES:
            raise BadKey(f"a key has {KEY_BYTES} bytes, not {len(self.key)}: make one with secrets.token_bytes(32)")

    def derive(self, salt: bytes) -> bytes:
        """See :class:`KeyProvider`."""
        return self.key


@dataclass(frozen=True)
class KeyFile:
    """A file that holds a key of 32 bytes: raw, as 64 hexadecimal digits, or in base64.

    Text may be in UTF-8 or UTF-16 with its mark, as some editors and shells write it. If others may read the file, as
    is usual for container secrets, a :class:`KeyFileWarning` is issued.

    Raises:
        BadKey: missing, unreadable or malformed, or others may write it.
    """

    path: str | os.PathLike[str]
    _key: RawKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the key now, so that a mistake is reported before any work is done."""
        object.__setattr__(self, "_key", RawKey(_read_key(Path(self.path))))

    def derive(self, salt: bytes) -> bytes:
        """See :class:`KeyProvider`."""
        return self._key.derive(salt)


@dataclass(frozen=True)
class AwsKms:
    """An HMAC_256 key that never leaves the AWS Key Management Service: the secret is the result of ``GenerateMac``.

    ``key_id`` is an id, alias or ARN; ``client`` a boto3 KMS client, made from the environment when None.

    Raises:
        MissingExtra: the extra ``kms`` is not installed.
    """

    key_id: str
    client: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Say what is missing before any work is done."""
        extras.require("boto3", "botocore")

    def derive(self, salt: bytes) -> bytes:
        """See :class:`KeyProvider`."""
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client = self.client or boto3.client("kms")
            answer = client.generate_mac(KeyId=self.key_id, Message=_KMS_DOMAIN + salt, MacAlgorithm="HMAC_SHA_256")
        except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: a malformed endpoint or region
            raise BadKey(f"AWS KMS gave no key for {self.key_id}: {error}") from error
        return answer["Mac"]


Key = str | bytes | os.PathLike[str] | KeyProvider  # what callers may give


def as_provider(key: Key) -> KeyProvider:
    """A provider for what a caller gives: text is a passphrase, a path a key file, bytes the key itself.

    Raises:
        BadKey: none of these, or malformed.
    """
    if isinstance(key, str):
        return Passphrase(key)
    if isinstance(key, bytes):
        return RawKey(key)
    if isinstance(key, os.PathLike):
        return KeyFile(key)
    if isinstance(key, KeyProvider):
        return key
    raise BadKey(f"a {type(key).__name__} is not a key: give a passphrase, a pathlib.Path, 32 bytes or a KeyProvider")


def required(key: Key | None) -> KeyProvider:
    """The provider of a key that encryption needs.

    Raises:
        BadKey: there is none, or see :func:`as_provider`.
    """
    if key is None:
        raise BadKey("encryption needs a key: give a passphrase or a key file, or switch it off explicitly")
    return as_provider(key)


def keystream_of(provider: KeyProvider) -> Keystream:
    """What a key draws places, signs and dithers from; for a passphrase this takes one run of Argon2id.

    Raises:
        BadKey: the provider has no secret to give.
    """
    return Keystream.keyed(provider.derive(_PLACES_SALT))


def readings(key: Key) -> Iterator[KeyProvider]:
    """The keys that a receiver tries: the key, then a passphrase with the line end that earlier versions included.

    Raises:
        BadKey: at once, where :func:`as_provider` raises it.
    """
    provider = as_provider(key)
    if isinstance(provider, Passphrase) and provider.has_line_end:
        return iter((provider, Passphrase(provider.text, as_typed=True)))
    return iter((provider,))


def generate_key_file(path: str | os.PathLike[str]) -> None:
    """Write a fresh random key to ``path`` as 64 hexadecimal digits, readable by its owner only.

    Raises:
        CannotWrite: the file exists (a key is never overwritten), or cannot be created.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CannotWrite(f"{shown(path)} exists and may be somebody's only key: choose another name") from error
    except (OSError, ValueError) as error:
        raise CannotWrite(f"cannot write {shown(path)}: {reason(error)}") from error
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
    except OSError as error:
        Path(path).unlink(missing_ok=True)
        raise CannotWrite(f"cannot write {shown(path)}: {reason(error)}") from error


def _read_key(path: Path) -> bytes:
    name = shown(path)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(1024)
    except (OSError, ValueError) as error:
        raise BadKey(f"cannot read the key file {name}: {reason(error)}") from error
    if os.name == "posix" and stat.S_ISREG(mode):  # only we can read a pipe
        if mode & 0o022:
            raise BadKey(f"others may change the key file {name}: protect it with chmod 600 {name}")
        if mode & 0o044:
            warnings.warn(
                f"others may read the key file {name}: protect it with chmod 600 {name}, if it is yours",
                KeyFileWarning,
                stacklevel=4,
            )
    if len(content) == KEY_BYTES:
        return content
    key = _key_in_text(content)
    if key is None:
        raise BadKey(
            f"the key file {name} holds {len(content)} bytes that are no key: "
            "it must hold 32 bytes, 64 hexadecimal digits or base64 of 32 bytes, and nothing else"
        )
    return key


def _key_in_text(content: bytes) -> bytes | None:
    """The 32 bytes that a text spells, in ASCII, or in UTF-8 or UTF-16 with a mark; None if it is not a key."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if marked else "utf-8-sig").strip()
    except UnicodeDecodeError:
        return None
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        return bytes.fromhex(text)
    if re.fullmatch(r"[A-Za-z0-9+/]{43}=?|[A-Za-z0-9_-]{43}=?", text):
        try:
            return base64.b64decode(text.rstrip("=") + "=", altchars=b"-_" if re.search("[-_]", text) else None)
        except binascii.Error:
            return None
    return None
