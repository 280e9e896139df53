"""stegolab.message.ldpc: the code words are those of 3GPP, what was sent is decoded, and failure is reported."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.errors import BadSpec
from stegolab.message.ldpc import LdpcCode, base_graph


def random_bits(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 2, shape, np.uint8)


def awgn(bits, snr_db, seed=0):
    """Calibrated LLRs, log p(1)/p(0), of BPSK at Es/N0 = ``snr_db``."""
    variance = 10 ** (-snr_db / 10) / 2
    received = 2.0 * bits - 1 + np.sqrt(variance) * np.random.default_rng(seed).standard_normal(bits.shape)
    return (2 * received / variance).astype(np.float32)


@st.composite
def codes(draw, longest=900):
    k = draw(st.integers(12, longest))
    return LdpcCode(k, draw(st.one_of(st.integers(-(-9 * k // 8), 3 * k), st.integers(3 * k, 20 * k))))


# one code per base graph and lifting-set family (z is a power of two times 1, 3, 5 ... 15), with fillers and without,
# punctured down to one parity row and up to the mother rate
SIONNA_CODES = [
    *[(22 * z, 30 * z) for z in (176, 192, 208, 224, 240, 256, 288, 320)],  # base graph 1, no fillers
    *[(10 * z, 25 * z) for z in (72, 80, 88, 96, 104, 112, 120, 128)],  # base graph 2, no fillers
    *[(12, 24), (12, 60), (48, 240), (100, 200), (193, 400), (292, 330), (293, 340), (400, 560), (561, 1000)],
    *[(641, 3205), (3824, 5800), (3825, 8000), (5000, 5625), (7777, 12345), (3840, 19200)],
    *[(8448, 25344), (8448, 9504)],
]


@pytest.fixture(scope="module")
def sionna_words():
    """(k, n, message) -> the code word of sionna's encoder, whose import reseeds torch."""
    import torch

    state = torch.get_rng_state()
    from sionna.phy.fec.ldpc import LDPC5GEncoder

    torch.set_rng_state(state)
    return lambda k, n, message: LDPC5GEncoder(k, n, device="cpu")(torch.tensor(message, dtype=torch.float32)).numpy()


