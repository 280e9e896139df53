"""GraphicsMagick: filters and unsharp masking in closed form; which program is asked."""

import numpy as np
import pytest
from scipy.ndimage import correlate1d
from skimage import data

from stegolab.channel import attacks
from stegolab.channel.software import graphicsmagick
from stegolab.channel.spec import parse
from stegolab.errors import BadImage

from . import jpeg, kernels, line_of, only_with, response

COFFEE = data.coffee()[:384, :512]
RESPONSES = {
    "triangle": kernels.linear,
    "catrom": lambda x: kernels.cubic(x, 0, 0.5),
    "mitchell": lambda x: kernels.cubic(x, 1 / 3, 1 / 3),
    "cubic": lambda x: kernels.cubic(x, 1, 0),
    "lanczos": lambda x: kernels.lanczos(x, 3),
}
needed = only_with(graphicsmagick.GRAPHICSMAGICK)


@needed
@pytest.mark.parametrize("factor", [0.5, 0.75, 1.5])
@pytest.mark.parametrize("filter", RESPONSES)
def test_a_filter_is_widened_when_it_shrinks(filter, factor):
    received = parse(f"gm:{factor}:{filter}")(line_of(180))[10, :, 0]
    expected = 100 + 80 * response(RESPONSES[filter], round(64 * factor), 1 / factor)
    assert received == pytest.approx(expected, abs=1.2)


@needed
def test_by_itself_it_shrinks_by_lanczos_and_enlarges_by_mitchell():
    assert np.array_equal(parse("gm:0.6")(COFFEE), parse("gm:0.6:lanczos")(COFFEE))
    assert np.array_equal(parse("gm:1.25")(COFFEE), parse("gm:1.25:mitchell")(COFFEE))


@needed
def test_its_lanczos_is_pillows_but_for_rounding():
    """It cuts the fraction off; Pillow rounds, and clips between rows and columns too."""
    ours, theirs = (parse(f"{name}:0.75:lanczos")(COFFEE).astype(int) for name in ("gm", "resize"))
    assert -0.6 < np.mean(ours - theirs) < 0.1
    assert np.quantile(np.abs(ours - theirs), 0.99) <= 1


@needed
@pytest.mark.parametrize(("factor", "size"), [(0.675, (346, 518)), (0.5, (256, 384)), (0.05, (26, 38))])
def test_each_side_is_rounded_by_itself(factor, size):
    assert parse(f"gm:{factor}")(np.zeros((512, 768, 3), np.uint8)).shape == (*size, 3)


@needed
def test_a_cap_only_shrinks():
    assert parse("gmcap:256")(COFFEE).shape == (192, 256, 3)
    assert np.array_equal(parse("gmcap:600")(COFFEE), COFFEE)


@needed
def test_unsharp_adds_the_difference_from_a_gaussian_where_it_matters():
    """In one dimension: in a picture of columns a two-dimensional Gaussian is no other."""
    rgb = line_of(180)
    gaussian = np.exp(-(np.arange(-3, 4) ** 2) / (2 * 1.2**2))
    blurred = correlate1d(rgb.astype(float), gaussian / gaussian.sum(), axis=1, mode="nearest")
    for amount in (0.5, 1.0):
        expected = np.clip(rgb + amount * (rgb - blurred), 0, 255)
        assert parse(f"gmunsharp:3:1.2:{amount}:0")(rgb)[8:-8] == pytest.approx(expected[8:-8], abs=1)
    assert np.array_equal(parse("gmunsharp:0:1:2")(line_of(104)), line_of(104))  # below the threshold


@needed
@pytest.mark.parametrize(("quality", "sampling"), [(75, 2), (89, 2), (90, 1)])
def test_its_jpeg_has_libjpegs_tables_and_keeps_the_chroma_from_90(quality, sampling):
    contents, suffix = parse(f"gmjpeg:{quality}").encode(COFFEE)
    assert suffix == ".jpg" and jpeg(contents).layer[0][1:3] == (sampling, sampling)
    assert jpeg(contents).quantization == jpeg(attacks.jpeg_bytes(COFFEE, quality)).quantization


@needed
def test_what_it_refuses_is_a_bad_image_with_its_reason():
    with pytest.raises(BadImage, match="gm refuses the picture"):
        graphicsmagick._changed(COFFEE, "-resize", "nonsense")


def test_another_program_of_that_name_is_not_asked(tmp_path, monkeypatch):
    (tmp_path / "gm").write_text("#!/bin/sh\necho 'a general manager'\n")
    (tmp_path / "gm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not graphicsmagick.GRAPHICSMAGICK.here()
    assert parse("gm:0.5").missing == ("GraphicsMagick",)
