"""Resampling kernels in closed form, as functions of the distance in pixels."""

import numpy as np


def linear(x):
    return np.clip(1 - np.abs(x), 0, None)


def cubic(x, b, c):
    """Mitchell & Netravali 1988; Catmull-Rom is b = 0, c = .5."""
    x = np.abs(x)
    near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + 6 - 2 * b
    far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + 8 * b + 24 * c
    return np.where(x < 1, near, np.where(x < 2, far, 0)) / 6


def lanczos(x, lobes):
    return np.where(np.abs(x) < lobes, np.sinc(x) * np.sinc(x / lobes), 0)


def keys(a):
    """Keys 1981: -.5 is Catmull-Rom, -.75 what OpenCV takes."""

    def kernel(x):
        x = np.abs(x)
        near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * (x**3 - 5 * x**2 + 8 * x - 4)
        return np.where(x < 1, near, np.where(x < 2, far, 0))

    return kernel


def magic_2013(x):
    """Costella 2013, the magic kernel with its sharpening: three parabolas."""
    x = np.abs(x)
    parts = (17 / 16 - 7 / 4 * x**2, x**2 - 11 / 4 * x + 7 / 4, -(x**2) / 8 + 5 / 8 * x - 25 / 32)
    return np.select([x <= 0.5, x <= 1.5, x <= 2.5], parts, 0)
