"""Presence is a standard score: about zero and one without a header, large with one, whatever the evidence's scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.carrier.interface import DETECTED
from stegolab.carrier.layout import Layout
from stegolab.carrier.strengths import JPEG, SOCIAL
from stegolab.carrier.sync.header_evidence import combine_repeats, detection_score
from stegolab.header import HEADER_CODE_BITS

LAYOUTS = {
    "small": Layout.of(SOCIAL, (256, 256)),
    "odd": Layout.of(JPEG, (201, 333)),
    "large": Layout.of(JPEG, (1000, 1400)),
}
EVERY = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def chance(layout, seed, kind="sine"):
    """The evidence of the slots of a picture without a header."""
    rng = np.random.default_rng(seed)
    uniform = rng.uniform(-np.pi, np.pi, len(layout.header_slots))
    draws = {"sine": np.sin(uniform), "sign": np.sign(uniform), "uneven": rng.exponential(3, len(uniform)) * uniform}
    return draws[kind].astype(np.float32)


def signs(layout, seed=0):
    """The header's code word at each of its slots, as -1 and 1."""
    word = np.random.default_rng(seed).integers(0, 2, HEADER_CODE_BITS)
    return (2 * word - 1)[layout.header_bit].astype(np.float32)


@EVERY
@pytest.mark.parametrize("kind", ["sine", "sign", "uneven"])
def test_without_a_header_it_is_a_standard_score(layout, kind):
    """For any distribution of the evidence with random signs; uneven evidence deviates less."""
    scores = np.array([detection_score(layout.header_bit, chance(layout, seed, kind)) for seed in range(300)])
    assert abs(scores.mean()) < 0.2
    assert (0.5 if kind == "uneven" else 0.65) < scores.std() < 1.15
    assert np.mean(scores > DETECTED) < 0.01


@EVERY
def test_with_a_header_it_is_large_and_grows_with_its_strength(layout):
    sent, free = signs(layout), chance(layout, 1)
    scores = [detection_score(layout.header_bit, share * sent + (1 - share) * free) for share in (0.0, 0.3, 0.6, 1.0)]
    assert scores == sorted(scores)
    assert scores[0] < DETECTED < 10 < scores[-1]


@EVERY
def test_with_full_agreement_it_is_what_repeats_alone_allow(layout):
    repeats = np.bincount(layout.header_bit, minlength=HEADER_CODE_BITS)
    most = (repeats.sum() - (repeats > 0).sum()) / np.sqrt(2 * HEADER_CODE_BITS)
    assert detection_score(layout.header_bit, signs(layout)) == pytest.approx(most)


@given(st.sampled_from(sorted(LAYOUTS)), st.integers(0, 2**32 - 1), st.floats(1e-2, 1e3))
def test_the_scale_and_the_header_itself_do_not_matter(name, seed, scale):
    layout = LAYOUTS[name]
    evidence = 0.3 * signs(layout, seed) + chance(layout, seed)
    score = detection_score(layout.header_bit, evidence)
    assert detection_score(layout.header_bit, np.float32(scale) * evidence) == pytest.approx(score, rel=1e-3, abs=1e-3)
    assert detection_score(layout.header_bit, -evidence) == pytest.approx(score, rel=1e-6)


@EVERY
def test_together_adds_up_what_the_repeats_of_each_bit_say(layout):
    evidence = chance(layout, 2)
    sums = combine_repeats(layout.header_bit, evidence)
    assert sums.shape == (HEADER_CODE_BITS,)
    assert sums.dtype == np.float32
    for bit in (0, 7, HEADER_CODE_BITS - 1):
        assert sums[bit] == pytest.approx(evidence[layout.header_bit == bit].sum(), abs=1e-3)


@EVERY
def test_silence_is_no_header(layout):
    assert detection_score(layout.header_bit, np.zeros(len(layout.header_slots), np.float32)) == 0.0


def test_a_picture_without_a_block_has_no_header():
    none = Layout.of(SOCIAL, (8, 8))
    assert detection_score(none.header_bit, np.zeros(0, np.float32)) == 0.0
    assert not combine_repeats(none.header_bit, np.zeros(0, np.float32)).any()
