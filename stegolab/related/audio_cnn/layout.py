"""Sound as planes of the size of a tile: the waveform row by row, or its STFT (notebook 09).

Both keep the energy: ``read(lay(x))`` is ``x``, and the squares of the planes sum to those of the samples.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import BadSpec

Samples = NDArray[np.float32]
Planes = NDArray[np.float32]


class Layout(Protocol):
    """A way to lay sound out, with ``planes`` numbers for each of the ``side`` x ``side`` pixels of a tile."""

    planes: int
    hop: int  # samples that one more tile carries
    overlap: int  # samples by which the first tile carries less

    def lay(self, samples: Samples) -> Planes:
        """(n,) to (tiles, planes, side, side), with silence after the end."""

    def read(self, planes: Planes) -> Samples:
        """The samples that these tiles carry; for planes that belong to no sound, those of the nearest planes that
        do."""


class Waveform:
    """Sample after sample, row by row."""

    planes, overlap = 1, 0

    def __init__(self, side: int) -> None:
        self.side, self.hop = side, side * side

    def lay(self, samples: Samples) -> Planes:
        """(n,) to (tiles, 1, side, side)."""
        padded = np.pad(samples, (0, -len(samples) % self.hop))
        return padded.reshape(-1, 1, self.side, self.side).astype(np.float32)

    def read(self, planes: Planes) -> Samples:
        """(tiles, 1, side, side) to (tiles side²,)."""
        return planes.reshape(-1)


class Spectrum:
    """Real and imaginary part of the STFT: rows are frequencies, columns frames.

    Frames of ``2 (side - 1)`` samples under the root of a Hann window, half overlapping, so that as many frequencies
    come out as the tile has rows; scaled to a tight frame, whose inverse is its transpose. There are two numbers per
    sample, so reading averages the noise of both.
    """

    planes = 2

    def __init__(self, side: int) -> None:
        self.side, self.step = side, side - 1
        self.hop, self.overlap = side * self.step, self.step
        size = 2 * self.step
        time, frequency = np.arange(size), np.arange(side)
        waves = np.exp(-2j * np.pi * frequency[:, None] * time / size)  # (frequencies, samples of a frame)
        waves *= np.where((frequency == 0) | (frequency == self.step), 1, np.sqrt(2))[:, None] / np.sqrt(size)
        waves *= np.sin(np.pi * (time + 0.5) / size)  # the squares of windows half a frame apart sum to one
        self.basis = np.stack([waves.real, waves.imag]).astype(np.float32)  # (2, frequencies, samples of a frame)

    def lay(self, samples: Samples) -> Planes:
        """(n,) to (tiles, 2, side, side)."""
        tiles = max(1, -(-(len(samples) + self.overlap) // self.hop))
        # The first frame begins half a frame before the sound, so that each sample is in two frames.
        padded = np.pad(samples, (self.step, tiles * self.hop - len(samples)))
        halves = padded.reshape(-1, self.step)  # frame t is halves t and t + 1
        frames = np.concatenate([halves[:-1], halves[1:]], 1)  # (frames, samples of a frame)
        coefficients = np.einsum("pfs,ts->pft", self.basis, frames, optimize=True).astype(np.float32)
        cut = coefficients.reshape(2, self.side, tiles, self.side)
        return np.ascontiguousarray(cut.transpose(2, 0, 1, 3))  # (tiles, 2, frequencies, frames)

    def read(self, planes: Planes) -> Samples:
        """(tiles, 2, side, side) to (tiles side (side - 1) - (side - 1),)."""
        coefficients = planes.transpose(1, 2, 0, 3).reshape(2, self.side, -1)
        first, second = np.split(np.einsum("pfs,pft->ts", self.basis, coefficients, optimize=True), 2, axis=1)
        return (first[1:] + second[:-1]).reshape(-1).astype(np.float32)


LAYOUTS: dict[str, type[Waveform] | type[Spectrum]] = {"waveform": Waveform, "stft": Spectrum}


def layout_named(name: str, side: int) -> Layout:
    """The layout called ``name`` for tiles of ``side`` pixels.

    Raises:
        BadSpec: no such layout, or tiles of less than 8 pixels.
    """
    if name not in LAYOUTS:
        raise BadSpec(f"payload {name!r}: choose one of {', '.join(LAYOUTS)}")
    if side < 8:
        raise BadSpec(f"tiles of {side} pixels: use 8 or more")
    return LAYOUTS[name](side)
