"""HEIC, as phones store photographs: HEVC intra frames by x265, through pillow-heif."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from ...extras import remedy
from ..attacks import RGB
from .backend import QUALITY, Backend, Software


def heic(rgb: RGB, quality: int) -> RGB:
    """Compress with HEIC at ``quality`` 1 to 100, a scale of its own; chroma 4:2:0. Odd sides stay as they are."""
    from pillow_heif import HeifImageFile

    return np.array(HeifImageFile(BytesIO(heic_file(rgb, quality)[0])).convert("RGB"))


def heic_file(rgb: RGB, quality: int) -> tuple[bytes, str]:
    """Return the file itself, as :func:`heic` sees it, and its suffix."""
    from pillow_heif import from_pillow

    file = BytesIO()
    from_pillow(Image.fromarray(rgb)).save(file, format="HEIF", quality=quality, chroma=420)
    return file.getvalue(), ".heic"


def _version() -> str:
    import pillow_heif

    return f"{pillow_heif.libheif_version()} (pillow-heif {pillow_heif.__version__})"


LIBHEIF = Backend("libheif", remedy("heif"), _version)
ATTACKS = {"heic": Software(heic, LIBHEIF, {"quality": QUALITY}, heic_file)}
