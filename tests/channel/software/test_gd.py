"""GD: its methods in closed form, where it reads, how it rounds its sides."""

import numpy as np
import pytest
from skimage import data

from stegolab.channel import attacks
from stegolab.channel.software import gd
from stegolab.channel.spec import parse
from stegolab.errors import BadImage

from . import kernels, line_of, only_with, ramp

pytestmark = only_with(gd.GD)

COFFEE = data.coffee()[:384, :512]


def places(width: int, factor: float) -> np.ndarray:
    """Where ``imagescale`` reads each column: corners on corners, in steps of 256ths that are cut off."""
    count = int(width * factor + 0.5)
    return np.arange(count) * np.floor(256 * width / count) / 256


def test_resampled_is_the_mean_of_what_a_pixel_covers():
    starts = np.arange(48) / 0.75  # each pixel of the result covers 4 / 3 columns
    overlap = np.clip(np.minimum(starts + 4 / 3, 33) - np.maximum(starts, 32), 0, None)
    assert parse("gd:0.75")(line_of(180))[10, :, 0] == pytest.approx(100 + 60 * overlap, abs=0.6)
    whole = COFFEE.reshape(192, 2, 256, 2, 3).mean(axis=(1, 3))
    assert parse("gd:0.5")(COFFEE) == pytest.approx(whole, abs=1)
    ours, theirs = parse("gd:0.75")(COFFEE), attacks.resize(COFFEE, 0.75, "box")
    assert np.abs(ours.astype(int) - theirs).mean() > 1  # Pillow's box takes whole pixels


@pytest.mark.parametrize("factor", [0.5, 0.6, 0.75, 1.5])
@pytest.mark.parametrize(
    ("method", "kernel", "within"),
    [("bilinear", kernels.linear, 2.1), ("bicubic", lambda x: kernels.cubic(x, 1, 0), 3.5)],
)
def test_imagescale_keeps_the_width_of_its_kernel_and_lays_corners_on_corners(method, kernel, within, factor):
    received = parse(f"gd:{factor}:{method}")(line_of(180))[10, 3:-3, 0]
    assert received == pytest.approx(100 + 80 * kernel(32 - places(64, factor)[3:-3]), abs=within)


def test_bilinear_is_a_grey_level_too_dark():
    flat = np.full((40, 60, 3), 100, np.uint8)
    assert set(np.unique(parse("gd:0.75:bilinear")(flat)[:-1, :-1])) <= {99, 100}
    assert parse("gd:0.75:bilinear")(COFFEE).mean() < parse("opencv:0.75")(COFFEE).mean()
    assert set(np.unique(parse("gd:0.75")(flat))) == {100}


def test_nearest_takes_the_pixel_at_the_corner():
    received = parse("gd:0.75:nearest")(ramp())[20, :, 0]
    assert np.array_equal(received, 2 * np.floor(places(100, 0.75)))


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        ("gd:0.675", (346, 518)),
        ("gd:0.675:bilinear", (345, 518)),
        ("gd:0.05:bicubic", (25, 38)),
        ("gd:1:bilinear", (512, 768)),
    ],
)
def test_imagescale_cuts_the_height_off_and_resampling_takes_the_size_that_it_is_given(spec, size):
    assert parse(spec)(np.zeros((512, 768, 3), np.uint8)).shape == (*size, 3)


def test_a_thin_picture_keeps_a_row():
    assert parse("gd:0.1:bilinear")(np.zeros((3, 300, 3), np.uint8)).shape == (1, 30, 3)


def test_what_it_refuses_is_a_bad_image():
    with pytest.raises(BadImage, match="GD refuses the picture"):
        gd._checked(gd._library().gdImageCreateFromPngPtr(4, b"none"))


class Recording:
    """GD, which notes what it hands out and takes back."""

    def __init__(self, library):
        self.library, self.given, self.freed = library, [], []

    def __getattr__(self, name):
        def call(*arguments):
            result = getattr(self.library, name)(*arguments)
            if name in ("gdImageCreateTrueColor", "gdImageCreateFromPngPtr", "gdImageScale", "gdImagePngPtrEx"):
                self.given.append(result)
            elif name in ("gdImageDestroy", "gdFree"):
                self.freed += arguments
            return result

        return call


@pytest.mark.parametrize(("spec", "count"), [("gd:0.5", 3), ("gd:0.5:bilinear", 3)])
def test_everything_is_freed_once(spec, count, monkeypatch):
    """The source, the result, and the file that it is handed over in."""
    recording = Recording(gd._library())
    monkeypatch.setattr(gd, "_library", lambda: recording)
    parse(spec)(COFFEE)
    assert len(recording.given) == count and sorted(recording.given) == sorted(recording.freed)


def test_what_it_holds_is_freed_when_it_refuses(monkeypatch):
    recording = Recording(gd._library())
    monkeypatch.setattr(gd, "_library", lambda: recording)
    monkeypatch.setitem(gd.METHODS, "weighted", 21)  # which GD does not carry out
    with pytest.raises(BadImage):
        gd.gd(COFFEE, 0.5, "weighted")
    assert recording.freed == recording.given[:1]
