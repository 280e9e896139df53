"""OpenCV's kernels in closed form: none but area is widened when it shrinks."""

import numpy as np
import pytest
from skimage import data

from stegolab.channel.software import opencv
from stegolab.channel.spec import parse

from . import kernels, line_of, only_with, ramp, response

pytestmark = only_with(opencv.OPENCV)

COFFEE = data.coffee()[:384, :512]
RESPONSES = {"linear": kernels.linear, "cubic": kernels.keys(-0.75), "lanczos4": lambda x: kernels.lanczos(x, 4)}


@pytest.mark.parametrize("factor", [0.5, 0.6, 0.75, 1.5])
@pytest.mark.parametrize("kernel", RESPONSES)
def test_every_kernel_keeps_its_width_whatever_the_factor(kernel, factor):
    received = parse(f"opencv:{factor}:{kernel}")(line_of(180))[10, :, 0]
    expected = 100 + 80 * response(RESPONSES[kernel], round(64 * factor), 1 / factor, widened=False)
    assert received == pytest.approx(expected, abs=1)


def test_linear_at_half_the_size_is_a_mean_of_four_and_at_a_third_skips_two_of_three():
    assert np.array_equal(
        parse("opencv:0.5")(COFFEE), (COFFEE.reshape(192, 2, 256, 2, 3).sum(axis=(1, 3), dtype=int) + 2) // 4
    )
    lines = np.zeros((48, 48, 3), np.uint8)
    lines[:, 0::3] = lines[:, 2::3] = 255  # all but the columns in the middle
    assert parse(f"opencv:{1 / 3!r}")(lines).max() == 0


def test_area_is_the_mean_of_what_a_pixel_covers():
    blocks = COFFEE[:381, :510].reshape(127, 3, 170, 3, 3).mean(axis=(1, 3))
    assert parse(f"opencv:{1 / 3!r}:area")(COFFEE[:381, :510]) == pytest.approx(blocks, abs=0.5 + 1e-6)
    starts = np.arange(48) / 0.75  # of what each pixel of the result covers, 4 / 3 columns
    overlap = np.clip(np.minimum(starts + 4 / 3, 33) - np.maximum(starts, 32), 0, None)
    assert parse("opencv:0.75:area")(line_of(180))[10, :, 0] == pytest.approx(100 + 60 * overlap, abs=0.6)


def test_nearest_takes_the_pixel_at_the_corner():
    received = parse("opencv:0.75:nearest")(ramp())[20, :, 0]
    assert np.array_equal(received, 2 * np.floor(np.arange(75) / 0.75 + 1e-9))


@pytest.mark.parametrize(("factor", "size"), [(0.5, (2, 8)), (0.7, (4, 10)), (0.05, (1, 1))])
def test_sides_are_rounded_halves_to_even(factor, size):
    assert parse(f"opencv:{factor}")(np.zeros((5, 15, 3), np.uint8)).shape == (*size, 3)
