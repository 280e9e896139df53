"""Pictures: the way in from anything, the way out to lossless files, and how alike two of them look.

PSNR, SSIM (Wang et al. 2004) and LPIPS (Zhang et al. 2018) are the three distances every notebook reports. What a
picture is stands in ``picture``, how files become one in ``picture_files``; both are to be had from here.
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


def luma(rgb: NDArray[Any]) -> NDArray[np.float32]:
    """Brightness as JPEG defines it (ITU-R BT.601, full range): (..., 3) to float32 (...), in the units of ``rgb``."""
    return rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


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

    Raises:
        BadImage: the two differ in shape.
    """
    _require_same_shape(a, b)
    from skimage.metrics import structural_similarity

    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    return float(structural_similarity(luma(a), luma(b), **settings))


def lpips(a: RGB, b: RGB, net: str = "alex") -> float:
    """Learned perceptual distance, version 0.1 of Zhang et al. 2018: 0 when equal, about .05 is hard to see.

    ``net`` is the backbone, "alex" (their choice for judging) or "vgg".

    Raises:
        BadImage: the two differ in shape.
        BadData: the backbone has not been fetched.
    """
    _require_same_shape(a, b)
    import torch

    model = lpips_network(net)

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
    """Build the package's trained heads on a backbone read from disk: the package itself would download it."""
    if not weights.is_file():
        raise BadData(f"{weights} is missing: run data_scripts/lpips_backbones.py")
    from lpips import LPIPS
    from safetensors.torch import load_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips calls torchvision by a deprecated parameter
        model = LPIPS(net=net, pnet_rand=True, verbose=False)
    backbone = load_file(weights)
    # lpips cuts torchvision's `features` into slices and keeps the numbers: slice2.3.weight is features.3.weight.
    model.net.load_state_dict({key: backbone["features." + key.split(".", 1)[1]] for key in model.net.state_dict()})
    return model


def _require_same_shape(a: RGB, b: RGB) -> None:
    if a.shape != b.shape:
        raise BadImage(f"cannot compare a picture of shape {a.shape} with one of shape {b.shape}: resize one first")
