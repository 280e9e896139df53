from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.layout import Layout
from stegolab.carrier.strengths import JPEG, SOCIAL
from stegolab.detect import pictures
from stegolab.detect.pictures import Setting, Stego, cut, embed, held_out, luma_plane, sender_on
from stegolab.errors import BadData, BadSpec, CapacityExceeded
from stegolab.images import from_array, luma, psnr
from stegolab.message.frame import read_header
from stegolab.message.keys import RawKey, keystream_of
from stegolab.pipeline import EveryCarrier
from stegolab.receiver import receive
from tests.covers import larger

FULL, LITTLE, NONE = (Setting("lattice", "jpeg", payload) for payload in (1, 0.1, 0))
COVER = larger()["coffee"][:256, :256]


@pytest.fixture
def covers(tmp_path):
    paths = {f"set/{name}": tmp_path / f"{name}.png" for name in larger()}
    for path in paths.values():
        Image.fromarray(larger()[path.stem]).save(path)
    return paths


@pytest.mark.parametrize("setting", [FULL, LITTLE, Setting("lattice", "social", 0.3), Setting("lattice", "file")])
def test_what_a_detector_learns_from_is_what_a_receiver_reads(setting):
    stego, bits = embed(COVER, setting, seed=4)
    message, report = receive(from_array(stego), pictures.KEY, EveryCarrier())
    assert message == np.random.default_rng(4).bytes(bits // 8)
    assert report["strength"] == setting.strength
    assert bits == pytest.approx(8 * setting.payload * sender_on(from_array(COVER), setting).capacity(), abs=8)


def test_less_is_less_visible_and_another_seed_is_another_message():
    full, little, none = (embed(COVER, setting)[0] for setting in (FULL, LITTLE, NONE))
    assert psnr(COVER, full) + 4 < psnr(COVER, little) < psnr(COVER, none) < 70
    assert (embed(COVER, LITTLE, seed=1)[0] != little).any()
    np.testing.assert_array_equal(embed(COVER, LITTLE)[0], little)


@pytest.mark.parametrize("strength", [JPEG, SOCIAL], ids=lambda s: s.name)
def test_payload_zero_is_a_header_in_its_slots_and_nothing_in_the_body_s(strength):
    carrier = LatticeCarrier(strength, keystream_of(RawKey(pictures.KEY)))
    stego, bits = embed(COVER, Setting("lattice", strength.name, 0))
    assert bits == 0
    assert read_header(carrier.read(stego, stego.shape[:2]).header_llr, carrier.keystream)
    layout = Layout.of(strength, COVER.shape, carrier.keystream)
    before, after = (carrier._coefficients(luma(rgb)).reshape(-1) for rgb in (COVER, stego))
    moved = np.abs(after - before)
    known = np.concatenate([layout.header_slots, layout.template_slots])
    assert moved[layout.body_slots].mean() < 0.1 * moved[known].mean()


def test_a_carrier_trained_otherwise_is_used_under_its_own_name_and_with_its_own_code():
    stronger = LatticeCarrier(replace(JPEG, steps=tuple(2 * step for step in JPEG.steps)))
    setting = Setting("stronger", "jpeg", 1.0, stronger, "ldpc:1/4")
    stego, bits = embed(COVER, setting)
    assert setting.name == "stronger-jpeg-1"
    assert bits + 256 == pytest.approx((embed(COVER, FULL)[1] + 256) / 2, abs=8)  # half the rate, as long an envelope
    assert psnr(COVER, stego) + 5 < psnr(COVER, embed(COVER, FULL)[0])
    assert receive(from_array(stego), pictures.KEY, [stronger])[0] == np.random.default_rng(0).bytes(bits // 8)


@pytest.mark.parametrize("payload", [0.3, 0])
def test_texture_first_leaves_the_smooth_blocks_alone_and_says_the_same(payload):
    setting = Setting("lattice", "jpeg", payload, share=0.5)
    stego, bits = embed(COVER, setting)
    blocks = (stego != COVER).reshape(32, 8, 32, 8, 3).any(axis=(1, 3, 4))
    assert 0.3 < blocks.mean() <= 0.5
    assert bits == embed(COVER, replace(setting, share=1.0))[1]
    if bits:
        message = receive(from_array(stego), pictures.KEY, [LatticeCarrier(JPEG)])[0]
        assert message == np.random.default_rng(0).bytes(bits // 8)


def test_the_luma_rounded_to_bytes_loses_nothing_of_the_payload():
    stego, _ = embed(COVER, FULL)
    moved = stego.astype(int) - COVER
    free = ((stego > 0) & (stego < 255)).all(axis=2)
    assert free.mean() > 0.5 and (np.ptp(moved, axis=2)[free] == 0).all()
    change = luma_plane(stego).astype(int) - luma_plane(COVER)
    assert (change[free] == moved[..., 0][free]).mean() > 0.999  # a luma of exactly a half may fall on either side


def test_carriers_and_strengths_that_do_not_go_together_are_refused():
    with pytest.raises(BadSpec):
        sender_on(from_array(COVER), Setting("inn", "enormous"))
    with pytest.raises(BadSpec, match="another"):
        sender_on(from_array(COVER), Setting("another", "jpeg", 1.0, LatticeCarrier(JPEG, name="another")))
    for payload in (1, 0):
        with pytest.raises(CapacityExceeded):
            embed(COVER[:64, :64], Setting("lattice", "social", payload))


def test_crops_are_named_after_their_source_and_what_is_too_small_left_out(covers):
    one, other = cut(covers, side=320, crops=2)
    assert one.source == other.source == "set/coffee" and one.seed != other.seed
    assert one.rgb.shape == (320, 320, 3) and (one.rgb != other.rgb).any()
    windows = np.lib.stride_tricks.sliding_window_view(larger()["coffee"], (320, 320, 3))[:, :, 0, ::64, ::64, 0]
    assert (windows == one.rgb[::64, ::64, 0]).all(axis=(2, 3)).any()
    np.testing.assert_array_equal(one.plane, luma_plane(one.rgb))


def test_a_crop_and_its_message_depend_on_its_name_alone(covers):
    whole = list(cut(covers, side=256, crops=2))
    alone = list(cut({"set/coffee": covers["set/coffee"]}, side=256))
    (same,) = (crop for crop in whole if (crop.source, crop.seed) == (alone[0].source, alone[0].seed))
    one, again = (Stego.of(crop, LITTLE) for crop in (same, alone[0]))
    np.testing.assert_array_equal(one.plane, again.plane)
    assert (one.bits, one.psnr_db) == (again.bits, again.psnr_db)
    error = 10 * np.log10(255**2 / np.square(one.plane - same.plane.astype(float)).mean())
    assert one.psnr_db == pytest.approx(error, abs=0.3)


def test_no_picture_is_on_both_sides():
    held_out(["a", "a", "b"], ["c", "d"])
    with pytest.raises(BadData, match="b is used for both"):
        held_out(["a", "a", "b"], ["c", "b"])
