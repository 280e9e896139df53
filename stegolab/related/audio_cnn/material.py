"""What the networks learn from and are measured on: tiles of pictures, speech at one level, sines (notebook 09)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...audio import RATE
from ...errors import BadAudio, BadData
from .payload import Payload, Planes, Samples

Tiles = NDArray[np.uint8]  # (n, side, side, 3)

LOWEST, HIGHEST = 200.0, 1000.0  # hertz, of the original's sines


def levelled(samples: Samples) -> Samples:
    """``samples`` at a root mean square of one: how loud a speaker was is not sent.

    Raises:
        BadAudio: they are silent.
    """
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    if level < 1e-5:
        raise BadAudio("the speech is silent: choose a clip with sound in it")
    return (samples / level).astype(np.float32)


def sine(frequency: float, length: int, phase: float = 0.0) -> Samples:
    """``length`` samples of a sine of ``frequency`` hertz, amplitude one."""
    return np.sin(2 * np.pi * frequency * np.arange(length) / RATE + phase).astype(np.float32)


@dataclass(frozen=True)
class Material:
    """Pictures of ``side`` pixels and more, and sounds at level one; no sounds stand for sines.

    Raises:
        BadData: no picture, or no sound that fills a tile.
    """

    pictures: Tiles
    sounds: Sequence[Samples]
    layout: Payload
    side: int

    def __post_init__(self) -> None:
        if not len(self.pictures) or min(self.pictures.shape[1:3]) < self.side:
            raise BadData(f"no pictures of {self.side} pixels and more")
        if self.sounds and not any(len(sound) > self.layout.hop for sound in self.sounds):
            raise BadData(f"no sound of more than {self.layout.hop} samples")

    def draw(self, count: int, random: np.random.Generator) -> tuple[Tiles, Planes]:
        """``count`` random squares of pictures, half of them mirrored, and the planes of random clips."""
        pictures = np.stack([self._square(random) for _ in range(count)])
        return pictures, np.concatenate([self._clip(random) for _ in range(count)])

    def fixed(self, count: int = 64) -> tuple[Tiles, Planes]:
        """The middles of the first pictures and clips from all over the sounds, always the same."""
        count = min(count, len(self.pictures))
        top, left = ((extent - self.side) // 2 for extent in self.pictures.shape[1:3])
        pictures = self.pictures[:count, top : top + self.side, left : left + self.side]
        random = np.random.default_rng(0)
        return pictures, np.concatenate([self._clip(random) for _ in range(count)])

    def _square(self, random: np.random.Generator) -> Tiles:
        picture = self.pictures[int(random.integers(len(self.pictures)))]
        top, left = (int(random.integers(extent - self.side + 1)) for extent in picture.shape[:2])
        square = picture[top : top + self.side, left : left + self.side]
        return square[:, :: random.choice([-1, 1])]

    def _clip(self, random: np.random.Generator) -> Planes:
        """The planes of one tile out of a longer sound, (1, planes, side, side)."""
        length = self.layout.hop - self.layout.overlap
        if not self.sounds:
            return self.layout.lay(sine(random.uniform(LOWEST, HIGHEST), length, random.uniform(0, 2 * np.pi)))
        while len(sound := self.sounds[int(random.integers(len(self.sounds)))]) <= length:
            pass
        start = int(random.integers(len(sound) - length))
        return self.layout.lay(sound[start : start + length])
