"""stegolab.message.ecc: for every code, what goes in comes out, or Uncorrectable is raised."""

from operator import attrgetter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stegolab.errors import BadSpec, Uncorrectable
from stegolab.message import ecc
from stegolab.message.frame import MAX_BODY

LDPC = [s for s in ecc.SCHEMES if isinstance(s, ecc.Ldpc)]
BCH = [s for s in ecc.SCHEMES if isinstance(s, ecc.Bch)]

schemes = st.sampled_from(ecc.SCHEMES)
seeds = st.integers(0, 999)
name_of = attrgetter("name")


def random_bits(count, seed=0):
    return np.random.default_rng(seed).integers(0, 2, count, np.uint8)


def llr_of(bits, size=4.0):
    return np.where(bits, np.float32(size), np.float32(-size))


def flipped(bits, places):
    bits = bits.copy()
    bits[places] ^= 1
    return bits


def test_the_header_stores_the_place_in_this_list_which_may_only_grow():
    assert [scheme.name for scheme in ecc.SCHEMES] == [
        "none",
        "ldpc",
        *("ldpc:1/10", "ldpc:1/8", "ldpc:1/6", "ldpc:1/5", "ldpc:1/4", "ldpc:1/3", "ldpc:2/5", "ldpc:1/2"),
        *("ldpc:3/5", "ldpc:2/3", "ldpc:3/4", "ldpc:4/5"),
        *("bch:4/5", "bch:2/3", "bch:1/2", "bch:1/3", "bch:1/4"),
        *(
            "ldpc:1/7",
            "ldpc:2/9",
            "ldpc:2/7",
            "ldpc:4/11",
            "ldpc:3/7",
            "ldpc:9/20",
            "ldpc:11/20",
            "ldpc:5/8",
            "ldpc:7/10",
        ),
        "ldpc:fill",
    ]
    assert len(ecc.SCHEMES) <= 32


@pytest.mark.parametrize("scheme", ecc.SCHEMES, ids=name_of)
def test_every_name_resolves_to_its_code(scheme):
    assert ecc.code(scheme.name) is scheme


@pytest.mark.parametrize("name", ["", "auto", "bch", "LDPC", "ldpc:1/11", "ldpc:5/4", "reed-solomon"])
def test_an_unknown_name_is_refused_and_the_choices_are_listed(name):
    with pytest.raises(BadSpec, match=r"none, ldpc, ldpc:1/10.*bch:1/4"):
        ecc.code(name)


@given(schemes, st.integers(0, 3000), st.integers(0, 20_000), seeds)
@settings(max_examples=100)
def test_what_goes_in_comes_out(scheme, message_bits, slots, seed):
    message = random_bits(message_bits, seed)
    room = scheme.room(message_bits, slots)
    coded = scheme.encode(message, room)
    assert coded.shape == (room,)
    decoded = scheme.decode(llr_of(coded), message_bits)
    assert np.array_equal(decoded.bits, message)
    assert decoded.corrected == 0


@given(schemes, st.integers(0, 8 * MAX_BODY), st.integers(0, 10**8))
def test_a_longer_message_never_needs_less_room(scheme, message_bits, slots):
    assert message_bits <= scheme.room(message_bits, slots) <= scheme.room(message_bits + 1, slots)


@pytest.mark.parametrize("scheme", [s for s in ecc.SCHEMES if "/" in s.name], ids=name_of)
def test_the_name_tells_the_rate(scheme):
    numerator, denominator = scheme.name.split(":")[1].split("/")
    assert 100_000 / scheme.room(100_000, 0) == pytest.approx(int(numerator) / int(denominator), rel=0.03)


# --- LDPC ------------------------------------------------------------------------------------------------------------


@given(st.sampled_from(LDPC), st.integers(0, MAX_BODY), st.integers(0, 5 * 10**8))
@example(ecc.code("ldpc"), MAX_BODY, 0)
@example(ecc.code("ldpc:1/4"), 3825, 0)
@settings(max_examples=500)
def test_every_message_that_a_header_can_declare_has_blocks_of_the_standard(scheme, length, slots):
    room = scheme.room(8 * length, slots)
    code, blocks = scheme._code(8 * length, room)  # LdpcCode raises on sizes that the standard does not have
    assert blocks * code.k >= 8 * length
    assert blocks * code.n <= room
    assert (blocks - 1) * code.k < max(8 * length, 1)  # no block is empty


@given(st.integers(0, 10**6), st.integers(0, 10**7))
def test_filling_takes_the_slots_that_there_are_between_the_rates_that_pay(message_bits, slots):
    room = ecc.code("ldpc").room(message_bits, slots)
    if room > slots:
        assert message_bits > slots * 0.8 - 1 or slots < 15  # 15: the shortest block at rate 4/5
    elif room < slots:
        assert room == 10 * max(message_bits, 12)


