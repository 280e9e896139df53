"""What the sender promises comes back; what it cannot promise it refuses, and says how large a cover would do."""

import re
from dataclasses import replace
from functools import cache
from hashlib import sha256

import numpy as np
import pytest

from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.strengths import FILE, JPEG, SOCIAL, STRENGTHS
from stegolab.channel import spec
from stegolab.errors import BadImage, BadKey, BadSpec, CapacityExceeded
from stegolab.images import Picture, from_array, psnr
from stegolab.message.ecc import Bch
from stegolab.message.envelope import OVERHEAD, PLAIN_OVERHEAD, UnencryptedWarning
from stegolab.receiver import receive
from stegolab.sender import Sender, Unsafe, Untraceable
from tests import covers

KEY = bytes(range(32))
SALT = bytes(16)
CARRIERS = [LatticeCarrier(strength) for strength in STRENGTHS.values()]


@cache
def rehearsed(strength, name):
    """A rehearsal depends on cover and strength alone: each is done once for all tests here."""
    return Sender.on(from_array((covers.every() | covers.larger())[name]), LatticeCarrier(strength))


def sender(strength=JPEG, name="chelsea", family="auto"):
    return replace(rehearsed(strength, name), family=family)


def message(n, seed=0):
    return np.random.default_rng(seed).bytes(n)


def size_named_in(line):
    """The width and height that the line ends in."""
    found = re.search(r"(\d+) x (\d+)$", line)
    assert found, line
    return int(found[1]), int(found[2])


def after(picture, attack):
    return from_array(spec.parse(attack)(picture.rgb))


@pytest.mark.parametrize("strength", STRENGTHS.values(), ids=STRENGTHS)
@pytest.mark.parametrize("name", covers.larger())
def test_a_full_message_comes_back_after_every_declared_attack(strength, name):
    on = sender(strength, name)
    sent = message(on.capacity())
    posted = on.send(sent, KEY)
    assert posted.report["payload_sha256"] == sha256(sent).hexdigest()
    assert posted.report["survives"] == list(strength.attacks)
    for attack in strength.attacks:
        found, report = receive(after(posted.picture, attack), KEY, CARRIERS)
        assert found == sent, attack
        assert report["payload_sha256"] == posted.report["payload_sha256"]
        assert report["strength"] == strength.name
        assert report["original_size"] == [on.cover.width, on.cover.height]


@pytest.mark.parametrize("strength", STRENGTHS.values(), ids=STRENGTHS)
@pytest.mark.parametrize("name", covers.every())
def test_what_capacity_promises_comes_back_from_every_kind_of_cover(strength, name):
    """The sender's own check is done on the same size; here the receiver is on its own.

    Each cover takes every third of the declared attacks, another third than the cover before.
    """
    on = rehearsed(strength, name)
    capacity = on.capacity()
    if not capacity:
        with pytest.raises(CapacityExceeded, match="carries nothing at strength"):
            on.send(b"x", KEY)
        return
    sent = message(capacity)
    stego = on.send(sent, KEY, salt=bytes(16)).picture
    for attack in strength.attacks[list(covers.every()).index(name) % 3 :: 3]:
        assert receive(after(stego, attack), KEY, [on.carrier])[0] == sent, attack


# At 256 pixels. Black and white are on the edge: with a few more blocks the header shows clearly enough.
HOPELESS = {("social", name) for name in ("noise", "checkerboard", "large checkerboard", "red", "black", "white")}
HOPELESS |= {("jpeg", "checkerboard"), ("jpeg", "noise")}


def test_hardly_any_cover_is_hopeless():
    rooms = {
        (name, cover): rehearsed(strength, cover).capacity()
        for name, strength in STRENGTHS.items()
        for cover in covers.every()
    }
    assert {which for which, room in rooms.items() if not room} <= HOPELESS
    assert rooms["file", "camera"] > rooms["jpeg", "camera"] > rooms["social", "camera"] > 80


@pytest.mark.parametrize("strength", STRENGTHS.values(), ids=STRENGTHS)
@pytest.mark.parametrize("length", [0, 1, 33, 200])
def test_short_messages_come_back_too(strength, length):
    """At strength file few slots are used then, and a lone coefficient's move would be rounded away."""
    on = sender(strength, "coffee")
    stego = on.send(message(length), KEY).picture
    assert receive(stego, KEY, CARRIERS)[0] == message(length)
    assert psnr(on.cover.rgb, stego.rgb) > 39.5


