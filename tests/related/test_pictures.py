"""Bytes to tensors and back: the one place where the related systems do it."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from stegolab.images import luma as luma_of_pixels
from stegolab.related.pictures import luma, to_pixels, to_tensor


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]), st.integers(0, 2**32 - 1))
def test_every_byte_comes_back(count, rows, columns, colours, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, rows, columns, colours), np.uint8)
    pixels.flags.writeable = False
    x = to_tensor(pixels)
    assert x.shape == (count, colours, rows, columns) and x.dtype == torch.float32
    assert torch.equal(x[0, 0], torch.from_numpy(pixels[0, :, :, 0] / np.float32(255)))
    assert np.array_equal(to_pixels(x), pixels)


def test_what_is_no_byte_is_rounded_and_clipped():
    x = torch.tensor([-0.3, 0.4999 / 255, 0.5001 / 255, 254.6 / 255, 7.0]).reshape(1, 1, 1, 5)
    assert to_pixels(x).ravel().tolist() == [0, 0, 1, 255, 255]


def test_brightness_is_that_of_the_package():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), np.uint8)
    np.testing.assert_allclose(255 * luma(to_tensor(pixels)), [luma_of_pixels(p) for p in pixels], atol=1e-3)
