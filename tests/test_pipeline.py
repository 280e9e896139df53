"""The three functions that the package is: speech in, picture, recompressed picture, the same speech out."""

import warnings
from collections.abc import Collection
from dataclasses import fields
from hashlib import sha256
from typing import Any, get_type_hints

import numpy as np
import pytest
from PIL import Image

import stegolab
from stegolab import audio, pipeline, receiver
from stegolab.audio import Speech
from stegolab.carrier.interface import Carrier
from stegolab.carrier.strengths import STRENGTHS
from stegolab.carrier.textured.lattice import TexturedLattice
from stegolab.channel import spec
from stegolab.data import sample_covers, sample_speech
from stegolab.errors import BadKey, BadSpec, CapacityExceeded, NotTrained
from stegolab.image_quality import flat_rms
from stegolab.images import Picture, from_array, psnr, ssim
from stegolab.message import codecs
from stegolab.message.envelope import UnencryptedWarning
from stegolab.sender import Sender, Unsafe
from stegolab.speech import enhancer
from tests import covers
from tests.voice import speak

pytestmark = pytest.mark.usefixtures("rehearsed_once")

KEY = bytes(range(32))
COVER = covers.larger()["coffee"]
SPEECH = speak(1.0)
SMALL_RUNG = next(rung for rung in ("amrnb:4750", "codec2:3200") if rung in codecs.ladder())
# What docs/reference.md promises to whoever reads --json.
HIDE_REPORT = {
    *("psnr_db", "ssim", "payload_sha256", "payload_bits", "capacity_bits", "codec", "seconds", "strength"),
    *("carrier", "code_rate"),
}
REVEAL_REPORT = {
    *("payload_sha256", "codec", "seconds", "corrected_bits", "estimated_ber", "margin", "strength", "carrier"),
}


@pytest.fixture(autouse=True)
def weights(monkeypatch, tmp_path):
    """Where the weights of Model 1 would be: none are there, whatever ships."""
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path / "speech.safetensors")
    return enhancer.WEIGHTS


@pytest.fixture
def trained(weights):
    """A small network that changes what it hears."""
    import torch

    from stegolab.speech.dccrn import Dccrn, DccrnConfig
    from stegolab.speech.dccrn_weights import save

    torch.manual_seed(0)
    save(Dccrn(DccrnConfig(channels=(4, 8), hidden=6)), weights)


@pytest.mark.parametrize(
    ("strength", "attack", "codec"),
    [
        ("file", "none", "opus:24000"),
        ("jpeg", "jpeg:50", SMALL_RUNG),
        ("social", "resize:0.5,jpeg:75", "codec2:1300"),
    ],
)
def test_what_is_hidden_is_revealed_bit_for_bit(strength, attack, codec):
    stego = stegolab.hide(SPEECH, COVER, KEY, strength=strength, codec=codec)
    result = stegolab.reveal(spec.parse(attack)(stego.picture.rgb), KEY)
    assert result.report["payload_sha256"] == sha256(codecs.encode(SPEECH, codec)).hexdigest()
    assert (result.speech.rate, len(result.speech.samples)) == (16_000, 16_000)
    assert result.report["payload_sha256"] == stego.report["payload_sha256"]
    assert result.report["codec"] == stego.report["codec"] == codec
    assert result.report["strength"] == strength
    assert stego.report.keys() >= HIDE_REPORT
    assert result.report.keys() >= REVEAL_REPORT


def test_flac_makes_it_lossless():
    cover = np.tile(COVER, (2, 2, 1))
    stego = stegolab.hide(SPEECH, cover, KEY, strength="file", codec="flac")
    samples = stegolab.reveal(stego.picture, KEY).speech.samples
    np.testing.assert_array_equal(samples, audio.to_pcm16(SPEECH).astype(np.float32) / audio.FULL_SCALE)


def test_a_shipped_sample_goes_all_the_way():
    speech = audio.read_audio(next(iter(sample_speech().values())))
    stego = stegolab.hide(speech, COVER, "correct horse", strength="jpeg")
    result = stegolab.reveal(spec.parse("jpeg:75")(stego.picture.rgb), "correct horse")
    assert len(result.speech.samples) == len(speech.samples)
    assert result.report["seconds"] == pytest.approx(speech.seconds, abs=1e-3)


def test_the_report_measures_the_picture():
    stego = stegolab.hide(SPEECH, COVER, KEY)
    assert stego.report["psnr_db"] == psnr(COVER, stego.picture.rgb)
    assert stego.report["ssim"] == ssim(COVER, stego.picture.rgb)
    assert stego.report["psnr_db"] > 39.5
    assert stego.report["payload_bits"] <= stego.report["capacity_bits"]
    assert stego.report["seconds"] == 1.0
    assert stego.report["enhanced"] is False


