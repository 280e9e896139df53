"""From nothing but the picture: scale, place, turn and the original's size, exactly; without a template nothing."""

import numpy as np
import pytest

from stegolab.carrier import blockdct, registration, sync, template
from stegolab.carrier.geometry import Axis, Geometry, turned
from stegolab.carrier.interface import HEADER_CODE_BITS
from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.strengths import SOCIAL
from stegolab.channel import spec
from stegolab.images import luma
from tests import covers

CARRIER = LatticeCarrier(SOCIAL)
HEADER = np.random.default_rng(1).integers(0, 2, HEADER_CODE_BITS, np.uint8)


def stego(name):
    cover, rng = covers.larger()[name], np.random.default_rng(2)
    slots = CARRIER.body_slots(cover.shape)
    return CARRIER.embed(cover, HEADER, rng.integers(0, 2, slots, np.uint8), np.ones(slots, bool))


STEGO = {name: stego(name) for name in covers.larger()}


def part(rgb, top=0, bottom=0, left=0, right=0):
    """Without so many pixels at each edge."""
    return np.ascontiguousarray(rgb[top : len(rgb) - bottom, left : rgb.shape[1] - right])


# What happened before the platform; what is left of the original: (top, left), (bottom, right) in its pixels.
CUTS = {
    "whole": {},
    "shifted by one": {"top": 1, "left": 3},
    "a block and a bit": {"top": 17, "left": 16, "right": 5},
    "a quarter gone": {"top": 31, "bottom": 20, "left": 40, "right": 25},
}


@pytest.mark.parametrize("cut", ["shifted by one", "a block and a bit"])
def test_in_noise_the_geometry_is_found_as_well(cut):
    """Between whole pixels, and at half resolution, nothing of the template would show in so busy a picture."""
    noise = np.random.default_rng(5).normal(128, 60, (512, 512, 1)).clip(0, 255).astype(np.uint8)
    cover = np.ascontiguousarray(noise.repeat(3, axis=2))
    slots = CARRIER.body_slots(cover.shape)
    sent = CARRIER.embed(cover, HEADER, np.zeros(slots, np.uint8), np.ones(slots, bool))
    aligned = next(sync.search(luma(spec.parse("jpeg:75")(part(sent, **CUTS[cut])))))
    axes = aligned.geometry.vertical, aligned.geometry.horizontal
    assert [(axis.scale, axis.offset) for axis in axes] == [(1, -CUTS[cut]["top"]), (1, -CUTS[cut]["left"])]


