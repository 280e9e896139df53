"""Every mode that a file or a Pillow image can have, and the 8-bit samples that it means."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from stegolab.errors import BadImage
from stegolab.images import read_image

SIDE = 32
# four fields of one colour each, so that subsampling and palettes cannot blur what is asked for
COLOURS = np.array([[[200, 60, 60], [60, 200, 60]], [[60, 60, 200], [128, 128, 128]]], np.uint8)
RGB = COLOURS.repeat(16, 0).repeat(16, 1)
GREY = RGB[..., 0]
ALPHA = np.where(np.arange(SIDE) < 16, 0, 255).astype(np.uint8) * np.ones((SIDE, 1), np.uint8)
IMAGE = Image.fromarray(RGB)
LAB = ImageCms.profileToProfile(IMAGE, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB")
BLACK_OR_WHITE = np.where(GREY > 100, 255, 0).astype(np.uint8)


def with_alpha(image):
    image = image.copy()
    image.putalpha(Image.fromarray(ALPHA))
    return image


# mode -> image, samples, tolerance, alpha, grey
MODES = {
    "1": (Image.fromarray(BLACK_OR_WHITE > 0), BLACK_OR_WHITE, 0, None, True),
    "L": (Image.fromarray(GREY), GREY, 0, None, True),
    "LA": (with_alpha(Image.fromarray(GREY)), GREY, 0, ALPHA, True),
    "La": (with_alpha(Image.fromarray(GREY)).convert("La"), np.where(ALPHA, GREY, 0), 0, ALPHA, True),
    "P": (IMAGE.quantize(4), RGB, 0, None, False),
    "PA": (with_alpha(IMAGE.quantize(4).convert("PA")), RGB, 0, ALPHA, False),
    "RGB": (IMAGE, RGB, 0, None, False),
    "RGBA": (with_alpha(IMAGE), RGB, 0, ALPHA, False),
    "RGBa": (with_alpha(IMAGE).convert("RGBa"), np.where(ALPHA[..., None], RGB, 0), 0, ALPHA, False),
    "RGBX": (IMAGE.convert("RGBX"), RGB, 0, None, False),
    "CMYK": (IMAGE.convert("CMYK"), RGB, 0, None, False),
    "YCbCr": (IMAGE.convert("YCbCr"), RGB, 2, None, False),
    "LAB": (LAB, RGB, 8, None, False),
    "HSV": (IMAGE.convert("HSV"), RGB, 4, None, False),
    "I": (Image.fromarray(GREY.astype(np.int32) * 257), GREY, 0, None, True),
    "F": (Image.fromarray(GREY.astype(np.float32) / 255), GREY, 0, None, True),
    "I;16": (Image.fromarray(GREY.astype(np.uint16) * 257), GREY, 0, None, True),
    "I;16B": (Image.fromarray((GREY.astype(">u2") * 257).astype(">u2")), GREY, 0, None, True),
}


def means(picture, samples, tolerance, alpha, grey):
    expected = samples if samples.ndim == 3 else np.repeat(samples[..., None], 3, axis=2)
    assert np.abs(picture.rgb.astype(int) - expected).max() <= tolerance
    assert (picture.alpha is None) == (alpha is None)
    assert alpha is None or np.array_equal(picture.alpha, alpha)
    assert picture.grey is grey


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_pillow_has_its_samples(mode):
    image, *expected = MODES[mode]
    assert image.mode == mode
    means(read_image(image), *expected)


def png(depth, kind, rows, *chunks):
    """A PNG of bit ``depth`` and colour type ``kind`` whose rows of bytes are given."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    width = len(rows[0]) * 8 // (depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind])
    header = struct.pack(">IIBBBBB", width, len(rows), depth, kind, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def wide(samples):
    """Rows of 16-bit big-endian samples whose upper byte is the 8-bit sample."""
    return [row.astype(">u2").tobytes() for row in samples.reshape(len(samples), -1).astype(np.uint16) * 257]


PALETTE = (b"PLTE", COLOURS.reshape(-1, 3).tobytes())
INDEX = (np.arange(4).reshape(2, 2).repeat(16, 0).repeat(16, 1)).astype(np.uint8)
SEE_THROUGH = np.where(INDEX == 2, 0, 255)
TWO_BITS = [sum(row[k::4] << (6 - 2 * k) for k in range(4)).astype(np.uint8) for row in INDEX]
RED, GREY_LEVEL = (struct.pack(">HHH", 200, 60, 60), struct.pack(">H", 200))
FILES = {
    "16-bit grey": (png(16, 0, wide(GREY)), GREY, None, True),
    "16-bit grey, one level transparent": (
        *(png(16, 0, wide(GREY), (b"tRNS", struct.pack(">H", 200 * 257))), GREY, np.where(GREY == 200, 0, 255), True),
    ),
    "16-bit grey and alpha": (png(16, 4, wide(np.dstack([GREY, ALPHA]))), GREY, ALPHA, False),
    "16-bit RGB": (png(16, 2, wide(RGB)), RGB, None, False),
    "16-bit RGB and alpha": (png(16, 6, wide(np.dstack([RGB, ALPHA]))), RGB, ALPHA, False),
    "2-bit palette": (png(2, 3, TWO_BITS, PALETTE), RGB, None, False),
    "2-bit palette, one entry transparent": (
        *(png(2, 3, TWO_BITS, PALETTE, (b"tRNS", b"\xff\xff\0")), RGB, SEE_THROUGH, False),
    ),
    "8-bit RGB, one colour transparent": (
        *(png(8, 2, list(RGB.reshape(SIDE, -1)), (b"tRNS", RED)), RGB),
        *(np.where((RGB == (200, 60, 60)).all(axis=2), 0, 255), False),
    ),
    "8-bit grey, one level transparent": (
        *(png(8, 0, list(GREY), (b"tRNS", GREY_LEVEL)), GREY, np.where(GREY == 200, 0, 255), True),
    ),
    "1-bit": (png(1, 0, list(np.packbits(BLACK_OR_WHITE > 0, axis=1))), BLACK_OR_WHITE, None, True),
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_png_has_its_samples(name):
    contents, samples, alpha, grey = FILES[name]
    means(read_image(contents), samples, 0, alpha, grey)


def ycck(cmyk):
    """A JPEG whose inks are stored as YCCK: Y, Cb and Cr of the inverted inks, and the mark that says so."""
    luma_chroma = np.asarray(Image.fromarray(255 - cmyk[..., :3]).convert("YCbCr"))
    given = np.dstack([luma_chroma, cmyk[..., 3]])
    file = io.BytesIO()
    Image.fromarray(given, "CMYK").save(file, "JPEG", quality=100, subsampling=0)
    contents = bytearray(file.getvalue())
    at = contents.index(b"Adobe")
    contents[at + 11] = 2  # the colour transform
    return bytes(contents)


def test_a_jpeg_of_inks_stored_as_ycck():
    ink = np.asarray(IMAGE.convert("CMYK"))
    means(read_image(ycck(ink)), RGB, 3, None, False)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_part_of_a_file_is_refused(kind, kept):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    file = io.BytesIO()
    noise.save(file, kind)
    whole = file.getvalue()
    with pytest.raises(BadImage, match=r"damaged or truncated|not an image"):
        read_image(whole[: int(kept * len(whole))])