def test_auto_takes_the_best_codec_that_fits():
    larger = stegolab.hide(SPEECH, COVER, KEY, strength="file").report
    smaller = stegolab.hide(SPEECH, COVER, KEY, strength="social").report
    assert codecs.LADDER.index(larger["codec"]) < codecs.LADDER.index(smaller["codec"])
    better = codecs.ladder()[codecs.ladder().index(smaller["codec"]) - 1]
    assert 8 * len(codecs.encode(SPEECH, better)) > smaller["capacity_bits"]


def test_auto_goes_one_rung_down_where_the_rehearsal_promised_too_much(monkeypatch):
    sent = []
    send = Sender.send

    def reluctant(self, message, key, **options):
        sent.append(codecs.name_of(message))
        if len(sent) == 1:
            raise Unsafe("lost")
        return send(self, message, key, **options)

    monkeypatch.setattr(Sender, "send", reluctant)
    assert stegolab.hide(SPEECH, COVER, KEY, strength="jpeg", carrier="inn").report["codec"] == sent[1]
    assert codecs.LADDER.index(sent[1]) > codecs.LADDER.index(sent[0])
    sent.clear()
    with pytest.raises(Unsafe):  # but what was asked for by name is not replaced
        stegolab.hide(SPEECH, COVER, KEY, strength="jpeg", codec="codec2:1300", carrier="inn")


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA"])
def test_pictures_are_taken_from_files_and_keep_their_kind(tmp_path, mode):
    image = Image.fromarray(COVER).convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.radial_gradient("L").point(lambda v: 255 * (v < 200)).resize(image.size))
    image.save(tmp_path / "cover.png")
    stego = stegolab.hide(SPEECH, tmp_path / "cover.png", KEY)
    stegolab.write_image(tmp_path / "stego.png", stego.picture)
    with Image.open(tmp_path / "stego.png") as written:
        assert written.mode == mode
        if mode.endswith("A"):
            np.testing.assert_array_equal(written.getchannel("A"), image.getchannel("A"))
    assert stegolab.reveal(str(tmp_path / "stego.png"), KEY).report["payload_sha256"] == stego.report["payload_sha256"]


@pytest.mark.parametrize("kind", [lambda rgb: rgb, lambda rgb: rgb[..., 0], from_array])
def test_arrays_and_pictures_are_taken_as_they_are(kind):
    stego = stegolab.hide(SPEECH, kind(COVER), KEY, strength="jpeg")
    assert isinstance(stego.picture, Picture)
    assert stegolab.reveal(stego.picture, KEY).report["payload_sha256"] == stego.report["payload_sha256"]


def test_speech_of_any_rate_is_taken():
    stego = stegolab.hide(speak(1.0, 44_100), COVER, KEY, strength="jpeg")
    assert stegolab.reveal(stego.picture, KEY).speech.seconds == pytest.approx(1.0, abs=1e-3)


def test_without_encryption_no_key_is_needed_and_a_warning_is_given():
    with pytest.warns(UnencryptedWarning, match="NOT ENCRYPTED") as caught:
        stego = stegolab.hide(SPEECH, COVER, None, strength="jpeg", encrypt=False)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(stegolab.reveal(stego.picture).speech.samples) == 16_000


def test_codes_are_passed_on():
    stego = stegolab.hide(SPEECH, COVER, KEY, strength="file", codec="codec2:1300", ecc="bch:1/2")
    assert stego.report["ecc"] == stegolab.reveal(stego.picture, KEY).report["ecc"] == "bch:1/2"


def test_what_is_not_trained_says_so():
    with pytest.raises(NotTrained, match="--no-enhance"):
        stegolab.enhance(SPEECH)
    with pytest.raises(NotTrained, match="--no-enhance"):
        stegolab.hide(SPEECH, COVER, KEY, enhance=True)
    with pytest.raises(NotTrained, match="lattice"):
        stegolab.hide(SPEECH, COVER, KEY, strength="file", carrier="inn")


def test_what_is_hidden_is_the_enhanced_speech(trained):
    enhanced = stegolab.enhance(SPEECH)
    assert np.abs(enhanced.samples - SPEECH.samples).max() > 0.01
    hashes = {}
    for choice in (None, True, False):
        report = stegolab.hide(SPEECH, COVER, KEY, strength="jpeg", codec=SMALL_RUNG, enhance=choice).report
        assert report["enhanced"] is (choice is not False)
        hashes[choice] = report["payload_sha256"]
    assert hashes[None] == hashes[True] == sha256(codecs.encode(enhanced, SMALL_RUNG)).hexdigest()
    assert hashes[False] == sha256(codecs.encode(SPEECH, SMALL_RUNG)).hexdigest()


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_enhanced_speech_keeps_its_rate_and_length(trained, rate):
    speech = speak(1.03, rate)
    enhanced = stegolab.enhance(speech)
    assert (enhanced.rate, len(enhanced.samples)) == (rate, len(speech.samples))
    assert stegolab.hide(speech, COVER, KEY, strength="jpeg").report["seconds"] == pytest.approx(1.03, abs=1e-3)


