"""What is embedded in a photograph can be read, and the photograph changes as much as the steps imply."""

import numpy as np
import pytest

from stegolab.carrier.lattice import LatticeCarrier, LatticeReading
from stegolab.carrier.layout import Layout
from stegolab.carrier.strengths import SOCIAL, STRENGTHS
from stegolab.carrier.sync.geometry import Axis, Geometry
from stegolab.carrier.sync.registration import Aligned
from stegolab.images import luma, psnr
from tests import covers
from tests.covers import random_bits, wrong

CARRIERS = {name: LatticeCarrier(strength) for name, strength in STRENGTHS.items()}
EVERY = pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
PHOTOGRAPHS = pytest.mark.parametrize("cover", covers.photographs().values(), ids=covers.photographs())


@EVERY
@PHOTOGRAPHS
def test_photographs_give_every_bit_back(carrier, cover):
    """All bits if the steps are many grey levels wide; if they are three, few enough errors for a code to repair."""
    header, body, used = random_bits(carrier, cover)
    reading = carrier.read(carrier.embed(cover, header, body, used), cover.shape[:2])
    llr = reading.body_llr(header)
    assert llr.shape == body.shape
    assert wrong(llr, body) < (0.025 if carrier.strength.name == "file" else 0.0075)
    assert wrong(reading.header_llr, header) == 0
    assert reading.detection_score > 20
    assert reading.shape == cover.shape[:2]


@EVERY
@PHOTOGRAPHS
def test_distortion_is_what_the_steps_predict(carrier, cover):
    header, body, used = random_bits(carrier, cover)
    strength = carrier.strength
    stego = carrier.embed(cover, header, body, used)
    whole = Layout.of(strength, cover.shape)
    share = whole.rows * whole.columns * strength.block**2 / (cover.shape[0] * cover.shape[1])  # that is in blocks
    energy = share * np.sum(np.square(strength.compensation * strength.step)) / 12 / strength.block**2
    rounding = 1 / 12
    assert psnr(cover, stego) == pytest.approx(10 * np.log10(255**2 / (energy + rounding)), abs=0.3)


@EVERY
def test_a_single_pixel_can_be_looked_at(carrier):
    reading = carrier.read(np.full((1, 1, 3), 90, np.uint8), (1, 1))
    assert np.isfinite(reading.header_llr).all() and np.isfinite(reading.detection_score)


def test_a_blur_is_measured_on_the_header_and_undone():
    """A blur attenuates coefficients, so for a receiver that did not equalise they would be off the lattice."""
    from stegolab.channel import spec

    carrier, cover = CARRIERS["social"], covers.larger()["coffee"]
    header, body, used = random_bits(carrier, cover)
    received = spec.parse("blur:1.2")(carrier.embed(cover, header, body, used))
    reading = carrier.read(received, cover.shape[:2])
    deaf = LatticeReading(reading.shape, reading.layout, luma(received), (0.0,))
    errors = [wrong(r.body_llr(header), body) for r in (reading, deaf)]
    assert errors[0] < 0.2
    assert errors[0] < 0.7 * errors[1]


def test_a_strong_sharpening_is_undone_like_a_blur():
    """A busy picture that was reduced and sharpened; what sharpened it made its details twice as large."""
    from stegolab.channel import spec

    carrier = CARRIERS["social"]
    cover = np.random.default_rng(5).normal(128, 30, (512, 512, 1)).clip(0, 255).astype(np.uint8).repeat(3, axis=2)
    header, body, used = random_bits(carrier, cover)
    received = spec.parse("resize:0.75,sharpen:3,jpeg:80")(carrier.embed(cover, header, body, used))
    reading = carrier.read(received, cover.shape[:2])
    assert reading.detection_score > 30
    assert wrong(reading.header_llr, header) < 0.03
    assert wrong(reading.body_llr(header), body) < 0.2  # .36 if blurs down to -.4 square pixels are tried


def test_what_was_not_received_says_nothing_and_the_rest_what_it_did():
    carrier, cover = CARRIERS["social"], covers.larger()["coffee"]
    header, body, used = random_bits(carrier, cover)
    plane = luma(carrier.embed(cover, header, body, used))
    seen = np.ones((cover.shape[0] // 16, cover.shape[1] // 16), bool)
    seen[:, :5] = seen[-4:] = False
    lost = np.repeat(np.repeat(~seen, 16, axis=0), 16, axis=1)
    geometry = Geometry(0, Axis(1, 0), Axis(1, 0))
    reading = carrier.read_aligned(Aligned(np.where(lost, 99, plane), seen, cover.shape[:2], geometry))
    layout = reading.layout
    there = seen.reshape(-1)[layout.body_slots // len(SOCIAL.frequencies)]
    llr = reading.body_llr(header)
    assert not llr[~there].any()
    assert wrong(llr[there], body[there]) < 0.006
    assert wrong(reading.header_llr, header) == 0
    assert reading.detection_score > 8
