"""Pictures from whatever people have: files of many kinds, pipes, streams, bytes, arrays and Pillow images."""

import io
import os
import struct
import sys
import threading
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, features
from skimage import data

from stegolab import picture_files
from stegolab.errors import BadImage, CannotWrite
from stegolab.images import Picture, PictureWarning, read_image, write_image
from tests import profiles

COFFEE = data.coffee()[:64, :80]
IMAGE = Image.fromarray(COFFEE)
MEGABYTES = "a" * 3_000_000


def saved(image=IMAGE, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def refusal(source):
    with pytest.raises(BadImage) as refused:
        read_image(source)
    line = str(refused.value)
    assert "\n" not in line and len(line) < 400
    return line


# --- where from --------------------------------------------------------------------------------------------------


class Pipe(io.RawIOBase):
    """A stream that gives no more than it is asked for, and never again."""

    def __init__(self, contents):
        self._left = io.BytesIO(contents)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._left.readinto(buffer)


PNG = saved()
SOURCES = {
    "bytes": PNG,
    "bytearray": bytearray(PNG),
    "memoryview": memoryview(PNG),
    "stream": io.BytesIO(PNG),
    "pipe": io.BufferedReader(Pipe(PNG)),
    "Pillow": IMAGE,
    "Pillow, lazy": Image.open(io.BytesIO(PNG)),
    "array": COFFEE,
    "strided array": np.ascontiguousarray(COFFEE[::-1])[::-1],
    "Picture": Picture(COFFEE),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_the_same_picture(name):
    assert np.array_equal(read_image(SOURCES[name]).rgb, COFFEE)


def test_a_stream_that_was_just_written_is_read_from_its_beginning():
    stream = io.BytesIO()
    IMAGE.save(stream, "PNG")
    assert np.array_equal(read_image(stream).rgb, COFFEE)
    assert not stream.closed


def test_an_array_of_four_channels_has_transparency():
    picture = read_image(np.dstack([COFFEE, COFFEE[..., 0]]))
    assert np.array_equal(picture.rgb, COFFEE)
    assert picture.alpha is not None and np.array_equal(picture.alpha, COFFEE[..., 0])


def test_a_named_pipe_is_read_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(PNG,))
    writer.start()
    assert np.array_equal(read_image(tmp_path / "pipe").rgb, COFFEE)
    writer.join()


def test_a_pipe_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr(picture_files, "_MAX_BYTES", 1000)
    assert "write it to a file" in refusal(io.BufferedReader(Pipe(PNG)))


@pytest.mark.parametrize("source", [b"secret words", bytearray(b"secret words"), io.BytesIO(b"secret words")])
def test_bytes_that_are_no_picture_are_not_quoted(source):
    line = refusal(source)
    assert "secret" not in line
    assert "not an image of a known format" in line


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (12345, "a int is not a picture: give a path"),
        (None, "a NoneType is not a picture"),
        ([[1, 2], [3, 4]], "a list is not a picture"),
        (io.StringIO("text"), "binary mode"),
        ("cover\0.png", "no such file"),
        ("two\nlines.png", "no such file"),
        (COFFEE / 255, r"uint8 of shape (H, W), (H, W, 3) or (H, W, 4), not float64"),
        (COFFEE[..., :2], "uint8"),
        (COFFEE[:0], "too small"),
        (COFFEE[..., 0].astype(bool), "uint8"),
    ],
)
def test_what_is_no_picture_is_told_what_would_be(source, said):
    assert said in refusal(source)


def test_a_pillow_image_that_was_closed_is_an_error_of_ours():
    image = Image.open(io.BytesIO(PNG))
    image.close()
    refusal(image)


# --- formats -----------------------------------------------------------------------------------------------------


def test_text_by_the_megabyte_in_a_png_is_not_read(tmp_path):
    for compressed in (False, True):
        info = PngImagePlugin.PngInfo()
        for key in ("Comment", "parameters"):
            info.add_text(key, MEGABYTES, zip=compressed)
            info.add_itxt(key, MEGABYTES, zip=compressed)
        assert np.array_equal(read_image(saved(pnginfo=info)).rgb, COFFEE)


