"""stegolab.message.frame: what is packed is unpacked, and whatever arrives gives a body or a declared error."""

import binascii
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stegolab.errors import CapacityExceeded, Truncated, Uncorrectable, UnsupportedVersion
from stegolab.keystream import FORMAT_1, PUBLIC, Keystream
from stegolab.message import ecc, frame
from stegolab.message.frame import MAX_BODY, VERSION, Header, capacity, pack, read_header, unpack
from stegolab.message.ldpc import LdpcCode

lengths = st.integers(0, MAX_BODY)
scheme_numbers = st.integers(0, len(ecc.SCHEMES) - 1)
headers = st.builds(Header, lengths, scheme_numbers, st.booleans())
any_llr = st.floats(width=32)  # infinities and NaN among them


def scheme_number(name):
    return ecc.SCHEMES.index(ecc.code(name))


def llr_of(bits, used=None, snr_db=None, seed=0):
    """LLRs of the code bits, 0 for unused slots; calibrated AWGN at Es/N0 = ``snr_db``, or no noise."""
    points = 2.0 * bits - 1
    if snr_db is None:
        llr = 4 * points
    else:
        variance = 10 ** (-snr_db / 10) / 2
        noise = np.random.default_rng(seed).standard_normal(points.shape)
        llr = 2 * (points + np.sqrt(variance) * noise) / variance
    return (llr if used is None else llr * used).astype(np.float32)


def word_of(packed, crc):
    """The code word of any 64 bits, built from the format's description."""
    bits = np.unpackbits(np.frombuffer(packed + crc.to_bytes(2, "big"), np.uint8))
    return LdpcCode(64, 240).encode(bits[None])[0] ^ PUBLIC.bits("header", 240)


# --- header ----------------------------------------------------------------------------------------------------------


def test_the_format_does_not_change():
    header = Header(1000, 1, nonce=300, weights=7)
    assert bytes(header).hex() == "508007d12c07"
    assert (
        np.packbits(header.code_word()).tobytes().hex()
        == "4415c6d1a931925ac4a3170497b6bf4af48dc43bee75bc8042f1d7d12922"
    )


def test_format_1_does_not_change():
    header = Header(1000, 1, version=1)
    assert bytes(header).hex() == "184003e8"
    assert read_header(llr_of(header.code_word(FORMAT_1), snr_db=-3.0), FORMAT_1) == header
    assert np.packbits(header.code_word(FORMAT_1)).tobytes().hex() == (
        "f184876e0e22a2cfb89533ec34968803e23def72f640d48a69a62eb26fe1"
    )


@given(headers)
def test_bytes_hold_the_fields_where_the_format_says(header):
    word = int.from_bytes(bytes(header), "big")
    assert (word >> 45, word >> 44 & 1, word >> 39 & 31, word >> 17 & MAX_BODY, word >> 8 & 511, word & 255) == (
        *(VERSION, header.encrypted, header.scheme, header.length, header.nonce, header.weights),
    )
    assert np.array_equal(header.code_word(), word_of(bytes(header), binascii.crc_hqx(bytes(header), 0xFFFF)))


@given(headers, st.integers(0, 99), st.sampled_from([None, 0.0, -3.0]), st.sampled_from([1e-20, 1e-3, 1.0, 1e20]))
def test_a_header_comes_back_through_noise_in_any_scale(header, seed, snr_db, scale):
    llr = llr_of(header.code_word(), snr_db=snr_db, seed=seed)
    assert read_header(llr * np.float32(scale)) == header


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_a_header_comes_back_at_its_threshold_as_often_as_if_the_scale_were_known(scale):
    header = Header(1000, 1)
    received = np.stack([llr_of(header.code_word(), snr_db=-5.0, seed=seed) for seed in range(60)])
    found = sum(read_header(llr * np.float32(scale)) == header for llr in received)
    whitening = np.where(PUBLIC.bits("header", 240), -1, 1).astype(np.float32)
    _, known = LdpcCode(64, 240).decode(received * whitening)
    assert 0.75 * 60 < known.sum() < 0.95 * 60
    assert found > known.sum() - 2


@given(headers, st.integers(0, 15))
@settings(max_examples=20)
def test_one_wrong_crc_bit_is_no_header(header, bit):
    crc = binascii.crc_hqx(bytes(header), 0xFFFF)
    assert read_header(llr_of(word_of(bytes(header), crc))) == header
    assert read_header(llr_of(word_of(bytes(header), crc ^ 1 << bit))) is None


