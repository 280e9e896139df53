"""HEIC as phones store it: what is handed out is read as HEIC, and quality is monotone."""

import numpy as np
from skimage import data

from stegolab.channel.software import heic
from stegolab.channel.spec import parse
from stegolab.images import psnr
from stegolab.picture_files import read_image

from . import only_with

pytestmark = only_with(heic.LIBHEIF)

COFFEE = data.coffee()[:201, :333]


def test_the_file_is_a_heic_picture_of_the_same_odd_size():
    contents, suffix = parse("heic:50").encode(COFFEE)
    assert suffix == ".heic" and contents[4:12] == b"ftypheic"
    received = parse("heic:50")(COFFEE)
    assert received.shape == COFFEE.shape
    assert np.array_equal(read_image(contents).rgb, received)


def test_more_quality_is_more_bytes_and_less_loss():
    sizes = [len(heic.heic_file(COFFEE, quality)[0]) for quality in (10, 30, 50, 80)]
    quality_db = [psnr(heic.heic(COFFEE, quality), COFFEE) for quality in (10, 30, 50, 80)]
    assert sizes == sorted(sizes) and quality_db == sorted(quality_db)
    assert quality_db[0] < 30 < 35 < quality_db[-1]
