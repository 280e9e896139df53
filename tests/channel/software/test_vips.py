"""libvips: kernels, rounding and phase in closed form; what mozjpeg does that libjpeg does not."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stegolab.channel import attacks
from stegolab.channel.software import vips
from stegolab.channel.spec import parse

from . import jpeg, kernels, line_of, luma_and_table, only_with, ramp, response, steps_of

pytestmark = only_with(vips.LIBVIPS)

COFFEE = data.coffee()[:384, :512]
RESPONSES = {
    "linear": kernels.linear,
    "cubic": lambda x: kernels.cubic(x, 0, 0.5),
    "mitchell": lambda x: kernels.cubic(x, 1 / 3, 1 / 3),
    "lanczos2": lambda x: kernels.lanczos(x, 2),
    "lanczos3": lambda x: kernels.lanczos(x, 3),
    "mks2013": kernels.magic_2013,
}


@pytest.mark.parametrize("factor", [0.5, 0.75])
@pytest.mark.parametrize("kernel", RESPONSES)
def test_a_reduction_convolves_with_the_kernel_widened(kernel, factor):
    received = parse(f"vips:{factor}:{kernel}")(line_of(200))[10, :, 0]
    assert received == pytest.approx(100 + 100 * response(RESPONSES[kernel], round(64 * factor), 1 / factor), abs=1.5)


def test_the_magic_kernel_of_2021_is_sharper_than_that_of_2013_is_wide():
    """Both keep the sum; the later one has more lobes, of both signs."""
    older, later = (
        parse(f"vips:0.5:{kernel}")(line_of(200))[10, :, 0].astype(int) - 100 for kernel in vips.KERNELS[6:]
    )
    assert abs(older.sum() - 50) <= 3 and abs(later.sum() - 50) <= 3
    assert np.count_nonzero(later) > np.count_nonzero(older)


def test_nearest_takes_single_pixels():
    assert set(np.unique(parse("vips:0.75:nearest")(line_of(200)))) == {100, 200}


@pytest.mark.parametrize("factor", [0.5, 0.75])
def test_where_libvips_and_pillow_agree_on_the_scale_they_agree_on_the_pixels(factor):
    ours, theirs = parse(f"vips:{factor}:lanczos3")(COFFEE), parse(f"resize:{factor}:lanczos")(COFFEE)
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.mean() < 0.5 and np.quantile(difference, 0.99) <= 2


@pytest.mark.parametrize(("factor", "size"), [(0.675, (345, 518)), (0.8, (409, 614)), (0.05, (25, 38))])
def test_the_width_is_rounded_and_the_height_follows_the_new_width(factor, size):
    assert parse(f"vips:{factor}")(np.zeros((512, 768, 3), np.uint8)).shape == (*size, 3)
    assert attacks.resize(np.zeros((512, 768, 3), np.uint8), 0.675).shape[:2] == (346, 518)  # as Pillow's rounds


def test_a_reduction_lays_centres_on_centres_and_an_enlargement_half_a_pixel_of_the_result_off():
    smaller = parse("vips:0.75:linear")(ramp())[20, 10:-10, 0] / 2
    assert smaller == pytest.approx((np.arange(10, 65) + 0.5) / 0.75 - 0.5, abs=0.5)
    larger = parse("vips:1.5:linear")(ramp())[20, 15:-15, 0] / 2
    assert larger == pytest.approx(np.arange(15, 135) / 1.5 - 0.5, abs=0.3)  # centres would be a third of a pixel on


def test_a_cap_shrinks_the_longer_side_and_leaves_small_pictures_alone():
    tall = COFFEE.swapaxes(0, 1)
    assert parse("vipscap:256")(COFFEE).shape == (192, 256, 3)
    assert parse("vipscap:256")(np.ascontiguousarray(tall)).shape == (256, 192, 3)
    assert np.array_equal(parse("vipscap:512")(COFFEE), COFFEE)
    assert np.array_equal(parse("vipscap:256")(COFFEE), parse("vips:0.5")(COFFEE))


def test_a_thin_picture_keeps_a_row():
    assert parse("vips:0.1")(np.zeros((3, 300, 3), np.uint8)).shape == (1, 30, 3)


def test_the_table_of_mozjpeg_is_coarse_where_libjpegs_is_fine():
    _, mozjpeg = luma_and_table(vips.mozjpeg_file(COFFEE, 75)[0])
    _, libjpeg = luma_and_table(attacks.jpeg_bytes(COFFEE, 75))
    low = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0)]
    assert {mozjpeg[place] for place in low} <= {8, 9, 10}
    assert {libjpeg[place] for place in low} <= {5, 6, 7, 8}
    assert mozjpeg[7, 7] > 4 * mozjpeg[0, 0]


def test_trellis_quantisation_sets_to_zero_what_libjpeg_keeps_with_the_same_table():
    contents, suffix = vips.mozjpeg_file(COFFEE, 75)
    trellis, table = luma_and_table(contents)
    file = io.BytesIO()
    Image.fromarray(COFFEE).save(file, "JPEG", qtables=jpeg(contents).quantization, subsampling="4:2:0")
    plain, same = luma_and_table(file.getvalue())
    assert suffix == ".jpg" and np.array_equal(table, same)
    kept, wanted = steps_of(trellis, table), steps_of(plain, table)
    assert np.mean((kept == 0) & (wanted != 0)) > 0.02 > 100 * np.mean((kept != 0) & (wanted == 0))
    assert np.mean(np.abs(wanted[(kept == 0) & (wanted != 0)]) == 1) > 0.95  # ones, in front of all


@pytest.mark.parametrize(("spec", "sampling"), [("mozjpeg:80", 2), ("mozjpeg:80:444", 1)])
def test_mozjpegs_files_are_progressive_and_keep_or_halve_the_chroma(spec, sampling):
    picture = jpeg(parse(spec).encode(COFFEE)[0])
    assert picture.info["progressive"] == 1
    assert picture.layer[0][1:3] == (sampling, sampling)
    assert not {"exif", "icc_profile"} & picture.info.keys()


def test_libvips_and_pillow_make_the_same_webp():
    """Both call libwebp with its defaults: what differs is its version."""
    ours, theirs = parse("vipswebp:80")(COFFEE), parse("webp:80")(COFFEE)
    assert np.abs(ours.astype(int) - theirs).mean() < 0.5
    assert parse("vipswebp:80").encode(COFFEE)[1] == ".webp"
