"""Covers with any profile are converted to the right sRGB values, so a platform's own conversion changes nothing."""

import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms

import stegolab
from stegolab.channel import spec
from stegolab.channel.uploading import uploaded
from stegolab.colour import is_srgb, profile_name, to_srgb
from stegolab.errors import StegolabError
from stegolab.images import Picture, PictureWarning, read_image
from tests import covers, profiles
from tests.voice import speak

KEY = bytes(range(32))
COLOURS = np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)
PROFILES = {name: profiles.profile(name, *how) for name, how in profiles.COLOUR.items()}
LINEAR_GREY = profiles.profile("linear grey", None, profiles.gamma(1.0), b"GRAY")


@pytest.mark.parametrize("name", PROFILES)
def test_colours_become_those_of_srgb(name):
    found = to_srgb(Picture(COLOURS, icc=PROFILES[name]))
    expected = profiles.in_srgb(COLOURS, *profiles.COLOUR[name])
    assert np.abs(found.rgb - expected).max() < 2.5
    assert np.abs(found.rgb.astype(int) - COLOURS).max() > 20  # and that is not what they were
    assert found.icc is None
    assert found.notes == (f"its colours were converted from {name} to sRGB",)


def test_grey_stays_grey():
    ramp = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16)[..., None], 3, axis=2)
    found = to_srgb(Picture(ramp, grey=True, icc=LINEAR_GREY, alpha=ramp[..., 0], dpi=(300, 300)))
    assert np.abs(found.rgb - 255 * profiles.linear_to_srgb(ramp / 255)).max() < 2
    assert found.grey and found.icc is None and found.dpi == (300, 300)
    assert found.alpha is not None and np.array_equal(found.alpha, ramp[..., 0])


def test_what_is_srgb_whoever_made_the_profile_is_left_alone():
    ours = profiles.profile("sRGB by hand", profiles.SRGB)
    little_cms = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for icc in (ours, little_cms, None):
        picture = Picture(COLOURS, icc=icc)
        assert to_srgb(picture) is picture


@pytest.mark.parametrize("icc", [b"", b"no profile", PROFILES["Display P3"][:200], bytes(128)])
def test_a_profile_that_nobody_can_read_changes_nothing(icc):
    assert is_srgb(icc)
    assert profile_name(icc) == "its own profile"


def test_a_cover_is_converted_and_the_message_survives_the_platform(tmp_path):
    icc = PROFILES["Display P3"]
    Image.fromarray(covers.larger()["chelsea"]).save(tmp_path / "cover.png", icc_profile=icc)
    with pytest.warns(PictureWarning, match="Display P3 to sRGB.*--keep-profile"):
        stego = stegolab.hide(speak(0.5), tmp_path / "cover.png", KEY, strength="jpeg", carrier="lattice")
    assert "its colours were converted from Display P3 to sRGB" in stego.report["notes"]
    stegolab.write_image(tmp_path / "stego.png", stego.picture)
    received = spec.parse("jpeg:75")(uploaded(read_image(tmp_path / "stego.png")))
    assert stegolab.reveal(received, KEY).report["payload_sha256"] == stego.report["payload_sha256"]


def test_who_keeps_the_profile_has_the_message_until_somebody_converts_it(tmp_path):
    icc = PROFILES["linear sRGB"]
    Image.fromarray(covers.larger()["chelsea"]).save(tmp_path / "cover.png", icc_profile=icc)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stego = stegolab.hide(speak(0.5), tmp_path / "cover.png", KEY, "jpeg", carrier="lattice", keep_profile=True)
    assert stego.picture.icc == icc and stego.report["notes"] == []
    stegolab.write_image(tmp_path / "stego.png", stego.picture)
    picture = read_image(tmp_path / "stego.png")
    assert picture.icc == icc
    assert stegolab.reveal(picture, KEY).report["payload_sha256"] == stego.report["payload_sha256"]
    with pytest.raises(StegolabError):
        stegolab.reveal(spec.parse("jpeg:75")(uploaded(picture)), KEY)