def test_code_words_are_those_of_sionna(sionna_words):
    families = set()
    for k, n in SIONNA_CODES:
        code, message = LdpcCode(k, n), random_bits(2, k, seed=k)
        assert np.array_equal(code.encode(message), sionna_words(k, n, message)), (k, n)
        families.add((code.graph, code.lifting // (code.lifting & -code.lifting)))
    assert families == {(graph, odd) for graph in (1, 2) for odd in (1, 3, 5, 7, 9, 11, 13, 15)}


def test_base_graphs_have_the_standards_size():
    for number, entries, height, columns in ((1, 316, 46, 68), (2, 197, 42, 52)):
        graph = base_graph(number)
        assert (len(graph.entries), graph.height, graph.columns) == (entries, height, columns)
        assert len({(row, column) for row, column, *_ in graph.entries.tolist()}) == entries


@pytest.mark.parametrize(("k", "family"), [(48, 0), (190, 0), (300, 2), (700, 4), (3840, 1), (3872, 5), (8448, 1)])
def test_every_check_of_the_lifted_graph_holds(k, family):
    graph, systematic = (1, 22) if k > 3840 else (2, 10)
    z = LdpcCode(k, (3 if graph == 1 else 5) * k).lifting
    whole = (base_graph(graph).columns - systematic) * z + k - 2 * z  # all but punctured bits and fillers
    code, message = LdpcCode(k, whole), random_bits(2, k)
    assert (code.graph, code.lifting) == (graph, z)
    sent = code.encode(message)
    assert np.array_equal(sent[:, : k - 2 * z], message[:, 2 * z :])
    fillers = np.zeros((2, systematic * z - k), np.uint8)
    word = np.hstack([message, fillers, sent[:, k - 2 * z :]]).reshape(2, -1, z)
    checks = np.zeros((2, base_graph(graph).height, z), np.uint8)
    for row, column, *shifts in base_graph(graph).entries.tolist():
        checks[:, row] ^= word[:, column, (np.arange(z) + shifts[family]) % z]
    assert not checks.any()


@given(codes(), st.integers(0, 99))
@settings(max_examples=30)
def test_the_encoder_is_linear(code, seed):
    a, b = random_bits(2, 3, code.k, seed=seed)
    assert np.array_equal(code.encode(a ^ b), code.encode(a) ^ code.encode(b))
    assert not code.encode(np.zeros((1, code.k), np.uint8)).any()


@given(codes(), st.sampled_from(["sum-product", "min-sum"]), st.integers(0, 99))
@settings(max_examples=30)
def test_what_was_sent_without_noise_is_decoded(code, algorithm, seed):
    message = random_bits(2, code.k, seed=seed)
    decoded, ok = code.decode(4 * code.encode(message) - np.float32(2), algorithm=algorithm)
    assert ok.all()
    assert np.array_equal(decoded, message)


@pytest.mark.parametrize("algorithm", ["sum-product", "min-sum"])
@pytest.mark.parametrize(("k", "n", "snr_db"), [(3840, 19200, -3.8), (8448, 25344, -1.2), (8448, 10560, 6.5)])
def test_close_to_capacity_no_block_fails(k, n, snr_db, algorithm):
    code, message = LdpcCode(k, n), random_bits(5, k)
    if algorithm == "min-sum":
        snr_db += 0.5  # what the approximation costs
    decoded, ok = code.decode(awgn(code.encode(message), snr_db), algorithm=algorithm)
    assert ok.all()
    assert np.array_equal(decoded, message)


@pytest.mark.parametrize("algorithm", ["sum-product", "min-sum"])
def test_far_below_capacity_failure_is_said(algorithm):
    code = LdpcCode(1000, 2000)
    _, ok = code.decode(awgn(code.encode(random_bits(20, 1000)), -6.0), iterations=10, algorithm=algorithm)
    assert not ok.any()


@pytest.mark.parametrize("algorithm", ["sum-product", "min-sum"])
def test_blocks_that_were_not_received_never_count_and_leave_the_others_alone(algorithm):
    code, message = LdpcCode(48, 240), random_bits(6, 48)
    llr = 4 * code.encode(message) - np.float32(2)
    llr[0] = 0
    llr[1, 7] = np.nan
    llr[2, 7], llr[3, 7] = np.inf, -np.inf
    decoded, ok = code.decode(llr, algorithm=algorithm)
    assert ok.tolist() == [False] * 4 + [True] * 2
    assert np.array_equal(decoded[4:], message[4:])
    assert [len(part) for part in code.decode(llr[:0], algorithm=algorithm)] == [0, 0]


def test_batches_do_not_change_what_a_block_decodes_to():
    code = LdpcCode(100, 200)
    llr = awgn(code.encode(random_bits(40, 100)), -2.0)
    together, ok = code.decode(llr)
    assert 0 < ok.sum() < 40
    for block in range(40):
        alone, alone_ok = code.decode(llr[block : block + 1])
        assert alone_ok[0] == ok[block]
        assert np.array_equal(alone[0], together[block])


@given(st.integers(-90, 90))
@settings(max_examples=10)
def test_min_sum_does_not_mind_the_scale(exponent):
    code = LdpcCode(300, 900)
    llr = awgn(code.encode(random_bits(6, 300)), -4.0, seed=1)
    reference, ok = code.decode(llr, algorithm="min-sum")
    assert 0 < ok.sum() < 6  # at the threshold: any loss of softness would show
    assert not code.decode(np.sign(llr), algorithm="min-sum")[1].any()
    scaled, scaled_ok = code.decode(llr * np.float32(2.0**exponent), algorithm="min-sum")
    assert np.array_equal(ok, scaled_ok)
    assert np.array_equal(reference, scaled)


def test_below_the_mother_rate_bits_are_sent_again_and_their_llrs_add():
    k, lap = 100, 40 * 18 + 100  # base graph 2, z = 18: 52 columns less 2 punctured and 10 z - k fillers
    once, again = LdpcCode(k, lap), LdpcCode(k, 2 * lap + 55)
    message = random_bits(8, k)
    word, sent = once.encode(message), again.encode(message)
    assert np.array_equal(sent, np.hstack([word, word, word[:, :55]]))
    llr = awgn(sent, -10.0)
    added = llr[:, :lap] + llr[:, lap : 2 * lap]
    added[:, :55] += llr[:, 2 * lap :]
    decoded, ok = again.decode(llr)
    assert ok.sum() > once.decode(llr[:, :lap])[1].sum()
    expected, expected_ok = once.decode(added)
    assert np.array_equal(ok, expected_ok)
    assert np.array_equal(decoded[ok], expected[ok])
    assert np.array_equal(decoded[ok], message[ok])


@given(st.integers(0, 99))
@settings(max_examples=20)
def test_wild_llrs_do_not_overflow(seed):
    rng = np.random.default_rng(seed)
    code = LdpcCode(60, 300 + 10 * (seed % 50))
    wild = rng.standard_normal((3, code.n)) * 10.0 ** rng.uniform(-37, 40, (3, code.n))
    llr = wild.clip(-3e38, 3e38).astype(np.float32)
    llr[0] = 3e38 * np.sign(llr[0])
    llr[1] = 3e38  # repeated bits add up to more than float32 holds
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        code.decode(llr, algorithm="min-sum")
        _, ok = code.decode(llr)
    assert not ok[[0, 2]].any()  # noise is no code word; checksums refuse what ones everywhere may walk to


@pytest.mark.parametrize("sure", [6.0, 25.0, 1e6])
def test_few_errors_are_repaired_however_sure_they_were(sure):
    """Even for bits in a single check: its other bits together outvote the surest."""
    code = LdpcCode(1500, 6000)
    sent = np.repeat(code.encode(random_bits(1, 1500)), 4, axis=0)
    flipped = np.random.default_rng(5).random(sent.shape) < [[0.003], [0.01], [0.02], [0.03]]
    llr = np.float32(sure) * (2.0 * (sent ^ flipped) - 1).astype(np.float32)
    decoded, ok = code.decode(llr)
    assert ok.all()
    assert np.array_equal(code.encode(decoded), sent)


@pytest.mark.parametrize("algorithm", ["sum-product", "min-sum"])
def test_row_by_row_finds_in_two_thirds_of_the_iterations_what_all_at_once_finds(algorithm):
    code = LdpcCode(1000, 2500)
    llr = awgn(code.encode(random_bits(4, 1000)), -2.0)
    graph = code._tanner
    rule = {"sum-product": graph.sum_product, "min-sum": graph.min_sum}[algorithm]
    prior = -code._derate(llr / (1 if algorithm == "sum-product" else np.abs(llr).max(axis=1, keepdims=True)))
    check, flooding = np.zeros((4, graph.edges), np.float32), 1
    while not graph.holds((belief := prior + graph.to_variables(check)) < 0).all():
        check, flooding = rule(belief[:, graph.variable] - check), flooding + 1
    decoded, ok = code.decode(llr, iterations=flooding * 2 // 3, algorithm=algorithm)
    assert ok.all()
    assert np.array_equal((belief < 0)[:, :1000], decoded)


@pytest.mark.parametrize(
    ("k", "n"), [(11, 30), (8449, 20000), (100, 112), (100, 100_001), (100, 0), (12, -5), (3841, 15364), (8448, 40000)]
)
def test_codes_that_the_standard_does_not_have_are_refused(k, n):
    with pytest.raises(BadSpec):
        LdpcCode(k, n)