@pytest.mark.parametrize("codec", ["auto", "flac", "opus:8000", "codec2:700"])
def test_what_is_far_too_long_is_refused_before_it_is_enhanced(monkeypatch, codec):
    monkeypatch.setattr(pipeline, "shipped", lambda: pytest.fail("it was enhanced"))
    hour = Speech(np.resize(SPEECH.samples, 3600 * 16_000), 16_000)
    with pytest.raises(CapacityExceeded):
        stegolab.hide(hour, COVER, KEY, codec=codec, enhance=True)


@pytest.mark.parametrize("carrier", ["auto", "inn", "lattice"])
def test_every_carrier_hides_and_what_it_hides_is_revealed(carrier):
    cover = sample_covers()["astronaut"]
    stego = stegolab.hide(SPEECH, cover, KEY, strength="jpeg", carrier=carrier)
    assert stego.report["carrier"] == ("textured" if carrier == "auto" else carrier)
    assert not stego.report["lost"]
    found = stegolab.reveal(spec.parse("jpeg:60")(stego.picture.rgb), KEY)
    assert found.report["payload_sha256"] == stego.report["payload_sha256"]
    assert (found.report["carrier"], found.report["strength"]) == (stego.report["carrier"], "jpeg")


def test_by_itself_it_takes_the_carrier_that_follows_the_texture_where_it_can():
    assert {name: pipeline.carrier_for(name).name for name in STRENGTHS} == {
        **{"file": "lattice", "jpeg": "textured", "social": "textured"}
    }
    assert pipeline.carrier_for("jpeg") == TexturedLattice.of("jpeg", 1.0)  # unseen
    assert pipeline.carrier_for("jpeg", refine=1).name == "inn"
    looked_for = [(carrier.name, carrier.strength.name) for carrier in pipeline.EveryCarrier()]
    assert looked_for == [
        *(("lattice", "file"), ("textured", "jpeg"), ("textured", "social"), ("inn", "jpeg"), ("inn", "social")),
        *(("lattice", "jpeg"), ("lattice", "social")),
    ]


def test_visibility_chooses_the_carrier_that_has_that_dial():
    assert pipeline.carrier_for("social", "textured") == TexturedLattice.of("social", 1.0)
    assert pipeline.carrier_for("jpeg", "textured:faint") == TexturedLattice.of("jpeg", 1.25)
    for strength, carrier in (("file", "textured"), ("jpeg", "inn:faint"), ("jpeg", "textured:blinding")):
        with pytest.raises(BadSpec):
            pipeline.carrier_for(strength, carrier)
    with pytest.raises(BadSpec, match="no dial for visibility"):
        stegolab.hide(SPEECH, COVER, KEY, carrier="inn", visibility="faint")
    with pytest.raises(CapacityExceeded, match=r"0\.0 % of it can hide anything this unseen"):
        stegolab.hide(SPEECH, np.full((300, 300, 3), 90, np.uint8), KEY)


def test_what_is_hidden_unseen_comes_back_and_leaves_flat_parts_alone():
    cover = sample_covers()["coffee"]
    stego = stegolab.hide(SPEECH, cover, KEY, "jpeg", visibility="unseen", enhance=False)
    assert (stego.report["carrier"], stego.report["visibility"]) == ("textured", 1.0)
    assert 8 * len(codecs.encode(SPEECH, stego.report["codec"])) > 0.5 * stego.report["capacity_bits"]
    found = stegolab.reveal(spec.parse("jpeg:60")(stego.picture.rgb), KEY)
    assert found.report["payload_sha256"] == stego.report["payload_sha256"]
    assert flat_rms(cover, stego.picture.rgb) < 0.2


def test_a_message_that_needs_less_shows_less():
    cover = sample_covers()["coffee"]
    options: dict[str, Any] = {"codec": "codec2:1300", "enhance": False, "salt": bytes(16)}
    stego = stegolab.hide(SPEECH, cover, KEY, "jpeg", visibility="unseen", **options)
    assert stego.report["visibility"] == 0.5
    assert stego.report["payload_bits"] <= stego.report["capacity_bits"]
    found = stegolab.reveal(spec.parse("jpeg:60")(stego.picture.rgb), KEY)
    assert found.report["payload_sha256"] == stego.report["payload_sha256"]
    least = stegolab.hide(SPEECH, cover, KEY, "jpeg", visibility=0.5, **options)
    np.testing.assert_array_equal(stego.picture.rgb, least.picture.rgb)


