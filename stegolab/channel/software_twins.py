"""Differentiable twins of attacks by real programs (notebook 05): their kernels, phases, tables and dead zones.

Names and arguments are those of :mod:`.software`; :func:`.differentiable.twin` finds them here. What they need is the
mathematics alone, so they run where the software is not installed. Values are the program's up to its fixed-point
arithmetic: ``tests/channel/test_software_twins.py`` states how far for each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import BadSpec
from . import diffjpeg
from .kernels import area_matrix, filter_matrix, kernel_matrix
from .rounding import none, through, to_bytes
from .software.backend import Domain, check_domains, half_up
from .spec import Argument

Matrix = NDArray[np.float64]
_VIPS = ("linear", "cubic", "mitchell", "lanczos2", "lanczos3")
_OPENCV = {"linear": "linear", "cubic": "cubic75", "lanczos4": "lanczos4"}
_MAGICK = {
    **{"box": "box", "triangle": "linear", "catrom": "cubic", "mitchell": "mitchell", "spline": "spline"},
    **{"lanczos2": "lanczos2", "lanczos": "lanczos3"},
}
_GM = {"triangle": "linear", "catrom": "cubic", "mitchell": "mitchell", "cubic": "spline", "lanczos": "lanczos3"}


def vips(rgb: Tensor, factor: float, kernel: str = "lanczos3") -> Tensor:
    """Scale by libvips: rows first, rounded between; enlarged by bilinear or cubic, half a pixel of the result off."""
    return _vips(rgb, half_up(rgb.shape[-1] * factor) / rgb.shape[-1], kernel)


def vipscap(rgb: Tensor, side: int, kernel: str = "lanczos3") -> Tensor:
    """Shrink by libvips so that the longer side has ``side`` pixels."""
    factor = side / max(rgb.shape[-2:])
    return rgb if factor >= 1 else _vips(rgb, factor, kernel)


def _vips(rgb: Tensor, factor: float, kernel: str) -> Tensor:
    def matrix(length: int) -> Matrix:
        count, step = half_up(length * factor), 1 / factor
        if factor < 1:  # what does not fit is left out on both sides alike
            start = (step - 1) / 2 + (length - count * step) / 2
            return kernel_matrix(length, count, kernel, step, start=start)
        return kernel_matrix(length, count, "linear" if kernel == "linear" else "cubic", step, start=-0.5)

    if factor == 1:
        return rgb
    between = to_bytes if factor < 1 else none
    return to_bytes(_columns(between(_rows(rgb, matrix(rgb.shape[-2]))), matrix(rgb.shape[-1])))


def opencv(rgb: Tensor, factor: float, kernel: str = "linear") -> Tensor:
    """Scale by OpenCV: kernels that are not widened; ``area`` averages, and enlarges as linear does, nearly."""

    def matrix(length: int) -> Matrix:
        count = max(1, round(length * factor))
        if kernel == "area":
            return area_matrix(length, count, 1 / factor)
        if kernel == "nearest":
            return np.eye(length)[np.minimum((np.arange(count) / factor).astype(int), length - 1)]
        return kernel_matrix(length, count, _OPENCV[kernel], 1 / factor, widened=False)

    return to_bytes(_columns(_rows(rgb, matrix(rgb.shape[-2])), matrix(rgb.shape[-1])))


def magick(rgb: Tensor, factor: float, filter: str = "default") -> Tensor:
    """Scale by ImageMagick: widened kernels, edges left out, and the fraction cut off."""
    return _by_factor(rgb, factor, filter, _MAGICK)


def magickcap(rgb: Tensor, side: int, filter: str = "default") -> Tensor:
    """Shrink by ImageMagick so that the longer side has ``side`` pixels."""
    return _capped(rgb, side, filter, _MAGICK)


def gm(rgb: Tensor, factor: float, filter: str = "default") -> Tensor:
    """Scale by GraphicsMagick, as :func:`magick`; some filters have other names."""
    return _by_factor(rgb, factor, filter, _GM)


def gmcap(rgb: Tensor, side: int, filter: str = "default") -> Tensor:
    """Shrink by GraphicsMagick so that the longer side has ``side`` pixels."""
    return _capped(rgb, side, filter, _GM)


def _capped(rgb: Tensor, side: int, filter: str, kernels: Mapping[str, str]) -> Tensor:
    factor = side / max(rgb.shape[-2:])
    return rgb if factor >= 1 else _by_factor(rgb, factor, filter, kernels)


def _by_factor(rgb: Tensor, factor: float, filter: str, kernels: Mapping[str, str]) -> Tensor:
    name = ("lanczos" if factor < 1 else "mitchell") if filter == "default" else filter
    return _magick(rgb, [half_up(side * factor) for side in rgb.shape[-2:]], kernels[name])


def _magick(rgb: Tensor, size: list[int], kernel: str) -> Tensor:
    rows, columns = (
        kernel_matrix(length, count, kernel, repeated=False) for length, count in zip(rgb.shape[-2:], size, strict=True)
    )
    return _cut(_columns(_rows(rgb, rows), columns))


def unsharp(rgb: Tensor, radius: float, sigma: float, amount: float, threshold: float = 0.05) -> Tensor:
    """Sharpen by ImageMagick: add ``amount`` times the difference from a blur, where twice it reaches ``threshold``."""
    blurred = _columns(_rows(rgb, _gaussian(rgb.shape[-2], radius, sigma)), _gaussian(rgb.shape[-1], radius, sigma))
    detail = rgb - blurred
    change = torch.where(2 * detail.abs() < 255 * threshold, 0, amount * detail)
    return _cut(rgb + change)


def gd(rgb: Tensor, factor: float, method: str = "resampled") -> Tensor:
    """Scale by GD: ``resampled`` averages; ``bilinear`` lays corners on corners, in steps of 256ths of a pixel."""
    height, width = rgb.shape[-2:]
    columns = half_up(width * factor)
    if method == "resampled":
        rows = half_up(height * factor)
        return to_bytes(_columns(_rows(rgb, area_matrix(height, rows)), area_matrix(width, columns)))
    rows = max(1, columns * height // width)
    one, other = (_corners(length, count) for length, count in ((height, rows), (width, columns)))
    return _cut(_columns(_rows(rgb, one), other) - 0.75)  # what its products of 8 binary places lose on average


def canvas(
    rgb: Tensor,
    factor: float,
    smoothing: str = "low",
    format: str = "png",
    quality: float = 0.92,
    rounding: str = "straight-through",
) -> Tensor:
    """Draw into a canvas of Chromium: two pixels an axis, in 16ths; from half the size down it is halved first."""
    height, width = (half_up(side * factor) for side in rgb.shape[-2:])
    even = not (rgb.shape[-2] % 2 or rgb.shape[-1] % 2)
    if factor <= 0.5:
        halves = [(side + 1) // 2 for side in rgb.shape[-2:]]
        rgb = (_cut if even else to_bytes)(_two_taps(rgb, *halves))
    if rgb.shape[-2:] != (height, width):
        rgb = _cut(_two_taps(rgb, height, width, grain=16))
    if format == "png":
        return rgb
    return to_bytes(diffjpeg.jpeg(rgb, half_up(100 * quality), rounding=rounding))


def canvascap(
    rgb: Tensor,
    side: int,
    smoothing: str = "low",
    format: str = "jpeg",
    quality: float = 0.92,
    rounding: str = "straight-through",
) -> Tensor:
    """Draw so that the longer side has at most ``side`` pixels."""
    return canvas(rgb, min(1.0, side / max(rgb.shape[-2:])), smoothing, format, quality, rounding)


def bitmap(rgb: Tensor, factor: float, quality: str = "low") -> Tensor:
    """Scale by ``createImageBitmap``; at ``low`` it is bilinear with two pixels an axis."""
    height, width = (half_up(side * factor) for side in rgb.shape[-2:])
    return to_bytes(_two_taps(rgb, height, width))


def mozjpeg(rgb: Tensor, quality: int, subsampling: str = "4:2:0", rounding: str = "straight-through") -> Tensor:
    """Compress with mozjpeg: its table, and a dead zone for its trellis quantisation; without its deringing."""
    return to_bytes(diffjpeg.jpeg(rgb, quality, subsampling, rounding, encoder="mozjpeg"))


def magickjpeg(rgb: Tensor, quality: int, rounding: str = "straight-through") -> Tensor:
    """Compress by ImageMagick or GraphicsMagick: libjpeg's tables, chroma kept from quality 90.

    Of ImageMagick's coefficients one in a hundred is a step away at quality 82; GraphicsMagick's are libjpeg's own.
    """
    return to_bytes(diffjpeg.jpeg(rgb, quality, "4:2:0" if quality < 90 else "4:4:4", rounding))


#: name -> twin
TWINS: dict[str, Callable[..., Tensor]] = {
    twin.__name__: twin
    for twin in (vips, vipscap, mozjpeg, opencv, canvas, canvascap, bitmap, magick, magickcap, unsharp, magickjpeg)
}
TWINS |= {"gm": gm, "gmcap": gmcap, "gmunsharp": unsharp, "gmjpeg": magickjpeg, "gd": gd}
#: twins that round by what :func:`.differentiable.twin` is told
JPEGS = ("jpeg", "mozjpeg", "magickjpeg", "gmjpeg", "canvas", "canvascap")
#: the domains of arguments that a twin has where the program has more
DOMAINS: dict[str, Mapping[str, Domain]] = {
    "vips": {"factor": (0.25, 4), "kernel": _VIPS},  # below, libvips averages blocks first
    "vipscap": {"side": (16, 65535), "kernel": _VIPS},
    "opencv": {"factor": (0.05, 4), "kernel": ("nearest", "area", *_OPENCV)},
    "canvas": {
        "factor": (0.25, 4),
        "smoothing": ("low", "medium", "high"),
        "format": ("png", "jpeg"),
        "quality": (0, 0.99),
    },
    "canvascap": {
        "side": (16, 16384),
        "smoothing": ("low", "medium", "high"),
        "format": ("png", "jpeg"),
        "quality": (0, 0.99),
    },
    "bitmap": {"factor": (0.05, 4), "quality": ("low",)},  # the others take smaller copies of the picture
    "magick": {"factor": (0.05, 4), "filter": ("default", *_MAGICK)},
    "magickcap": {"side": (16, 65535), "filter": ("default", *_MAGICK)},
    "gm": {"factor": (0.05, 4), "filter": ("default", *_GM)},
    "gmcap": {"side": (16, 65535), "filter": ("default", *_GM)},
    "gd": {"factor": (0.05, 4), "method": ("resampled", "bilinear")},
}


def twin_of(name: str, arguments: tuple[Argument, ...]) -> Callable[..., Tensor]:
    """The twin of an attack by real software, after a check that it has these arguments.

    Raises:
        BadSpec: there is no twin of this attack, or none with these arguments.
    """
    if name not in TWINS:
        raise BadSpec(f"{name} has no differentiable twin; of real software {', '.join(TWINS)} have one")
    try:
        check_domains(DOMAINS.get(name, {}), *arguments)
    except BadSpec as error:
        raise BadSpec(f"the differentiable twin of {name} does not go so far: {error}") from None
    return TWINS[name]


def _corners(length: int, count: int) -> Matrix:
    """GD's bilinear: places in steps of 256ths of a pixel, cut off, from the corner."""
    return kernel_matrix(length, count, "linear", math.floor(256 * length / count) / 256, start=0.0, widened=False)


