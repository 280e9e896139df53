"""Resampling kernels in closed form, and the matrices they make: what programs beside Pillow resize by (notebook 05).

A kernel says how much a pixel counts at each distance from where the result is read. Programs share the kernels and
differ in the rest: whether the kernel is widened when a picture shrinks, so that no pixel is skipped; where the first
pixel of the result lies (the phase); and what stands beyond the edge. Mitchell & Netravali 1988; Keys 1981; Lanczos is
Duchon 1979.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSpec

_Distance = NDArray[np.floating]
Kernel = Callable[[_Distance], NDArray[np.float64]]


def box(x: _Distance) -> NDArray[np.float64]:
    """All pixels within half a pixel alike; of two at exactly that distance, the left one."""
    return ((x > -0.5) & (x <= 0.5)).astype(float)


def linear(x: _Distance) -> NDArray[np.float64]:
    """A triangle, one pixel to each side."""
    return np.clip(1 - np.abs(x), 0, None)


def cubic(a: float) -> Kernel:
    """Keys' cubic, two pixels to each side: ``a`` is its slope at 1; -.5 is Catmull-Rom, -.75 is sharper."""

    def kernel(x: _Distance) -> NDArray[np.float64]:
        x = np.abs(x)
        near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * (x**3 - 5 * x**2 + 8 * x - 4)
        return np.where(x < 1, near, np.where(x < 2, far, 0))

    return kernel


def smoothing_cubic(b: float) -> Kernel:
    """The cubics with ``b + 2 c = 1`` of Mitchell & Netravali: 1/3 is Mitchell's, 1 the B-spline, which blurs."""
    c = (1 - b) / 2

    def kernel(x: _Distance) -> NDArray[np.float64]:
        x = np.abs(x)
        near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + 6 - 2 * b
        far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + 8 * b + 24 * c
        return np.where(x < 1, near, np.where(x < 2, far, 0)) / 6

    return kernel


def lanczos(lobes: int) -> Kernel:
    """A sinc under the middle lobe of a wider one, ``lobes`` pixels to each side."""
    return lambda x: np.where(np.abs(x) < lobes, np.sinc(x) * np.sinc(x / lobes), 0)


#: name -> how far the kernel reaches, in pixels, and the kernel
KERNELS: dict[str, tuple[float, Kernel]] = {
    "box": (0.5, box),
    "linear": (1, linear),
    "cubic": (2, cubic(-0.5)),
    "cubic75": (2, cubic(-0.75)),
    "mitchell": (2, smoothing_cubic(1 / 3)),
    "spline": (2, smoothing_cubic(1)),
    "lanczos2": (2, lanczos(2)),
    "lanczos3": (3, lanczos(3)),
    "lanczos4": (4, lanczos(4)),
}


@lru_cache(maxsize=64)
def kernel_matrix(
    length: int,
    count: int,
    kernel: str,
    step: float | None = None,
    *,
    start: float | None = None,
    widened: bool = True,
    grain: int = 0,
    repeated: bool = True,
) -> NDArray[np.float64]:
    """The matrix (count, length) that resamples ``length`` pixels to ``count``; each row sums to one.

    Args:
        length: of the source.
        count: of the result.
        kernel: one of :data:`KERNELS`.
        step: from one pixel of the result to the next, in pixels of the source; ``length / count`` by default.
        start: where the first pixel of the result is read; by default centres lie on centres, ``(step - 1) / 2``.
        widened: by ``step`` where that is above 1, so that every pixel counts.
        grain: places are cut off to this part of a pixel, as fixed-point arithmetic does; 0: not at all.
        repeated: the edge stands for what is beyond it; otherwise only pixels inside count.

    Raises:
        BadSpec: no such kernel.
    """
    if kernel not in KERNELS:
        raise BadSpec(f"kernel must be one of {', '.join(KERNELS)}, not {kernel}")
    reach, weight = KERNELS[kernel]
    step = length / count if step is None else step
    places = np.arange(count) * step + ((step - 1) / 2 if start is None else start)
    if grain:
        places = np.floor(places * grain) / grain
    width = max(step, 1.0) if widened else 1.0
    margin = math.ceil(reach * width) + 1 + math.ceil(max(0, -places.min(), places.max() - length))
    pixels = np.arange(-margin, length + margin)
    weights = weight((pixels[None] - places[:, None]) / width)
    if not repeated:
        weights[:, (pixels < 0) | (pixels >= length)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return _inside(weights, pixels, length)


@lru_cache(maxsize=64)
def area_matrix(length: int, count: int, step: float | None = None) -> NDArray[np.float64]:
    """The matrix (count, length) of means over what each pixel of the result covers, ``step`` pixels of the source."""
    step = length / count if step is None else step
    starts = np.arange(count)[:, None] * step
    pixels = np.arange(length)[None]
    overlap = np.clip(np.minimum(starts + step, pixels + 1) - np.maximum(starts, pixels), 0, None)
    return overlap / overlap.sum(axis=1, keepdims=True)


def filter_matrix(length: int, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix (length, length) that filters by ``weights``, an odd number of them; the edge is repeated."""
    reach = len(weights) // 2
    pixels = np.arange(-reach, length + reach)
    rows = np.zeros((length, len(pixels)))
    for place, row in enumerate(rows):
        row[place : place + len(weights)] = weights
    return _inside(rows, pixels, length)


def _inside(weights: NDArray[np.float64], pixels: NDArray[np.int_], length: int) -> NDArray[np.float64]:
    """Give the weights of pixels beyond the edge to the pixel at the edge."""
    matrix = np.zeros((length, len(weights)))
    np.add.at(matrix, np.clip(pixels, 0, length - 1), weights.T)
    return np.ascontiguousarray(matrix.T)
