"""Filters give the coefficients of the original's blocks, as if it were laid back to its size and transformed."""

import numpy as np
import pytest
from PIL import Image

from stegolab.carrier import blockdct
from stegolab.carrier.sync import template
from stegolab.carrier.sync.filters import CONSTANT, WAVE, Filters
from stegolab.carrier.sync.geometry import Axes, Axis, cut, resized
from stegolab.carrier.sync.view import Blocks, View
from stegolab.data import sample_covers
from stegolab.images import luma

PLANE = luma(sample_covers()["camera"][:160, :224])  # ten rows of blocks, fourteen columns
WHOLE = Blocks(0, 0, 10, 14)


def of_rows(plane, size=16):
    """(rows, columns): of each block its coefficient at the frequency of its row."""
    both = blockdct.analyse(plane, size, template.FREQUENCIES)  # (rows, columns, 2)
    return np.where(np.arange(len(both))[:, None] % 2 == 0, both[..., 0], both[..., 1])


def read(received, blocks=WHOLE, original=PLANE.shape, **how):
    """The coefficients that a view reads, where the picture was only rescaled."""
    axes = Axes(*(Axis(have / was, 0.0) for have, was in zip(received.shape, original, strict=True)))
    view = View(received, **how)
    return view.angles(axes, blocks) * np.float32(template.STEP / (2 * np.pi * view.shrink))


@pytest.mark.parametrize("blocks", [WHOLE, Blocks(3, 2, 4, 7)])
def test_where_nothing_was_rescaled_they_are_those_of_the_picture(blocks):
    there = of_rows(PLANE)[blocks.row :, blocks.column :][: blocks.rows, : blocks.columns]
    np.testing.assert_allclose(read(PLANE, blocks, shrink=1), there, atol=2e-3)


@pytest.mark.parametrize("factor", [0.5, 0.77, 1.4, 2.0])
@pytest.mark.parametrize("shrink", [1, 2])
def test_of_what_was_rescaled_they_are_those_of_it_laid_back(factor, shrink):
    received = resized(PLANE, (round(160 * factor), round(224 * factor)))
    laid_back = resized(received, (160 // shrink, 224 // shrink))
    inner = slice(1, -1)  # at the edges Pillow interpolates from fewer pixels, and filters repeat the outermost
    wanted = of_rows(laid_back, 16 // shrink)
    np.testing.assert_allclose(read(received, shrink=shrink)[inner, inner], wanted[inner, inner], atol=0.05)


@pytest.mark.parametrize("shape", [(96, 134), (107, 149)])
def test_where_pixels_are_held_each_counts_for_all_that_went_into_it(shape):
    received = np.asarray(Image.fromarray(PLANE).resize(shape[::-1], Image.Resampling.BOX))
    down, right = (Axis(have / was, 0.0) for have, was in zip(shape, PLANE.shape, strict=True))
    wanted = of_rows(cut(received, down, right, (0, 0), PLANE.shape, held=True))
    np.testing.assert_allclose(read(received, shrink=1, held=True), wanted, atol=2e-3)


@pytest.mark.parametrize(("start", "offset"), [(-40.0, 3.5), (120.0, 0.0), (-300.0, 0.0)])
def test_beyond_the_edges_the_outermost_pixels_go_on(start, offset):
    far = 400
    beyond = np.pad(PLANE, ((far, far), (0, 0)), mode="edge")
    as_it_is = Filters.of(Axis(1.0, offset), len(PLANE), start, 6)
    with_more = Filters.of(Axis(1.0, offset + far), len(beyond), start, 6)
    np.testing.assert_allclose(as_it_is.along_rows(PLANE), with_more.along_rows(beyond), atol=2e-3)


@pytest.mark.parametrize("shrink", [1, 2, 4])
def test_a_group_is_a_block_at_each_of_its_places(shrink):
    axis, have = Axis(0.8, -2.3), len(PLANE)
    group = Filters.of(axis, have, 5.0, 3, 4, shrink).along_rows(PLANE)  # (2, 4, 3, W)
    for place in range(4):
        alone = Filters.of(axis, have, 5.0 + shrink * place, 3, 1, shrink).along_rows(PLANE)
        np.testing.assert_allclose(group[:, place], alone[:, 0], atol=2e-3)
    one = Filters.of(axis, have, 5.0, 3, 4, shrink).only(np.array([WAVE, CONSTANT, WAVE])).along_rows(PLANE)
    np.testing.assert_allclose(one[0], group[[WAVE, CONSTANT, WAVE], :, range(3)].swapaxes(0, 1), atol=2e-3)