@given(st.integers(1, 400), st.integers(0, 100), seeds)
@settings(max_examples=30)
def test_ldpc_counts_what_it_corrected(length, errors, seed):
    scheme, message = ecc.code("ldpc:1/3"), random_bits(8 * length, seed)
    coded = scheme.encode(message, scheme.room(8 * length, 0))
    errors = min(errors, len(coded) // 20)
    places = np.random.default_rng(seed).choice(len(coded), errors, replace=False)
    decoded = scheme.decode(llr_of(flipped(coded, places), 2.0), 8 * length)
    assert np.array_equal(decoded.bits, message)
    assert decoded.corrected == errors


@pytest.mark.parametrize("factor", [1e-3, 0.1, 1, 10, 1e6])
def test_ldpc_survives_ratios_that_are_out_of_scale(factor):
    scheme, message = ecc.code("ldpc:1/3"), random_bits(20_000)
    coded = scheme.encode(message, scheme.room(20_000, 0))
    noise = np.random.default_rng(0).standard_normal(len(coded))
    llr = 4 * (2.0 * coded - 1 + 0.9 * noise) / (2 * 0.9**2)
    assert np.array_equal(scheme.decode((factor * llr).astype(np.float32), 20_000).bits, message)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("scheme", LDPC, ids=name_of)
def test_ldpc_refuses_what_was_not_received(scheme, value):
    with pytest.raises(Uncorrectable):
        scheme.decode(np.full(scheme.room(256, 1000), value, np.float32), 256)


@pytest.mark.parametrize("scheme", LDPC[::4], ids=name_of)
def test_ldpc_refuses_noise_and_says_how_much_is_lost(scheme):
    room = scheme.room(5_000, 15_000)
    noise = np.random.default_rng(0).standard_normal(room).astype(np.float32)
    with pytest.raises(Uncorrectable, match=r"^(\d) of \1 code blocks"):
        scheme.decode(noise, 5_000)


# --- BCH -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", BCH, ids=name_of)
def test_bch_repairs_t_errors_a_block_wherever_they_fall(scheme):
    blocks, (message_bits, parity) = 3, scheme.block
    rng, size = np.random.default_rng(1), message_bits + parity
    message = random_bits(blocks * message_bits)
    coded = scheme.encode(message, scheme.room(len(message), 0))
    for _ in range(20):
        counts = [scheme.t, *rng.integers(0, scheme.t + 1, blocks - 1)]
        places = [b * size + rng.choice(size, c, replace=False) for b, c in enumerate(counts)]
        decoded = scheme.decode(llr_of(flipped(coded, np.concatenate(places))), len(message))
        assert np.array_equal(decoded.bits, message)
        assert decoded.corrected == sum(counts)
    for burst in (slice(0, scheme.t), slice(size - scheme.t, size), slice(-scheme.t, None)):
        assert np.array_equal(scheme.decode(llr_of(flipped(coded, burst)), len(message)).bits, message)


@pytest.mark.parametrize("scheme", BCH, ids=name_of)
def test_bch_never_returns_a_wrong_message(scheme):
    message_bits, parity = scheme.block
    rng = np.random.default_rng(2)
    coded = scheme.encode(random_bits(2 * message_bits), 2 * (message_bits + parity))
    for trial in range(150):
        errors = scheme.t + 1 + trial // 3
        places = rng.choice(message_bits + parity, errors, replace=False)
        with pytest.raises(Uncorrectable, match="1 of 2 code blocks"):
            scheme.decode(llr_of(flipped(coded, places)), 2 * message_bits)


@pytest.mark.parametrize("scheme", BCH, ids=name_of)
@given(slots=st.integers(0, 20_000))
def test_fits_is_the_longest_message_whose_room_fits(scheme, slots):
    longest = scheme.fits(slots)
    assert longest == 0 or scheme.room(8 * longest, slots) <= slots
    assert scheme.room(8 * (longest + 1), slots) > slots


@pytest.mark.parametrize("scheme", BCH, ids=name_of)
def test_bch_promises_to_repair_only_what_it_does_repair(scheme):
    rates = np.linspace(0, 0.5, 501)
    promised = [scheme.repairs(rate) for rate in rates]
    assert promised == sorted(promised, reverse=True)  # monotone
    worst = rates[promised.index(False) - 1]
    assert 0.2 * scheme.t < worst * sum(scheme.block) < 0.7 * scheme.t
    message = random_bits(100 * scheme.block[0])
    coded = scheme.encode(message, scheme.room(len(message), 0))
    errors = np.random.default_rng(3).random(len(coded)) < worst
    assert np.array_equal(scheme.decode(llr_of(coded ^ errors), len(message)).bits, message)


def test_more_parity_repairs_more():
    worst = [max(r for r in np.linspace(0, 0.3, 301) if scheme.repairs(r)) for scheme in BCH]
    assert worst == sorted(worst)


def test_without_a_code_a_wrong_bit_stays_wrong():
    message = random_bits(100)
    decoded = ecc.code("none").decode(llr_of(flipped(message, [7])), 100)
    assert np.flatnonzero(decoded.bits != message).tolist() == [7]


def test_filling_goes_as_low_as_it_takes_where_most_slots_are_silent():
    """A hundred bits in 20,000 slots, of which one in forty says anything: erasures cost nothing but their share."""
    code, rng = ecc.code("ldpc:fill"), np.random.default_rng(4)
    message = rng.integers(0, 2, 104, np.uint8)
    size = code.room(len(message), 20_000)
    assert size == 20_000 > ecc.code("ldpc").room(len(message), 20_000) == 1040
    sent = code.encode(message, size).astype(np.float32) * 2 - 1
    llr = np.where(rng.random(size) < 1 / 40, 2 * (sent + rng.normal(0, 1, size)), 0).astype(np.float32)
    np.testing.assert_array_equal(code.decode(llr, len(message)).bits, message)