@pytest.mark.parametrize(
    ("cut", "attack"),
    [
        ("whole", "resize:0.5"),
        ("shifted by one", "jpeg:75"),
        ("a block and a bit", "resize:0.75,jpeg:80"),
        ("a quarter gone", "jpeg:75"),
        ("a quarter gone", "resize:0.75,jpeg:80"),
    ],
)
def test_the_exact_geometry_is_found(cut, attack):
    before = part(STEGO["coffee"], **CUTS[cut])
    received = luma(spec.parse(attack)(before))
    aligned = next(sync.search(received))
    assert aligned.seen.shape == tuple(side // 16 for side in STEGO["coffee"].shape[:2])
    edges = CUTS[cut].get("top", 0), CUTS[cut].get("left", 0)
    axes = aligned.geometry.vertical, aligned.geometry.horizontal
    for axis, start, kept, have in zip(axes, edges, before.shape, received.shape, strict=False):
        assert axis.original(0) == pytest.approx(start, abs=0.01)
        assert axis.original(have) == pytest.approx(start + kept, abs=0.01)
    reading = CARRIER.read_aligned(aligned)
    assert np.mean((reading.header_llr > 0) == HEADER) > 0.9
    whole = [side // 16 * 16 for side in before.shape[:2]]
    assert aligned.seen.sum() >= (whole[0] // 16 - 1) * (whole[1] // 16 - 1)


@pytest.mark.parametrize("turn", [1, 4, 6])
def test_turns_and_flips_are_undone(turn):
    received = spec.parse("jpeg:80")(turned(part(STEGO["chelsea"], top=5, right=9), turn))
    aligned = next(sync.search(luma(received)))
    upright = turned(turned(np.arange(6).reshape(2, 3), turn), aligned.geometry.turn)
    np.testing.assert_array_equal(upright, np.arange(6).reshape(2, 3))
    assert aligned.geometry.vertical == Axis(1.0, -5.0)
    assert np.mean((CARRIER.read_aligned(aligned).header_llr > 0) == HEADER) > 0.9


@pytest.mark.parametrize("factor", [0.4432, 1.2718])
def test_scales_that_no_platform_uses_are_found_by_the_sweep(factor):
    """Without a cut the size of the original is known to the pixel, sides that were rounded each its own way too."""
    received = luma(spec.parse(f"resize:{factor}")(STEGO["chelsea"]))
    aligned = next(sync.search(received))
    assert aligned.shape == STEGO["chelsea"].shape[:2]
    assert aligned.seen.all()


def test_a_crop_after_a_resize_is_at_no_whole_pixel_and_found_all_the_same():
    received = luma(part(spec.parse("resize:0.7")(STEGO["coffee"]), top=11, left=8))
    aligned = next(sync.search(received))
    assert aligned.geometry.vertical.original(0) == pytest.approx(11 / 0.7, abs=0.3)
    assert aligned.geometry.horizontal.original(0) == pytest.approx(8 / 0.7, abs=0.3)
    assert np.mean((CARRIER.read_aligned(aligned).header_llr > 0) == HEADER) > 0.9


@pytest.mark.parametrize("name", ["camera", "noise"])
def test_without_a_template_nothing_is_found(name):
    assert list(sync.search(luma(covers.every()[name]))) == []


def test_chance_stays_below_what_is_taken_for_certain():
    plane = luma(covers.larger()["coffee"])
    looks = [(registration.View(plane), scale) for scale in np.geomspace(0.4, 2, 30)]
    scores = [lock.score for look in (*looks, (registration.View(plane, 1), 1.0)) if (lock := sync.look(*look))]
    assert min(scores) > 3
    assert max(scores) < sync.CERTAIN


def test_the_time_that_a_search_takes_is_limited():
    assert list(sync.search(luma(STEGO["coffee"]), seconds=0)) == []


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (17, 40), (16, 2000), (40, 33)])
def test_tiny_pictures_are_searched_without_a_crash(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert list(sync.search(luma(noise))) == []


def test_agreement_is_a_standard_score():
    box, exact = (0, 0, 24, 32), Axis(1.0, 0.0)
    scores = [
        registration.agreement(
            registration.View(luma(covers.larger()["coffee"])), (Axis(1.0, float(dy)), Axis(1.0, float(dx))), box
        )
        for dy in range(0, 16, 3)
        for dx in range(0, 16, 3)
    ]
    assert abs(np.mean(scores)) < 0.6
    assert 0.6 < np.std(scores) < 1.5
    assert registration.agreement(registration.View(luma(STEGO["coffee"])), (exact, exact), box) > 15


def test_far_from_the_corner_the_period_is_told_by_the_signs_of_the_size():
    """A picture wider than a period, of which the first period is gone; drawn, not embedded, to be quick."""
    rows, columns, lost = 24, 120, 34
    signs = template.signs(rows, columns).astype(np.float32)
    coefficients = np.zeros((rows, columns, 16, 16), np.float32)
    for frequency, sign in zip(template.FREQUENCIES, signs, strict=True):
        coefficients[..., *frequency] = sign * template.STEP / 4
    plane = blockdct.inverse(coefficients)[:, lost * 16 - 3 :] + 128
    rough = Geometry(0, Axis(1.0, 0.0), Axis(1.0, -float((lost % 32) * 16 - 3)))
    aligned = next(registration.align(registration.View(np.ascontiguousarray(plane)), rough))
    assert aligned.seen.shape == (rows, columns)
    assert aligned.geometry.horizontal == Axis(1.0, -float(lost * 16 - 3))
    assert not aligned.seen[:, :lost].any()
    assert aligned.seen[:, lost:].all()
