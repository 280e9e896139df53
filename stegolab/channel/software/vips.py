"""libvips, as Node's ``sharp`` and many servers use it: its kernels, its WebP, and JPEG by mozjpeg.

The operations and their options are those of ``sharp``'s ``resize({width, kernel}).jpeg({quality, mozjpeg: true})``.
Compared with sharp 0.35.5 over the same libvips 8.18.7 on one photograph of 768 x 512: mozjpeg and WebP files are equal
to the byte, resized pictures to the pixel, for every kernel but ``nearest``, which differs in .3 % of the samples at
some widths.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..attacks import RGB
from .backend import FACTOR, PLATFORMS_EXTRA, QUALITY, SIDE, Backend, Software, decoded, half_up

KERNELS = ("nearest", "linear", "cubic", "mitchell", "lanczos2", "lanczos3", "mks2013", "mks2021")
SUBSAMPLINGS = ("4:4:4", "4:2:0")


def vips(rgb: RGB, factor: float, kernel: str = "lanczos3") -> RGB:
    """Scale by libvips: the width is rounded (halves up), and both axes are scaled by the factor that it then has.

    So the height is the rounded one of the new width, not of ``factor``. Every kernel but nearest is widened when it
    shrinks; below half the size, blocks of pixels are averaged first.
    """
    return _to_width(rgb, half_up(rgb.shape[1] * factor), kernel)


def vipscap(rgb: RGB, side: int, kernel: str = "lanczos3") -> RGB:
    """Shrink by libvips so that the longer side has ``side`` pixels; leave smaller pictures alone."""
    factor = side / max(rgb.shape[:2])
    return rgb.copy() if factor >= 1 else _scaled(rgb, factor, kernel)


def mozjpeg(rgb: RGB, quality: int, subsampling: str = "4:2:0") -> RGB:
    """Compress with mozjpeg at its best: trellis quantisation, deringing, its own table (number 3), progressive."""
    return decoded(mozjpeg_file(rgb, quality, subsampling)[0])


def mozjpeg_file(rgb: RGB, quality: int, subsampling: str = "4:2:0") -> tuple[bytes, str]:
    """Return the file itself, as :func:`mozjpeg` sees it, and its suffix."""
    contents = _image(rgb).jpegsave_buffer(
        Q=quality,
        trellis_quant=True,
        overshoot_deringing=True,
        optimize_scans=True,
        optimize_coding=True,
        quant_table=3,
        interlace=True,
        subsample_mode="off" if subsampling == "4:4:4" else "on",
        keep="none",
    )
    return contents, ".jpg"


def vipswebp(rgb: RGB, quality: int) -> RGB:
    """Compress with lossy WebP as libvips does by default, at ``quality`` 1 to 100."""
    return decoded(vipswebp_file(rgb, quality)[0])


def vipswebp_file(rgb: RGB, quality: int) -> tuple[bytes, str]:
    """Return the file itself, as :func:`vipswebp` sees it, and its suffix."""
    return _image(rgb).webpsave_buffer(Q=quality, keep="none"), ".webp"


def _to_width(rgb: RGB, width: int, kernel: str) -> RGB:
    return _scaled(rgb, width / rgb.shape[1], kernel)


def _scaled(rgb: RGB, factor: float, kernel: str) -> RGB:
    """Scale both axes by exactly ``factor``; libvips rounds both sides, halves up."""
    vertical = max(factor, 1 / rgb.shape[0])
    return np.array(_image(rgb).resize(factor, vscale=vertical, kernel=kernel).numpy())


def _image(rgb: RGB) -> Any:
    import pyvips

    height, width = rgb.shape[:2]
    image = pyvips.Image.new_from_memory(rgb.tobytes(), width, height, 3, "uchar")
    return image.copy(interpretation="srgb")


def _version() -> str:
    import pyvips

    return ".".join(str(pyvips.version(part)) for part in range(3))


LIBVIPS = Backend("libvips", PLATFORMS_EXTRA, _version)
ATTACKS = {
    "vips": Software(vips, LIBVIPS, {"factor": FACTOR, "kernel": KERNELS}),
    "vipscap": Software(vipscap, LIBVIPS, {"side": SIDE, "kernel": KERNELS}),
    "mozjpeg": Software(mozjpeg, LIBVIPS, {"quality": QUALITY, "subsampling": SUBSAMPLINGS}, mozjpeg_file),
    "vipswebp": Software(vipswebp, LIBVIPS, {"quality": QUALITY}, vipswebp_file),
}
