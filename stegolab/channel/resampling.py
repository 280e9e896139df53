"""Linear filters as two matrices, one for the rows and one for the columns (notebook 05).

Resizing and blurring are linear and separable, so each is two matrix products, which are exactly differentiable. The
matrix consists of the real filter's responses to an impulse at every place, so Pillow and SciPy are used, not imitated.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..errors import BadSpec
from .attacks import KERNELS
from .rounding import none, to_bytes


def resize_to(rgb: Tensor, height: int, width: int, kernel: str = "bicubic", integers: bool = True) -> Tensor:
    """Resample (B, C, H, W) to ``height`` x ``width`` with one of Pillow's kernels.

    ``integers`` rounds and clips after each axis as Pillow does with bytes, straight through; without it the function
    is linear.

    Raises:
        BadSpec: Pillow has no such kernel.
    """
    finish = to_bytes if integers else none
    if width != rgb.shape[-1]:  # Pillow skips an axis that keeps its length; not every kernel is the identity there
        rgb = finish(_columns(rgb, resize_matrix(rgb.shape[-1], width, kernel)))
    if height != rgb.shape[-2]:
        rgb = finish(_rows(rgb, resize_matrix(rgb.shape[-2], height, kernel)))
    return rgb


def gaussian(rgb: Tensor, sigma: float) -> Tensor:
    """Convolve (B, C, H, W) with a Gaussian of ``sigma`` pixels, edges repeated, as SciPy does; linear."""
    return _rows(_columns(rgb, gaussian_matrix(rgb.shape[-1], sigma)), gaussian_matrix(rgb.shape[-2], sigma))


@lru_cache(maxsize=64)
def resize_matrix(length: int, new_length: int, kernel: str = "bicubic") -> NDArray[np.float32]:
    """The matrix (new_length, length) of Pillow's ``kernel`` along one axis; each row sums to one.

    Raises:
        BadSpec: Pillow has no such kernel.
    """
    if kernel not in KERNELS:
        raise BadSpec(f"kernel must be one of {', '.join(KERNELS)}, not {kernel}")
    impulses = Image.fromarray(np.eye(length, dtype=np.float32))
    return np.array(impulses.resize((length, new_length), KERNELS[kernel]))


@lru_cache(maxsize=64)
def gaussian_matrix(length: int, sigma: float) -> NDArray[np.float32]:
    """The matrix (length, length) of SciPy's Gaussian filter along one axis; each row sums to one."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(np.eye(length, dtype=np.float32), sigma, axis=0, mode="nearest")


def _rows(rgb: Tensor, matrix: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(matrix).to(rgb) @ rgb


def _columns(rgb: Tensor, matrix: NDArray[np.float32]) -> Tensor:
    return rgb @ torch.from_numpy(matrix).to(rgb).T
