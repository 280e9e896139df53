"""Chromium: what a canvas, a bitmap and a screenshot do to pixels."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stegolab.channel.software import chromium
from stegolab.channel.spec import parse
from stegolab.errors import BadImage
from stegolab.picture_files import read_image

from . import jpeg, kernels, line_of, only_with, response

pytestmark = only_with(chromium.CHROMIUM)

COFFEE = data.coffee()[:240, :320]


@pytest.mark.parametrize("factor", [0.5, 0.6, 0.75, 1.5])
@pytest.mark.parametrize("smoothing", ["low", "medium", "high"])
def test_a_canvas_is_bilinear_with_two_taps_whatever_the_smoothing_says(smoothing, factor):
    received = parse(f"canvas:{factor}:{smoothing}")(line_of(180))[10, :, 0]
    count = round(64 * factor)
    expected = 100 + 80 * response(kernels.linear, count, 64 / count, widened=False)
    assert received == pytest.approx(expected, abs=80 / 16 + 1)  # places in sixteenths of a pixel


def test_a_canvas_without_smoothing_takes_single_pixels():
    received = parse("canvas:0.5:off")(COFFEE)
    assert any(np.array_equal(received, COFFEE[y::2, x::2]) for y in (0, 1) for x in (0, 1))


def test_a_canvas_of_the_same_size_keeps_every_pixel():
    assert np.array_equal(parse("canvas:1")(COFFEE), COFFEE)


@pytest.mark.parametrize(
    ("factor", "size"), [(0.675, (162, 216)), (0.7, (168, 224)), (0.503, (121, 161)), (0.05, (12, 16))]
)
def test_each_side_of_a_canvas_is_rounded_by_itself(factor, size):
    assert parse(f"canvas:{factor}")(COFFEE).shape == parse(f"bitmap:{factor}")(COFFEE).shape == (*size, 3)


def test_a_canvas_hands_out_a_jpeg_whose_quality_is_libjpegs_divided_by_100():
    contents, suffix = parse("canvas:0.675:low:jpeg:0.8").encode(COFFEE)
    reference = io.BytesIO()
    Image.fromarray(COFFEE).save(reference, "JPEG", quality=80)
    assert suffix == ".jpg"
    assert jpeg(contents).quantization[0] == jpeg(reference.getvalue()).quantization[0]
    assert jpeg(contents).layer[0][1:3] == (2, 2)
    coarse, _ = parse("canvas:0.675:low:jpeg:0.3").encode(COFFEE)
    assert len(coarse) < len(contents) / 2


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_the_profile_that_it_writes_into_files_changes_no_pixel(format):
    chain = parse(f"canvas:0.6:low:{format}:0.8")
    assert np.array_equal(read_image(chain.encode(COFFEE)[0]).rgb, chain(COFFEE))


def test_a_canvas_hands_out_webp_which_is_lossless_at_1():
    contents, suffix = parse("canvas:0.6:low:webp:0.8").encode(COFFEE)
    assert suffix == ".webp" and Image.open(io.BytesIO(contents)).format == "WEBP"
    assert np.array_equal(parse("canvas:0.6:low:webp:1")(COFFEE), parse("canvas:0.6")(COFFEE))
    assert not np.array_equal(parse("canvas:0.6:low:webp:0.8")(COFFEE), parse("canvas:0.6")(COFFEE))


def test_a_cap_leaves_the_size_of_small_pictures_alone():
    assert parse("canvascap:160")(COFFEE).shape == (120, 160, 3)
    assert parse("canvascap:160")(np.ascontiguousarray(COFFEE.swapaxes(0, 1))).shape == (160, 120, 3)
    assert np.array_equal(parse("canvascap:400:low:png")(COFFEE), COFFEE)


@pytest.mark.parametrize("factor", [0.5, 0.6, 0.75, 1.5])
def test_a_bitmap_of_low_quality_is_bilinear_with_two_taps_too(factor):
    received = parse(f"bitmap:{factor}")(line_of(180))[10, :, 0]
    count = round(64 * factor)
    assert received == pytest.approx(100 + 80 * response(kernels.linear, count, 64 / count, widened=False), abs=2)


@pytest.mark.parametrize("quality", ["medium", "high"])
def test_better_bitmaps_average_by_halves_first(quality):
    blocks = COFFEE.reshape(60, 4, 80, 4, 3).mean(axis=(1, 3))
    assert np.abs(parse(f"bitmap:0.25:{quality}")(COFFEE) - blocks).mean() < 1
    assert np.abs(parse("bitmap:0.25:low")(COFFEE) - blocks).mean() > 2


def test_the_best_bitmap_enlarges_by_mitchells_cubic():
    received = parse("bitmap:1.5:high")(line_of(180))[10, :, 0]
    expected = 100 + 80 * response(lambda x: kernels.cubic(x, 1 / 3, 1 / 3), 96, 64 / 96)
    assert received == pytest.approx(expected, abs=2)


def test_a_pixelated_bitmap_takes_single_pixels():
    received = parse("bitmap:0.5:pixelated")(COFFEE)
    assert any(np.array_equal(received, COFFEE[y::2, x::2]) for y in (0, 1) for x in (0, 1))


def test_a_screenshot_with_margins_holds_the_picture_exactly_in_a_white_page():
    received = parse("screenshot:1:0.25")(COFFEE)
    assert received.shape == (360, 480, 3)
    assert np.array_equal(received[60:300, 80:400], COFFEE)
    received[60:300, 80:400] = 255
    assert received.min() == 255


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        ("screenshot:0.8:0.2:1.25", (335, 448)),  # (192 + 2 * 38, 256 + 2 * 51) * 1.25
        ("screenshot:1:0.15:1.5", (468, 624)),
        ("screenshot:1.5", (360, 480)),
    ],
)
def test_a_screenshot_is_as_large_as_the_page_on_its_screen(spec, size):
    assert parse(spec)(COFFEE).shape == (*size, 3)


def test_two_pixels_of_the_screen_for_each_of_the_page_show_a_picture_of_half_the_size_exactly():
    assert np.array_equal(parse("screenshot:0.5:0:2")(COFFEE), COFFEE)


def test_a_canvas_that_is_too_large_is_refused_and_the_next_one_is_drawn():
    wide = np.zeros((1, 20_000, 3), np.uint8)
    with pytest.raises(BadImage, match=r"Chromium refuses the picture: .* the canvas holds no png"):
        parse("canvas:4")(wide)
    assert parse("canvas:0.5")(COFFEE).shape == (120, 160, 3)
