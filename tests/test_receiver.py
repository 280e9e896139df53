"""The receiver opens what was sent to it, and says of everything else what is wrong with it."""

import json
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.strengths import FILE, JPEG, SOCIAL, STRENGTHS
from stegolab.carrier.sync.geometry import turned
from stegolab.carriers import EveryCarrier
from stegolab.channel import spec
from stegolab.errors import (
    AuthenticationFailed,
    BadKey,
    NoPayload,
    NotEncrypted,
    StegolabError,
    Truncated,
    Uncorrectable,
    UnsupportedVersion,
)
from stegolab.header import HEADER_CODE_BITS
from stegolab.images import MIN_SIDE, Picture, from_array
from stegolab.message import ecc, envelope, frame
from stegolab.message.keys import Key, RawKey
from stegolab.pipeline import picture_of
from stegolab.receiver import receive
from stegolab.sender import Sender
from tests import covers

KEY, OTHER = bytes(range(32)), bytes(32)
CARRIERS = [LatticeCarrier(strength) for strength in STRENGTHS.values()]
LDPC = ecc.SCHEMES.index(ecc.code("ldpc"))
COVER = covers.photographs()["camera"]
MESSAGE = b"what was said"


def embedded(body: bytes, header: frame.Header, strength=JPEG, cover=COVER):
    """A picture that carries any body under any header, however dishonest."""
    carrier = LatticeCarrier(strength)
    scheme = header.scheme if header.scheme < len(ecc.SCHEMES) else LDPC
    honest = frame.Header(len(body), scheme, header.encrypted, header.nonce)
    bits, used = frame.pack(body, honest, carrier.body_slots(cover.shape))
    return from_array(carrier.embed(cover, header.code_word(), bits, used))


def sealed(message=MESSAGE):
    header = frame.Header(len(message) + envelope.OVERHEAD, LDPC)
    return envelope.seal(message, RawKey(KEY), bytes(header)), header


@cache
def sender(strength=JPEG):
    """A rehearsal depends on cover and strength alone."""
    return Sender.on(from_array(COVER), LatticeCarrier(strength))


@cache
def stego(strength=JPEG):
    return sender(strength).send(MESSAGE, KEY).picture


@cache
def full(strength):
    """Full to the brim, so that no code has anything to spare."""
    on = sender(strength)
    return on.send(np.random.default_rng(0).bytes(on.capacity()), KEY, salt=bytes(16)).picture


def test_what_was_embedded_by_hand_is_received():
    assert receive(embedded(*sealed()), KEY, CARRIERS)[0] == MESSAGE


def test_a_wrong_key_no_key_and_no_payload_are_one_answer():
    said = set()
    tried: list[tuple[Picture, Key | None]] = [(stego(), OTHER), (stego(), "a passphrase"), (stego(), None)]
    for picture, key in [*tried, (from_array(COVER), KEY)]:
        with pytest.raises(NoPayload) as caught:
            receive(picture, key, CARRIERS[:2])
        said.add(str(caught.value))
    (text,) = said
    assert "carries none" in text and "key is not the one" in text and "none was given" in text and "cut" in text


@pytest.mark.parametrize("bit", [0, 8 * 16, 8 * 20 + 3, -1])
def test_any_flipped_bit_of_salt_ciphertext_or_tag_is_refused(bit):
    body, header = sealed()
    bits = np.unpackbits(np.frombuffer(body, np.uint8))
    bits[bit] ^= 1
    with pytest.raises(AuthenticationFailed):
        receive(embedded(np.packbits(bits).tobytes(), header), KEY, CARRIERS)


def test_a_header_that_was_tampered_with_is_refused():
    """Said to be unencrypted, a sealed body is not handed out as it is."""
    body, header = sealed()
    tampered = embedded(body, frame.Header(header.length, LDPC, encrypted=False))
    with pytest.raises(NotEncrypted):
        receive(tampered, KEY, CARRIERS)
    with pytest.raises(Uncorrectable):
        receive(tampered, KEY, CARRIERS, allow_unencrypted=True)


@pytest.mark.parametrize("newer", [frame.Header(45, LDPC, version=3), frame.Header(45, len(ecc.SCHEMES))])
def test_a_newer_version_asks_for_an_upgrade(newer):
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        receive(embedded(sealed()[0], newer), KEY, CARRIERS)


@pytest.mark.parametrize("scheme", ["ldpc", "ldpc:1/2", "bch:1/2", "none"])
def test_a_header_that_declares_more_than_there_is_is_truncated(scheme):
    number = ecc.SCHEMES.index(ecc.code(scheme))
    with pytest.raises(Truncated, match="declares"):
        receive(embedded(sealed()[0], frame.Header(frame.MAX_BODY, number)), KEY, CARRIERS)


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("length", [0, 7])
def test_a_body_shorter_than_its_overhead_is_truncated(length, encrypted):
    with pytest.raises(Truncated):
        receive(embedded(bytes(length), frame.Header(length, LDPC, encrypted)), KEY if encrypted else None, CARRIERS)


