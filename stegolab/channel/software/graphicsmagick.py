"""GraphicsMagick, ImageMagick's older branch, called as the program ``gm``: photo shops, galleries and Node's ``gm``.

Like version 6 of ImageMagick it computes with 16 bits a sample and cuts the lower 8 off when it writes: half a grey
level darker on average. Its filters are ImageMagick's where both have them, and its JPEG is libjpeg's.
"""

from __future__ import annotations

from ..attacks import RGB
from .backend import FACTOR, QUALITY, SIDE, Backend, Software, decoded, first_line, found, piped, png

#: ``default`` is what GraphicsMagick takes by itself: Lanczos when it shrinks, Mitchell when it enlarges.
FILTERS = (
    *("default", "point", "box", "triangle", "hermite", "hanning", "hamming", "blackman", "gaussian", "quadratic"),
    *("cubic", "catrom", "mitchell", "lanczos", "bessel", "sinc"),
)


def gm(rgb: RGB, factor: float, filter: str = "default") -> RGB:
    """Scale by GraphicsMagick's ``-resize``: each side is rounded to the nearest pixel, halves up.

    Every filter but point is widened when it shrinks.
    """
    return _changed(rgb, *_filter(filter), "-resize", f"{100 * factor:.10g}%")


def gmcap(rgb: RGB, side: int, filter: str = "default") -> RGB:
    """Shrink by GraphicsMagick so that the longer side has ``side`` pixels; leave smaller pictures alone."""
    return _changed(rgb, *_filter(filter), "-resize", f"{side}x{side}>")


def gmunsharp(rgb: RGB, radius: float, sigma: float, amount: float, threshold: float = 0.05) -> RGB:
    """Sharpen by GraphicsMagick's ``-unsharp``, whose arguments are those of ImageMagick's."""
    return _changed(rgb, "-unsharp", f"{radius:.10g}x{sigma:.10g}+{amount:.10g}+{threshold:.10g}")


def gmjpeg(rgb: RGB, quality: int) -> RGB:
    """Compress by GraphicsMagick's ``-quality``, 1 to 100: libjpeg's tables; chroma halved below 90 only."""
    return decoded(gmjpeg_file(rgb, quality)[0])


def gmjpeg_file(rgb: RGB, quality: int) -> tuple[bytes, str]:
    """Return the file itself, as :func:`gmjpeg` sees it, and its suffix."""
    return piped([found("gm"), "convert", "png:-", "-strip", "-quality", str(quality), "jpeg:-"], png(rgb)), ".jpg"


def _changed(rgb: RGB, *operation: str) -> RGB:
    return decoded(piped([found("gm"), "convert", "png:-", *operation, "-depth", "8", "ppm:-"], png(rgb)))


def _filter(name: str) -> list[str]:
    return [] if name == "default" else ["-filter", name]


def _version() -> str:
    said = first_line(found("gm"), "version")
    if not said.startswith("GraphicsMagick "):
        raise FileNotFoundError("the program gm is not GraphicsMagick")
    return said.removeprefix("GraphicsMagick ").partition(" http")[0]


GRAPHICSMAGICK = Backend("GraphicsMagick", "apt install graphicsmagick", _version)
ATTACKS = {
    "gm": Software(gm, GRAPHICSMAGICK, {"factor": FACTOR, "filter": FILTERS}),
    "gmcap": Software(gmcap, GRAPHICSMAGICK, {"side": SIDE, "filter": FILTERS}),
    "gmunsharp": Software(
        gmunsharp, GRAPHICSMAGICK, {"radius": (0, 50), "sigma": (0.1, 50), "amount": (0, 20), "threshold": (0, 1)}
    ),
    "gmjpeg": Software(gmjpeg, GRAPHICSMAGICK, {"quality": QUALITY}, gmjpeg_file),
}
