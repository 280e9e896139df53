"""FFmpeg: its kernels in closed form, its JPEG's table and dead zone."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stegolab.channel.software import ffmpeg
from stegolab.channel.spec import parse

from . import jpeg, kernels, line_of, luma_and_table, response, steps_of

COFFEE = data.coffee()[:384, :512]
# ISO 11172-2, the default matrix of intra blocks.
MPEG_INTRA_ROW = np.array([8, 16, 19, 22, 26, 27, 29, 34])
RESPONSES = {
    "bilinear": kernels.linear,
    "bicubic": lambda x: kernels.cubic(x, 0, 0.6),  # libswscale's own parameter
    "lanczos": lambda x: kernels.lanczos(x, 3),
}


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.5])
@pytest.mark.parametrize("flags", RESPONSES)
def test_a_kernel_is_widened_when_it_shrinks(flags, factor):
    received = parse(f"ffmpeg:{factor}:{flags}")(line_of(180))[10, :, 0]
    assert received == pytest.approx(100 + 80 * response(RESPONSES[flags], round(64 * factor), 1 / factor), abs=1.5)


def test_area_is_a_mean_when_it_shrinks():
    blocks = COFFEE.reshape(192, 2, 256, 2, 3).mean(axis=(1, 3))
    received = parse("ffmpeg:0.5:area")(COFFEE)
    assert np.abs(received - blocks).mean() < 1
    assert parse("ffmpeg:0.75:area")(line_of(180))[10, 24, 0] == pytest.approx(160, abs=1)  # 3/4 of the line


def test_fast_bilinear_is_rough():
    flat = line_of(100)
    assert 0 < np.abs(parse("ffmpeg:0.75:fast_bilinear")(flat).astype(int) - 100).max() < 8
    assert np.abs(parse("ffmpeg:0.75:bilinear")(flat).astype(int) - 100).max() <= 1


@pytest.mark.parametrize(("factor", "size"), [(0.675, (345, 518)), (0.8, (409, 614)), (0.4, (205, 307))])
def test_the_width_is_cut_off_and_the_height_follows(factor, size):
    assert parse(f"ffmpeg:{factor}")(np.zeros((512, 768, 3), np.uint8)).shape == (*size, 3)


@pytest.mark.parametrize("qscale", [2, 5, 31])
def test_the_table_is_mpegs_times_the_scale(qscale):
    _, table = luma_and_table(parse(f"mjpeg:{qscale}").encode(COFFEE)[0])
    assert table[0, 0] == 8
    assert np.array_equal(table[0, 1:], MPEG_INTRA_ROW[1:] * qscale // 8)


def test_it_sets_to_zero_what_libjpeg_keeps_with_the_same_table():
    contents, suffix = parse("mjpeg:5").encode(COFFEE)
    theirs, table = luma_and_table(contents)
    file = io.BytesIO()
    tables = [jpeg(contents).quantization[0]] * 2
    Image.fromarray(COFFEE).save(file, "JPEG", qtables=tables, subsampling="4:4:4")
    kept, wanted = steps_of(theirs, table), steps_of(luma_and_table(file.getvalue())[0], table)
    assert suffix == ".jpg"
    assert np.mean((kept == 0) & (wanted != 0)) > 0.01 > 20 * np.mean((kept != 0) & (wanted == 0))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_the_chroma_has_the_size_that_is_asked_for(subsampling):
    layers = [layer[1:3] for layer in jpeg(ffmpeg.mjpeg_file(COFFEE, 5, subsampling)[0]).layer]
    (wide, high), (narrow, low), _ = layers
    assert (wide // narrow, high // low) == {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2)}[subsampling]