@pytest.mark.parametrize("strength", STRENGTHS.values(), ids=STRENGTHS)
def test_the_smallest_cover_is_accepted_and_a_smaller_one_refused(strength):
    rgb = covers.photographs()["camera"]
    assert Sender.on(from_array(rgb[:128, :128]), LatticeCarrier(strength)).capacity() >= 0
    with pytest.raises(BadImage, match="at least 128"):
        Sender.on(from_array(rgb[:127]), LatticeCarrier(strength))


@pytest.mark.parametrize("code", ["ldpc:1/3", "bch:1/2", "none", "ldpc:3/4"])
def test_a_code_can_be_chosen(code):
    on = sender(FILE, family=code)
    sent = message(500)
    posted = on.send(sent, KEY)
    assert posted.report["ecc"] == code
    if posted.report["lost"]:  # a code that is asked for by name is used even if it does not survive
        assert code == "none"
    else:
        found, report = receive(posted.picture, KEY, CARRIERS)
        assert (found, report["ecc"]) == (sent, code)


def test_no_code_cannot_repair_what_rounding_damaged():
    posted = sender(FILE, family="none").send(message(4000), KEY)
    assert posted.report["lost"] == ["none"]
    assert posted.report["survives"] == []


def test_the_bch_family_takes_the_rate_that_the_channel_asks_for():
    on = Sender.on(from_array(covers.larger()["chelsea"]), LatticeCarrier(FILE), "bch")
    assert isinstance(on.code, Bch) and on.code.repairs(on.rehearsal.worst_bit_error_rate)
    sent = message(on.capacity())
    posted = on.send(sent, KEY)
    assert receive(posted.picture, KEY, CARRIERS)[0] == sent
    assert on.capacity() < sender(FILE).capacity()  # hard decisions cost


def test_where_no_bch_code_repairs_nothing_is_promised():
    on = sender(SOCIAL, family="bch")
    assert on.capacity() == 0
    with pytest.raises(CapacityExceeded, match="another strength, visibility or code"):
        on.send(b"x", KEY)


def test_an_unknown_code_is_refused():
    with pytest.raises(BadSpec, match="turbo"):
        Sender.on(from_array(covers.photographs()["camera"]), LatticeCarrier(JPEG), "turbo")


def test_a_message_too_long_is_refused_with_the_size_that_would_do():
    on = sender()
    room = on.capacity()
    with pytest.raises(CapacityExceeded, match="megapixels") as caught:
        on.send(bytes(4 * room), KEY)
    assert not isinstance(caught.value, Unsafe)
    width, height = size_named_in(str(caught.value))
    assert width / height == pytest.approx(450 / 300, rel=0.02)
    assert 4 < width * height / (450 * 300) < 5
    with pytest.raises(CapacityExceeded):
        on.send(bytes(room + 1), KEY)


def test_a_huge_message_is_refused_before_anything_is_done_with_it(monkeypatch):
    on = sender()
    for place in ("sender.envelope.seal", "sender.frame.pack", "carrier.lattice.LatticeCarrier.embed"):
        monkeypatch.setattr(f"stegolab.{place}", lambda *_, **__: pytest.fail("worked on a message that cannot fit"))
    with pytest.raises(CapacityExceeded, match="megapixels"):
        on.send(bytes(20_000_000), KEY)


def test_the_size_that_would_do_does():
    """The hint is honest: a cover of the same kind and that size carries the message."""
    on = rehearsed(JPEG, "camera")
    n = 2 * on.capacity()
    width, height = size_named_in(on.too_long(8 * n))
    alike = np.tile(covers.photographs()["camera"], (2, 2, 1))[:height, :width]
    assert Sender.on(from_array(alike), LatticeCarrier(JPEG)).capacity() == pytest.approx(n, rel=0.15)


def test_encryption_needs_a_key_and_leaving_it_off_is_said_aloud():
    on = sender()
    with pytest.raises(BadKey, match="needs a key"):
        on.send(b"message", None)
    with pytest.warns(UnencryptedWarning, match="NOT ENCRYPTED"):
        posted = on.send(b"message", None, encrypt=False)
    assert posted.report["encrypted"] is False
    found, report = receive(posted.picture, None, CARRIERS)
    assert (found, report["encrypted"]) == (b"message", False)


