"""ImageMagick, called as a program: the resampling, sharpening and JPEG of many forums, wikis and blogs.

Version 7 is ``magick``, version 6 ``convert``; other programs have that name too, so each on the path is asked.
``apt install imagemagick`` brings version 6 on Debian 12, 7 later. It computes with 16 bits a sample, and version 6
(6.9.11) cuts the lower 8 off when it writes: half a grey level darker on average.
"""

from __future__ import annotations

import os
import shutil
from functools import cache

from ..attacks import RGB
from .backend import FACTOR, QUALITY, SIDE, Backend, Software, decoded, first_line, piped, png

#: ``default`` is what ImageMagick takes by itself: Lanczos when it shrinks, Mitchell when it enlarges.
FILTERS = (
    *("default", "point", "box", "triangle", "hermite", "gaussian", "quadratic", "cubic", "catrom", "mitchell"),
    *("lanczos", "lanczossharp", "lanczos2", "lanczos2sharp", "robidoux", "robidouxsharp", "spline", "kaiser", "sinc"),
)


def magick(rgb: RGB, factor: float, filter: str = "default") -> RGB:
    """Scale by ImageMagick's ``-resize``: each side is rounded to the nearest pixel, halves up.

    Both axes get the factor that their rounded side has. Every filter but point is widened when it shrinks.
    """
    return _changed(rgb, *_filter(filter), "-resize", f"{100 * factor:.10g}%")


def magickcap(rgb: RGB, side: int, filter: str = "default") -> RGB:
    """Shrink by ImageMagick so that the longer side has ``side`` pixels; leave smaller pictures alone."""
    return _changed(rgb, *_filter(filter), "-resize", f"{side}x{side}>")


def unsharp(rgb: RGB, radius: float, sigma: float, amount: float, threshold: float = 0.05) -> RGB:
    """Sharpen by ImageMagick's ``-unsharp``: add ``amount`` times the difference from a Gaussian blur.

    ``radius`` is how far the Gaussian of standard deviation ``sigma`` pixels reaches, 0 as far as it matters. Where
    twice the difference is below ``threshold``, a part of the full range, nothing changes; .05 is what ImageMagick
    takes when it is not told.
    """
    return _changed(rgb, "-unsharp", f"{radius:.10g}x{sigma:.10g}+{amount:.10g}+{threshold:.10g}")


def magickjpeg(rgb: RGB, quality: int) -> RGB:
    """Compress by ImageMagick's ``-quality``, 1 to 100: libjpeg's tables; chroma halved below 90, kept from there."""
    return decoded(magickjpeg_file(rgb, quality)[0])


def magickjpeg_file(rgb: RGB, quality: int) -> tuple[bytes, str]:
    """Return the file itself, as :func:`magickjpeg` sees it, and its suffix."""
    return piped([program(), "png:-", "-strip", "-quality", str(quality), "jpeg:-"], png(rgb)), ".jpg"


def program() -> str:
    """The path of ``magick``, or of a ``convert`` that says it is ImageMagick.

    Raises:
        FileNotFoundError: there is neither.
    """
    return _program(os.environ.get("PATH", os.defpath))


@cache
def _program(path: str) -> str:
    if newer := shutil.which("magick", path=path):
        return newer
    for folder in path.split(os.pathsep):
        older = shutil.which("convert", path=folder or os.curdir)
        if older and _said(older).startswith("Version: ImageMagick"):
            return older
    raise FileNotFoundError("neither magick nor ImageMagick's convert is on the path")


def _said(program: str) -> str:
    return first_line(program, "-version")


def _changed(rgb: RGB, *operation: str) -> RGB:
    return decoded(piped([program(), "png:-", *operation, "-depth", "8", "ppm:-"], png(rgb)))


def _filter(name: str) -> list[str]:
    return [] if name == "default" else ["-filter", name]


def _version() -> str:
    return _said(program()).removeprefix("Version: ImageMagick ").partition(" https:")[0]


IMAGEMAGICK = Backend("ImageMagick", "apt install imagemagick", _version)
ATTACKS = {
    "magick": Software(magick, IMAGEMAGICK, {"factor": FACTOR, "filter": FILTERS}),
    "magickcap": Software(magickcap, IMAGEMAGICK, {"side": SIDE, "filter": FILTERS}),
    "unsharp": Software(
        unsharp, IMAGEMAGICK, {"radius": (0, 50), "sigma": (0.1, 50), "amount": (0, 20), "threshold": (0, 1)}
    ),
    "magickjpeg": Software(magickjpeg, IMAGEMAGICK, {"quality": QUALITY}, magickjpeg_file),
}
