"""What is embedded is read, in whatever picture; the picture changes as much as the steps say, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.carrier import blockdct
from stegolab.carrier.geometry import Axis, Geometry
from stegolab.carrier.interface import HEADER_CODE_BITS, PRESENT
from stegolab.carrier.lattice import LatticeCarrier, LatticeReading
from stegolab.carrier.layout import Layout
from stegolab.carrier.registration import Aligned
from stegolab.carrier.strengths import SOCIAL, STRENGTHS
from stegolab.images import luma, psnr
from tests import covers
from tests.covers import random_bits, wrong

CARRIERS = {name: LatticeCarrier(strength) for name, strength in STRENGTHS.items()}
EVERY = pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
PHOTOGRAPHS = pytest.mark.parametrize("cover", covers.photographs().values(), ids=covers.photographs())


@EVERY
@PHOTOGRAPHS
def test_photographs_give_every_bit_back(carrier, cover):
    """All of them where the steps are many grey levels wide, all but a code's fill where they are three."""
    header, body, used = random_bits(carrier, cover)
    reading = carrier.read(carrier.embed(cover, header, body, used), cover.shape[:2])
    llr = reading.body_llr(header)
    assert llr.shape == body.shape
    assert wrong(llr, body) < (0.025 if carrier.strength.name == "file" else 0.006)
    assert wrong(reading.header_llr, header) == 0
    assert reading.presence > 20
    assert reading.shape == cover.shape[:2]


# Measured with nothing but rounding to 8 bits in between; what no rate repairs would stand near one half.
CLIPPED = {"file": 0.15, "jpeg": 0.06, "social": 0.06}


@EVERY
@pytest.mark.parametrize("name", covers.synthetic())
def test_clipped_and_busy_covers_give_nearly_all_back(carrier, name):
    cover = covers.synthetic()[name]
    header, body, used = random_bits(carrier, cover)
    reading = carrier.read(carrier.embed(cover, header, body, used), cover.shape[:2])
    assert wrong(reading.body_llr(header), body) < CLIPPED[carrier.strength.name]
    assert wrong(reading.header_llr, header) < 0.03


@settings(max_examples=20)
@given(
    st.sampled_from(sorted(CARRIERS)), st.integers(128, 200), st.integers(128, 200), st.integers(0, 2**32 - 1),
    st.floats(0, 1),
)  # fmt: skip
def test_any_size_any_bits_any_share(name, height, width, seed, share):
    carrier = CARRIERS[name]
    cover = np.random.default_rng(seed).normal(128, 20, (height, width, 3)).clip(0, 255).astype(np.uint8)
    header, body, used = random_bits(carrier, cover, seed, share)
    stego = carrier.embed(cover, header, body, used)
    assert stego.shape == cover.shape
    assert stego.dtype == np.uint8
    reading = carrier.read(stego, cover.shape[:2])
    assert wrong(reading.header_llr, header) == 0
    if used.any():
        assert wrong(reading.body_llr(header)[used], body[used]) < 0.03


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
def test_only_luma_moves(carrier):
    cover = covers.photographs()["astronaut"] // 2 + 64  # clips nowhere
    moved = carrier.embed(cover, *random_bits(carrier, cover)).astype(int) - cover
    assert np.mean(moved != moved[..., :1]) < 1e-3  # but for ties of rounding


@EVERY
def test_grey_stays_grey(carrier):
    for cover in (covers.photographs()["camera"], covers.synthetic()["black"]):
        stego = carrier.embed(cover, *random_bits(carrier, cover))
        assert np.all(stego == stego[..., :1])


@EVERY
def test_what_is_not_used_is_left_alone(carrier):
    """The body is not used, so only blocks with header or template change; nor does what fills no whole block."""
    cover = np.tile(covers.photographs()["coffee, odd"] // 2 + 64, (3, 3, 1))  # large: the header is sparse
    header, body, used = random_bits(carrier, cover, share=0)
    changed = (carrier.embed(cover, header, body, used) != cover).any(axis=2)
    layout, size = Layout.of(carrier.strength, cover.shape), carrier.strength.block
    has_header = np.zeros(layout.rows * layout.columns, bool)
    known = np.concatenate([layout.header_slots, layout.template_slots])
    has_header[known // len(carrier.strength.frequencies)] = True
    whole = changed[: layout.rows * size, : layout.columns * size]
    by_block = whole.reshape(layout.rows, size, layout.columns, size).any(axis=(1, 3))
    assert not by_block[~has_header.reshape(by_block.shape)].any()
    assert changed.sum() == whole.sum()
    assert has_header.mean() < 1 or layout.stride == 1


@EVERY
def test_embedding_is_deterministic_and_leaves_the_cover(carrier):
    cover = covers.photographs()["astronaut"].copy()
    bits = random_bits(carrier, cover)
    first = carrier.embed(cover, *bits)
    np.testing.assert_array_equal(carrier.embed(cover, *bits), first)
    np.testing.assert_array_equal(cover, covers.photographs()["astronaut"])


@EVERY
@PHOTOGRAPHS
def test_a_picture_without_payload_shows_no_header(carrier, cover):
    assert carrier.read(cover, cover.shape[:2]).presence < PRESENT


@EVERY
@pytest.mark.parametrize("shape", [(1, 1, 3), (16, 16, 3), (20, 900, 3), (100, 100, 3)])
def test_pictures_of_any_size_can_be_looked_at(carrier, shape):
    reading = carrier.read(np.full(shape, 90, np.uint8), shape[:2])
    assert reading.header_llr.shape == (HEADER_CODE_BITS,)
    assert np.isfinite(reading.header_llr).all()
    assert np.isfinite(reading.presence)
    if reading.layout.slots:  # where there are none no header is ever found
        assert np.isfinite(reading.body_llr(np.zeros(HEADER_CODE_BITS, np.uint8))).all()


def test_a_blur_is_measured_on_the_header_and_undone():
    """A blur attenuates; to a receiver that did not equalise, coefficients would lie beside the lattice."""
    from stegolab.channel import spec

    carrier, cover = CARRIERS["social"], covers.larger()["coffee"]
    header, body, used = random_bits(carrier, cover)
    received = spec.parse("blur:1.2")(carrier.embed(cover, header, body, used))
    reading = carrier.read(received, cover.shape[:2])
    deaf = LatticeReading(
        reading.shape,
        reading.layout,
        blockdct.forward(luma(received), 16)[..., *np.array(SOCIAL.frequencies).T],
        (0.0,),
    )
    errors = [wrong(r.body_llr(header), body) for r in (reading, deaf)]
    assert errors[0] < 0.2
    assert errors[0] < 0.7 * errors[1]


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
    assert reading.presence > 8