def test_the_orientation_in_a_short_text_still_counts():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", MEGABYTES, zip=True)
    info.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta tiff:Orientation="3"/>')
    assert np.array_equal(read_image(saved(pnginfo=info)).rgb, COFFEE[::-1, ::-1])


def test_a_profile_of_megabytes_in_a_png_is_kept():
    icc = profiles.profile("large", profiles.DISPLAY_P3)
    icc += np.random.default_rng(0).bytes(3_000_000)
    assert read_image(saved(icc_profile=icc)).icc == icc


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("head", [(b"zTXt", b"Comment\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"icc\0\0")])
def test_what_unpacks_to_gigabytes_is_not_unpacked(head, monkeypatch):
    """A bomb of 256 MB in 256 kB: nothing of it is held beyond the limit, and the picture is read."""
    kind, before = head
    packer = zlib.compressobj(9)
    bomb = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(256)), packer.flush()])
    contents = PNG[:33] + chunk(kind, before + bomb) + PNG[33:]
    longest = []
    unpacker = zlib.decompressobj

    class Watched:
        def __init__(self):
            self._real = unpacker()

        def decompress(self, packed, most=0):
            found = self._real.decompress(packed, most)
            longest.append(len(found))
            return found

        @property
        def unconsumed_tail(self):
            return self._real.unconsumed_tail

    monkeypatch.setattr("stegolab.png_texts.zlib.decompressobj", Watched)
    picture = read_image(contents)
    assert np.array_equal(picture.rgb, COFFEE) and picture.icc is None
    assert max(longest, default=0) <= 1 << 26


def tiff(tags, magic=b"II*\0"):
    """A TIFF of 64 x 64 grey pixels with more tags (number, type, value), in little-endian order."""
    pixels = bytes(range(64)) * 64
    entries = {256: (3, 64), 257: (3, 64), 258: (3, 8), 259: (3, 1), 262: (3, 1), 277: (3, 1), 278: (3, 64)}
    entries |= {279: (4, len(pixels))} | {number: (kind, value) for number, kind, value in tags}
    start = 16 + 2 + 12 * (len(entries) + 1) + 4
    entries[273] = (4, start)
    body = b"".join(struct.pack("<HHII", n, kind, 1, value) for n, (kind, value) in sorted(entries.items()))
    return magic + struct.pack("<I", 16) + bytes(8) + struct.pack("<H", len(entries)) + body + bytes(4) + pixels


def test_a_tiff_without_such_tags_is_a_picture():
    assert np.array_equal(read_image(tiff([])).rgb[0, :, 0], np.arange(64))


RAW = {
    "DNG": tiff([(50706, 1, 0x00000401)]),
    "NEF, ARW: the first picture is a thumbnail": tiff([(254, 4, 1)]),
    "CR2": tiff([])[:8] + b"CR\2\0" + tiff([])[12:],
    "CR3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(100),
    "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(100),
    "ORF": b"IIRO\x08\0\0\0" + bytes(100),
    "RW2": b"IIU\0\x08\0\0\0" + bytes(100),
}


@pytest.mark.parametrize("name", RAW)
def test_the_thumbnail_of_a_raw_file_is_no_cover(name):
    assert "raw file" in refusal(RAW[name])


def test_a_raw_file_is_known_by_its_name(tmp_path):
    (tmp_path / "photo.NEF").write_bytes(tiff([]))
    assert "develop it" in refusal(tmp_path / "photo.NEF")


def test_a_pillow_image_of_a_raw_file_is_refused_too():
    assert "raw file" in refusal(Image.open(io.BytesIO(RAW["DNG"])))


@pytest.mark.parametrize(
    ("beginning", "said"),
    [
        (b"\xff\x0a" + bytes(50), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50), "JPEG XL"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(50), "a film"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(50), "speech comes first"),
        (b"fLaC" + bytes(50), "speech comes first"),
        (b"%PDF-1.7\n" + bytes(50), "PDF"),
        (b"8BPS\0\1" + bytes(50), "Photoshop"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"II*\0\x08\0\0\0\0\0" + bytes(50), "TIFF"),
    ],
)
def test_what_cannot_be_read_is_called_by_its_name(beginning, said):
    line = refusal(beginning)
    assert said in line
    assert "known format" not in line


