"""stegolab.message.keys: the same secret for the same salt from every kind of key; refusal of exposed keys."""

import base64
import codecs
import os
import threading
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.errors import BadKey, CannotWrite, KeyFileWarning, WeakPassphraseWarning
from stegolab.message.keys import (
    AwsKms,
    KeyFile,
    KeyProvider,
    Passphrase,
    RawKey,
    as_provider,
    generate_key_file,
    readings,
)

SALT, OTHER_SALT = bytes(range(16)), bytes(16)
KEY = bytes(range(32))


def key_file(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_passphrase_gives_a_secret_per_salt_and_text():
    secret = Passphrase("correct horse").derive(SALT)
    assert len(secret) == 32
    assert Passphrase("correct horse").derive(SALT) == secret
    assert Passphrase("correct horse").derive(OTHER_SALT) != secret
    assert Passphrase("correct horsf").derive(SALT) != secret


def test_the_passphrase_derivation_never_changes():
    """Argon2id, 3 passes, 64 MiB, 4 lanes: the value that the reference implementation (argon2-cffi) gives."""
    derived = Passphrase("correct horse").derive(SALT).hex()
    assert derived == "577f1ff37e9a3e52c97d39f8e83891c1b73b0e87ffe0429cee8ede2fb005fe44"


def test_an_accent_counts_the_same_however_it_was_typed():
    assert Passphrase("caf\u00e9").derive(SALT) == Passphrase("cafe\u0301").derive(SALT)


@pytest.mark.parametrize(
    "content",
    [
        KEY,
        KEY.hex().encode(),
        KEY.hex().upper().encode() + b"\n",
        b"\xef\xbb\xbf" + KEY.hex().encode() + b"\r\n",  # an editor's mark
        KEY.hex().encode("utf-16"),  # a shell's redirection on Windows
        codecs.BOM_UTF16_BE + (KEY.hex() + "\r\n").encode("utf-16-be"),
        base64.b64encode(KEY) + b"\n",
        base64.urlsafe_b64encode(b"\xfb\xff" * 16),
        base64.b64encode(KEY).rstrip(b"="),
    ],
)
def test_a_key_file_is_raw_hexadecimal_or_base64(tmp_path, content):
    wanted = b"\xfb\xff" * 16 if content.startswith(b"-_") else KEY
    assert KeyFile(key_file(tmp_path / "key", content)).derive(SALT) == RawKey(wanted).derive(SALT)


def test_a_key_comes_through_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o644)
    writer = threading.Thread(target=pipe.write_bytes, args=(KEY.hex().encode(),))
    writer.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert KeyFile(pipe).derive(SALT) == RawKey(KEY).derive(SALT)
    writer.join()


@pytest.mark.parametrize(
    "content", [b"", KEY[:-1], KEY + b"\n", KEY.hex().encode()[:-2], b"z" * 64, b"\xff" * 64, KEY * 3]
)
def test_a_malformed_key_file_is_refused(tmp_path, content):
    with pytest.raises(BadKey, match="64 hexadecimal digits or base64 of 32 bytes"):
        KeyFile(key_file(tmp_path / "key", content))


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o622])
def test_a_key_file_that_others_may_change_is_refused(tmp_path, mode):
    path = key_file(tmp_path / "key", KEY, mode)
    with pytest.raises(BadKey, match=f"chmod 600 {path}"):
        KeyFile(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o444])
def test_a_key_file_that_others_may_read_is_taken_with_a_warning(tmp_path, mode):
    path = key_file(tmp_path / "key", KEY, mode)
    with pytest.warns(KeyFileWarning, match=f"chmod 600 {path}"):
        assert KeyFile(path).derive(SALT) == KEY


@pytest.mark.parametrize("text", ["secret words", "secret words\n", "secret words\r\n"])
def test_a_line_end_does_not_count(text):
    assert Passphrase(text).derive(SALT) == Passphrase("secret words").derive(SALT)
    assert (Passphrase(text, as_typed=True).derive(SALT) == Passphrase("secret words").derive(SALT)) == (
        text == "secret words"
    )


def test_a_passphrase_with_a_line_end_is_read_in_both_ways():
    assert [p.as_typed for p in readings("secret words\n")] == [False, True]  # type: ignore[attr-defined]
    assert len(list(readings("secret words"))) == len(list(readings(KEY))) == 1


def test_a_passphrase_that_is_only_a_line_end_is_empty():
    with pytest.raises(BadKey, match="empty"):
        Passphrase("\n")


