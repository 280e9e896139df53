"""The learned carrier, untrained: its few errors and its estimate of them, its whitening, its refinement."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from stegolab.carrier.interface import DETECTED
from stegolab.carrier.learned import LearnedCarrier, LearnedReading, learned_carrier
from stegolab.carrier.strengths import FILE, JPEG, SOCIAL, weights_of
from stegolab.carrier.sync.search import search
from stegolab.carrier.sync.template import Template
from stegolab.carrier.whitening import header_whitening, whitening
from stegolab.channel import spec
from stegolab.errors import NoPayload, NotTrained, OtherWeights
from stegolab.header import HEADER_CODE_BITS
from stegolab.images import from_array, luma, psnr
from stegolab.keystream import FORMAT_1, Keystream
from stegolab.receiver import receive
from stegolab.sender import Sender
from tests import covers
from tests.carrier.untrained import fresh
from tests.covers import random_bits, wrong

KEY = bytes(range(32))
WORD = np.arange(HEADER_CODE_BITS, dtype=np.uint8) % 2
CARRIERS = {strength.name: fresh(strength) for strength in (JPEG, SOCIAL)}
EVERY = pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
PHOTOGRAPHS = pytest.mark.parametrize("cover", covers.photographs().values(), ids=covers.photographs())


# --- what is embedded is read --------------------------------------------------------------------------------------


@EVERY
@PHOTOGRAPHS
def test_photographs_give_their_bits_back(carrier, cover):
    header, body, used = random_bits(carrier, cover)
    stego = carrier.embed(cover, header, body, used)
    assert (stego.shape, stego.dtype) == (cover.shape, np.uint8)
    reading = carrier.read(stego, cover.shape[:2])
    llr = reading.body_llr(header)
    assert llr.shape == body.shape
    assert wrong(llr, body) < 0.01  # where colours clip
    assert wrong(reading.header_llr, header) == 0
    assert reading.detection_score > 20
    assert reading.shape == cover.shape[:2]
    assert psnr(cover, stego) > 35


@EVERY
def test_where_no_colour_clips_not_one_bit_is_lost(carrier):
    cover = covers.photographs()["astronaut"] // 2 + 64
    header, body, used = random_bits(carrier, cover)
    reading = carrier.read(carrier.embed(cover, header, body, used), cover.shape[:2])
    assert wrong(reading.body_llr(header), body) < 1e-3  # rounding to bytes: one in thousands
    assert wrong(reading.header_llr, header) == 0


@EVERY
def test_the_surer_it_says_it_is_the_less_it_errs(carrier):
    """It is calibrated as far as pilots allow: after an attack its own estimate of its errors is nearly right."""
    cover = covers.larger()["coffee"]
    header, body, used = random_bits(carrier, cover)
    received = spec.parse(carrier.strength.attacks[0])(carrier.embed(cover, header, body, used))
    llr = carrier.read(received, cover.shape[:2]).body_llr(header)
    estimated = float((1 / (1 + np.exp(np.abs(llr)))).mean())
    assert 0.002 < wrong(llr, body) < 0.15
    assert estimated == pytest.approx(wrong(llr, body), rel=0.35)
    sure = np.abs(llr) > np.median(np.abs(llr))
    assert wrong(llr[sure], body[sure]) < 0.5 * wrong(llr[~sure], body[~sure])


@EVERY
def test_without_restoration_it_reads_too(carrier):
    cover = covers.photographs()["camera"]
    bare = fresh(carrier.strength, restoration=False)
    header, body, used = random_bits(bare, cover)
    reading = bare.read(bare.embed(cover, header, body, used), cover.shape[:2])
    assert wrong(reading.body_llr(header), body) < 0.005
    assert bare.networks._restore is None


# --- what it does to the picture -----------------------------------------------------------------------------------


@EVERY
def test_whitening_is_fair_at_every_frequency(carrier):
    """So that the cover's own influence averages out over the repeats of a header bit."""
    layout = carrier.layout((1024, 1024))
    white = whitening(layout, WORD)
    assert white.shape == (layout.slots,)
    by_frequency = white.reshape(-1, len(layout.strength.frequencies)).mean(axis=0)
    assert np.all(np.abs(by_frequency - 0.5) < 0.06)  # of 1,024 fair coins in a tile
    bit = np.bincount(layout.header_bit, 2.0 * white[layout.header_slots] - 1, minlength=HEADER_CODE_BITS)
    repeats = np.bincount(layout.header_bit, minlength=HEADER_CODE_BITS)
    assert (bit**2 / repeats).mean() == pytest.approx(1, abs=0.4)
    np.testing.assert_array_equal(white[layout.header_slots], header_whitening(layout))
    np.testing.assert_array_equal(white[layout.header_slots], whitening(layout, 1 - WORD)[layout.header_slots])
    assert abs((white == whitening(layout, 1 - WORD))[layout.body_slots].mean() - 0.5) < 0.01