def test_heic_is_read_where_the_extra_is_installed():
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    wide = np.ascontiguousarray(np.tile(COFFEE, (2, 2, 1)))
    exif = Image.Exif()
    exif[0x0112] = 6
    icc = profiles.profile("Display P3", profiles.DISPLAY_P3)
    upright = heif.from_pillow(Image.fromarray(wide))
    upright.save(file, quality=95, exif=exif.tobytes(), icc_profile=icc)
    picture = read_image(file.getvalue())
    expected = np.rot90(wide, -1)
    assert picture.rgb.shape == expected.shape
    assert np.abs(picture.rgb.astype(int) - expected).mean() < 4
    assert picture.icc == icc


def test_heic_says_what_it_is_where_it_is_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for brand in (b"heic", b"heix", b"mif1"):
        assert "pip install '.[heif]' in the repository's folder" in refusal(
            b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(100)
        )


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif_is_read():
    picture = read_image(saved(kind="AVIF", quality=95))
    assert np.abs(picture.rgb.astype(int) - COFFEE).mean() < 4


FRAMES = [IMAGE, Image.fromarray(255 - COFFEE)]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_taken_and_that_is_said(kind, tmp_path):
    (tmp_path / "cover").write_bytes(saved(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:]))
    with pytest.warns(PictureWarning, match=r"cover: .*only the first one is used"):
        picture = read_image(tmp_path / "cover")
    assert np.abs(picture.rgb.astype(int) - COFFEE).mean() < 20
    assert any("only the first one" in note for note in picture.notes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_image(saved(FRAMES[0], kind))
        read_image(picture)  # nobody wants to hear it twice


# --- what goes with it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "kept"), [(".png", True), (".tif", True), (".bmp", True), (".webp", False)])
def test_the_resolution_is_kept_where_the_format_has_one(suffix, kept, tmp_path):
    cover = read_image(saved(kind="JPEG", dpi=(300, 150)))
    assert cover.dpi == (300, 150)
    write_image(tmp_path / f"stego{suffix}", cover)
    assert read_image(tmp_path / f"stego{suffix}").dpi == (pytest.approx((300, 150), abs=0.02) if kept else None)


def test_the_resolution_turns_with_the_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_image(saved(dpi=(300, 150), exif=exif)).dpi == pytest.approx((150, 300), abs=0.02)


def test_metadata_goes_and_that_is_noted(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    cover = read_image(saved(kind="JPEG", exif=exif))
    assert [note for note in cover.notes if "EXIF" in note]
    write_image(tmp_path / "stego.png", cover)
    with Image.open(tmp_path / "stego.png") as written:
        assert not written.getexif()
    assert read_image(tmp_path / "stego.png").notes == ()


def test_a_profile_goes_with_the_picture(tmp_path):
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_image(tmp_path / "stego.png", Picture(COFFEE, icc=icc))
    assert read_image(tmp_path / "stego.png").icc == icc


# --- writing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("picture", [COFFEE, IMAGE, Picture(COFFEE)], ids=["array", "Pillow", "Picture"])
def test_arrays_and_pillow_images_are_written(picture, tmp_path):
    write_image(tmp_path / "out.png", picture)
    assert np.array_equal(read_image(tmp_path / "out.png").rgb, COFFEE)


def test_what_cannot_be_written_is_told_and_leaves_nothing(tmp_path):
    pictures: list[Any] = [COFFEE / 255, "cover.png", None, [[1]]]
    paths: list[Any] = [COFFEE, None, "out\0.png"]
    for picture in pictures:
        with pytest.raises(BadImage):
            write_image(tmp_path / "out.png", picture)
    for path in paths:
        with pytest.raises(CannotWrite):
            write_image(path, COFFEE)
    assert not list(tmp_path.iterdir())
