"""OpenCV's ``resize``, as servers written in Python and phone apps use it.

Unlike Pillow and libvips it does not widen its kernels when it shrinks: linear reads 2 x 2 pixels, cubic (a = -.75)
4 x 4 and lanczos4 8 x 8, whatever the factor, so what lies between is skipped and frequencies fold over. Only ``area``
averages.
"""

from __future__ import annotations

import numpy as np

from ..attacks import RGB
from .backend import FACTOR, PLATFORMS_EXTRA, Backend, Software

KERNELS = ("nearest", "linear", "cubic", "area", "lanczos4")


def opencv(rgb: RGB, factor: float, kernel: str = "linear") -> RGB:
    """Scale by OpenCV: both axes by exactly ``factor``, each side rounded to the nearest pixel, halves to even."""
    import cv2

    interpolation = getattr(cv2, f"INTER_{kernel.upper()}")
    width, height = (round(side * factor) for side in rgb.shape[1::-1])
    if min(width, height) < 1:  # which OpenCV refuses
        return np.array(cv2.resize(rgb, (max(1, width), max(1, height)), interpolation=interpolation), np.uint8)
    return np.array(cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=interpolation), np.uint8)


def _version() -> str:
    import cv2

    return cv2.__version__


OPENCV = Backend("OpenCV", PLATFORMS_EXTRA, _version)
ATTACKS = {"opencv": Software(opencv, OPENCV, {"factor": FACTOR, "kernel": KERNELS})}
