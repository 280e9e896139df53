"""The step follows the texture, and flat parts stay unchanged, also where a busy one is near."""

import numpy as np
import pytest

from stegolab.carrier import blockdct
from stegolab.carrier.textured.masking import level
from stegolab.carrier.textured.presets import JPEG, MASKINGS, SOCIAL
from stegolab.channel.jpeg_tables import LUMA
from stegolab.choices import VISIBILITY_LEVELS
from stegolab.errors import BadSpec

NOISE = np.random.default_rng(3).normal(0, 20, (192, 256)).astype(np.float32)
EVERY = pytest.mark.parametrize("masking", MASKINGS.values(), ids=MASKINGS)


def texture(masking, plane, **more):
    return masking.texture(masking.magnitudes(plane), **more)


@EVERY
def test_texture_is_the_contrast_whatever_the_brightness(masking):
    one, brighter, double = (texture(masking, plane).mean() for plane in (NOISE, NOISE + 90, 2 * NOISE))
    assert brighter == pytest.approx(one, rel=1e-3)
    # white noise of deviation 20 has coefficients of mean magnitude 20 * sqrt(2 / pi) = 16
    assert one == pytest.approx(16, rel=0.12)
    assert double == pytest.approx(2 * one, rel=0.06)


@EVERY
def test_steps_grow_with_the_power_of_texture_and_never_fall_below_the_least(masking):
    around = np.array([0.1, 20.0, 40.0, 80.0], np.float32)
    excess = masking.excess(around, 1.5)  # (4, frequencies)
    np.testing.assert_allclose(excess[2] / excess[1], 2**masking.exponent, rtol=1e-4)
    np.testing.assert_allclose(masking.excess(around, 3.0), 2 * excess, rtol=1e-4)
    steps = masking.steps(excess)
    np.testing.assert_array_equal(steps[0], np.array(masking.least, np.float32))
    assert (np.diff(steps, axis=0) >= 0).all()
    assert (steps[3] > steps[0]).any() == masking.grows
    each = np.arange(len(masking.least))
    np.testing.assert_array_equal(masking.excess(np.full(len(each), around[1]), 1.5, each), excess[1])
    np.testing.assert_array_equal(masking.steps(excess[1], each), steps[1])


@EVERY
def test_a_flat_block_beside_a_busy_one_is_flat(masking):
    plane = NOISE.copy()
    plane[:, 128:] = 0  # a wall behind a tree
    around = texture(masking, plane)
    edge = 128 // masking.block
    assert around[1:-1, edge:].max() < 0.35 * around[1:-1, : edge - 1].mean()
    assert np.all(around[:, edge + 1 :] < 0.01)
    assert masking.excess(around[1:-1, edge:], 1.0).max() < 1  # it does not carry


@EVERY
def test_a_blur_is_undone_and_what_did_not_arrive_does_not_count(masking):
    gain = blockdct.blur_gain(masking.texture_frequencies, masking.block // 2, 0.8)
    found = masking.magnitudes(NOISE)
    np.testing.assert_allclose(masking.texture(found * gain, blur=0.8), masking.texture(found), rtol=1e-4)
    received = np.ones((NOISE.shape[0] // masking.block, NOISE.shape[1] // masking.block), bool)
    received[:, :2] = False
    spoilt = found.copy()
    spoilt[:, :4] = 1000
    around = masking.texture(spoilt, received=received)[:, 2:]
    np.testing.assert_allclose(around, masking.texture(found[:, 4:]), rtol=1e-4)


def test_the_dial():
    assert level("unseen") == 1 and level("faint") == 1.25 and level("loud") == 1.6
    assert level(1.24) == 1 and level("0.5") == VISIBILITY_LEVELS[0] and level(1e9) == VISIBILITY_LEVELS[-1]
    for bad in ("unheard", 0.3, "-1", float("nan")):
        with pytest.raises(BadSpec, match="visibility"):
            level(bad)


def test_least_steps_are_what_the_channel_rounds_away():
    at_50 = np.array(LUMA)
    assert JPEG.least == tuple(2.0 * at_50[f] for f in JPEG.frequencies)
    others = set(blockdct.zigzag(8)[1:]) - set(JPEG.frequencies)
    assert max(JPEG.least) <= 2 * min(at_50[f] for f in others)
    for (u, v), least in zip(SOCIAL.frequencies, SOCIAL.least, strict=True):
        assert least >= 4 * (at_50[u, v] // 2)  # twice the steps of JPEG 75, in blocks twice as large
