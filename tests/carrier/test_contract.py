"""What the interface promises for every carrier: what is embedded can be read, and nothing but the payload changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.carrier import blockdct
from stegolab.carrier.interface import Carrier
from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.networks.numpy_inference import NumpyModel
from stegolab.carrier.strengths import JPEG, SOCIAL, STRENGTHS
from stegolab.carrier.sync.geometry import facing, turned
from stegolab.carrier.textured.lattice import TexturedLattice
from stegolab.carrier.textured.presets import MASKINGS
from stegolab.header import HEADER_CODE_BITS
from stegolab.images import luma
from tests import covers
from tests.carrier.untrained import fresh
from tests.covers import random_bits, wrong

CARRIERS: dict[str, Carrier] = {f"lattice, {name}": LatticeCarrier(strength) for name, strength in STRENGTHS.items()}
CARRIERS |= {f"inn, {strength.name}": fresh(strength) for strength in (JPEG, SOCIAL)}
FULL = pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)  # those whose slots all carry
TEXTURED: dict[str, Carrier] = {f"textured, {name}": TexturedLattice.of(name, 1.6) for name in MASKINGS}
EVERY = pytest.mark.parametrize("carrier", (CARRIERS | TEXTURED).values(), ids=CARRIERS | TEXTURED)

# Measured with nothing but rounding to 8 bits in between; what no rate repairs would stand near one half.
CLIPPED = {"lattice, file": 0.15, "lattice, jpeg": 0.06, "lattice, social": 0.06}


@pytest.mark.parametrize("name", CARRIERS)
@pytest.mark.parametrize("picture", covers.synthetic())
def test_flat_clipped_and_busy_covers_give_nearly_all_back(name, picture):
    carrier, cover = CARRIERS[name], covers.synthetic()[picture]
    header, body, used = random_bits(carrier, cover)
    reading = carrier.read(carrier.embed(cover, header, body, used), cover.shape[:2])
    most = CLIPPED.get(name, 0.1 if picture == "large checkerboard" else 0.01)
    assert wrong(reading.body_llr(header), body) < most
    assert wrong(reading.header_llr, header) < 0.03


@settings(max_examples=30)
@given(
    st.sampled_from(sorted(CARRIERS)), st.integers(128, 200), st.integers(128, 200), st.integers(0, 2**32 - 1),
    st.floats(0, 1),
)  # fmt: skip
def test_any_size_any_bits_any_share(name, height, width, seed, share):
    carrier = CARRIERS[name]
    cover = np.random.default_rng(seed).normal(128, 20, (height, width, 3)).clip(0, 255).astype(np.uint8)
    header, body, used = random_bits(carrier, cover, seed, share)
    stego = carrier.embed(cover, header, body, used)
    assert (stego.shape, stego.dtype) == (cover.shape, np.uint8)
    reading = carrier.read(stego, cover.shape[:2])
    assert wrong(reading.header_llr, header) == 0
    if used.any():
        assert wrong(reading.body_llr(header)[used], body[used]) < (0.03 if "lattice" in name else 0.02)


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


@FULL
def test_what_is_not_used_is_left_alone(carrier):
    """Without a body, only blocks with header or template change, and no incomplete block does."""
    cover = np.tile(covers.photographs()["coffee, odd"] // 2 + 64, (3, 3, 1))  # large: the header is sparse
    stego = carrier.embed(cover, *random_bits(carrier, cover, share=0))
    changed = (stego != cover).any(axis=2)
    layout, size = carrier.read(stego, cover.shape[:2]).layout, carrier.strength.block
    has_header = np.zeros(layout.rows * layout.columns, bool)
    known = np.concatenate([layout.header_slots, layout.template_slots])
    has_header[known // len(layout.strength.frequencies)] = True
    whole = changed[: layout.rows * size, : layout.columns * size]
    by_block = whole.reshape(layout.rows, size, layout.columns, size).any(axis=(1, 3))
    assert by_block.any()
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
@pytest.mark.parametrize("name", covers.every())
def test_a_picture_without_payload_shows_no_header(carrier, name):
    cover = covers.every()[name]
    assert carrier.read(cover, cover.shape[:2]).detection_score < carrier.detected


@EVERY
@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 40, 3), (40, 7, 3), (16, 16, 3), (20, 900, 3), (100, 100, 3)])
def test_pictures_of_any_size_can_be_looked_at(carrier, shape):
    reading = carrier.read(np.full(shape, 90, np.uint8), shape[:2])
    assert reading.header_llr.shape == (HEADER_CODE_BITS,)
    assert np.isfinite(reading.header_llr).all()
    assert np.isfinite(reading.detection_score)
    assert reading.detection_score == 0 or reading.layout.slots
    if reading.layout.slots:  # where there are none no header is ever found
        assert np.isfinite(reading.body_llr(np.zeros(HEADER_CODE_BITS, np.uint8))).all()


@FULL
@pytest.mark.parametrize("turn", [0, 6])
def test_to_see_that_nothing_is_there_only_the_blocks_of_the_header_are_looked_at(carrier, turn, monkeypatch):
    """In a large picture an eighth of the header's slots is read, even from a rotated view."""
    plane = np.random.default_rng(7).normal(128, 20, (2560, 3072)).astype(np.float32)
    some, llr, looked, asked = blockdct.some, NumpyModel.llr, [], []
    monkeypatch.setattr(blockdct, "some", lambda *args: looked.append(len(args[2])) or some(*args))  # type: ignore[func-returns-value]
    monkeypatch.setattr(NumpyModel, "llr", lambda model, band: asked.append(band[0].size) or llr(model, band))  # type: ignore[func-returns-value]
    monkeypatch.setattr("stegolab.carrier.learned._DOUBTFUL", (-9.0, 8.0))  # the networks are asked, if there are any
    forward = blockdct.forward
    monkeypatch.setattr(blockdct, "forward", lambda *args: forward(*args) if args[0].size < 2560 * 3072 else 1 / 0)
    assert carrier.read_luma(facing(plane, turn)).detection_score < carrier.detected
    assert looked == [pytest.approx(plane.size / carrier.strength.block**2 / 8, rel=0.02)]
    assert asked == ([128**2] if carrier.name == "inn" else [])


@EVERY
@pytest.mark.parametrize("turn", [0, 3, 5])
def test_a_luma_plane_is_read_as_the_picture_is(carrier, turn):
    cover = covers.photographs()["astronaut"]
    header, body, used = random_bits(carrier, cover)
    stego = carrier.embed(cover, header, body, used)
    plane = facing(luma(turned(stego, {0: 0, 3: 3, 5: 6}[turn])), turn)
    readings = carrier.read(stego, stego.shape), carrier.read_luma(plane)
    assert readings[0].shape == readings[1].shape
    assert readings[0].detection_score == pytest.approx(readings[1].detection_score, rel=1e-3)
    for llr in (lambda r: r.header_llr, lambda r: r.body_llr(header)):
        np.testing.assert_allclose(llr(readings[1]), llr(readings[0]), rtol=0.02, atol=0.05)
