"""ImageMagick: filters and unsharp masking in closed form; which program is asked."""

import numpy as np
import pytest
from scipy.ndimage import correlate1d
from skimage import data

from stegolab.channel import attacks
from stegolab.channel.software import magick
from stegolab.channel.software.backend import first_line
from stegolab.channel.spec import parse
from stegolab.errors import BadImage

from . import jpeg, kernels, line_of, only_with, response

COFFEE = data.coffee()[:384, :512]
RESPONSES = {
    "box": lambda x: ((x > -0.5) & (x <= 0.5)).astype(float),
    "triangle": kernels.linear,
    "catrom": lambda x: kernels.cubic(x, 0, 0.5),
    "mitchell": lambda x: kernels.cubic(x, 1 / 3, 1 / 3),
    "spline": lambda x: kernels.cubic(x, 1, 0),
    "lanczos2": lambda x: kernels.lanczos(x, 2),
    "lanczos": lambda x: kernels.lanczos(x, 3),
}
needed = only_with(magick.IMAGEMAGICK)


@needed
@pytest.mark.parametrize("factor", [0.5, 0.75, 1.5])
@pytest.mark.parametrize("filter", RESPONSES)
def test_a_filter_is_widened_when_it_shrinks(filter, factor):
    received = parse(f"magick:{factor}:{filter}")(line_of(180))[10, :, 0]
    expected = 100 + 80 * response(RESPONSES[filter], round(64 * factor), 1 / factor)
    assert received == pytest.approx(expected, abs=1)


@needed
def test_by_itself_it_shrinks_by_lanczos_and_enlarges_by_mitchell():
    assert np.array_equal(parse("magick:0.6")(COFFEE), parse("magick:0.6:lanczos")(COFFEE))
    assert np.array_equal(parse("magick:1.25")(COFFEE), parse("magick:1.25:mitchell")(COFFEE))


@needed
def test_its_lanczos_is_pillows_but_for_rounding():
    """Version 6 cuts the fraction off; Pillow rounds, and clips between rows and columns too."""
    ours, theirs = (parse(f"{name}:0.75:lanczos")(COFFEE).astype(int) for name in ("magick", "resize"))
    assert -0.6 < np.mean(ours - theirs) < 0.1
    assert np.quantile(np.abs(ours - theirs), 0.99) <= 1


@needed
@pytest.mark.parametrize(("factor", "size"), [(0.675, (346, 518)), (0.5, (256, 384)), (0.05, (26, 38))])
def test_each_side_is_rounded_by_itself(factor, size):
    assert parse(f"magick:{factor}")(np.zeros((512, 768, 3), np.uint8)).shape == (*size, 3)


@needed
def test_a_cap_only_shrinks():
    assert parse("magickcap:256")(COFFEE).shape == (192, 256, 3)
    assert parse("magickcap:256")(np.ascontiguousarray(COFFEE.swapaxes(0, 1))).shape == (256, 192, 3)
    assert np.array_equal(parse("magickcap:600")(COFFEE), COFFEE)


@needed
def test_unsharp_adds_the_difference_from_a_gaussian():
    """In one dimension: in a picture of columns a two-dimensional Gaussian is no other."""
    rgb = line_of(180)
    gaussian = np.exp(-(np.arange(-3, 4) ** 2) / (2 * 1.2**2))
    blurred = correlate1d(rgb.astype(float), gaussian / gaussian.sum(), axis=1, mode="nearest")
    for amount in (0.5, 1.0):
        expected = np.clip(rgb + amount * (rgb - blurred), 0, 255)
        assert parse(f"unsharp:3:1.2:{amount}:0")(rgb)[8:-8] == pytest.approx(expected[8:-8], abs=1)


@needed
def test_unsharp_leaves_alone_what_hardly_differs():
    faint, strong = line_of(104), line_of(180)
    assert np.array_equal(parse("unsharp:0:1:2")(faint), faint)  # twice the difference is below .05 of 255
    assert not np.array_equal(parse("unsharp:0:1:2:0")(faint), faint)
    assert not np.array_equal(parse("unsharp:0:1:2")(strong), strong)


@needed
@pytest.mark.parametrize(("quality", "sampling"), [(75, 2), (89, 2), (90, 1)])
def test_its_jpeg_has_libjpegs_tables_and_keeps_the_chroma_from_90(quality, sampling):
    contents, suffix = parse(f"magickjpeg:{quality}").encode(COFFEE)
    assert suffix == ".jpg" and jpeg(contents).layer[0][1:3] == (sampling, sampling)
    assert jpeg(contents).quantization == jpeg(attacks.jpeg_bytes(COFFEE, quality)).quantization


@needed
def test_what_it_refuses_is_a_bad_image_with_its_reason():
    with pytest.raises(BadImage, match="refuses the picture"):
        parse("magick:0.05")(np.zeros((3, 300, 3), np.uint8))


def program(folder, name: str, says: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


def test_a_convert_that_is_no_imagemagick_is_passed_over(tmp_path, monkeypatch):
    program(tmp_path / "a", "convert", "convert: ImageMagick is not installed here")
    monkeypatch.setenv("PATH", str(tmp_path / "a"))
    assert not magick.IMAGEMAGICK.here() and parse("magick:0.5").missing == ("ImageMagick",)
    program(tmp_path / "b", "convert", "Version: ImageMagick 6.9.99 Q16 x86_64 https://imagemagick.org")
    monkeypatch.setenv("PATH", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert magick.program() == str(tmp_path / "b" / "convert")
    assert magick.IMAGEMAGICK.version() == "6.9.99 Q16 x86_64"
    program(tmp_path / "c", "magick", "Version: ImageMagick 7.1.99 Q16-HDRI x86_64 https://imagemagick.org")
    monkeypatch.setenv("PATH", f"{tmp_path / 'a'}:{tmp_path / 'b'}:{tmp_path / 'c'}")
    assert magick.IMAGEMAGICK.version().startswith("7.1.99")
    assert first_line(magick.program(), "-version").startswith("Version: ImageMagick 7")
