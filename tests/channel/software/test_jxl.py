"""JPEG XL at the quality scale of cjxl."""

import numpy as np
import pytest
from skimage import data

from stegolab.channel.software import jxl
from stegolab.channel.spec import parse
from stegolab.images import psnr

from . import only_with

COFFEE = data.coffee()[:201, :333]


@pytest.mark.parametrize(("quality", "distance"), [(100, 0.1), (90, 1.0), (80, 1.9), (30, 6.4), (1, 23.868)])
def test_the_distance_is_that_of_cjxl(quality, distance):
    assert jxl.distance(quality) == pytest.approx(distance, abs=1e-3)


def test_the_distance_grows_steadily_as_the_quality_falls():
    assert np.all(np.diff([jxl.distance(quality) for quality in range(1, 101)]) < 0)
    assert jxl.distance(29.999) == pytest.approx(jxl.distance(30), abs=0.1)


@only_with(jxl.LIBJXL)
def test_the_best_quality_loses_nothing_and_the_others_lose_more_the_lower_they_are():
    assert np.array_equal(parse("jxl:100")(COFFEE), COFFEE)
    found = [psnr(parse(f"jxl:{quality}")(COFFEE), COFFEE) for quality in (20, 50, 75, 90)]
    assert found == sorted(found) and 25 < found[0] < found[-1] < 50
    contents, suffix = parse("jxl:75").encode(COFFEE)
    assert suffix == ".jxl" and contents.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL "))
