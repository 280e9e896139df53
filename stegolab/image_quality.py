"""How far a change of a picture shows, to an eye: three measures beside PSNR, which is blind to where it changed.

Noise on a wall is seen, the same noise in a tree is not. Watson's model says so for each coefficient of each block;
SSIMULACRA2 was fitted to what many people said about compressed pictures; the noise in the flattest parts is the
plainest of the three.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .errors import BadImage
from .images import luma
from .picture import RGB

_BLOCK = 8  # pixels
_FLATTEST = 0.25  # share of the blocks
_SMALLEST = 8  # pixels a side, of SSIMULACRA2

# The smallest amplitude of each 8 x 8 DCT coefficient that is seen, in 8-bit luma, vertical frequency first, and the
# exponents of masking: Watson 1993, "DCT quantization matrices visually optimized for individual images".
_WATSON = np.array([
    [1.40, 1.01, 1.16, 1.66, 2.40, 3.43, 4.79, 6.56],
    [1.01, 1.45, 1.32, 1.52, 2.00, 2.71, 3.67, 4.93],
    [1.16, 1.32, 2.24, 2.59, 2.98, 3.64, 4.60, 5.88],
    [1.66, 1.52, 2.59, 3.77, 4.55, 5.30, 6.28, 7.60],
    [2.40, 2.00, 2.98, 4.55, 6.15, 7.46, 8.71, 10.17],
    [3.43, 2.71, 3.64, 5.30, 7.46, 9.62, 11.58, 13.51],
    [4.79, 3.67, 4.60, 6.28, 8.71, 11.58, 14.50, 17.29],
    [6.56, 4.93, 5.88, 7.60, 10.17, 13.51, 17.29, 21.15],
])  # fmt: skip
_BRIGHTNESS, _CONTRAST, _POOLING = 0.649, 0.7, 4.0
_MIDDLE_GREY = 8 * 128.0  # the mean coefficient of a block of middle grey


def ssimulacra2(a: RGB, b: RGB) -> float:
    """SSIMULACRA2 of a changed picture ``b``: 100 when equal, 90 hard to tell apart, 70 high quality, 50 medium.

    Computed by the library of that name (Sneyers 2022).

    Raises:
        BadImage: the two differ in shape, or are smaller than 8 pixels on a side.
    """
    from ssimulacra2 import compute_ssimulacra2

    _require_alike(a, b, _SMALLEST)
    files = []
    for rgb in (a, b):  # the library reads files
        files.append(BytesIO())
        Image.fromarray(rgb).save(files[-1], "bmp")
        files[-1].seek(0)
    return float(compute_ssimulacra2(*files))


def flat_rms(a: RGB, b: RGB) -> float:
    """The change in the flattest quarter of the 8 x 8 blocks of ``a``, root mean square, in grey levels.

    Raises:
        BadImage: the two differ in shape, or are smaller than 8 pixels on a side.
    """
    before, after = _blocks(a, b)  # (rows, columns, 8, 8) each
    contrast = before.var(axis=(2, 3))  # (rows, columns)
    flattest = contrast <= np.quantile(contrast, _FLATTEST)
    return float(np.sqrt(np.square(after - before)[flattest].mean()))


def watson(a: RGB, b: RGB) -> float:
    """The change in just noticeable differences of Watson (1993), pooled with exponent 4: of the mean over the blocks.

    A difference is just noticeable where it is as large as the threshold of its DCT coefficient, which grows with the
    brightness of the block and with the coefficient itself.

    Raises:
        BadImage: the two differ in shape, or are smaller than 8 pixels on a side.
    """
    from scipy.fft import dctn

    before, after = (dctn(blocks, axes=(2, 3), norm="ortho") for blocks in _blocks(a, b))  # (rows, columns, 8, 8) each
    bright = np.maximum(before[..., :1, :1], 8) / _MIDDLE_GREY  # (rows, columns, 1, 1)
    threshold = _WATSON * bright**_BRIGHTNESS  # (rows, columns, 8, 8)
    masked = np.maximum(threshold, np.abs(before) ** _CONTRAST * threshold ** (1 - _CONTRAST))
    masked[..., 0, 0] = threshold[..., 0, 0]  # the mean masks nothing
    pooled = (np.abs(after - before) / masked) ** _POOLING  # (rows, columns, 8, 8)
    return float(pooled.sum(axis=(2, 3)).mean() ** (1 / _POOLING))


def _blocks(a: RGB, b: RGB) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The luma of the whole blocks of both, (rows, columns, 8, 8)."""
    _require_alike(a, b, _BLOCK)
    rows, columns = a.shape[0] // _BLOCK, a.shape[1] // _BLOCK

    def cut(rgb: RGB) -> NDArray[np.float64]:
        whole = luma(rgb)[: rows * _BLOCK, : columns * _BLOCK].astype(np.float64)
        return whole.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)

    return cut(a), cut(b)


def _require_alike(a: RGB, b: RGB, least: int) -> None:
    if a.shape != b.shape:
        raise BadImage(f"cannot compare a picture of shape {a.shape} with one of shape {b.shape}: resize one first")
    if min(a.shape[:2]) < least:
        raise BadImage(f"a picture of shape {a.shape} is too small to compare: at least {least} pixels a side")