@EVERY
def test_whitening_of_format_1_repeats_over_the_picture(carrier):
    carrier = carrier.keyed(FORMAT_1)
    layout, smaller = carrier.layout((1024, 1024)), carrier.layout((320, 320))
    blocks = whitening(layout, WORD).reshape(layout.rows, layout.columns, -1)[: smaller.rows, : smaller.columns]
    np.testing.assert_array_equal(whitening(smaller, WORD), blocks.ravel())
    np.testing.assert_array_equal(header_whitening(layout), whitening(layout, 1 - WORD)[layout.header_slots])


@EVERY
def test_a_carrier_with_another_key_shares_its_networks(carrier):
    other = carrier.keyed(Keystream.keyed(bytes(32)))
    assert other.networks is carrier.networks and 0 < other.weights_identity == carrier.weights_identity < 256
    assert other.keystream.secret == bytes(32)


def test_other_weights_are_an_error_of_their_own():
    carrier = CARRIERS["jpeg"]
    sent = Sender.on(from_array(covers.photographs()["camera"]), carrier).send(b"hello", KEY, salt=bytes(16)).picture
    arrays = dict(carrier.trained.weights.arrays)
    name = min(arrays)
    arrays[name] = arrays[name] * np.float32(1 + 1e-6)
    other = LearnedCarrier(carrier.strength, replace(carrier.trained.weights, arrays=arrays))
    assert other.weights_identity != carrier.weights_identity
    with pytest.raises(OtherWeights, match=f"networks {carrier.weights_identity}, .* are {other.weights_identity}"):
        receive(sent, KEY, [other])


# --- the header ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [32, 64])
def test_covers_too_small_for_the_header_carry_nothing(side):
    assert CARRIERS["social"].body_slots((side, side, 3)) == 0


def test_a_blur_is_measured_on_the_header_and_undone():
    carrier, cover = CARRIERS["social"], covers.larger()["coffee"]
    header, body, used = random_bits(carrier, cover)
    received = spec.parse("blur:1.2")(carrier.embed(cover, header, body, used))
    reading = carrier.read(received, cover.shape[:2])
    deaf = LearnedReading(reading.shape, reading.layout, carrier.networks, luma(received), (0.0,))
    errors = [wrong(r.body_llr(header), body) for r in (reading, deaf)]
    assert errors[0] < 0.23
    assert errors[0] < 0.7 * errors[1]