def test_with_a_key_only_what_it_sealed_is_accepted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        open_letter = sender().send(MESSAGE, None, encrypt=False).picture
    assert receive(open_letter, None, CARRIERS)[0] == MESSAGE
    with pytest.raises(NotEncrypted, match="--allow-unencrypted"):
        receive(open_letter, KEY, CARRIERS)
    assert receive(open_letter, KEY, CARRIERS, allow_unencrypted=True)[0] == MESSAGE


# --- format 1: what earlier versions hid ---------------------------------------------------------------------------

FORMAT_1 = Path(__file__).parent / "formats"
OLD = json.loads((FORMAT_1 / "messages.json").read_text())
KEYS = {"open": None, "typed": "correct horse\n"}


@pytest.mark.parametrize("name", OLD)
def test_pictures_of_format_1_are_still_read(name):
    """Resized and recompressed after they were made, by the classical and the learned carrier."""
    picture, key = picture_of(FORMAT_1 / name), KEYS.get(name.partition("_")[0], KEY)
    message, report = receive(picture, key, EveryCarrier())
    assert message == OLD[name].encode()
    assert (report["format"], report["carrier"]) == (1, Path(name).stem.partition("_")[2])


def test_the_key_of_a_picture_of_format_1_is_asked_for_and_a_wrong_one_refused():
    picture = picture_of(FORMAT_1 / "jpeg_lattice.jpg")
    with pytest.raises(BadKey, match="encrypted"):
        receive(picture, None, CARRIERS)
    with pytest.raises(AuthenticationFailed):
        receive(picture, OTHER, CARRIERS)
    with pytest.raises(AuthenticationFailed):  # sealed when line ends still counted
        receive(picture_of(FORMAT_1 / "typed_lattice.jpg"), "correct horse", CARRIERS)
    with pytest.raises(NotEncrypted, match="--allow-unencrypted"):
        receive(picture_of(FORMAT_1 / "open_lattice.jpg"), KEY, CARRIERS)


# --- damage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strength", "attack", "error"),
    [
        (JPEG, "jpeg:10", NoPayload),
        (JPEG, "median:3", Uncorrectable),
        (JPEG, "noise:60", NoPayload),
        (SOCIAL, "crop:0.6", NoPayload),
        (SOCIAL, "jpeg:20", Uncorrectable),
    ],
)
def test_heavy_damage_is_told_and_never_passed_on(strength, attack, error):
    with pytest.raises(error):
        receive(from_array(spec.parse(attack)(full(strength).rgb)), KEY, [LatticeCarrier(strength)])


def test_damage_to_the_body_alone_is_uncorrectable():
    body, header = sealed(bytes(400))
    carrier = LatticeCarrier(JPEG)
    bits, used = frame.pack(body, header, carrier.body_slots(COVER.shape))
    bits ^= np.random.default_rng(0).random(len(bits)) < 0.3
    with pytest.raises(Uncorrectable, match="code blocks are damaged"):
        receive(from_array(carrier.embed(COVER, header.code_word(), bits, used)), KEY, CARRIERS)


@pytest.mark.parametrize("cover", covers.every().values(), ids=covers.every())
def test_a_picture_without_payload_is_told_so(cover):
    with pytest.raises(NoPayload, match="carries none"):
        receive(from_array(cover), KEY, CARRIERS[:2])  # test_scale has the search over sizes


def test_which_strength_it_was_is_found_out():
    for strength in STRENGTHS.values():
        found, report = receive(stego(strength), KEY, CARRIERS)
        assert (found, report["strength"]) == (MESSAGE, strength.name)


@pytest.mark.parametrize("kept", [np.s_[:-40], np.s_[:, :-25], np.s_[9:, 30:]], ids=["top", "left", "shifted"])
def test_a_part_of_the_picture_is_enough(kept):
    """Even where the corner is still there, so that the header shows at once, and only the size is another."""
    carrier = LatticeCarrier(SOCIAL)
    sent = Sender.on(from_array(covers.larger()["coffee"]), carrier).send(MESSAGE, KEY).picture.rgb
    received = spec.parse("jpeg:80")(np.ascontiguousarray(sent[kept]))
    message, report = receive(from_array(received), KEY, [carrier])
    assert message == MESSAGE
    assert report["received_size"] == [received.shape[1], received.shape[0]]


