"""What a platform does to a picture, for real: with Pillow's own codecs, resampling kernels and filters.

Each attack is a pure function from an RGB picture, uint8 (H, W, 3), to another; nothing else of a file (EXIF, colour
profile, alpha) survives any of them. Only ``resize``, ``cap``, ``crop`` and ``rotate`` change the size. A parameter
outside its range raises BadSpec.
"""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from ..errors import BadImage, BadSpec

RGB = NDArray[np.uint8]

KERNELS = {kernel.name.lower(): kernel for kernel in Image.Resampling}
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
# The matrix that turns hues by an angle is HUE @ (1, cos, sin): (out, in, term)
HUE = np.array(
    [
        [[0.213, 0.787, -0.213], [0.715, -0.715, -0.715], [0.072, -0.072, 0.928]],
        [[0.213, -0.213, 0.143], [0.715, 0.285, 0.140], [0.072, -0.072, -0.283]],
        [[0.213, -0.213, -0.787], [0.715, -0.715, 0.715], [0.072, 0.928, 0.072]],
    ]
)


def jpeg(rgb: RGB, quality: int, subsampling: str = "4:2:0", progressive: bool = False) -> RGB:
    """Compress with libjpeg at ``quality`` 1 to 100 and chroma ``subsampling`` 4:4:4, 4:2:2 or 4:2:0."""
    return _decode(jpeg_bytes(rgb, quality, subsampling, progressive))


def jpeg_bytes(rgb: RGB, quality: int, subsampling: str = "4:2:0", progressive: bool = False) -> bytes:
    """Return the JPEG file itself, as :func:`jpeg` sees it."""
    _require("quality", quality, 1, 100)
    if subsampling not in SUBSAMPLINGS:
        raise BadSpec(f"subsampling must be one of {', '.join(SUBSAMPLINGS)}, not {subsampling}")
    return _encode(rgb, "JPEG", quality=quality, subsampling=subsampling, progressive=progressive)


def webp(rgb: RGB, quality: int) -> RGB:
    """Compress with lossy WebP at ``quality`` 1 to 100 (chroma is always 4:2:0)."""
    return _decode(webp_bytes(rgb, quality))


def webp_bytes(rgb: RGB, quality: int) -> bytes:
    """Return the WebP file itself, as :func:`webp` sees it."""
    _require("quality", quality, 1, 100)
    return _encode(rgb, "WEBP", quality=quality)


def resize(rgb: RGB, factor: float, kernel: str = "bicubic") -> RGB:
    """Scale both sides by ``factor``, .05 to 4, each rounded to the nearest pixel (halves up, at least 1).

    ``kernel`` is one of Pillow's, all widened when they shrink, to avoid aliasing, except nearest: nearest, box,
    bilinear, hamming, bicubic, lanczos, and whatever later versions add.
    """
    _require("factor", factor, 0.05, 4)
    height, width = rgb.shape[:2]
    return _resample(rgb, _nearest(height * factor), _nearest(width * factor), kernel)


def cap(rgb: RGB, side: int, kernel: str = "bicubic") -> RGB:
    """Shrink so that the longer side has at most ``side`` pixels, 16 to 65535; leave smaller pictures alone."""
    _require("side", side, 16, 65535)
    height, width = rgb.shape[:2]
    factor = min(1.0, side / max(height, width))
    return _resample(rgb, _nearest(height * factor), _nearest(width * factor), kernel)


def crop(rgb: RGB, fraction: float, y: float = 0.5, x: float = 0.5) -> RGB:
    """Remove ``fraction`` of the area, 0 to .9, keeping the aspect ratio to the nearest pixel.

    ``y`` and ``x``, 0 to 1, place the part that is kept: 0 at the top or left, .5 in the middle.
    """
    _require("fraction", fraction, 0, 0.9)
    _require("y", y, 0, 1)
    _require("x", x, 0, 1)
    kept = math.sqrt(1 - fraction)
    height, width = _nearest(rgb.shape[0] * kept), _nearest(rgb.shape[1] * kept)
    top, left = int((rgb.shape[0] - height) * y), int((rgb.shape[1] - width) * x)
    return rgb[top : top + height, left : left + width].copy()


def blur(rgb: RGB, sigma: float) -> RGB:
    """Convolve with a Gaussian with a standard deviation of ``sigma`` pixels, 0 to 10."""
    from scipy.ndimage import gaussian_filter

    _require("sigma", sigma, 0, 10)
    return _to_uint8(gaussian_filter(rgb.astype(np.float32), (sigma, sigma, 0), mode="nearest"))


def median(rgb: RGB, size: int = 3) -> RGB:
    """Replace each sample by the median of a square of odd ``size``, 3 to 9 pixels, per channel."""
    _require("size", size, 3, 9)
    if size % 2 == 0:
        raise BadSpec(f"size must be odd, not {size}")
    return np.array(Image.fromarray(rgb).filter(ImageFilter.MedianFilter(size)))


def sharpen(rgb: RGB, factor: float) -> RGB:
    """Move away from a smoothed copy by ``factor``, 1 (no change) to 4."""
    _require("factor", factor, 1, 4)
    return np.array(ImageEnhance.Sharpness(Image.fromarray(rgb)).enhance(factor))


def brightness(rgb: RGB, factor: float) -> RGB:
    """Multiply by ``factor``, .1 to 4, and clip; 1 leaves the picture as it is."""
    _require("factor", factor, 0.1, 4)
    return np.array(ImageEnhance.Brightness(Image.fromarray(rgb)).enhance(factor))


