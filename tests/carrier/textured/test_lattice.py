"""The textured lattice: what it carries, what stays unchanged, and that a receiver finds everything out by itself."""

import numpy as np
import pytest

from stegolab.carrier.textured.lattice import TexturedLattice
from stegolab.carrier.textured.presets import MASKINGS
from stegolab.channel import spec
from stegolab.data import sample_covers
from stegolab.images import from_array, luma
from stegolab.pipeline import sender_for
from stegolab.probe import information, rehearse
from stegolab.receiver import receive
from tests import covers
from tests.covers import random_bits, wrong

COVER = sample_covers()["coffee"][:384, :512]
KEY = b"k" * 32
EVERY = pytest.mark.parametrize("name", MASKINGS)


def sent(carrier, cover, seed=0):
    header, body, used = random_bits(carrier, cover, seed)
    return carrier.embed(cover, header, body, used), header, body


@EVERY
@pytest.mark.parametrize("visibility", [1.6, 2.5])
def test_what_carries_comes_back(name, visibility):
    carrier = TexturedLattice.of(name, visibility)
    stego, header, body = sent(carrier, COVER)
    reading = TexturedLattice.of(name).read(stego, COVER.shape)  # a receiver does not know the visibility
    assert reading.detection_score > carrier.detected + 2 * carrier.detection_spread
    llr = reading.body_llr(header)
    sure = np.abs(llr) > 2
    assert sure.mean() > 0.5 * carrier.carrying(COVER).mean()
    assert wrong(llr[sure], body[sure]) < 0.02
    assert wrong(reading.header_llr, header) < 0.05


@pytest.mark.parametrize("visibility", [1.0, 1.6])
def test_at_jpeg_what_carries_in_the_finished_picture_is_what_was_embedded(visibility, monkeypatch):
    """Steps never change there, but embedding makes blocks begin or cease to carry: 3 % if it is done only twice."""
    carrier, plan, plans = TexturedLattice.of("jpeg", visibility), TexturedLattice._plan, []

    def remembered(*what):
        plans.append(plan(*what))
        return plans[-1]

    monkeypatch.setattr(TexturedLattice, "_plan", remembered)
    stego, *_ = sent(carrier, sample_covers()["chelsea"])
    found = carrier.masking.excess(carrier._texture(luma(stego)), visibility) >= 1
    assert (found ^ plans[-1].carries).sum() < 0.015 * found.sum()


@EVERY
def test_flat_parts_do_not_change(name):
    rng = np.random.default_rng(1)
    cover = np.full((256, 512, 3), 120, np.uint8)
    cover[:, 256:] = rng.normal(120, 30, (256, 256, 1)).clip(30, 220)
    carrier = TexturedLattice.of(name)
    stego, *_ = sent(carrier, cover)
    changed = (stego != cover).any(axis=2)
    assert not changed[:, : 256 - carrier.masking.block].any()
    assert changed[:, 256 + carrier.masking.block :].mean() > 0.5
    carrying = carrier.carrying(cover)
    assert carrying[:, : carrying.shape[1] // 2 - 1].max() == 0


def test_it_changes_more_where_it_is_busier():
    rng = np.random.default_rng(1)
    cover = np.empty((256, 512, 3), np.uint8)
    cover[:, :256] = rng.normal(128, 15, (256, 256, 1)).clip(1, 254)
    cover[:, 256:] = rng.normal(128, 35, (256, 256, 1)).clip(1, 254)
    stego, *_ = sent(TexturedLattice.of("social"), cover)
    change = np.square(luma(stego) - luma(cover))
    assert change[:, 256:].mean() > 1.5 * change[:, :256].mean() > 0


@EVERY
@pytest.mark.parametrize("visibility", [1.0, 1.5, 2.5])
def test_more_visibility_is_more_payload_and_less_likeness(name, visibility):
    less, more = TexturedLattice.of(name, visibility), TexturedLattice.of(name, 1.5 * visibility)
    change = [float(np.square(luma(sent(carrier, COVER)[0]) - luma(COVER)).mean()) for carrier in (less, more)]
    assert change[0] < change[1]
    assert more.carrying(COVER).mean() > less.carrying(COVER).mean()


@pytest.mark.parametrize(
    ("name", "attack"), [("jpeg", "jpeg:50"), ("jpeg", "jpeg:75"), ("social", "resize:0.5,jpeg:75")]
)
def test_ratios_are_as_sure_as_they_say(name, attack):
    carrier = TexturedLattice.of(name, 1.6)
    stego, header, body = sent(carrier, COVER)
    llr = carrier.read(spec.parse(attack)(stego), COVER.shape).body_llr(header)
    agreement = llr * (body.astype(np.float32) * 2 - 1)
    scales = {scale: information(np.float32(scale) * agreement) for scale in (0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.5)}
    best = max(scales.values())
    assert best > 0.01
    assert scales[1.0] > 0.93 * best


def test_quality_50_leaves_its_own_points_alone():
    """On JPEG's grid, rounding to quality 50 costs no more than to a finer quality."""
    trials = {t.attack: t.information for t in rehearse(TexturedLattice.of("jpeg"), COVER).trials}
    assert trials["jpeg:50:420"] > 0.9 * trials["jpeg:75:420"]


def test_the_sender_tries_the_worst_quality_between():
    """Of all that are declared, no JPEG leaves less than the worst that the sender tries on its own picture."""
    carrier = TexturedLattice.of("jpeg", 1.6)
    stego, header, body = sent(carrier, COVER)
    sign = body.astype(np.float32) * 2 - 1

    def left(attack):
        return information(sign * carrier.read(spec.parse(attack)(stego), COVER.shape).body_llr(header))

    tried = min(map(left, carrier.strength.attacks))
    assert min(left(f"jpeg:{quality}") for quality in range(50, 96, 3)) > 0.95 * tried


def test_a_crop_may_take_what_carries():
    cover = COVER.copy()
    cover[: 384 - 64] = 128  # only a strip at the bottom is busy
    carrier = TexturedLattice.of("social", 2.5)
    assert rehearse(carrier, cover).lost_share > 0.5  # a tenth of the height is most of it
    assert rehearse(carrier, COVER).lost_share < 0.3


@pytest.mark.parametrize("attack", ["jpeg:50", "resize:0.5,jpeg:75", "crop:0.1,jpeg:80", "webp:75"])
def test_a_message_comes_back(attack):
    sender = sender_for(from_array(sample_covers()["coffee"]), "social", "textured:faint")
    posted = sender.send(b"seen by nobody", KEY, salt=b"s" * 16)
    assert posted.report["carrier"] == "textured" and posted.report["ecc"] == "ldpc:fill"
    received = from_array(spec.parse(attack)(posted.picture.rgb))
    message, report = receive(received, KEY, [TexturedLattice.of("social")])
    assert message == b"seen by nobody" and report["margin"] > 0


@EVERY
@pytest.mark.parametrize("picture", covers.every())
def test_a_cover_holds_no_header_after_any_attack(name, picture):
    carrier, cover = TexturedLattice.of(name), covers.every()[picture]
    for attack in ("none", "jpeg:50", "jpeg:90", "blur:1,jpeg:90"):
        reading = carrier.read(spec.parse(attack)(cover), cover.shape)
        assert reading.detection_score < carrier.detected + 2 * carrier.detection_spread
