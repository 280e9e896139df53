"""JPEG as a differentiable function that follows libjpeg step by step (notebook 05).

RGB to YCbCr, chroma averaged to half its size, 8 x 8 DCT, division by the quantisation tables, rounding, and the
inverse of each. Only rounding has no derivative, so a substitute from :mod:`.rounding` replaces it. With
``straight-through`` the pixels are Pillow's to within the last bit of libjpeg's integer DCT.

Written by hand because notebook 05 teaches it, and because kornia's differs more from Pillow's (a test compares them).
ITU-T T.81 (the tables of annex K); libjpeg's conversions, downsampling and "fancy" upsampling, in its fixed-point
coefficients; Shin & Song 2017 for the idea of differentiating all this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import BadSpec
from .attacks import SUBSAMPLINGS
from .jpeg_tables import CHROMA, LUMA, ROBIDOUX
from .rounding import HALF, nearest, through
from .rounding import rounding as rounding_called


def jpeg(
    rgb: Tensor,
    quality: int,
    subsampling: str = "4:2:0",
    rounding: str = "straight-through",
    integers: bool = True,
    encoder: str = "libjpeg",
) -> Tensor:
    """Pictures (B, 3, H, W) in 0..255 after JPEG, with the same shape and range, differentiable in ``rgb``.

    Args:
        rgb: pictures; float32 or float64. At least 5 pixels wide: on fewer, libjpeg does not smooth chroma.
        quality: 1 to 100, as libjpeg scales its tables.
        subsampling: of chroma: 4:4:4, 4:2:2 or 4:2:0.
        rounding: of the coefficients: straight-through, cubic, fourier or none.
        integers: round and clip samples where libjpeg holds bytes (YCbCr, decoded planes, RGB), straight through;
            without it the function is as smooth as its rounding, and nothing is clipped.
        encoder: libjpeg, or mozjpeg, which has another table and sets more to zero (:func:`trellis`).

    Raises:
        BadSpec: a parameter is out of range.
    """
    quantise = rounding_called(rounding)
    units = analyse(rgb, quality, subsampling, integers, encoder)
    levels = [quantise(plane) for plane in units]
    if encoder == "mozjpeg" and rounding != "none":
        levels = [trellis(plane, level) for plane, level in zip(units, levels, strict=True)]
    return synthesise(levels, quality, subsampling, (rgb.shape[-2], rgb.shape[-1]), integers, encoder)


def quantisation_tables(quality: int, encoder: str = "libjpeg") -> tuple[Tensor, Tensor]:
    """The luma and the chroma table at ``quality`` 1 to 100: int64 (8, 8), vertical frequency first.

    ``encoder`` is libjpeg or mozjpeg, which has one table for both.

    Raises:
        BadSpec: the quality is out of range, or there is no such encoder.
    """
    if encoder not in _TABLES:
        raise BadSpec(f"encoder must be one of {', '.join(_TABLES)}, not {encoder}")
    if not 1 <= quality <= 100:
        raise BadSpec(f"quality must be 1 to 100, not {quality}")
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    luma, chroma = (((table * percent + 50) // 100).clamp(1, 255) for table in _TABLES[encoder])
    return luma, chroma


def analyse(
    rgb: Tensor, quality: int, subsampling: str = "4:2:0", integers: bool = True, encoder: str = "libjpeg"
) -> list[Tensor]:
    """The encoder up to the rounding: coefficients of Y, Cb and Cr in units of their quantisation steps.

    Each is (B, rows, columns, 8, 8); incomplete blocks are filled with the picture's edge, as libjpeg does.
    """
    vertical, horizontal = _factors(subsampling)
    tables = quantisation_tables(quality, encoder)
    offset = rgb.new_tensor([0, 128, 128])
    ycc = torch.einsum("yc,bchw->byhw", rgb.new_tensor(RGB_TO_YCC), rgb) + offset[:, None, None]
    ycc = _floor(ycc, 0.5) if integers else ycc
    planes = [
        _pad(ycc[:, :1], 8, 8),
        *(_shrink(ycc[:, i : i + 1], vertical, horizontal, integers) for i in (1, 2)),
    ]
    coefficients = [_dct(plane - 128) for plane in planes]
    if integers:  # libjpeg's DCT keeps three binary places, and rounding twice differs from rounding once
        coefficients = [_floor(8 * c, 0.5) / 8 for c in coefficients]
    return [c / tables[i > 0].to(c) for i, c in enumerate(coefficients)]


def synthesise(
    levels: Sequence[Tensor],
    quality: int,
    subsampling: str,
    size: tuple[int, int],
    integers: bool = True,
    encoder: str = "libjpeg",
) -> Tensor:
    """The decoder: RGB (B, 3, H, W) of ``size`` (H, W) from the rounded result of :func:`analyse`."""
    vertical, horizontal = _factors(subsampling)
    tables = quantisation_tables(quality, encoder)
    height, width = size
    planes = []
    for i, level in enumerate(levels):
        plane = _idct(level * tables[i > 0].to(level)) + 128  # (B, 1, whole blocks)
        plane = _floor(plane, HALF, clip=True) if integers else plane
        if i > 0:
            plane = plane[..., : math.ceil(height / vertical), : math.ceil(width / horizontal)]
            plane = _enlarge(plane, vertical, horizontal, integers)
        planes.append(plane[..., :height, :width])
    offset = planes[0].new_tensor([0, 128, 128])
    ycc = torch.cat(planes, 1) - offset[:, None, None]
    rgb = torch.einsum("cy,byhw->bchw", ycc.new_tensor(YCC_TO_RGB), ycc)
    return _floor(rgb, 0.5, clip=True) if integers else rgb


def trellis(units: Tensor, levels: Tensor) -> Tensor:
    """Levels as mozjpeg's trellis quantisation leaves them: those not worth their bits are zero, straight-through.

    A dead zone that grows with the run of zeros before a coefficient, because a level behind a long run costs more
    bits: it must exceed ``TRELLIS[0] + TRELLIS[1] * run``. Fitted to mozjpeg's files; of their coefficients about 99 in
    100 are right, of those that are not zero 9 in 10. The mean of a block is always kept.

    units, levels: (..., 8, 8), coefficients in units of their quantisation steps, before and after rounding.
    """
    order = _zigzag().to(units.device)
    in_order = units.flatten(-2)[..., order]
    place = torch.arange(64, device=units.device).expand(in_order.shape)
    last = torch.where(nearest(in_order) != 0, place, 0).cummax(-1).values  # of those up to here, the last that is kept
    run = (place[..., 1:] - 1 - last[..., :-1]).clamp(max=15)
    kept = in_order.abs() > F.pad(TRELLIS[0] + TRELLIS[1] * run, (1, 0), value=-1.0)
    mask = torch.empty_like(kept)
    mask[..., order] = kept
    return through(torch.where(mask.unflatten(-1, (8, 8)), levels, 0), levels)


#: mozjpeg's dead zone: without a run of zeros before, and more for each zero of the run, up to 15
TRELLIS = (0.57, 0.03)


def _zigzag() -> Tensor:
    """The place of each coefficient of a block, in the order in which JPEG writes them: int64 (64,)."""
    places = [(row, column) for row in range(8) for column in range(8)]
    places.sort(key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]))
    return torch.tensor([8 * row + column for row, column in places])


_TABLES = {
    "libjpeg": (torch.tensor(LUMA), torch.tensor(CHROMA)),
    "mozjpeg": (torch.tensor(ROBIDOUX), torch.tensor(ROBIDOUX)),
}

# ITU-R BT.601, full range (JFIF), in 65536ths as libjpeg has them: exact in float32
_FORWARD = ((19595, 38470, 7471), (-11059, -21709, 32768), (32768, -27439, -5329))
_BACKWARD = ((65536, 0, 91881), (65536, -22554, -46802), (65536, 116130, 0))
RGB_TO_YCC = [[c / 2**16 for c in row] for row in _FORWARD]
YCC_TO_RGB = [[c / 2**16 for c in row] for row in _BACKWARD]


def _factors(subsampling: str) -> tuple[int, int]:
    """How many rows and columns of luma share one chroma sample."""
    if subsampling not in SUBSAMPLINGS:
        raise BadSpec(f"subsampling must be one of {', '.join(SUBSAMPLINGS)}, not {subsampling}")
    return {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}[subsampling]


def _floor(x: Tensor, bias: float | Tensor, clip: bool = False) -> Tensor:
    """Integer arithmetic, straight-through: ``x + bias`` without its fraction, clipped to a byte if asked."""
    exact = (x + bias).floor()
    return through(exact.clamp(0, 255) if clip else exact, x)


def _pad(plane: Tensor, rows: int, columns: int) -> Tensor:
    """Repeat the bottom row and the right column until the sides are multiples of ``rows`` and ``columns``."""
    height, width = plane.shape[-2:]
    return F.pad(plane, (0, -width % columns, 0, -height % rows), mode="replicate")


def _shrink(plane: Tensor, vertical: int, horizontal: int, integers: bool) -> Tensor:
    """Average ``vertical`` x ``horizontal`` samples; like libjpeg, pad columns before that and rows after."""
    mean = F.avg_pool2d(_pad(plane, vertical, 8 * horizontal), (vertical, horizontal))
    if integers and horizontal == 2:
        mean = _floor(mean, _alternating(mean, *((0.25, 0.5) if vertical == 2 else (0, 0.5))))
    return _pad(mean, 8, 8)


def _enlarge(plane: Tensor, vertical: int, horizontal: int, integers: bool) -> Tensor:
    """libjpeg's "fancy" upsampling: each new sample is 3/4 of the nearer and 1/4 of the farther, along each axis."""
    if horizontal == 2:
        plane = F.interpolate(plane, scale_factor=(vertical, horizontal), mode="bilinear")
        if integers:
            plane = _floor(plane, _alternating(plane, *((8 / 16, 7 / 16) if vertical == 2 else (1 / 4, 2 / 4))))
    return plane