def test_what_is_not_encrypted_has_more_room():
    on = sender()
    assert on.capacity(encrypt=False) - on.capacity() == OVERHEAD - PLAIN_OVERHEAD
    with pytest.warns(UnencryptedWarning):
        on.send(message(on.capacity(encrypt=False)), None, encrypt=False)


def test_one_salt_gives_one_picture_and_fresh_salts_another_each():
    on = sender()
    twice = [on.send(b"message", KEY, salt=SALT).picture.rgb for _ in range(2)]
    np.testing.assert_array_equal(*twice)
    assert not np.array_equal(on.send(b"message", KEY).picture.rgb, on.send(b"message", KEY).picture.rgb)


def test_alpha_profile_and_greyness_are_kept():
    rgb = covers.photographs()["camera"]
    alpha = np.arange(rgb.shape[0] * rgb.shape[1], dtype=np.uint32).astype(np.uint8).reshape(rgb.shape[:2])
    alpha[:, 32:] = 255  # only opaque parts carry
    on = Sender.on(Picture(rgb, alpha, grey=True, icc=b"profile"), LatticeCarrier(SOCIAL))
    stego = on.send(b"message", KEY).picture
    np.testing.assert_array_equal(stego.alpha, alpha)
    assert (stego.grey, stego.icc) == (True, b"profile")
    assert np.all(stego.rgb == stego.rgb[..., :1])
    np.testing.assert_array_equal(stego.rgb[:, :32], rgb[:, :32])
    assert not np.array_equal(stego.rgb, rgb)


def test_the_report_adds_up():
    on = sender(JPEG)
    report = on.send(message(100), KEY).report
    assert report["payload_bits"] == 800
    assert report["capacity_bits"] == 8 * on.capacity()
    assert (report["strength"], report["carrier"], report["encrypted"]) == ("jpeg", "lattice", True)
    assert report["lost"] == []
    assert 0.09 < report["code_rate"] < 0.8


def test_the_check_is_told_no_more_than_the_receiver(monkeypatch):
    """A picture whose size the receiver could not find is not handed out, though its slots would say it all."""
    from stegolab import receiver

    on = sender(SOCIAL)
    on.send(b"found", KEY)
    monkeypatch.setattr(receiver, "search", lambda plane, templates: iter(()))
    with pytest.raises(Untraceable, match=r"resize:0\.5"):
        on.send(b"lost", KEY)


def test_a_message_that_does_not_survive_is_never_handed_out():
    """A rehearsal that was too sanguine is found out by the check after embedding."""
    on = sender(JPEG)
    dreamt = tuple(replace(trial, information=1.0) for trial in on.rehearsal.trials)
    hopeful = replace(on, rehearsal=replace(on.rehearsal, trials=dreamt))
    assert hopeful.capacity() > on.capacity()
    with pytest.raises(Unsafe, match="jpeg:50"):
        hopeful.send(message(hopeful.capacity()), KEY)


def test_a_cover_that_carries_nothing_takes_not_even_nothing():
    hopeless = from_array(np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8))
    on = Sender.on(hopeless, LatticeCarrier(SOCIAL))
    assert on.capacity() == 0
    with pytest.raises(CapacityExceeded, match="carries nothing"):
        on.send(b"", KEY)


def test_a_rehearsal_that_hopes_too_much_of_the_busiest_blocks_ends_with_all_of_them(monkeypatch):
    """The sender listens to what it made: where too few blocks were chosen it takes more, in the end all of them."""
    cover = from_array(covers.larger()["coffee"])
    sender = Sender.on(cover, LatticeCarrier(JPEG), sparse=True)
    message = np.random.default_rng(2).bytes(sender.capacity())
    monkeypatch.setattr(Sender, "least_share", lambda *_: 0.2)
    posted = sender.send(message, KEY, salt=bytes(16))
    assert posted.report["share"] == 1
    assert not posted.report["lost"]


@pytest.mark.parametrize("strength", [JPEG, SOCIAL], ids=lambda s: s.name)
def test_the_more_it_carries_the_more_blocks_change(strength):
    sender = replace(rehearsed(strength, "coffee"), sparse=True)
    shares = [sender.least_share(8 * round(part * sender.capacity())) for part in (0.1, 1.0)]
    assert 0 < shares[0] < shares[1] <= 1
    assert replace(sender, sparse=False).least_share(80) == 1
