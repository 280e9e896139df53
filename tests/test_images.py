"""Reading as a user would expect, writing without loss, refusing with one clear line."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms
from skimage import data

from stegolab.errors import BadImage, CannotWrite
from stegolab.images import (
    MAX_PIXELS,
    Picture,
    from_pillow,
    read_image,
    to_pillow,
    write_image,
)

COFFEE = data.coffee()
CAMERA = data.camera()
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)  # every 8-bit value once


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b))


def equal(a, b):
    return same(a.rgb, b.rgb) and same(a.alpha, b.alpha) and (a.grey, a.icc) == (b.grey, b.icc)


# --- reading -----------------------------------------------------------------------------------------------------


def test_rgb_is_read_sample_for_sample(tmp_path):
    Image.fromarray(COFFEE).save(tmp_path / "cover.png")
    picture = read_image(tmp_path / "cover.png")
    assert same(picture.rgb, COFFEE)
    assert picture.rgb.dtype == np.uint8
    assert (picture.height, picture.width) == COFFEE.shape[:2]
    assert picture.alpha is None
    assert not picture.grey


def test_grey_comes_back_as_one_channel(tmp_path):
    Image.fromarray(CAMERA).save(tmp_path / "cover.png")
    picture = read_image(tmp_path / "cover.png")
    assert picture.grey
    assert all(same(picture.rgb[..., channel], CAMERA) for channel in range(3))
    write_image(tmp_path / "stego.png", picture)
    with Image.open(tmp_path / "stego.png") as written:
        assert written.mode == "L"
        assert same(written, CAMERA)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_kept_and_colours_under_it_too(mode, tmp_path):
    image = Image.fromarray(COFFEE[:64, :64]).convert(mode)
    image.putalpha(Image.fromarray(np.kron(RAMP, np.ones((4, 4), np.uint8))))
    image.save(tmp_path / "cover.png")
    picture = read_image(tmp_path / "cover.png")
    assert picture.grey == (mode == "LA")
    assert same(picture.alpha, image.getchannel("A"))
    assert same(to_pillow(picture), image)


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_a_palette_with_a_transparent_entry_becomes_colours_and_alpha(suffix, tmp_path):
    indexed = Image.fromarray(np.tile(np.arange(4, dtype=np.uint8), (16, 4)), "P")
    indexed.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    indexed.save(tmp_path / f"cover{suffix}", transparency=2)
    picture = read_image(tmp_path / f"cover{suffix}")
    assert picture.rgb[0, :2].tolist() == [[255, 0, 0], [0, 255, 0]]
    assert picture.alpha is not None
    assert picture.alpha[0, :4].tolist() == [255, 255, 0, 255]


def test_a_transparent_colour_without_an_alpha_channel_becomes_alpha(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "cover.png", transparency=7)
    picture = read_image(tmp_path / "cover.png")
    assert picture.grey
    assert same(picture.alpha, np.where(RAMP == 7, 0, 255))


def test_16_bit_grey_is_rounded_to_8(tmp_path):
    deep = np.linspace(0, 65535, 1024).astype(np.uint16).reshape(32, 32)
    Image.fromarray(deep).save(tmp_path / "cover.png")
    picture = read_image(tmp_path / "cover.png")
    assert picture.grey
    assert np.abs(picture.rgb[..., 0] * 257.0 - deep).max() <= 128.5
    assert picture.rgb.min() == 0
    assert picture.rgb.max() == 255


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        (RAMP.astype(np.int32), "32-bit integers that fit 8 bits"),
        (RAMP.astype(np.int32) * 257, "32-bit integers that fill 16 bits"),
        (RAMP.astype(np.float32), "floats of 0 to 255"),
        (RAMP.astype(np.float32) / 255, "floats of 0 to 1"),
        (RAMP.astype(np.uint16) * 257, "16-bit integers"),
    ],
)
def test_wide_samples_are_scaled_to_8_bits(samples, why, tmp_path):
    Image.fromarray(samples).save(tmp_path / "cover.tif")
    picture = read_image(tmp_path / "cover.tif")
    assert picture.grey
    assert same(picture.rgb[..., 0], RAMP), why


def test_one_bit_is_black_and_white():
    checks = np.indices((16, 16)).sum(axis=0) % 2
    picture = from_pillow(Image.fromarray(checks.astype(bool)))
    assert picture.grey
    assert same(picture.rgb[..., 0], checks * 255)


def test_cmyk_without_a_profile_is_what_pillow_shows(tmp_path):
    ink = Image.fromarray(COFFEE).convert("CMYK")
    ink.save(tmp_path / "cover.tif")
    assert same(read_image(tmp_path / "cover.tif").rgb, ink.convert("RGB"))


def test_cmyk_with_a_profile_of_no_use_is_still_read(tmp_path):
    ink = Image.fromarray(COFFEE).convert("CMYK")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # describes RGB, not ink
    ink.save(tmp_path / "cover.tif", icc_profile=srgb)
    assert same(read_image(tmp_path / "cover.tif").rgb, ink.convert("RGB"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_not_written_back(orientation, tmp_path):
    stored = RAMP.reshape(16, 16)[:, :, None].repeat(3, axis=2)
    stored = np.concatenate([stored, stored[:4]])  # 20 rows, 16 columns
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.swapaxes(0, 1),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(stored),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "cover.png", exif=exif)
    picture = read_image(tmp_path / "cover.png")
    assert same(picture.rgb, upright)
    write_image(tmp_path / "stego.png", picture)
    assert same(read_image(tmp_path / "stego.png").rgb, upright)


def test_rotated_16_bit_grey_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "cover.png", exif=exif)
    assert same(read_image(tmp_path / "cover.png").rgb[..., 0], np.rot90(RAMP, -1))


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".tif", ".png"])
def test_of_several_frames_the_first_is_read(suffix, tmp_path):
    red, blue = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    red.save(tmp_path / f"cover{suffix}", save_all=True, append_images=[blue])
    assert abs(read_image(tmp_path / f"cover{suffix}").rgb.mean(axis=(0, 1)) - [255, 0, 0]).max() < 3


def test_a_colour_profile_is_kept_where_it_fits_and_dropped_where_it_does_not(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(COFFEE).save(tmp_path / "colour.png", icc_profile=profile)
    Image.fromarray(CAMERA).save(tmp_path / "grey.png", icc_profile=profile)
    assert read_image(tmp_path / "colour.png").icc == profile
    assert read_image(tmp_path / "grey.png").icc is None
    write_image(tmp_path / "stego.png", read_image(tmp_path / "colour.png"))
    assert read_image(tmp_path / "stego.png").icc == profile


# --- bad pictures ------------------------------------------------------------------------------------------------


def refusal(path):
    with pytest.raises(BadImage) as refused:
        read_image(path)
    message = str(refused.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def png_header(width, height):
    """A PNG whose header declares a size and whose body is almost empty."""
    import struct
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(100))), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_missing_file_is_named(tmp_path):
    assert "no such file" in refusal(tmp_path / "cover.png")


def test_a_folder_is_no_picture(tmp_path):
    refusal(tmp_path)


def test_a_text_file_named_png_is_not_an_image(tmp_path):
    (tmp_path / "cover.png").write_text("not a picture at all\n")
    assert "not an image" in refusal(tmp_path / "cover.png")


def test_an_empty_file_is_not_an_image(tmp_path):
    (tmp_path / "cover.png").touch()
    assert "not an image" in refusal(tmp_path / "cover.png")


def test_postscript_is_refused_rather_than_run(tmp_path):
    Image.fromarray(COFFEE).save(tmp_path / "cover.eps")
    assert "not an image" in refusal(tmp_path / "cover.eps")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".gif", ".bmp"])
def test_a_truncated_picture_is_refused(suffix, tmp_path):
    Image.fromarray(COFFEE).save(tmp_path / f"cover{suffix}")
    whole = (tmp_path / f"cover{suffix}").read_bytes()
    (tmp_path / f"cover{suffix}").write_bytes(whole[: len(whole) // 2])
    assert "damaged or truncated" in refusal(tmp_path / f"cover{suffix}")


@pytest.mark.parametrize("size", [(20_000, 20_000), (10_001, 10_000), (1_000_000, 1_000_000)])
def test_a_decompression_bomb_is_refused_from_its_header(size, tmp_path, monkeypatch):
    (tmp_path / "cover.png").write_bytes(png_header(*size))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda image: pytest.fail("decoded a bomb"))
    assert "100 megapixels" in refusal(tmp_path / "cover.png")


def test_up_to_100_megapixels_no_bomb_is_suspected(tmp_path):
    (tmp_path / "cover.png").write_bytes(png_header(10_000, MAX_PIXELS // 10_000))
    with pytest.warns(Image.DecompressionBombWarning), Image.open(tmp_path / "cover.png"):
        pass  # Pillow by itself would warn
    assert "damaged or truncated" in refusal(tmp_path / "cover.png")


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_a_tiny_picture_is_refused(size, tmp_path):
    Image.new("RGB", size).save(tmp_path / "cover.png")
    assert "too small" in refusal(tmp_path / "cover.png")


def test_samples_that_are_not_numbers_are_refused(tmp_path):
    Image.fromarray(np.full((16, 16), np.nan, np.float32)).save(tmp_path / "cover.tif")
    assert "not numbers" in refusal(tmp_path / "cover.tif")


@given(damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8), keep=st.floats(0, 1))
def test_damaged_bytes_give_a_picture_or_a_refusal_and_nothing_else(damage, keep, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    Image.fromarray(COFFEE[:32, :32]).save(path)
    contents = bytearray(path.read_bytes())
    for where, value in damage:
        contents[int(where * (len(contents) - 1))] = value
    path.write_bytes(contents[: int(keep * len(contents))])
    try:
        assert read_image(path).rgb.dtype == np.uint8
    except BadImage as refused:
        assert "\n" not in str(refused)


# --- writing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".webp", ".tif", ".tiff", ".bmp"])
def test_what_is_written_is_read_back_exactly(suffix, tmp_path):
    picture = Picture(COFFEE)
    write_image(tmp_path / f"stego{suffix}", picture)
    assert equal(read_image(tmp_path / f"stego{suffix}"), picture)


small = st.tuples(st.integers(16, 24), st.integers(16, 24))


@given(
    size=small, grey=st.booleans(), alpha=st.booleans(), suffix=st.sampled_from([".png", ".tif", ".webp"]), at=st.data()
)
def test_every_picture_survives_writing_and_reading(size, grey, alpha, suffix, at, tmp_path_factory):
    rgb = np.broadcast_to(at.draw(arrays(np.uint8, (*size, 1 if grey else 3))), (*size, 3)).copy()
    transparency = at.draw(arrays(np.uint8, size, elements=st.integers(0, 254))) if alpha else None
    path = tmp_path_factory.getbasetemp() / f"picture{suffix}"
    write_image(path, Picture(rgb, transparency, grey))
    kept_grey = grey and suffix != ".webp"  # which knows no grey, and forgets an alpha of 255 throughout
    assert equal(read_image(path), Picture(rgb, transparency, kept_grey))


@pytest.mark.parametrize("name", ["stego.jpg", "stego.jpeg", "stego.gif", "stego", "stego.xyz"])
def test_lossy_and_unknown_formats_are_refused_with_a_better_one(name, tmp_path):
    with pytest.raises(BadImage, match=r"use \.png"):
        write_image(tmp_path / name, Picture(COFFEE))
    assert not list(tmp_path.iterdir())


def test_bmp_cannot_hold_alpha(tmp_path):
    with pytest.raises(BadImage, match="transparency"):
        write_image(tmp_path / "stego.bmp", Picture(COFFEE, alpha=COFFEE[..., 0]))


def test_webp_cannot_hold_a_very_long_side(tmp_path):
    with pytest.raises(BadImage, match="16383"):
        write_image(tmp_path / "stego.webp", Picture(np.zeros((16, 16384, 3), np.uint8)))
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_told_and_leaves_nothing(tmp_path):
    with pytest.raises(CannotWrite):
        write_image(tmp_path / "no such folder" / "stego.png", Picture(COFFEE))


def test_importing_stays_light():
    """The command line imports these: neither torch nor scikit-image may come along."""
    code = (
        "import sys, stegolab.images, stegolab.channel.spec;"
        "assert not {'torch', 'skimage', 'scipy', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
