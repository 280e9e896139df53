"""Measures of what an eye sees: they know equal pictures, more noise, and where the noise is."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stegolab.errors import BadImage
from stegolab.image_quality import flat_rms, ssimulacra2, watson

COFFEE = np.ascontiguousarray(data.coffee()[:256, :256])
HALVES = np.full((256, 256, 3), 128, np.uint8)
HALVES[:, 128:] += np.random.default_rng(1).integers(-60, 61, (256, 128, 1)).astype(np.uint8)  # a wall beside a tree


def noisy(rgb, amplitude, where=np.s_[:, :]):
    steps = np.random.default_rng(0).integers(-amplitude, amplitude + 1, (*rgb.shape[:2], 1))
    changed = rgb.astype(int)
    changed[where] += steps[where]
    return changed.clip(0, 255).astype(np.uint8)


def test_equal_pictures():
    assert (ssimulacra2(COFFEE, COFFEE), watson(COFFEE, COFFEE), flat_rms(COFFEE, COFFEE)) == (100, 0, 0)


def test_more_noise_is_worse():
    scores = [[f(COFFEE, noisy(COFFEE, a)) for a in (2, 6, 18)] for f in (ssimulacra2, watson, flat_rms)]
    assert scores[0][0] > scores[0][1] > scores[0][2]
    assert scores[1][0] < scores[1][1] < scores[1][2]
    assert scores[2][0] < scores[2][1] < scores[2][2]


def test_noise_on_a_wall_is_seen_and_in_a_tree_it_is_not():
    wall, tree = noisy(HALVES, 4, np.s_[:, :128]), noisy(HALVES, 4, np.s_[:, 128:])
    assert ssimulacra2(HALVES, wall) < ssimulacra2(HALVES, tree) - 5
    assert watson(HALVES, wall) > 1.5 * watson(HALVES, tree)
    assert flat_rms(HALVES, wall) == pytest.approx(np.sqrt(20 / 3), rel=0.05)  # of uniform whole numbers up to 4
    assert flat_rms(HALVES, tree) == 0


def test_watsons_thresholds_are_one_just_noticeable_difference():
    """In middle grey, the amplitude of the table is one difference of that coefficient in every block."""
    waves = np.cos(np.pi * (np.arange(8) + 0.5) * 2 / 8) / 2  # the basis function of frequency 2
    wave = np.outer(np.full(8, 8**-0.5), waves)  # coefficient (0, 2), whose threshold is 1.16
    grey = np.full((64, 64, 3), 128, np.uint8)
    changed = grey + np.rint(8 * np.tile(wave, (8, 8)))[..., None].astype(int)  # rounding: a larger one stands out
    exact = np.tensordot(np.rint(8 * wave), wave, 2)
    assert watson(grey, changed.astype(np.uint8)) == pytest.approx(exact / 1.16, rel=0.03)


def test_a_photograph_as_jpeg_is_rated_as_its_makers_say():
    def compressed(quality):
        file = BytesIO()
        Image.fromarray(COFFEE).save(file, "jpeg", quality=quality, subsampling=0)
        return np.asarray(Image.open(file))

    high, low = ssimulacra2(COFFEE, compressed(95)), ssimulacra2(COFFEE, compressed(30))
    assert high > 85 and low < 65


@pytest.mark.parametrize("measure", [ssimulacra2, watson, flat_rms])
def test_what_cannot_be_compared_is_refused(measure):
    with pytest.raises(BadImage, match="shape"):
        measure(COFFEE, COFFEE[:-1])
    with pytest.raises(BadImage, match="too small"):
        measure(COFFEE[:7], COFFEE[:7])
