"""JPEG XL, through imagecodecs, which holds libjxl: lossy (VarDCT), at the quality scale of its program ``cjxl``."""

from __future__ import annotations

import numpy as np

from ...errors import BadImage
from ..attacks import RGB
from .backend import PLATFORMS_EXTRA, QUALITY, Backend, Software


def jxl(rgb: RGB, quality: int) -> RGB:
    """Compress with JPEG XL at ``quality`` 1 to 100; 90 is visually lossless, 100 without any loss."""
    import imagecodecs

    return np.array(imagecodecs.jpegxl_decode(jxl_file(rgb, quality)[0]), np.uint8)


def jxl_file(rgb: RGB, quality: int) -> tuple[bytes, str]:
    """Return the file itself, as :func:`jxl` sees it, and its suffix."""
    import imagecodecs

    picture = np.ascontiguousarray(rgb)
    try:
        how = {"lossless": True} if quality == 100 else {"distance": distance(quality)}
        return bytes(imagecodecs.jpegxl_encode(picture, numthreads=1, **how)), ".jxl"
    except imagecodecs.JpegxlError as error:
        raise BadImage(f"libjxl refuses the picture: {error}") from error


def distance(quality: float) -> float:
    """The Butteraugli distance that ``cjxl`` takes for a quality: 1 for 90, .1 less for each step above 30."""
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25


def _version() -> str:
    import imagecodecs

    return f"{imagecodecs.jpegxl_version()} (imagecodecs {imagecodecs.__version__})"


LIBJXL = Backend("libjxl", PLATFORMS_EXTRA, _version)
ATTACKS = {"jxl": Software(jxl, LIBJXL, {"quality": QUALITY}, jxl_file)}