def contrast(rgb: RGB, factor: float) -> RGB:
    """Stretch about the mean brightness by ``factor``, .1 to 4, and clip; 1 leaves the picture as it is."""
    _require("factor", factor, 0.1, 4)
    return np.array(ImageEnhance.Contrast(Image.fromarray(rgb)).enhance(factor))


def gamma(rgb: RGB, exponent: float) -> RGB:
    """Raise samples, as parts of 255, to ``exponent``, .2 to 5; above 1 darkens."""
    _require("exponent", exponent, 0.2, 5)
    return _to_uint8(255 * (np.arange(256) / 255) ** exponent)[rgb]


def noise(rgb: RGB, sigma: float, seed: int = 0) -> RGB:
    """Add white Gaussian noise of standard deviation ``sigma`` grey levels, 0 to 100; ``seed`` from 0 up."""
    _require("sigma", sigma, 0, 100)
    _require("seed", seed, 0, 2**32 - 1)
    return _to_uint8(rgb + np.random.default_rng(seed).normal(0, sigma, rgb.shape))


def grey(rgb: RGB) -> RGB:
    """Drop the colours: all three channels become the BT.601 luma."""
    return np.array(Image.fromarray(rgb).convert("L").convert("RGB"))


def avif(rgb: RGB, quality: int) -> RGB:
    """Compress with AVIF (AV1 intra frames, 4:2:0) at ``quality`` 1 to 100."""
    return _decode(avif_bytes(rgb, quality))


def avif_bytes(rgb: RGB, quality: int) -> bytes:
    """Return the AVIF file itself, as :func:`avif` sees it."""
    _require("quality", quality, 1, 100)
    return _encode(rgb, "AVIF", quality=quality, max_threads=1)  # the file depends on the number of threads


def jpeg2000(rgb: RGB, ratio: float) -> RGB:
    """Compress with JPEG 2000 (irreversible 9/7 wavelet) to 1 / ``ratio`` of the raw size; ``ratio`` 1 to 500."""
    return _decode(jpeg2000_bytes(rgb, ratio))


def jpeg2000_bytes(rgb: RGB, ratio: float) -> bytes:
    """Return the JP2 file itself, as :func:`jpeg2000` sees it."""
    _require("ratio", ratio, 1, 500)
    return _encode(rgb, "JPEG2000", quality_mode="rates", quality_layers=[ratio], irreversible=True)


def palette(rgb: RGB, colours: int) -> RGB:
    """Keep the ``colours`` (2 to 256) that Pillow's median cut picks, dithered after Floyd & Steinberg, as GIFs are."""
    _require("colours", colours, 2, 256)
    image = Image.fromarray(rgb)
    return np.array(image.quantize(palette=image.quantize(colours)).convert("RGB"))


def hue(rgb: RGB, degrees: float) -> RGB:
    """Turn the colour circle by ``degrees``, -180 to 180; greys stay. W3C Filter Effects, hue-rotate."""
    _require("degrees", degrees, -180, 180)
    angle = math.radians(degrees)
    return _to_uint8(rgb @ (HUE @ (1, math.cos(angle), math.sin(angle))).T)


def shift(rgb: RGB, rows: int, columns: int = 0) -> RGB:
    """Move the picture down by ``rows`` and right by ``columns``, -64 to 64 each; the edge fills what it leaves."""
    _require("rows", rows, -64, 64)
    _require("columns", columns, -64, 64)
    y, x = (np.arange(side) - move for side, move in zip(rgb.shape, (rows, columns), strict=False))
    return rgb[y.clip(0, rgb.shape[0] - 1)][:, x.clip(0, rgb.shape[1] - 1)]


def flip(rgb: RGB) -> RGB:
    """Mirror left and right."""
    return rgb[:, ::-1].copy()


def rotate(rgb: RGB, quarters: int) -> RGB:
    """Rotate by ``quarters`` of a full turn, 0 to 3, counter-clockwise; no pixel is resampled."""
    _require("quarters", quarters, 0, 3)
    return np.rot90(rgb, quarters).copy()


def _require(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # written so that nan fails too
        raise BadSpec(f"{name} must be {low:g} to {high:.10g}, not {value}")


def _nearest(length: float) -> int:
    return max(1, int(length + 0.5))


def _to_uint8(samples: NDArray[np.floating]) -> RGB:
    return np.clip(np.rint(samples), 0, 255).astype(np.uint8)


def _resample(rgb: RGB, height: int, width: int, kernel: str) -> RGB:
    if kernel not in KERNELS:
        raise BadSpec(f"kernel must be one of {', '.join(KERNELS)}, not {kernel}")
    if (height, width) == rgb.shape[:2]:
        return rgb.copy()
    return np.array(Image.fromarray(rgb).resize((width, height), KERNELS[kernel]))


def _encode(rgb: RGB, file_format: str, **options: object) -> bytes:
    file = BytesIO()
    try:
        Image.fromarray(rgb).save(file, file_format, **options)
    except (OSError, ValueError) as error:
        size = f"{rgb.shape[1]} x {rgb.shape[0]}"
        raise BadImage(f"{file_format} cannot hold {size} pixels; use a smaller picture") from error
    return file.getvalue()


def _decode(contents: bytes) -> RGB:
    return np.array(Image.open(BytesIO(contents)).convert("RGB"))
