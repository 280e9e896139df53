"""Each attack does what Pillow does, gets worse as its parameter says, and refuses what is out of range."""

import io
import math

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stegolab.channel import attacks
from stegolab.errors import BadImage, BadSpec
from stegolab.images import luma, psnr

ASTRONAUT = data.astronaut()
COFFEE = data.coffee()[:301, :400]  # an odd side


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b))


def chroma(rgb):
    return np.asarray(Image.fromarray(rgb).convert("YCbCr"), np.float64)[..., 1:]


def through_pillow(rgb, file_format, **options):
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, file_format, **options)
    return file.getvalue()


@pytest.mark.parametrize(("subsampling", "pillow"), [("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_is_pillows_byte_for_byte(subsampling, pillow, progressive):
    reference = through_pillow(COFFEE, "JPEG", quality=75, subsampling=pillow, progressive=progressive)
    assert attacks.jpeg_bytes(COFFEE, 75, subsampling, progressive) == reference
    decoded = np.asarray(Image.open(io.BytesIO(reference)))
    assert same(attacks.jpeg(COFFEE, 75, subsampling, progressive), decoded)


def test_webp_is_pillows_byte_for_byte():
    reference = through_pillow(COFFEE, "WEBP", quality=80)
    assert attacks.webp_bytes(COFFEE, 80) == reference
    assert same(attacks.webp(COFFEE, 80), Image.open(io.BytesIO(reference)).convert("RGB"))


def test_jpeg_defaults_to_420_baseline():
    assert attacks.jpeg_bytes(COFFEE, 50) == attacks.jpeg_bytes(COFFEE, 50, "4:2:0", False)
    assert attacks.jpeg_bytes(COFFEE, 50) != attacks.jpeg_bytes(COFFEE, 50, "4:4:4")


def test_progressive_stores_the_same_picture_in_another_order():
    assert attacks.jpeg_bytes(COFFEE, 50, progressive=True) != attacks.jpeg_bytes(COFFEE, 50)
    assert same(attacks.jpeg(COFFEE, 50, progressive=True), attacks.jpeg(COFFEE, 50))


@pytest.mark.parametrize("codec", [attacks.jpeg, attacks.webp])
def test_quality_is_monotone_in_psnr(codec):
    grades = [psnr(ASTRONAUT, codec(ASTRONAUT, quality)) for quality in (10, 30, 50, 75, 90, 98)]
    assert grades == sorted(grades)
    assert grades[-1] > grades[0] + 5


def test_less_subsampling_keeps_more_chroma():
    errors = [
        np.square(chroma(attacks.jpeg(ASTRONAUT, 90, s)) - chroma(ASTRONAUT)).mean() for s in attacks.SUBSAMPLINGS
    ]
    assert errors == sorted(errors)
    assert errors[0] < errors[-1]


@pytest.mark.parametrize("kernel", attacks.KERNELS)
@pytest.mark.parametrize("factor", [0.5, 0.75, 1.5])
def test_resize_is_pillows_at_the_rounded_size(kernel, factor):
    height, width = (math.floor(side * factor + 0.5) for side in COFFEE.shape[:2])
    reference = Image.fromarray(COFFEE).resize((width, height), attacks.KERNELS[kernel])
    assert same(attacks.resize(COFFEE, factor, kernel), reference)


def test_the_six_classical_kernels_are_there_and_differ():
    assert {"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"} <= set(attacks.KERNELS)
    assert len({attacks.resize(COFFEE, 0.6, kernel).tobytes() for kernel in attacks.KERNELS}) == len(attacks.KERNELS)


def test_half_pixels_round_up():
    assert attacks.resize(COFFEE, 0.5).shape == (151, 200, 3)  # 150.5 rows


@pytest.mark.parametrize(("side", "shape"), [(200, (151, 200, 3)), (400, (301, 400, 3)), (5000, (301, 400, 3))])
def test_cap_bounds_the_longer_side_and_only_shrinks(side, shape):
    assert attacks.cap(COFFEE, side).shape == shape
    assert attacks.cap(COFFEE.swapaxes(0, 1), side).shape == (shape[1], shape[0], 3)


def test_cap_is_exact_for_every_side():
    thin = np.zeros((20, 1999, 3), np.uint8)
    assert all(attacks.cap(thin, side).shape[1] == side for side in range(16, 1999, 7))


@pytest.mark.parametrize("fraction", [0, 0.1, 0.25, 0.5, 0.9])
def test_crop_removes_that_share_of_the_area(fraction):
    cropped = attacks.crop(ASTRONAUT, fraction)
    assert cropped.size / ASTRONAUT.size == pytest.approx(1 - fraction, abs=0.005)
    assert cropped.shape[0] == cropped.shape[1]


def test_crop_keeps_the_pixels_it_keeps_where_it_is_told():
    rows, columns = attacks.crop(COFFEE, 0.5).shape[:2]
    top, left = (301 - rows) // 2, (400 - columns) // 2
    assert same(attacks.crop(COFFEE, 0.5), COFFEE[top : top + rows, left : left + columns])
    assert same(attacks.crop(COFFEE, 0.5, 0, 0), COFFEE[:rows, :columns])
    assert same(attacks.crop(COFFEE, 0.5, 1, 0), COFFEE[-rows:, :columns])
    assert same(attacks.crop(COFFEE, 0.5, 0, 1), COFFEE[:rows, -columns:])


def test_blur_spreads_a_point_into_a_gaussian():
    point = np.zeros((33, 33, 3), np.uint8)
    point[16, 16] = 255
    y, x = np.indices((33, 33)) - 16
    expected = 255 * np.exp(-(x**2 + y**2) / (2 * 1.0**2)) / (2 * np.pi * 1.0**2)
    assert np.abs(attacks.blur(point, 1.0) - expected[..., None]).max() <= 1


def test_blur_mixes_no_colours():
    red = np.zeros((32, 32, 3), np.uint8)
    red[::2, :, 0] = 255
    assert not attacks.blur(red, 2)[..., 1:].any()


def test_median_removes_a_speck_and_keeps_an_edge():
    edge = np.zeros((32, 32, 3), np.uint8)
    edge[:, 16:] = 200
    speck = edge.copy()
    speck[8, 8] = 255
    assert same(attacks.median(speck, 3), edge)


@pytest.mark.parametrize("attack", [attacks.brightness, attacks.contrast])
def test_brightness_and_contrast_scale_what_they_say(attack):
    mid = np.clip(ASTRONAUT, 60, 180)  # no clipping below
    dimmed = luma(attack(mid, 0.5))
    if attack is attacks.brightness:
        assert dimmed.mean() == pytest.approx(luma(mid).mean() / 2, abs=1)
    else:
        assert dimmed.mean() == pytest.approx(luma(mid).mean(), abs=1)
        assert dimmed.std() == pytest.approx(luma(mid).std() / 2, rel=0.02)


def test_gamma_fixes_black_and_white_and_bends_between():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    darker = attacks.gamma(levels, 2.2).ravel()[::3].astype(int)
    assert darker[0] == 0
    assert darker[255] == 255
    assert darker[128] == round(255 * (128 / 255) ** 2.2)
    assert np.all(np.diff(darker) >= 0)


def test_noise_is_white_of_that_strength_and_repeats_with_its_seed():
    flat = np.full((256, 256, 3), 128, np.uint8)
    first = attacks.noise(flat, 10, seed=3)
    assert same(first, attacks.noise(flat, 10, seed=3))
    assert not same(first, attacks.noise(flat, 10, seed=4))
    assert np.std(first) == pytest.approx(10, rel=0.02)
    assert np.mean(first) == pytest.approx(128, abs=0.1)
    assert abs(np.corrcoef(first[..., 0].ravel(), first[..., 1].ravel())[0, 1]) < 0.02


def test_noise_is_clipped_not_wrapped():
    assert attacks.noise(np.full((64, 64, 3), 255, np.uint8), 5).min() > 200


def test_sharpen_undoes_some_blur():
    soft = attacks.blur(ASTRONAUT, 1)
    assert np.abs(np.diff(luma(attacks.sharpen(soft, 2)))).mean() > np.abs(np.diff(luma(soft))).mean()


def test_grey_keeps_the_luma_and_nothing_else():
    drained = attacks.grey(ASTRONAUT)
    assert np.ptp(drained, axis=2).max() == 0
    assert np.abs(luma(drained) - luma(ASTRONAUT)).max() <= 0.51


def test_avif_and_jpeg_2000_are_pillows_byte_for_byte():
    assert attacks.avif_bytes(COFFEE, 60) == through_pillow(COFFEE, "AVIF", quality=60, max_threads=1)
    options = {"quality_mode": "rates", "quality_layers": [20], "irreversible": True}
    assert attacks.jpeg2000_bytes(COFFEE, 20) == through_pillow(COFFEE, "JPEG2000", **options)


def test_avif_quality_is_monotone_in_psnr():
    grades = [psnr(COFFEE, attacks.avif(COFFEE, quality)) for quality in (10, 50, 90)]
    assert grades == sorted(grades)
    assert grades[-1] > grades[0] + 5


@pytest.mark.parametrize("ratio", [8, 20, 60])
def test_jpeg_2000_meets_the_size_that_it_is_told(ratio):
    assert len(attacks.jpeg2000_bytes(ASTRONAUT, ratio)) * ratio == pytest.approx(ASTRONAUT.size, rel=0.05)


@pytest.mark.parametrize("colours", [2, 16, 256])
def test_a_palette_has_no_more_colours_than_it_is_told(colours):
    got = np.unique(attacks.palette(ASTRONAUT, colours).reshape(-1, 3), axis=0)
    assert colours / 2 <= len(got) <= colours


def test_more_colours_are_nearer_to_the_picture():
    grades = [psnr(ASTRONAUT, attacks.palette(ASTRONAUT, colours)) for colours in (4, 16, 64, 256)]
    assert grades == sorted(grades)


def test_hue_keeps_greys_and_turns_back():
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    assert same(attacks.hue(greys, 77), greys)
    muted = (96 + ASTRONAUT // 4).astype(np.uint8)  # nothing clips
    assert not same(attacks.hue(muted, 120), muted)
    assert psnr(attacks.hue(attacks.hue(muted, 50), -50), muted) > 45


def test_hue_at_half_a_circle_turns_red_into_cyan():
    red = np.full((16, 16, 3), (150, 60, 60), np.uint8)
    r, g, b = attacks.hue(red, 180)[0, 0].astype(int)
    assert g == b > r


def test_shift_moves_every_pixel_and_repeats_the_edge():
    moved = attacks.shift(COFFEE, 3, -7)
    assert same(moved[3:, :-7], COFFEE[:-3, 7:])
    assert same(moved[0], moved[3])
    assert same(moved[:, -1], moved[:, -8])
    assert same(attacks.shift(moved, -3, 7)[:-3, 7:], COFFEE[:-3, 7:])


def test_flips_and_turns_undo_each_other():
    turned = attacks.rotate(COFFEE, 1)
    assert same(turned[0], COFFEE[:, -1])  # what was at the right is at the top
    assert same(attacks.rotate(turned, 3), COFFEE)
    assert same(attacks.flip(COFFEE)[:, 0], COFFEE[:, -1])
    assert same(attacks.flip(attacks.flip(COFFEE)), COFFEE)
    assert same(attacks.rotate(COFFEE, 2), attacks.flip(COFFEE)[::-1])


IDENTITIES = [
    (attacks.rotate, (0,)),
    (attacks.shift, (0, 0)),
    (attacks.hue, (0,)),
    (attacks.resize, (1,)),
    (attacks.cap, (65535,)),
    (attacks.crop, (0,)),
    (attacks.blur, (0,)),
    (attacks.sharpen, (1,)),
    (attacks.brightness, (1,)),
    (attacks.contrast, (1,)),
    (attacks.gamma, (1,)),
    (attacks.noise, (0,)),
]


@pytest.mark.parametrize(("attack", "arguments"), IDENTITIES)
def test_the_neutral_parameter_changes_nothing(attack, arguments):
    assert same(attack(COFFEE, *arguments), COFFEE)


ALL = [*IDENTITIES, (attacks.jpeg, (50,)), (attacks.webp, (50,)), (attacks.median, (3,)), (attacks.grey, ())]
ALL += [(attacks.avif, (50,)), (attacks.jpeg2000, (20,)), (attacks.palette, (16,))]


@pytest.mark.parametrize(("attack", "arguments"), ALL)
def test_an_attack_leaves_its_input_alone(attack, arguments):
    before = COFFEE.copy()
    attacked = attack(before, *arguments)
    assert attacked.dtype == np.uint8
    assert attacked.shape[2] == 3
    attacked[:] = 0
    assert same(before, COFFEE)


@pytest.mark.parametrize(
    ("attack", "arguments", "named"),
    [
        (attacks.jpeg, (0,), "quality"),
        (attacks.jpeg, (101,), "quality"),
        (attacks.jpeg, (50, "4:1:1"), "subsampling"),
        (attacks.webp, (0,), "quality"),
        (attacks.webp, (101,), "quality"),
        (attacks.resize, (0.04,), "factor"),
        (attacks.resize, (4.1,), "factor"),
        (attacks.resize, (math.nan,), "factor"),
        (attacks.resize, (0.5, "cubic"), "kernel"),
        (attacks.cap, (15,), "side"),
        (attacks.cap, (65536,), "side"),
        (attacks.crop, (-0.1,), "fraction"),
        (attacks.crop, (0.91,), "fraction"),
        (attacks.crop, (0.5, 1.1), "y"),
        (attacks.crop, (0.5, 0.5, -0.1), "x"),
        (attacks.blur, (-1,), "sigma"),
        (attacks.blur, (10.1,), "sigma"),
        (attacks.median, (1,), "size"),
        (attacks.median, (4,), "size"),
        (attacks.median, (11,), "size"),
        (attacks.sharpen, (0.9,), "factor"),
        (attacks.brightness, (0,), "factor"),
        (attacks.brightness, (5,), "factor"),
        (attacks.contrast, (0,), "factor"),
        (attacks.contrast, (5,), "factor"),
        (attacks.gamma, (0,), "exponent"),
        (attacks.gamma, (6,), "exponent"),
        (attacks.noise, (-1,), "sigma"),
        (attacks.noise, (101,), "sigma"),
        (attacks.noise, (1, -1), "seed"),
        (attacks.noise, (1, 2**32), "seed"),
        (attacks.avif, (0,), "quality"),
        (attacks.jpeg2000, (0.5,), "ratio"),
        (attacks.palette, (1,), "colours"),
        (attacks.palette, (257,), "colours"),
        (attacks.hue, (181,), "degrees"),
        (attacks.rotate, (4,), "quarters"),
        (attacks.shift, (65,), "rows"),
        (attacks.shift, (0, -65), "columns"),
    ],
)
def test_out_of_range_is_refused_by_name(attack, arguments, named):
    with pytest.raises(BadSpec, match=f"^{named} must be"):
        attack(COFFEE, *arguments)


@pytest.mark.parametrize("codec", [attacks.jpeg, attacks.webp])
def test_a_side_too_long_for_the_format_is_told(codec):
    with pytest.raises(BadImage, match="70000 x 16"):
        codec(np.zeros((16, 70_000, 3), np.uint8), 50)