def _gaussian(length: int, radius: float, sigma: float) -> Matrix:
    """ImageMagick's: each weight is the sum of three within its pixel; cut off after ``radius`` pixels, rounded up.

    A radius of 0 is as far as 16 bits see it.
    """
    reach = math.ceil(radius) if radius else math.ceil(5 * sigma)
    thirds = np.arange(-3 * reach - 1, 3 * reach + 2) / 3
    weights = np.exp(-(thirds**2) / (2 * sigma**2)).reshape(-1, 3).sum(axis=1)
    return filter_matrix(length, weights / weights.sum())


def _two_taps(rgb: Tensor, height: int, width: int, grain: int = 0) -> Tensor:
    rows, columns = (
        kernel_matrix(length, count, "linear", widened=False, grain=grain)
        for length, count in zip(rgb.shape[-2:], (height, width), strict=True)
    )
    return _columns(_rows(rgb, rows), columns)


def _cut(samples: Tensor) -> Tensor:
    """Cut the fraction off and clip, straight-through, as programs do that compute with 16 bits and write 8."""
    return through((samples + 0.5 / 257).floor().clamp(0, 255), samples)


def _rows(rgb: Tensor, matrix: Matrix) -> Tensor:
    return torch.from_numpy(matrix).to(rgb) @ rgb


def _columns(rgb: Tensor, matrix: Matrix) -> Tensor:
    return rgb @ torch.from_numpy(matrix).to(rgb).T
