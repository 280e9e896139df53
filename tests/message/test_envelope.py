"""stegolab.message.envelope: what was sealed opens with the same key and header, and with nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.errors import AuthenticationFailed, BadSpec, StegolabError, Truncated, Uncorrectable
from stegolab.message import envelope
from stegolab.message.envelope import OVERHEAD, PLAIN_OVERHEAD, open_sealed, seal, unwrap_plain, wrap_plain
from stegolab.message.keys import Passphrase, RawKey

ALICE, EVE = RawKey(bytes(range(32))), RawKey(bytes(32))
HEADER, SALT = b"header", bytes(range(16))
messages, headers = st.binary(max_size=200), st.binary(max_size=8)


def flipped(body: bytes, bit: int) -> bytes:
    changed = bytearray(body)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)


@given(messages, headers, st.binary(min_size=32, max_size=32))
def test_what_is_sealed_opens(message, header, key):
    body = seal(message, RawKey(key), header)
    assert len(body) == len(message) + OVERHEAD == len(message) + 32
    assert open_sealed(body, RawKey(key), header) == message


def test_a_passphrase_seals_too():
    body = seal(b"message", Passphrase("correct horse"), HEADER)
    assert open_sealed(body, Passphrase("correct horse"), HEADER) == b"message"
    with pytest.raises(AuthenticationFailed):
        open_sealed(body, Passphrase("correct horsf"), HEADER)


@given(messages, headers, st.data())
def test_any_flipped_bit_is_refused(message, header, data):
    body = seal(message, ALICE, header, salt=SALT)
    with pytest.raises(AuthenticationFailed):
        open_sealed(flipped(body, data.draw(st.integers(0, 8 * len(body) - 1))), ALICE, header)
    with pytest.raises(AuthenticationFailed):
        open_sealed(body, ALICE, header + b"\0")
    if header:
        with pytest.raises(AuthenticationFailed):
            open_sealed(body, ALICE, flipped(header, data.draw(st.integers(0, 8 * len(header) - 1))))


def test_a_wrong_key_and_tampering_are_not_told_apart():
    body, said = seal(b"message", ALICE, HEADER), []
    for opening in (lambda: open_sealed(body, EVE, HEADER), lambda: open_sealed(flipped(body, 200), ALICE, HEADER)):
        with pytest.raises(AuthenticationFailed) as caught:
            opening()
        said.append(str(caught.value))
    assert said[0] == said[1]


@given(messages.filter(bool), st.data())
def test_a_cut_body_is_refused(message, data):
    body = seal(message, ALICE, HEADER, salt=SALT)
    size = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(Truncated if size < OVERHEAD else AuthenticationFailed):
        open_sealed(body[:size], ALICE, HEADER)


@given(st.binary(max_size=100), headers)
def test_arbitrary_bodies_give_a_declared_error(body, header):
    for opening in (lambda: open_sealed(body, ALICE, header), lambda: unwrap_plain(body, header)):
        with pytest.raises(StegolabError):
            opening()


def test_salts_are_fresh_so_equal_messages_look_different():
    bodies = [seal(b"message", ALICE, HEADER) for _ in range(50)]
    assert len({body[:16] for body in bodies}) == len({body[16:] for body in bodies}) == 50


def test_ciphertext_looks_like_coin_flips():
    body = seal(bytes(100_000), ALICE, HEADER, salt=SALT)
    assert abs(np.unpackbits(np.frombuffer(body[16:], np.uint8)).mean() - 0.5) < 0.005  # nine standard deviations


def test_the_layout_never_changes():
    """An old picture must open with a new version."""
    assert (
        seal(b"message", ALICE, HEADER, salt=SALT).hex()
        == "000102030405060708090a0b0c0d0e0ff338d27bb439e490672ae7be6ed1ab13e77de7c2f76485"
    )
    assert wrap_plain(b"message", HEADER).hex() == "d53403ca7289fd866d657373616765"


def test_a_salt_of_another_size_is_a_mistake():
    with pytest.raises(BadSpec, match="16"):
        seal(b"message", ALICE, HEADER, salt=b"short")


@given(messages, headers)
def test_what_is_wrapped_unwraps(message, header):
    body = wrap_plain(message, header)
    assert len(body) == len(message) + PLAIN_OVERHEAD
    assert unwrap_plain(body, header) == message


@given(messages, headers, st.data())
def test_damage_to_an_unencrypted_message_is_found(message, header, data):
    body = wrap_plain(message, header)
    with pytest.raises(Uncorrectable):
        unwrap_plain(flipped(body, data.draw(st.integers(0, 8 * len(body) - 1))), header)
    with pytest.raises(Uncorrectable):
        unwrap_plain(body + b"\0", header)
    with pytest.raises(Uncorrectable):
        unwrap_plain(body, header + b"\0")
    if len(message):
        with pytest.raises(Uncorrectable):  # a byte that moves from the message into the header
            unwrap_plain(body[:8] + body[9:], header + body[8:9])
    with pytest.raises(Truncated):
        unwrap_plain(body[:7], header)


def test_sealed_and_unencrypted_bodies_are_not_taken_for_one_another():
    with pytest.raises(Uncorrectable):
        unwrap_plain(seal(b"message", ALICE, HEADER, salt=SALT), HEADER)
    with pytest.raises(AuthenticationFailed):
        open_sealed(wrap_plain(bytes(40), HEADER), ALICE, HEADER)


def test_the_warning_is_one_that_python_shows_by_default():
    assert issubclass(envelope.UnencryptedWarning, UserWarning)