def _alternating(plane: Tensor, even: float, odd: float) -> Tensor:
    """One bias per column, so that halves are rounded up and down in turn and the mean is kept."""
    return plane.new_tensor([even, odd]).repeat(plane.shape[-1] // 2)


def _dct(plane: Tensor) -> Tensor:
    """(B, 1, 8 r, 8 c) samples -> (B, r, c, 8, 8) coefficients."""
    blocks = plane[:, 0].unflatten(-2, (-1, 8)).unflatten(-1, (-1, 8)).transpose(-3, -2)
    return (blocks.flatten(-2) @ _basis(plane).T).unflatten(-1, (8, 8))


def _idct(coefficients: Tensor) -> Tensor:
    """(B, r, c, 8, 8) coefficients -> (B, 1, 8 r, 8 c) samples."""
    blocks = (coefficients.flatten(-2) @ _basis(coefficients)).unflatten(-1, (8, 8))
    return blocks.transpose(-3, -2).flatten(-2).flatten(-3, -2)[:, None]


def _basis(like: Tensor) -> Tensor:
    """Orthonormal two-dimensional DCT-II, (64 frequencies, 64 samples): one large product is faster than two small."""
    k = torch.arange(8, dtype=torch.float64)
    basis = 0.5 * torch.cos(math.pi * (k[None, :] + 0.5) * k[:, None] / 8)
    basis[0] /= math.sqrt(2)
    return torch.kron(basis, basis).to(like)
