"""The matrices are Pillow's and SciPy's filters."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from stegolab.channel.attacks import KERNELS
from stegolab.channel.resampling import gaussian, gaussian_matrix, resize_matrix, resize_to
from stegolab.errors import BadSpec

PLANE = np.random.default_rng(0).uniform(0, 255, (47, 62)).astype(np.float32)
SIZES = [(23, 31), (40, 20), (90, 125), (47, 30), (47, 62), (1, 1)]  # smaller, larger, mixed, one axis, none, a point


def tensor(plane):
    return torch.from_numpy(plane)[None, None]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_resizing_by_matrices_is_pillows_in_floats(kernel, height, width):
    if (height, width) == PLANE.shape and kernel.startswith("mks"):
        pytest.skip("the magic kernels are not the identity at the same size; Pillow skips them")
    ours = resize_to(tensor(PLANE), height, width, kernel, integers=False)[0, 0].numpy()
    theirs = np.asarray(Image.fromarray(PLANE).resize((width, height), KERNELS[kernel]))
    assert np.abs(ours - theirs).max() < 1e-2


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_resizing_by_matrices_is_pillows_in_bytes(kernel, height, width):
    whole = np.rint(PLANE).astype(np.uint8)
    ours = resize_to(tensor(whole.astype(np.float32)), height, width, kernel)[0, 0].numpy()
    theirs = np.asarray(Image.fromarray(whole).resize((width, height), KERNELS[kernel])).astype(int)
    assert np.abs(ours - theirs).max() <= 1
    assert (ours == theirs).mean() > 0.98  # halves fall either way


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("length", [7, 33, 80])
def test_a_flat_picture_stays_flat(kernel, length):
    assert np.abs(resize_matrix(33, length, kernel).sum(1) - 1).max() < 1e-5
    assert np.abs(gaussian_matrix(33, length / 20).sum(1) - 1).max() < 1e-5


@pytest.mark.parametrize("sigma", [0.4, 1, 3.3, 10])
def test_blurring_by_matrices_is_scipys(sigma):
    ours = gaussian(tensor(PLANE), sigma)[0, 0].numpy()
    assert np.abs(ours - gaussian_filter(PLANE, sigma, mode="nearest")).max() < 1e-2


def test_both_are_linear_so_the_gradient_is_exact():
    plane = tensor(PLANE[:9, :7].astype(np.float64)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: resize_to(x, 5, 11, "lanczos", integers=False), (plane,))
    assert torch.autograd.gradcheck(lambda x: gaussian(x, 1.5), (plane,))


def test_an_unknown_kernel_is_refused():
    with pytest.raises(BadSpec, match=r"^kernel must be one of nearest.* not cubic$"):
        resize_matrix(8, 4, "cubic")
