"""Pictures in memory: the way in from files, the way out to lossless files, and how alike two of them look.

Read once as 8-bit RGB, whatever the file held, so that every carrier and attack sees one kind of array.
PSNR, SSIM (Wang et al. 2004) and LPIPS (Zhang et al. 2018) are the three distances every notebook reports.
"""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from .errors import BadData, BadImage
from .files import replacing

if TYPE_CHECKING:
    from torch import Tensor, nn

RGB = NDArray[np.uint8]

MAX_PIXELS = 100_000_000
MIN_SIDE = 16

# Photographs only: Pillow would also hand an EPS file to an external interpreter.
_READABLE = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "PPM", "TIFF", "JPEG2000", "AVIF")

# Measured at 1600 x 1200: PNG level 4 takes half the time of Pillow's default 6 and 3 % more bytes.
_LOSSLESS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG", "compress_level": 4},
    ".webp": {"format": "WEBP", "lossless": True, "exact": True, "quality": 20, "method": 1},
    ".bmp": {"format": "BMP"},
    ".tif": {"format": "TIFF", "compression": "tiff_adobe_deflate"},
    ".tiff": {"format": "TIFF", "compression": "tiff_adobe_deflate"},
}
_WEBP_MAX_SIDE = 16383


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of any origin: ``rgb`` uint8 (H, W, 3), ``alpha`` uint8 (H, W) or None.

    ``grey`` says that the three channels are equal and that the picture is written back as one channel;
    ``icc`` is the colour profile that the samples refer to, None for sRGB.
    """

    rgb: RGB
    alpha: NDArray[np.uint8] | None = None
    grey: bool = False
    icc: bytes | None = None

    @property
    def height(self) -> int:
        """Rows."""
        return self.rgb.shape[0]

    @property
    def width(self) -> int:
        """Columns."""
        return self.rgb.shape[1]


def read_image(path: str | os.PathLike[str]) -> Picture:
    """Read the first frame of a PNG, JPEG, WebP, BMP, GIF, PPM, TIFF, JPEG 2000 or AVIF file, upright.

    Raises:
        BadImage: no such file, not an image, damaged or truncated, more than 100 megapixels (told from the
            header, before anything is decoded), or less than 16 pixels on a side.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bombs have their own limit here, odd metadata harms nobody
            with Image.open(path, formats=_READABLE) as image:
                return from_pillow(image)
    except BadImage as error:
        raise BadImage(f"{path}: {error}") from None
    except Image.DecompressionBombError:
        raise BadImage(f"{path}: {_too_large('the picture')}") from None
    except FileNotFoundError as error:
        raise BadImage(f"{path}: no such file") from error
    except UnidentifiedImageError as error:
        raise BadImage(f"{path}: not an image of a known format; use PNG, JPEG, WebP, BMP or TIFF") from error
    except Exception as error:  # a decoder that is fed damaged bytes raises whatever it likes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadImage(f"{path}: cannot be read, is the file damaged or truncated? ({reason})") from error


def from_pillow(image: Image.Image) -> Picture:
    """Take over a Pillow image of any mode, turned upright if its EXIF orientation asks for it.

    16-bit grey is rounded to 8 bits (65535 is 255); 32-bit integers are read as 16-bit when any exceeds 255;
    floats are read as 0 to 1 when none exceeds 1, else as 0 to 255; CMYK goes through its colour profile.

    Raises:
        BadImage: more than 100 megapixels, less than 16 pixels on a side, or not-a-number samples.
    """
    if image.width * image.height > MAX_PIXELS:
        raise BadImage(_too_large(f"{image.width} x {image.height}"))
    if min(image.size) < MIN_SIDE:
        raise BadImage(f"{image.width} x {image.height} pixels is too small: at least {MIN_SIDE} on each side")
    upright = ImageOps.exif_transpose(image)
    grey = upright.mode in ("1", "L", "LA", "F") or upright.mode.startswith("I")
    if upright.mode == "F" or upright.mode.startswith("I"):
        upright = Image.fromarray(_to_8_bits(np.asarray(upright)))
    alpha = None
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        alpha = np.array(upright.getchannel("A"))
    icc = image.info.get("icc_profile")
    if upright.mode == "CMYK" and icc:
        upright = _cmyk_to_srgb(upright, icc)
    # A profile is kept only where it still describes the samples; its colour space stands at bytes 16 to 19.
    kept = icc if icc and icc[16:20] == (b"GRAY" if grey else b"RGB ") else None
    return Picture(np.array(upright.convert("RGB")), alpha, grey, kept)


def from_array(array: NDArray[np.uint8]) -> Picture:
    """A picture of a uint8 array (H, W), grey, or (H, W, 3), RGB.

    Raises:
        BadImage: another shape or type, or of a size that :func:`from_pillow` refuses.
    """
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise BadImage(f"an array picture is uint8 of shape (H, W) or (H, W, 3), not {array.dtype} {array.shape}")
    return from_pillow(Image.fromarray(array))


def to_pillow(picture: Picture) -> Image.Image:
    """Give the picture to Pillow in mode L, LA, RGB or RGBA, without metadata."""
    image = Image.fromarray(picture.rgb)
    if picture.grey:
        image = image.convert("L")  # exact: the weights of equal channels sum to one
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def write_image(path: str | os.PathLike[str], picture: Picture) -> None:
    """Write a lossless .png, .webp, .bmp or .tif file; WebP stores grey as RGB.

    Raises:
        BadImage: the suffix is of a lossy or unknown format, or the format cannot hold this picture.
        CannotWrite: no permission, no such folder, or the disk is full.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _LOSSLESS:
        raise BadImage(f"{path}: only lossless formats keep the picture as it is; use .png, .webp, .bmp or .tif")
    if suffix == ".bmp" and picture.alpha is not None:
        raise BadImage(f"{path}: BMP has no transparency; use .png, .webp or .tif")
    if suffix == ".webp" and max(picture.height, picture.width) > _WEBP_MAX_SIDE:
        raise BadImage(f"{path}: WebP holds at most {_WEBP_MAX_SIDE} pixels on a side; use .png or .tif")
    profile: dict[str, Any] = {"icc_profile": picture.icc} if picture.icc else {}
    with replacing(path) as temporary:
        to_pillow(picture).save(temporary, **_LOSSLESS[suffix], **profile)


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


def _too_large(what: str) -> str:
    return f"{what} is more than {MAX_PIXELS // 1_000_000} megapixels; scale it down first"


def _to_8_bits(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale grey samples of 16, 32 or float bits to 0..255, rounded."""
    if not np.isfinite(samples).all():
        raise BadImage("some samples are not numbers")
    if samples.dtype.kind == "f":
        scale = 255.0 if samples.max() <= 1 else 1.0
    else:
        scale = 1.0 if samples.dtype.itemsize > 2 and samples.max() <= 255 else 1 / 257
    return np.clip(np.rint(samples * scale), 0, 255).astype(np.uint8)


def _cmyk_to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """Convert by the printer's profile, or leave it to Pillow's plain formula if the profile is of no use."""
    from PIL import ImageCms

    try:
        converted = ImageCms.profileToProfile(image, BytesIO(icc), ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image
    return converted or image


def _require_same_shape(a: RGB, b: RGB) -> None:
    if a.shape != b.shape:
        raise BadImage(f"cannot compare a picture of shape {a.shape} with one of shape {b.shape}: resize one first")