@given(st.integers(0, 2**48 - 1))
@example(0)
@example(2**48 - 1)
def test_any_word_with_its_crc_is_a_header_or_of_a_version_that_is_not_supported(word):
    packed = word.to_bytes(6, "big")
    llr = llr_of(word_of(packed, binascii.crc_hqx(packed, 0xFFFF)))
    if word >> 45 == VERSION and (word >> 39 & 31) < len(ecc.SCHEMES):
        header = read_header(llr)
        assert header is not None
        assert bytes(header) == packed
    else:
        with pytest.raises(UnsupportedVersion):
            read_header(llr)


@pytest.mark.parametrize("later", [Header(10, 0, version=VERSION + 1), Header(10, len(ecc.SCHEMES)), Header(10, 31)])
def test_a_later_format_or_code_asks_for_an_upgrade(later):
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        read_header(llr_of(later.code_word(), snr_db=0))


def test_a_header_is_read_with_its_keystream_only():
    keyed, other = Keystream.keyed(bytes(32)), Keystream.keyed(b"k" * 32)
    llr = llr_of(Header(1000, 1).code_word(keyed))
    assert read_header(llr, keyed) == Header(1000, 1)
    assert [read_header(llr, drawn) for drawn in (other, PUBLIC, FORMAT_1)] == [None] * 3


def test_what_was_not_received_is_no_header():
    good = llr_of(Header(1000, 1).code_word())
    assert read_header(np.zeros_like(good)) is None
    for value in (np.nan, np.inf, -np.inf):
        assert read_header(np.where(np.arange(240) == 17, np.float32(value), good)) is None
        assert read_header(np.full_like(good, value)) is None
    for wrong in (good[:-1], np.append(good, good[:1]), good[:0], good.reshape(2, 120)):
        assert read_header(wrong) is None
    for constant in (1.0, -1.0):
        assert read_header(np.full_like(good, constant)) is None


def test_noise_is_no_header():
    for noise in np.random.default_rng(0).standard_normal((25, 240)).astype(np.float32):
        assert read_header(noise) is None


@given(arrays(np.float32, 240, elements=any_llr))
@example(np.full(240, 1e-45, np.float32))
@example(np.full(240, 3e38, np.float32))
@settings(max_examples=20)
def test_arbitrary_header_llrs_are_no_header(llr):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert read_header(llr) is None


@pytest.mark.parametrize(
    "impossible",
    [
        *(Header(MAX_BODY + 1, 0), Header(-1, 0), Header(1, 32), Header(1, -1), Header(1, 0, version=8)),
        *(Header(1, 0, nonce=512), Header(1, 0, nonce=-1), Header(1, 0, weights=256)),
    ],
)
def test_a_header_that_the_format_cannot_hold_is_not_written(impossible):
    with pytest.raises(CapacityExceeded):
        bytes(impossible)


# --- body ------------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=150), scheme_numbers, st.integers(0, 4000))
@example(b"", 1, 15)
@example(b"\0", scheme_number("ldpc:4/5"), 15)
@settings(max_examples=150)
def test_what_is_packed_is_unpacked(body, number, slots):
    header = Header(len(body), number)
    size = header.code.room(8 * len(body), slots)
    if size > slots:
        with pytest.raises(CapacityExceeded):
            pack(body, header, slots)
        return
    bits, used = pack(body, header, slots)
    assert bits.shape == used.shape == (slots,)
    assert used.sum() == size
    assert not bits[~used].any()
    unpacked = unpack(llr_of(bits, used), header)
    assert unpacked.body == body
    assert unpacked.corrected == 0
    assert np.array_equal(np.abs(unpacked.llr), np.full(size, 4))


@given(st.integers(0, 10**6), st.sampled_from([*(s.rate for s in ecc.SCHEMES if isinstance(s, ecc.Ldpc))]))
@settings(max_examples=300)
def test_what_capacity_promises_fits(slots, rate):
    scheme = ecc.code(f"ldpc:{rate}" if rate else "ldpc")
    length = capacity(slots, float(rate or 1))
    assume(length > 1)  # one byte takes a block of 12 bits
    assert length <= MAX_BODY
    assert scheme.room(8 * length, slots) <= slots
    assert scheme.room(8 * length + 16, slots) > slots or length == MAX_BODY  # and not much more would


