"""GD, the library behind PHP's ``imagecopyresampled`` and ``imagescale``, called by ctypes: no PHP is needed.

Compared with PHP 8.2 over the same GD 2.3.3 on one photograph of 768 x 512, at .5, .675 and .8: pictures are equal to
the pixel for every method. GD's JPEG is libjpeg's, so ``jpeg`` stands for it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from ...errors import BadImage
from ..attacks import RGB
from .backend import FACTOR, Backend, Software, decoded, half_up, png

#: the numbers that GD knows methods of ``gdImageScale`` by; ``resampled`` is a function of its own
METHODS = {"resampled": -1, "nearest": 16, "bilinear": 3, "bicubic": 5}
_POINTER, _INT = ctypes.c_void_p, ctypes.c_int


def gd(rgb: RGB, factor: float, method: str = "resampled") -> RGB:
    """Scale by GD: ``resampled`` is ``imagecopyresampled``, the mean of what a pixel covers; sides rounded halves up.

    The others are ``imagescale``, whose height follows the new width and is cut off. They are not widened when they
    shrink, lay corners on corners, and go through the picture in steps of 256ths of a pixel, cut off: at .75 the result
    is a thousandth too large, and lacks a little at the right and below. They are bilinear (two pixels an axis, up to
    two grey levels too dark), bicubic (a cubic B-spline, which blurs) and nearest.

    Raises:
        BadImage: GD refuses the picture.
    """
    width = half_up(rgb.shape[1] * factor)
    height = half_up(rgb.shape[0] * factor) if method == "resampled" else max(1, width * rgb.shape[0] // rgb.shape[1])
    with _image(_loaded(rgb)) as source:
        if method == "resampled":
            made = _checked(_library().gdImageCreateTrueColor(width, height))
        else:
            _library().gdImageSetInterpolationMethod(source, METHODS[method])
            made = _checked(_library().gdImageScale(source, width, height))
        with _image(made) as result:
            if method == "resampled":
                sizes = (width, height, rgb.shape[1], rgb.shape[0])
                _library().gdImageCopyResampled(result, source, 0, 0, 0, 0, *sizes)
            return _pixels(result)


def _loaded(rgb: RGB) -> int:
    contents = png(rgb)
    return _checked(_library().gdImageCreateFromPngPtr(len(contents), contents))


def _pixels(image: int) -> RGB:
    size = ctypes.c_int()
    contents = _checked(_library().gdImagePngPtrEx(image, ctypes.byref(size), 1))
    try:
        return decoded(ctypes.string_at(contents, size.value))
    finally:
        _library().gdFree(contents)


@contextmanager
def _image(pointer: int) -> Iterator[int]:
    """A picture of GD's, which is freed in the end."""
    try:
        yield pointer
    finally:
        _library().gdImageDestroy(pointer)


def _checked(pointer: int | None) -> int:
    if not pointer:
        raise BadImage("GD refuses the picture")
    return pointer


@cache
def _library() -> ctypes.CDLL:
    """GD with the types of what is called.

    Raises:
        FileNotFoundError: it is not installed. OSError: it cannot be loaded, or is older than 2.3.
    """
    path = ctypes.util.find_library("gd")
    if not path:
        raise FileNotFoundError("there is no libgd")
    library = ctypes.CDLL(path)
    signatures = {
        "gdVersionString": (ctypes.c_char_p, []),
        "gdImageCreateTrueColor": (_POINTER, [_INT, _INT]),
        "gdImageCreateFromPngPtr": (_POINTER, [_INT, _POINTER]),
        "gdImageSetInterpolationMethod": (_INT, [_POINTER, _INT]),
        "gdImageScale": (_POINTER, [_POINTER, ctypes.c_uint, ctypes.c_uint]),
        "gdImageCopyResampled": (None, [_POINTER, _POINTER, *[_INT] * 8]),
        "gdImagePngPtrEx": (_POINTER, [_POINTER, ctypes.POINTER(_INT), _INT]),
        "gdImageDestroy": (None, [_POINTER]),
        "gdFree": (None, [_POINTER]),
    }
    for name, (returns, takes) in signatures.items():
        try:
            function = getattr(library, name)
        except AttributeError as error:
            raise OSError(f"{path} has no {name}: it is older than GD 2.3") from error
        function.restype, function.argtypes = returns, takes
    return library


def _version() -> str:
    return _library().gdVersionString().decode()


GD = Backend("GD", "apt install libgd3", _version)
ATTACKS = {"gd": Software(gd, GD, {"factor": FACTOR, "method": METHODS})}
