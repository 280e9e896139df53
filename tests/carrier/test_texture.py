"""The busiest blocks take the message, the smooth ones stay as they are, and the pilots tell which is which."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.learned import learned_carrier
from stegolab.carrier.strengths import JPEG, SOCIAL
from stegolab.carrier.sync.search import search
from stegolab.carrier.sync.template import Template
from stegolab.carrier.texture import activity, busiest, carrying_threshold
from stegolab.channel import spec
from stegolab.images import from_array, luma, psnr, ssim
from stegolab.keystream import FORMAT_1
from stegolab.sender import Sender
from tests import covers
from tests.carrier.untrained import fresh
from tests.covers import random_bits

KEY, SALT = bytes(32), bytes(16)
CARRIERS = {f"lattice, {s.name}": LatticeCarrier(s) for s in (JPEG, SOCIAL)} | {"inn, jpeg": fresh(JPEG)}
EVERY = pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)


def test_activity_is_relative_to_the_median_and_sees_the_neighbours():
    busy = np.zeros((40, 40, 3), np.float32)
    busy[20:, :] = 30
    seen = activity(busy)
    assert seen.shape == (40, 40)
    assert seen.dtype == np.float32
    assert seen.min() > 0
    assert np.median(seen) == pytest.approx(1, rel=1e-5)
    assert seen[0, 0] < seen[19, 0] < seen[20, 0] < seen[39, 0]


@given(st.integers(0, 1000), st.integers(1, 30), st.integers(1, 30), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_holds_the_smaller_one_and_nothing_busier_is_left_out(seed, rows, columns, one, other):
    busy = np.random.default_rng(seed).integers(1, 9, (rows, columns)).astype(np.float32)
    small, large = (busiest(busy, share) for share in sorted((one, other)))
    assert small.sum() == round(min(one, other) * busy.size)
    assert not (small & ~large).any()
    if large.any() and not large.all():
        assert busy[large].min() >= busy[~large].max()


def test_of_equally_busy_blocks_the_upper_ones_are_taken():
    np.testing.assert_array_equal(busiest(np.ones((4, 5), np.float32), 0.5), [[1] * 5] * 2 + [[0] * 5] * 2)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.1, 0.9))
def test_the_pilots_tell_from_where_on_blocks_carry(seed, unchanged):
    rng = np.random.default_rng(seed)
    busy = np.exp(rng.normal(0, 1, 2000)).astype(np.float32)
    true = np.quantile(busy, unchanged)
    evidence = np.where(busy >= true, np.cos(rng.vonmises(0, 1.5, 2000)), np.cos(rng.uniform(0, 2 * np.pi, 2000)))
    assert np.mean(busy < carrying_threshold(evidence.astype(np.float32), busy)) == pytest.approx(unchanged, abs=0.05)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.3, 2.0]))
def test_where_all_carry_alike_none_is_left_out(seed, kappa):
    rng = np.random.default_rng(seed)
    agreement = np.cos(rng.vonmises(0, kappa, 1500)).astype(np.float32)
    assert carrying_threshold(agreement, rng.random(1500).astype(np.float32)) == 0
    assert carrying_threshold(agreement[:0], agreement[:0]) == 0


@EVERY
def test_smooth_blocks_change_by_the_template_at_most(carrier):
    cover = covers.photographs()["astronaut"] // 2 + 64  # clips nowhere
    header, body, used = random_bits(carrier, cover)
    part, none = (carrier.embed(cover, header, body, used, share) for share in (0.5, 0.0))
    size = carrier.strength.block
    blocks = (part != none).any(axis=2).reshape(256 // size, size, 256 // size, size).any(axis=(1, 3))
    assert 0.4 * blocks.size < blocks.sum() <= 0.5 * blocks.size
    if not carrier.strength.rescaled:
        np.testing.assert_array_equal(none, cover)


@EVERY
def test_what_carries_is_read_and_what_is_unchanged_is_not_believed(carrier):
    cover = covers.larger()["coffee"]
    header, body, used = random_bits(carrier, cover)
    reading = carrier.read(carrier.embed(cover, header, body, used, 0.6), cover.shape[:2])
    llr = reading.body_llr(header)
    cost = np.logaddexp(0, (1 - 2.0 * body) * llr).mean() / np.log(2)
    assert 0.45 < 1 - cost < 0.62  # of one bit a slot, three fifths of which carry
    whole = carrier.read(carrier.embed(cover, header, body, used), cover.shape[:2]).body_llr(header)
    assert np.mean(whole == 0) < 0.01


@pytest.mark.parametrize("carrier", [LatticeCarrier(SOCIAL), learned_carrier(SOCIAL)], ids=lambda c: c.name)
def test_in_a_part_of_the_picture_too(carrier):
    """What was cut away is not a pilot: it does not tell which blocks carry nothing."""
    cover = covers.larger()["coffee"]
    header, body, used = random_bits(carrier, cover)
    received = spec.parse("crop:0.1,jpeg:90")(carrier.embed(cover, header, body, used, 0.6))
    _, aligned = next(search(luma(received), [Template.of(FORMAT_1)]))
    reading = carrier.read_aligned(aligned)
    llr, count = reading.body_llr(header), len(reading.layout.strength.frequencies)
    there = aligned.seen.reshape(-1)[reading.layout.body_slots // count]
    assert not llr[~there].any()
    assert 0.35 < np.mean(llr[there] == 0) < 0.48
    cost = np.logaddexp(0, (1 - 2.0 * body[there]) * llr[there]).mean() / np.log(2)
    assert 0.45 < 1 - cost < 0.62


@pytest.mark.parametrize("strength", [JPEG, SOCIAL], ids=lambda s: s.name)
def test_a_shorter_message_shows_less(strength):
    cover, carrier = from_array(covers.larger()["coffee"]), LatticeCarrier(strength)
    sparing, filling = (Sender.on(cover, carrier, sparse=sparse) for sparse in (True, False))
    message = np.random.default_rng(1).bytes(sparing.capacity() // 3)
    part, whole = (sender.send(message, KEY, salt=SALT).picture.rgb for sender in (sparing, filling))
    assert psnr(cover.rgb, part) > psnr(cover.rgb, whole) + 1.5
    assert ssim(cover.rgb, part) > ssim(cover.rgb, whole)