@pytest.mark.parametrize("attack", ["resize:0.5,jpeg:75", "crop:0.1,resize:0.75:lanczos,jpeg:80"])
def test_the_template_leads_back_to_the_original(attack):
    carrier, cover = CARRIERS["social"], covers.larger()["chelsea"]
    header, body, used = random_bits(carrier, cover)
    received = spec.parse(attack)(carrier.embed(cover, header, body, used))
    _, aligned = next(search(luma(received), [Template.of(FORMAT_1)]))
    reading = carrier.read_aligned(aligned)
    count = len(reading.layout.strength.frequencies)
    there = aligned.seen.reshape(-1)[reading.layout.body_slots // count]
    llr = reading.body_llr(header)
    assert reading.detection_score > DETECTED
    assert wrong(reading.header_llr, header) < 0.16  # of few repeats; its code repairs more than that
    assert wrong(llr[there], body[there]) < 0.25
    assert not llr[~there].any()


# --- all the way ---------------------------------------------------------------------------------------------------


@cache
def sender(name):
    return Sender.on(from_array(covers.larger()["coffee"]), CARRIERS[name])


@EVERY
def test_a_full_message_comes_back_after_every_declared_attack(carrier):
    on = sender(carrier.strength.name)
    assert on.capacity() > 50
    sent = np.random.default_rng(3).bytes(on.capacity())
    posted = on.send(sent, KEY)
    assert posted.report["carrier"] == "inn"
    assert posted.report["lost"] == []
    for attack in ("none", *carrier.strength.attacks):
        picture = from_array(spec.parse(attack)(posted.picture.rgb))
        found, report = receive(picture, KEY, [carrier])
        assert found == sent, attack
        assert (report["carrier"], report["strength"]) == ("inn", carrier.strength.name)
        assert report["original_size"] == [on.cover.width, on.cover.height]


def test_the_same_message_makes_the_same_picture():
    pictures = [sender("jpeg").send(b"again", KEY, salt=bytes(16)).picture.rgb for _ in range(2)]
    np.testing.assert_array_equal(*pictures)


def test_what_one_strength_wrote_the_other_does_not_read():
    posted = sender("jpeg").send(b"message", KEY).picture
    assert CARRIERS["social"].read(posted.rgb, posted.rgb.shape[:2]).detection_score < DETECTED
    with pytest.raises(NoPayload):
        receive(from_array(covers.photographs()["camera"]), KEY, [CARRIERS["jpeg"]])


# --- the weights that ship -----------------------------------------------------------------------------------------


def test_a_strength_without_weights_says_so():
    assert not weights_of(FILE).exists()
    with pytest.raises(NotTrained, match="lattice"):
        learned_carrier(FILE)


@pytest.mark.parametrize("strength", [JPEG, SOCIAL], ids=lambda s: s.name)
def test_weights_that_ship_are_for_this_strength_and_read_what_they_wrote(strength):
    if not weights_of(strength).exists():
        pytest.skip("not trained yet")
    assert weights_of(strength).stat().st_size <= 16 * 2**20
    carrier, cover = learned_carrier(strength), covers.photographs()["camera"]
    assert carrier.model.config.strength == strength.name
    header, body, used = random_bits(carrier, cover)
    reading = carrier.read(carrier.embed(cover, header, body, used), cover.shape[:2])
    assert wrong(reading.body_llr(header), body) < 0.01
    assert wrong(reading.header_llr, header) == 0


# --- the encoder in the loop ---------------------------------------------------------------------------------------


def test_refining_moves_slots_that_carry_and_no_others_and_what_it_makes_is_read():
    carrier, cover = CARRIERS["jpeg"], np.tile(covers.photographs()["coffee, odd"] // 2 + 64, (3, 3, 1))
    refining = replace(carrier, refine=3)
    header, body, used = random_bits(carrier, cover, share=0)
    plain, refined = (c.embed(cover, header, body, used) for c in (carrier, refining))
    assert (plain != refined).any()
    layout, size = carrier.layout(cover.shape), carrier.strength.block
    idle = np.ones(layout.rows * layout.columns, bool)  # blocks without a header slot
    idle[layout.header_slots // len(layout.strength.frequencies)] = False
    changed = (refined != cover).any(axis=2)[: layout.rows * size, : layout.columns * size]
    by_block = changed.reshape(layout.rows, size, layout.columns, size).any(axis=(1, 3)).ravel()
    assert idle.any() and not by_block[idle].any()
    assert wrong(carrier.read(refined, cover.shape[:2]).header_llr, header) == 0
    np.testing.assert_array_equal(refining.embed(cover, header, body, used), refined)


def test_asking_twice_runs_the_networks_once():
    """Header and body agree about the blur: the networks run once."""
    carrier, cover = CARRIERS["jpeg"], covers.photographs()["camera"]
    header, body, used = random_bits(carrier, cover)
    reading = carrier.read(carrier.embed(cover, header, body, used), cover.shape[:2])
    assert wrong(reading.header_llr, header) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(carrier.networks), "llr", lambda *_: pytest.fail("the networks ran again"))
        assert wrong(reading.body_llr(header), body) < 0.01