def test_capacity_stays_within_the_format():
    assert capacity(10**9, 0.8) == MAX_BODY
    assert capacity(0, 0.5) == capacity(1, 0.5) == 0
    assert capacity(8000, 1.0) == capacity(8000, 0.8) == 800


@pytest.mark.parametrize("scheme", ecc.SCHEMES, ids=lambda scheme: scheme.name)
def test_a_body_that_its_picture_cannot_hold_is_truncated(scheme):
    header = Header(500, ecc.SCHEMES.index(scheme))
    slots = scheme.room(4000, 0)
    bits, used = pack(bytes(500), header, slots)
    llr = llr_of(bits, used)
    assert unpack(llr, header).body == bytes(500)
    with pytest.raises(Truncated):
        unpack(llr[:-1], header)
    with pytest.raises(Truncated):
        unpack(llr, replace(header, length=MAX_BODY))


@given(
    header=st.one_of(headers, st.builds(Header, st.integers(0, 120), scheme_numbers)),
    llr=st.integers(0, 3000).flatmap(lambda slots: arrays(np.float32, slots, elements=any_llr)),
)
@settings(max_examples=60)
def test_arbitrary_headers_and_bodies_give_a_body_or_a_declared_error(header, llr):
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            unpacked = unpack(llr, header)
    except (Truncated, Uncorrectable):
        return
    assert len(unpacked.body) == header.length


@given(st.integers(0, 99), st.integers(0, 120), scheme_numbers)
@settings(max_examples=25)
def test_noise_gives_no_body_but_a_declared_error(seed, length, number):
    header = Header(length, number)
    assume(header.code.room(8, 0) > 8)  # "none" takes anything
    assume(length > 4)  # a handful of bits is a code word by chance
    llr = np.random.default_rng(seed).standard_normal(3000).astype(np.float32)
    with pytest.raises((Truncated, Uncorrectable)):
        unpack(llr, header)


def test_a_burst_of_a_fifth_of_the_slots_is_recovered_at_rate_one_half():
    slots = 40_000
    body = np.random.default_rng(0).bytes(capacity(slots, 0.5))
    header = Header(len(body), scheme_number("ldpc"))
    bits, used = pack(body, header, slots)
    for start in (0, 17_000, 32_000):
        llr = llr_of(bits, used, snr_db=3.0)
        llr[start : start + slots // 5] = 0
        unpacked = unpack(llr, header)
        assert unpacked.body == body
        lost = [np.mean(part == 0) for part in np.array_split(unpacked.llr, 20)]
        assert 0.15 < min(lost) < 0.2 < max(lost) < 0.25  # every block bears its share


@given(st.integers(1, 5000), st.integers(0, 99))
def test_the_interleaver_is_a_permutation_that_in_code_order_undoes(slots, seed):
    body = np.random.default_rng(seed).bytes(slots // 8)
    header = Header(len(body), scheme_number("none"))
    bits, used = pack(body, header, slots)
    in_order = frame.in_code_order(llr_of(bits, used), int(used.sum()), PUBLIC.within(bytes(header)))
    assert np.array_equal(in_order > 0, np.unpackbits(np.frombuffer(body, np.uint8)))
    assert np.array_equal(np.abs(in_order), np.full(8 * len(body), 4))


@pytest.mark.parametrize("byte", [0x00, 0xFF, 0x55])
def test_whitening_balances_the_bits_of_any_body(byte):
    bits, used = pack(bytes([byte]) * 5000, Header(5000, scheme_number("none")), 60_000)
    assert used.sum() == 40_000
    assert abs(bits[used].mean() - 0.5) < 4 * 0.5 / 40_000**0.5
    assert abs(np.mean(bits[used][1:] == bits[used][:-1]) - 0.5) < 4 * 0.5 / 40_000**0.5


def test_the_whole_way_through_a_noisy_channel():
    body = np.random.default_rng(1).bytes(600)
    header = Header(len(body), scheme_number("ldpc"))
    bits, used = pack(body, header, 16_000)  # rate .3
    received = read_header(llr_of(header.code_word(), snr_db=-2.0))
    assert received == header
    llr = llr_of(bits, used, snr_db=-0.5)
    unpacked = unpack(llr, received)
    assert unpacked.body == body
    assert unpacked.corrected == int(((llr > 0) != bits)[used].sum()) > 1000
