"""Flattening as Pillow does it, in the colours that everybody assumes."""

import numpy as np
import pytest
from PIL import Image

from stegolab.channel.uploading import BACKGROUNDS, flattened, uploaded
from stegolab.errors import BadSpec
from stegolab.images import Picture
from tests import profiles

RNG = np.random.default_rng(2)
RGB = RNG.integers(0, 256, (64, 64, 3), np.uint8)
ALPHA = RNG.integers(0, 256, (64, 64), np.uint8)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_flattening_is_what_pillow_composes(background):
    below = Image.new("RGB", (64, 64), background)
    below.paste(Image.fromarray(RGB), mask=Image.fromarray(ALPHA))
    assert np.abs(flattened(RGB, ALPHA, background).astype(int) - np.asarray(below)).max() <= 1


def test_the_extremes_are_exact():
    alpha = np.where(np.arange(64) < 32, 0, 255).astype(np.uint8) * np.ones((64, 1), np.uint8)
    for background, level in BACKGROUNDS.items():
        found = flattened(RGB, alpha, background)
        assert (found[:, :32] == level).all()
        assert np.array_equal(found[:, 32:], RGB[:, 32:])


def test_what_is_opaque_is_not_touched():
    assert flattened(RGB, None) is RGB
    assert flattened(RGB, np.full_like(ALPHA, 255), "black") is RGB


def test_colours_are_converted_before_anything_shines_through():
    primaries, curve = profiles.COLOUR["Display P3"]
    icc = profiles.profile("Display P3", primaries, curve)
    found = uploaded(Picture(RGB, ALPHA, icc=icc), "black")
    assert np.abs(found - profiles.in_srgb(RGB, primaries, curve) * ALPHA[..., None] / 255).max() < 3


def test_an_unknown_background_is_refused():
    with pytest.raises(BadSpec, match="white, black"):
        uploaded(Picture(RGB), "plaid")