def test_a_passphrase_in_other_bytes_than_utf_8_is_refused_at_once():
    with pytest.raises(BadKey, match="UTF-8"):
        Passphrase(b"gr\xfc\xdfe an alle".decode("utf-8", "surrogateescape"))
    in_ascii = "grüße an alle".encode().decode("ascii", "surrogateescape")  # as LC_ALL=C hands it over
    assert Passphrase(in_ascii).derive(SALT) == Passphrase("grüße an alle").derive(SALT)


@pytest.mark.parametrize(
    ("text", "why"), [("   ", "blank"), ("a", "1 character:"), ("secret", "6 characters"), ("a" * 12, "over and over")]
)
def test_a_weak_passphrase_is_warned_of(text, why):
    with pytest.warns(WeakPassphraseWarning, match=why):
        Passphrase(text).warn_if_weak()


def test_a_sound_passphrase_is_taken_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Passphrase("correct horse battery").warn_if_weak()


def test_a_missing_key_file_is_refused(tmp_path):
    with pytest.raises(BadKey, match="No such file"):
        KeyFile(tmp_path / "missing")
    with pytest.raises(BadKey, match="directory"):
        KeyFile(tmp_path)


def test_a_generated_key_file_works_and_is_private_and_is_never_overwritten(tmp_path):
    path, umask = tmp_path / "key", os.umask(0)
    try:
        generate_key_file(path)
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    assert KeyFile(path).derive(SALT) == bytes.fromhex(content.decode())
    with pytest.raises(CannotWrite, match="exists"):
        generate_key_file(path)
    assert path.read_bytes() == content
    generate_key_file(tmp_path / "other")
    assert (tmp_path / "other").read_bytes() != content
    with pytest.raises(CannotWrite, match="nowhere"):
        generate_key_file(tmp_path / "nowhere" / "key")


def test_a_caller_may_hold_a_key_in_four_ways(tmp_path):
    path = key_file(tmp_path / "key", KEY)
    assert as_provider("text") == Passphrase("text")
    assert as_provider(KEY) == RawKey(KEY)
    assert as_provider(path) == KeyFile(path)

    class Vault:
        def derive(self, salt: bytes) -> bytes:
            return KEY

    vault = Vault()
    assert as_provider(vault) is vault and isinstance(vault, KeyProvider)


@pytest.mark.parametrize("key", ["", b"", KEY[:-1], None, 7])
def test_what_is_no_key_is_refused(key):
    with pytest.raises(BadKey):
        as_provider(key)


@pytest.mark.parametrize("provider", [Passphrase("open sesame"), RawKey(b"open sesame!" + bytes(20))])
def test_secrets_are_not_printed(provider):
    assert "sesame" not in repr(provider)


@settings(max_examples=20)
@given(key=st.binary(min_size=32, max_size=32), salt=st.binary(min_size=16, max_size=16))
def test_a_raw_key_is_its_own_secret(key, salt):
    assert RawKey(key).derive(salt) == key


@pytest.fixture(scope="module")
def kms():
    """A boto3 client of a KMS that moto serves on the loopback interface, and a key in it."""
    boto3 = pytest.importorskip("boto3")
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "kms",
        endpoint_url=f"http://{host}:{port}",
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    yield client
    server.stop()


def hmac_key(client) -> str:
    return client.create_key(KeyUsage="GENERATE_VERIFY_MAC", KeySpec="HMAC_256")["KeyMetadata"]["KeyId"]


def test_a_kms_key_gives_a_secret_per_salt_and_key(kms):
    key, other = hmac_key(kms), hmac_key(kms)
    secret = AwsKms(key, kms).derive(SALT)
    assert len(secret) == 32
    assert AwsKms(key, kms).derive(SALT) == secret
    assert AwsKms(key, kms).derive(OTHER_SALT) != secret
    assert AwsKms(other, kms).derive(SALT) != secret


def test_a_kms_secret_is_not_the_mac_of_the_bare_salt(kms):
    key = hmac_key(kms)
    bare = kms.generate_mac(KeyId=key, Message=SALT, MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert AwsKms(key, kms).derive(SALT) != bare


def test_a_kms_key_that_is_missing_or_of_another_kind_is_refused(kms):
    encryption_key = kms.create_key()["KeyMetadata"]["KeyId"]
    for key in ("00000000-0000-0000-0000-000000000000", encryption_key):
        with pytest.raises(BadKey, match=key):
            AwsKms(key, kms).derive(SALT)


def test_a_kms_that_does_not_answer_is_a_bad_key(monkeypatch):
    boto3, config = pytest.importorskip("boto3"), pytest.importorskip("botocore.config")
    client = boto3.client(
        "kms",
        endpoint_url="http://127.0.0.1:9",  # the discard port: nobody listens
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config.Config(connect_timeout=1, retries={"total_max_attempts": 1}),
    )
    with pytest.raises(BadKey, match="alias/mine"):
        AwsKms("alias/mine", client).derive(SALT)
