"""Stickers: the message is in what is opaque, and comes back on white, on black, and with the transparency itself."""

import io
from itertools import cycle

import numpy as np
import pytest
from PIL import Image

import stegolab
from stegolab.carrier import opacity
from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.learned import learned_carrier
from stegolab.carrier.strengths import STRENGTHS
from stegolab.channel import spec
from stegolab.channel.uploading import BACKGROUNDS, flattened
from stegolab.data import sample_covers
from stegolab.errors import BadImage, CapacityExceeded
from stegolab.images import Picture, from_array, to_pillow
from stegolab.receiver import receive
from stegolab.sender import Sender
from tests import covers
from tests.voice import speak

pytestmark = pytest.mark.usefixtures("rehearsed_once")

KEY = bytes(range(32))
COVER = np.ascontiguousarray(sample_covers()["astronaut"][:448, :448])


def sticker(rgb=COVER, share=0.6):
    """A round picture with a soft edge that covers so much of its square."""
    height, width = rgb.shape[:2]
    y, x = np.ogrid[:height, :width]
    radius = np.sqrt(share * height * width / np.pi)
    inside = radius - np.hypot(y - height / 2, x - width / 2)
    return Picture(rgb, np.clip(128 * inside + 128, 0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    "carrier",
    [*map(LatticeCarrier, STRENGTHS.values()), learned_carrier(STRENGTHS["jpeg"])],
    ids=["file lattice", "jpeg lattice", "social lattice", "jpeg inn"],
)
def test_a_full_message_in_a_sticker_comes_back_on_every_background(carrier):
    cover = sticker(COVER if carrier.strength.block == 8 else sample_covers()["hubble"][:600, :800])
    sender = Sender.on(cover, carrier)
    sent = np.random.default_rng(0).bytes(sender.capacity())
    assert sent
    posted = sender.send(sent, KEY, salt=bytes(16))
    assert posted.report["survives"] == list(carrier.strength.attacks)
    assert posted.report["lost"] == []
    assert 0.5 < posted.report["opaque"] < 0.6
    assert posted.picture.alpha is cover.alpha and cover.alpha is not None
    hidden = cover.alpha < 250
    assert np.array_equal(posted.picture.rgb[hidden], cover.rgb[hidden])
    for attack, background in zip(carrier.strength.attacks, cycle(BACKGROUNDS), strict=False):
        seen = flattened(posted.picture.rgb, posted.picture.alpha, background)
        assert receive(from_array(spec.parse(attack)(seen)), KEY, [carrier])[0] == sent, (background, attack)
    assert receive(posted.picture, KEY, [carrier])[0] == sent


@pytest.mark.parametrize(
    ("carrier", "attack"),
    [
        (LatticeCarrier(STRENGTHS["file"]), "none"),
        (LatticeCarrier(STRENGTHS["jpeg"]), "jpeg:50"),
        (learned_carrier(STRENGTHS["jpeg"]), "jpeg:75"),
    ],
    ids=["file lattice", "jpeg lattice", "jpeg inn"],
)
def test_a_full_message_in_a_sticker_comes_back_after_its_alpha_is_dropped(carrier, attack):
    """The colours behind what was transparent come to light, carry nothing, and look as if they did."""
    sender = Sender.on(sticker(np.ascontiguousarray(sample_covers()["coffee"][:400, :400])), carrier)
    sent = np.random.default_rng(0).bytes(sender.capacity())
    posted = sender.send(sent, KEY, salt=bytes(16))
    file = io.BytesIO()
    to_pillow(posted.picture).save(file, "PNG")
    with Image.open(file) as read:
        dropped = np.asarray(read.convert("RGB"))
    assert np.array_equal(dropped, posted.picture.rgb)
    assert sent and receive(from_array(spec.parse(attack)(dropped)), KEY, [carrier])[0] == sent


def test_a_sticker_goes_through_files(tmp_path):
    Image.fromarray(np.dstack([COVER, sticker().alpha])).save(tmp_path / "cover.png")
    stego = stegolab.hide(speak(0.5), tmp_path / "cover.png", KEY, strength="jpeg", enhance=False)
    stegolab.write_image(tmp_path / "stego.png", stego.picture)
    with Image.open(tmp_path / "stego.png") as written:
        assert np.array_equal(np.asarray(written.getchannel("A")), sticker().alpha)
        below = Image.new("RGB", written.size, "black")
        below.paste(written, mask=written.getchannel("A"))
        below.save(tmp_path / "black.jpg", quality=60)
    for name in ("stego.png", "black.jpg"):
        assert stegolab.reveal(tmp_path / name, KEY).report["payload_sha256"] == stego.report["payload_sha256"]


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_cover_that_is_opaque_nowhere_is_refused_with_the_number(strength):
    see_through = Picture(COVER, np.full(COVER.shape[:2], 128, np.uint8))
    with pytest.raises(BadImage, match=r"0 % of this cover's blocks are opaque.*background first"):
        stegolab.hide(speak(0.5), see_through, KEY, strength=strength)


def test_a_cover_of_which_too_little_is_opaque_is_refused_with_the_share():
    alpha = np.zeros(COVER.shape[:2], np.uint8)
    alpha[:64, :112] = 255  # 8 x 14 of 56 x 56 blocks
    with pytest.raises(CapacityExceeded, match=r"opaque in only 3\.6 % of its blocks"):
        stegolab.hide(speak(0.5), Picture(COVER, alpha), KEY, strength="jpeg", carrier="lattice", enhance=False)


def test_sparse_finds_its_blocks_in_the_opaque_part():
    cover = sticker(covers.larger()["coffee"][:256, :256], 0.85)
    sender = Sender.on(cover, LatticeCarrier(STRENGTHS["jpeg"]), sparse=True)
    posted = sender.send(b"a short message", KEY, salt=bytes(16))
    assert posted.report["share"] < 1
    for name, view in opacity.views(posted.picture.rgb, cover.alpha, sender.carrier.strength):
        seen = spec.parse("jpeg:50")(view)
        assert receive(from_array(seen), KEY, [sender.carrier])[0] == b"a short message", name
