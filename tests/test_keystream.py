"""stegolab.keystream: the numbers that both ends draw. The golden values may never change."""

import hashlib
import hmac

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from hypothesis import given
from hypothesis import strategies as st

from stegolab.keystream import (
    FORMAT_1,
    PUBLIC,
    Keystream,
    keyed_words,
    order_of,
    public_bits,
    public_bytes,
    public_permutation,
    public_uniform,
)

labels, counts = st.text(max_size=12), st.integers(0, 700)


def sha256(array, dtype):
    return hashlib.sha256(array.astype(dtype).tobytes()).hexdigest()


def test_golden_values():
    assert public_bytes("body", 16).hex() == "998a809cab317b98b82a9f5328fb28e0"
    assert public_bits("header", 16).tolist() == [1, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0]
    assert public_uniform("dither", 4).tolist() == pytest.approx([0.73071057, 0.7832346, 0.3303242, 0.22324936])
    assert public_permutation("body", 12).tolist() == [7, 8, 3, 9, 11, 4, 6, 0, 5, 10, 2, 1]


def test_golden_digests():
    bits, uniform, permutation = (f("golden", 100_000) for f in (public_bits, public_uniform, public_permutation))
    assert sha256(bits, "u1") == "531e9d1ce170c00fb6beef6752cdf10746f346bdca64e5333b4b2fd83245a56b"
    assert sha256(uniform, "<f4") == "56a915a63ea13afafb1599868c985df6c4df6ea46cc97b48950d709089af5741"
    assert sha256(permutation, "<i8") == "095c761fcb02eed7f467c99912072710dbe93a8af171af3d6d084813a80c01a3"


def test_what_a_key_draws_is_chacha20_under_hmac_of_label():
    secret = bytes(range(32))
    drawn = Keystream.keyed(secret)
    cipher = hmac.new(secret, b"stegolab/2:dither", "sha256").digest()
    assert drawn.stream("dither", 24) == Cipher(ChaCha20(cipher, bytes(16)), None).encryptor().update(bytes(24))
    assert drawn.stream("dither", 16).hex() == "b86721a294e994f15032569ebdf7d3b7"
    assert drawn.bits("header", 16).tolist() == [1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1]
    assert drawn.permutation("body", 12).tolist() == [11, 10, 4, 6, 9, 7, 1, 5, 8, 3, 0, 2]
    assert drawn.within(b"nonce").stream("dither", 16).hex() == "7db3df8d09ee3422b208aa9fa5aa4403"
    assert PUBLIC.stream("dither", 16).hex() == "1ddfd08a5588127f7f97237e02ff7790"
    assert FORMAT_1.within(b"nonce") == FORMAT_1


def test_keys_contexts_and_formats_draw_different_numbers():
    one, other = Keystream.keyed(bytes(32)), Keystream.keyed(bytes(31) + b"1")
    drawn = (one, other, PUBLIC, FORMAT_1, one.within(b"a"), one.within(b"b"), other.within(b"a"))
    assert len({each.stream("body", 16) for each in drawn}) == len(drawn)
    assert [each.public for each in drawn] == [False, False, True, True, False, False, False]
    assert "secret" not in repr(one)


def test_keyed_words_are_chacha20_under_an_hkdf_of_secret_salt_and_purpose():
    """Golden values from an HKDF written out with HMAC-SHA256: RFC 5869, extract and one block of expand."""
    words = keyed_words(bytes(range(32)), b"salt", b"info", 2, 3)
    assert words.tolist() == [
        [15014523388970489084, 8569657192669407444, 2342710816420631726],
        [3160650067380375731, 613404155021309879, 12980478596977315675],
    ]
    for other in ((bytes(32), b"salt", b"info"), (bytes(range(32)), b"s", b"info"), (bytes(range(32)), b"salt", b"i")):
        assert not np.isin(keyed_words(*other, 2, 3), words).any()


def test_an_order_puts_words_in_order_and_leaves_equal_ones_as_they_stand():
    words = np.array([[5, 2, 9], [5, 1, 9], [4, 1, 9]], np.uint64)
    assert order_of(words).tolist() == [[1, 0, 2], [1, 0, 2], [1, 0, 2]]
    assert order_of(words, axis=0).tolist() == [[2, 1, 0], [0, 2, 1], [1, 0, 2]]


@given(labels, counts, counts)
def test_a_shorter_stream_is_the_beginning_of_a_longer_one(label, a, b):
    for stream in (public_bytes, public_bits, public_uniform):
        short, long = stream(label, min(a, b)), stream(label, max(a, b))
        assert len(short) == min(a, b)
        assert np.array_equal(list(short), list(long[: len(short)]))


@given(labels, counts)
def test_a_permutation_holds_every_number_once_and_cannot_be_spoilt(label, count):
    order = public_permutation(label, count)
    assert np.array_equal(np.sort(order), np.arange(count))
    with pytest.raises(ValueError):
        order[...] = 0


@given(st.lists(labels, min_size=2, max_size=2, unique=True))
def test_labels_draw_different_numbers(two):
    assert public_bytes(two[0], 16) != public_bytes(two[1], 16)
    assert not np.array_equal(public_permutation(two[0], 50), public_permutation(two[1], 50))


def test_bits_are_fair_and_uniform_numbers_uniform():
    count = 100_000
    bits, uniform = public_bits("fair", count), public_uniform("fair", count)
    assert set(bits.tolist()) == {0, 1}
    assert abs(bits.mean() - 0.5) < 4 * 0.5 / count**0.5
    assert abs(np.mean(bits[1:] == bits[:-1]) - 0.5) < 4 * 0.5 / count**0.5
    assert uniform.dtype == np.float32
    assert uniform.min() >= 0
    assert uniform.max() < 1
    histogram = np.bincount((uniform * 20).astype(int), minlength=20)
    assert np.abs(histogram - count / 20).max() < 4 * (count / 20) ** 0.5


def test_a_permutation_forgets_where_things_were():
    order = public_permutation("fair", 100_000)
    assert abs(np.corrcoef(order, np.arange(100_000))[0, 1]) < 4 / 100_000**0.5
    assert abs(np.corrcoef(order[1:], order[:-1])[0, 1]) < 4 / 100_000**0.5
