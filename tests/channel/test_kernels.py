"""Kernels in closed form are those that programs have, and their matrices keep what is flat and read where they say."""

import numpy as np
import pytest

from stegolab.channel.kernels import KERNELS, area_matrix, filter_matrix, kernel_matrix
from stegolab.channel.resampling import resize_matrix
from stegolab.errors import BadSpec


@pytest.mark.parametrize("count", [20, 33, 41, 90])
@pytest.mark.parametrize(("ours", "pillows"), [("linear", "bilinear"), ("cubic", "bicubic"), ("lanczos3", "lanczos")])
def test_closed_forms_without_the_edge_are_pillows_matrices(ours, pillows, count):
    matrix = kernel_matrix(41, count, ours, repeated=False)
    assert np.abs(matrix - resize_matrix(41, count, pillows)).max() < 1e-4


def test_every_matrix_keeps_a_flat_line_flat_and_reads_where_it_says():
    line = np.arange(50.0)
    for kernel in KERNELS.keys() - {"box"}:  # which takes whole pixels
        for count, options in ((31, {}), (31, {"widened": False}), (80, {}), (25, {"start": 0.0, "widened": False})):
            matrix = kernel_matrix(50, count, kernel, **options)
            assert matrix.sum(axis=1) == pytest.approx(1)
            step = 50 / count
            places = np.arange(count) * step + options.get("start", (step - 1) / 2)
            inside = slice(count // 4, -count // 4)
            assert (matrix @ line)[inside] == pytest.approx(places[inside], abs=0.08), kernel
    assert area_matrix(3, 2) == pytest.approx(np.array([[2, 1, 0], [0, 1, 2]]) / 3)
    assert filter_matrix(5, np.array([0.25, 0.5, 0.25])) @ np.arange(5.0) == pytest.approx([0.25, 1, 2, 3, 3.75])
    with pytest.raises(BadSpec, match="kernel must be one of box"):
        kernel_matrix(8, 4, "sinc")


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_is_even_but_the_box_and_ends_where_it_says(kernel):
    reach, weight = KERNELS[kernel]
    inside = np.linspace(0.01, reach - 0.01, 50)
    assert weight(-inside) == pytest.approx(weight(inside))
    assert weight(np.array([0.0]))[0] == pytest.approx({"mitchell": 8 / 9, "spline": 2 / 3}.get(kernel, 1))
    assert not weight(np.array([-reach - 0.01, reach + 0.01])).any()
    assert weight(np.arange(-8, 9) + 0.3).sum() == pytest.approx(1, abs=0.02)  # wherever it is read


def test_places_are_cut_off_to_their_grain():
    matrix = kernel_matrix(20, 14, "linear", widened=False, grain=16)
    assert np.array_equal(matrix, np.round(16 * matrix) / 16)
    places = (np.arange(14) + 0.5) * 20 / 14 - 0.5
    behind = places - matrix @ np.arange(20.0)
    assert (behind >= -1e-12).all() and behind.max() < 1 / 16
