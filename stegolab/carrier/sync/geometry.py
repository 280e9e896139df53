"""The geometry of a received picture in the original: a turn or flip, a scale and an offset per side (notebook 08)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]
TURNS = range(8)
ROTATIONS = (0, 3, 5, 6)  # those of TURNS that mirror nothing: by none, two, one and three quarters
_SUPPORT = 3  # most pixels beyond its box that bicubic interpolation reads, to be multiplied by the shrinking
TIE = 1e-3  # pixels: a centre on the border of two received pixels belongs to the first


def turned(plane: NDArray[Any], turn: int) -> NDArray[Any]:
    """(H, W, ...) in one of eight orientations: transposed (4), then flipped top to bottom (2), then left to right
    (1)."""
    return np.ascontiguousarray(facing(plane, turn))


def facing(plane: NDArray[Any], turn: int) -> NDArray[Any]:
    """The same as a view of ``plane``, for callers that read only a small part."""
    plane = plane.swapaxes(0, 1) if turn & 4 else plane
    plane = plane[::-1] if turn & 2 else plane
    return plane[:, ::-1] if turn & 1 else plane


@dataclass(frozen=True)
class Axis:
    """``received = scale * original + offset``, in pixels, measured from edges, not centres."""

    scale: float
    offset: float

    def received(self, original: float) -> float:
        """The received position of a place in the original."""
        return self.scale * original + self.offset

    def original(self, received: float) -> float:
        """The inverse of :meth:`received`."""
        return (received - self.offset) / self.scale

    def beginning(self, later: float) -> Axis:
        """The axis of an original that begins ``pixels`` before its assumed corner."""
        return Axis(self.scale, self.offset - self.scale * later)

    def moved(self, by: float, centre: float = 0.0, stretch: float = 0.0) -> Axis:
        """This axis moved by ``by`` and stretched about ``centre``, both in pixels of the original."""
        scale = self.scale * (1 + stretch)
        return Axis(scale, self.offset + self.scale * (by - stretch * centre))


@dataclass(frozen=True)
class Axes:
    """Where a received plane lies on the original: ``vertical`` for its rows, ``horizontal`` for its columns."""

    vertical: Axis
    horizontal: Axis

    def __iter__(self) -> Iterator[Axis]:
        return iter((self.vertical, self.horizontal))


@dataclass(frozen=True)
class Geometry:
    """The received plane, after ``turned(plane, turn)``, lies along ``vertical`` and ``horizontal``."""

    turn: int
    vertical: Axis
    horizontal: Axis

    @property
    def axes(self) -> Axes:
        """The two axes of the turned plane."""
        return Axes(self.vertical, self.horizontal)


def resized(plane: Plane, shape: tuple[int, ...]) -> Plane:
    """The plane resized to (height, width), bicubic, in floating point; the same object if it has that size."""
    height, width = shape[:2]
    if plane.shape == (height, width):
        return plane
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC))


def cut(
    plane: Plane,
    vertical: Axis,
    horizontal: Axis,
    corner: tuple[float, float],
    size: tuple[int, int],
    held: bool = False,
) -> Plane:
    """A rectangle of the original out of a received (and turned) plane, bicubic.

    Args:
        plane: (H, W). Beyond its edges, the edge values continue.
        vertical, horizontal: where it lies.
        corner: top and left of the rectangle, in pixels of the original.
        size: of the result, height and width.
        held: give each pixel of the original the value of the received pixel that it went into, as is right where
            every received pixel is the mean of those whose centres lie in it (a box filter).
    """
    boxes = []
    pads = []
    for axis, start, length, have in zip((vertical, horizontal), corner, size, plane.shape, strict=True):
        low, high = axis.received(start), axis.received(start + length)
        margin = ceil(_SUPPORT * max(1.0, axis.scale))
        first, last = floor(low) - margin, ceil(high) + margin
        inside = slice(min(max(first, 0), have - 1), max(min(last, have), 1))
        pads.append((inside.start - first, last - inside.stop))
        boxes.append((inside, low - first, high - first))
    (rows, top, bottom), (columns, left, right) = boxes
    patch = plane[rows, columns]
    if any(map(any, pads)):
        patch = np.pad(patch, pads, mode="edge")
    image = Image.fromarray(np.ascontiguousarray(patch))
    height, width = size
    kernel, tie = (Image.Resampling.NEAREST, TIE) if held else (Image.Resampling.BICUBIC, 0.0)
    box = (left - tie, top - tie, right - tie, bottom - tie)
    return np.asarray(image.resize((width, height), kernel, box=box))