def test_every_carrier_can_be_gone_through_again_and_again_as_the_receiver_asks():
    every = pipeline.EveryCarrier()
    assert list(every) == list(every) and len(every) == 7
    assert pipeline.carrier_for("jpeg", "lattice") in every and "lattice" not in every
    for function in (receiver.decode, receiver.receive):
        assert get_type_hints(function)["carriers"] == Collection[Carrier]  # not an iterator: it would be used up
    assert issubclass(pipeline.EveryCarrier, Collection)


def test_refining_says_what_it_gained_and_is_read_by_who_does_not_refine():
    cover = np.ascontiguousarray(sample_covers()["astronaut"][:256, :256])
    plain, *refined = (
        stegolab.hide(SPEECH, cover, KEY, "jpeg", "codec2:1300", carrier="inn", salt=b"s" * 16, refine=steps)
        for steps in (0, 6, 6)
    )
    report = refined[0].report
    assert (plain.report["refine_steps"], report["refine_steps"]) == (0, 6)
    assert report["margin_after_refinement"] > 1.01 * report["margin_before_refinement"]
    assert report["psnr_db"] > plain.report["psnr_db"] - 0.3  # it was hardly bought with the picture
    np.testing.assert_array_equal(refined[0].picture.rgb, refined[1].picture.rgb)
    assert (refined[0].picture.rgb != plain.picture.rgb).any()
    found = stegolab.reveal(spec.parse("jpeg:55")(refined[0].picture.rgb), KEY)
    assert found.report["payload_sha256"] == report["payload_sha256"]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"strength": "steel"}, "file, jpeg, social"),
        ({"carrier": "pigeon"}, "lattice"),
        ({"codec": "mp3"}, "mp3"),
        ({"ecc": "turbo"}, "turbo"),
        ({"refine": 3, "strength": "file"}, "carrier inn"),
        ({"refine": -3}, "0 or more steps"),
        ({"refine": 3, "carrier": "lattice"}, "carrier inn"),
        ({"refine": -3, "carrier": "inn", "strength": "jpeg"}, "0 or more steps"),
    ],
)
def test_unknown_choices_are_named_before_anything_is_read(choice, said):
    with pytest.raises(BadSpec, match=said):
        stegolab.hide("no such speech", "no such cover", KEY, **choice)


def test_too_much_speech_is_told_how_much_fits_and_how_large_a_cover_would_do():
    with pytest.raises(CapacityExceeded, match=r"seconds|s of") as caught:
        stegolab.hide(speak(60.0), sample_covers()["astronaut"], KEY)
    assert "megapixels" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hiding_twice_gives_two_pictures_and_one_speech():
    first, second = (stegolab.hide(SPEECH, COVER, KEY) for _ in range(2))
    assert not np.array_equal(first.picture.rgb, second.picture.rgb)
    assert first.report["payload_sha256"] == second.report["payload_sha256"]


def test_the_reports_are_json():
    import json

    stego = stegolab.hide(SPEECH, COVER, KEY)
    for report in (stego.report, stegolab.reveal(stego.picture, KEY).report):
        assert json.loads(json.dumps(report)) == report


def test_results_are_frozen_pairs():
    for kind in (pipeline.Stego, pipeline.Revealed):
        assert [field.name for field in fields(kind)][1] == "report"


def test_no_key_is_asked_for_before_anything_is_written():
    with pytest.raises(BadKey):
        stegolab.hide(SPEECH, COVER, None)


def test_the_package_exports_what_it_says():
    for name in stegolab.__all__:
        assert getattr(stegolab, name).__module__.startswith("stegolab.")
    assert stegolab.Speech is Speech


def test_the_same_salt_gives_the_same_picture():
    from stegolab import data, hide, read_audio

    speech = read_audio(data.sample_speech()["platform_rms"])
    cover = data.sample_covers()["astronaut"][:256, :256].copy()
    one, two, other = (hide(speech, cover, "key", strength="file", salt=s) for s in (b"s" * 16, b"s" * 16, None))
    assert (one.picture.rgb == two.picture.rgb).all()
    assert (one.picture.rgb != other.picture.rgb).any()


def test_what_does_not_fit_unseen_is_told_the_visibility_that_would_do():
    cover = sample_covers()["rocket"]  # at codec2:1300 4.0, 5.9 and 9.5 s fit
    for seconds, told in ((5.0, "; with --visibility faint it would fit"), (8.0, "loud it would fit"), (30.0, ")")):
        with pytest.raises(CapacityExceeded) as caught:
            stegolab.hide(speak(seconds), cover, KEY, "jpeg", codec="codec2:1300", enhance=False)
        assert str(caught.value).endswith(told)