@pytest.mark.parametrize("turn", [1, 6])
def test_every_strength_may_be_turned(turn):
    either = CARRIERS if turn == 1 else CARRIERS[:2]  # with the others a search in vain comes first: once is enough
    for strength, carriers in ((JPEG, either), (SOCIAL, CARRIERS)):
        received = from_array(turned(stego(strength).rgb, turn))
        assert receive(received, KEY, carriers)[0] == MESSAGE


def test_the_report_tells_how_hard_it_was():
    on = sender()
    sent = np.random.default_rng(0).bytes(on.capacity())
    clean = on.send(sent, KEY, salt=bytes(16)).picture
    reports = [
        receive(from_array(spec.parse(attack)(clean.rgb)), KEY, CARRIERS)[1]
        for attack in ("none", "jpeg:90", "jpeg:70", "jpeg:50")
    ]
    for key, worse in (("corrected_bits", 1), ("estimated_ber", 1), ("margin", -1), ("information", -1)):
        values = [report[key] for report in reports]
        assert values == sorted(values, reverse=worse < 0), key
    assert all(report["payload_bits"] == 8 * len(sent) for report in reports)
    assert reports[-1]["margin"] > 0.1
    true_share = reports[-1]["corrected_bits"] / reports[-1]["code_bits"]
    assert reports[-1]["estimated_ber"] == pytest.approx(true_share, rel=0.3)
    resized = sender(SOCIAL).send(b"x", KEY).picture.rgb
    report = receive(from_array(spec.parse("resize:0.5")(resized)), KEY, CARRIERS)[1]
    assert (report["received_size"], report["original_size"]) == ([128, 128], [256, 256])


# --- fuzz: whatever a picture holds, a message or a declared error comes out -------------------------------------

# The header's code word takes 48 bits of any value; the checksum is always right, so all of them are acted upon.
headers = st.builds(
    frame.Header,
    length=st.one_of(st.integers(0, 200), st.integers(0, frame.MAX_BODY)),
    scheme=st.integers(0, 31),
    encrypted=st.booleans(),
    version=st.one_of(st.just(frame.VERSION), st.integers(0, 7)),
)
SMALL = covers.photographs()["astronaut"][:128, :128]


def outcome(picture, key=KEY):
    """Nothing but a message or a declared error."""
    try:
        message, _ = receive(picture, key, [LatticeCarrier(FILE), LatticeCarrier(JPEG)])
    except StegolabError as error:
        assert "\n" not in str(error)
        assert str(error)
        return type(error)
    return type(message)


@settings(max_examples=50)
@given(headers, st.integers(0, 2**32 - 1), st.sampled_from([FILE, JPEG]), st.sampled_from([KEY, None]))
def test_arbitrary_headers_and_bodies_give_declared_errors(header, seed, strength, key):
    carrier, rng = LatticeCarrier(strength), np.random.default_rng(seed)
    slots = carrier.body_slots(SMALL.shape)
    picture = carrier.embed(SMALL, header.code_word(), rng.integers(0, 2, slots, np.uint8), np.ones(slots, bool))
    assert outcome(from_array(picture), key) is not bytes  # nobody guesses a tag or a checksum


@settings(max_examples=30)
@given(headers.filter(lambda h: h.scheme < len(ecc.SCHEMES)), st.binary(max_size=60), st.sampled_from([KEY, None]))
def test_bodies_that_decode_but_mean_nothing_give_declared_errors(header, body, key):
    short = frame.Header(len(body), header.scheme, header.encrypted, header.version)
    assert outcome(embedded(body, short, cover=COVER[:160, :160]), key) is not bytes


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([FILE, JPEG]))
def test_code_words_that_are_none_are_no_header(seed, strength):
    carrier, rng = LatticeCarrier(strength), np.random.default_rng(seed)
    slots = carrier.body_slots(SMALL.shape)
    header = rng.integers(0, 2, HEADER_CODE_BITS, np.uint8)
    picture = carrier.embed(SMALL, header, np.zeros(slots, np.uint8), np.ones(slots, bool))
    assert outcome(from_array(picture)) is NoPayload


@settings(max_examples=30)
@given(st.integers(MIN_SIDE, 140), st.integers(MIN_SIDE, 140), st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_noise_and_constant_pictures_of_any_size_carry_nothing(height, width, seed, level):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    assert outcome(from_array(noise)) is NoPayload
    assert outcome(from_array(np.full_like(noise, level))) is NoPayload


@pytest.mark.parametrize("shape", [(16, 16), (16, 300), (33, 33), (64, 48)])
def test_tiny_pictures_are_searched_at_every_strength(shape):
    with pytest.raises(NoPayload):
        receive(from_array(np.random.default_rng(0).integers(0, 256, shape, np.uint8)), KEY, CARRIERS)
