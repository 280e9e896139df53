"""Pictures: reading them from anything, writing them to lossless files, and measuring how similar two of them look.

PSNR, SSIM (Wang et al. 2004) and LPIPS (Zhang et al. 2018) are the three distances that the notebooks report.
``picture`` defines what a picture is, and ``picture_files`` reads and writes files; both can be imported from here.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import BadData, BadImage
from .picture import MAX_PIXELS, MIN_SIDE, RGB, Picture, PictureWarning, from_array, from_pillow, to_pillow
from .picture_files import Source, read_image, write_image

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "BT601",
    "MAX_PIXELS",
    "MIN_SIDE",
    "RGB",
    "Picture",
    "PictureWarning",
    "Source",
    "from_array",
    "from_pillow",
    "lpips",
    "lpips_network",
    "luma",
    "psnr",
    "read_image",
    "ssim",
    "to_pillow",
    "write_image",
]


#: Weights of red, green and blue in the luma of JPEG (ITU-R BT.601)
BT601 = (0.299, 0.587, 0.114)
_SSIM_REACH = 5  # pixels from the middle of its window to the edge


def luma(rgb: NDArray[Any]) -> NDArray[np.float32]:
    """Brightness as JPEG defines it (ITU-R BT.601, full range): (..., 3) to float32 (...), in the units of ``rgb``."""
    return rgb.astype(np.float32) @ np.array(BT601, np.float32)


def psnr(a: RGB, b: RGB) -> float:
    """Peak signal-to-noise ratio in dB over all samples of two uint8 arrays, peak 255; inf when equal.

    Raises:
        BadImage: the two differ in shape.
    """
    _require_same_shape(a, b)
    error = np.mean(np.square(a.astype(np.float32) - b), dtype=np.float64)
    return 10 * math.log10(255**2 / error) if error else math.inf


def ssim(a: RGB, b: RGB) -> float:
    """Structural similarity of the luma of two pictures, 1 when equal.

    The settings of Wang et al. 2004: an 11 x 11 Gaussian window of sigma 1.5, population covariance, peak 255.

    Equal to scikit-image's ``structural_similarity`` to the last digit; importing that would add half a second to every
    ``hide`` and 40 MB to every installation.

    Raises:
        BadImage: the two differ in shape, or are smaller than 11 pixels on a side.
    """
    _require_same_shape(a, b)
    if min(a.shape[:2]) < 2 * _SSIM_REACH + 1:
        raise BadImage(f"a picture of shape {a.shape} is smaller than the window of SSIM, 11 x 11 pixels")
    from scipy.ndimage import gaussian_filter

    def mean(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return gaussian_filter(plane, 1.5, truncate=3.5)  # reaches 5 pixels

    x, y = luma(a), luma(b)  # (H, W)
    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x * mean_x, mean(y * y) - mean_y * mean_y
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    alike /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    inside = slice(_SSIM_REACH, -_SSIM_REACH)  # where the whole window lies in the picture
    return float(alike[inside, inside].mean(dtype=np.float64))


def lpips(a: RGB, b: RGB, net: str = "alex") -> float:
    """Learned perceptual distance, version 0.1 of Zhang et al. 2018: 0 when equal; about .05 is hard to see.

    ``net`` is the backbone, "alex" (their choice for judging) or "vgg".

    Raises:
        BadImage: the two differ in shape.
        BadData: the backbone has not been fetched.
    """
    _require_same_shape(a, b)
    model = lpips_network(net)
    import torch

    def signed(rgb: RGB) -> Tensor:
        return torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1  # (1, 3, H, W)

    with torch.inference_mode():
        return float(model(signed(a), signed(b)))


def lpips_network(net: str = "alex") -> nn.Module:
    """LPIPS as a module, for training: two batches of pictures (B, 3, H, W) in [-1, 1] -> (B, 1, 1, 1).

    Raises:
        BadData: the backbone has not been fetched.
    """
    from .data import cache_dir

    return _lpips_model(net, cache_dir() / "lpips" / f"{net}.safetensors")


@lru_cache(maxsize=2)
def _lpips_model(net: str, weights: Path) -> nn.Module:
    """Build LPIPS from the package's trained heads and a backbone read from disk, which the package would download."""
    if not weights.is_file():
        raise BadData(f"{weights} is missing: run data_scripts/lpips_backbones.py")
    from lpips import LPIPS
    from safetensors.torch import load_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips calls torchvision with a deprecated parameter
        model = LPIPS(net=net, pnet_rand=True, verbose=False)
    backbone = load_file(weights)
    # lpips cuts torchvision's `features` into slices but keeps the numbering: slice2.3.weight is features.3.weight.
    model.net.load_state_dict({key: backbone["features." + key.split(".", 1)[1]] for key in model.net.state_dict()})
    return model


def _require_same_shape(a: RGB, b: RGB) -> None:
    if a.shape != b.shape:
        raise BadImage(f"cannot compare a picture of shape {a.shape} with one of shape {b.shape}: resize one first")
