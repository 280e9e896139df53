"""The data for training and measuring: tiles of pictures, speech of level one, sines (notebook 09)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ... import data
from ...audio import RATE, read_audio
from ...errors import BadData
from .. import levels
from .config import TrainConfig
from .layout import Layout, Planes, Samples

Tiles = NDArray[np.uint8]  # (n, side, side, 3)

LOWEST, HIGHEST = 200.0, 1000.0  # hertz, of the original's sines
_VALID = 500  # the last training pictures, because CIFAR-10 has no valid split
_MOST = 200  # sounds, evenly spread over the split


def normalised(samples: Samples) -> Samples:
    """``samples`` (n,) scaled to a root mean square of one; the original loudness is not sent.

    Raises:
        BadAudio: they are silent.
    """
    return (samples / levels.audible_rms(samples)).astype(np.float32)


def sine(frequency: float, length: int, phase: float = 0.0) -> Samples:
    """``length`` samples of a sine of ``frequency`` hertz, amplitude one."""
    return np.sin(2 * np.pi * frequency * np.arange(length) / RATE + phase).astype(np.float32)


@dataclass(frozen=True)
class Dataset:
    """Pictures of at least ``side`` pixels, and sounds of level one; without sounds, sines are used.

    Raises:
        BadData: no picture, or no sound that fills a tile.
    """

    pictures: Tiles
    sounds: Sequence[Samples]
    layout: Layout
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
        """The middles of the first pictures, and clips spread over the sounds, always the same."""
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


def read(config: TrainConfig) -> tuple[Dataset, Dataset]:
    """The data for training and the data for measuring.

    In mode ``real`` these are different pictures and different voices; in mode ``legacy`` the same, as in the original.

    Raises:
        BadData: no data.
    """
    pictures = data.thumbnails("train")
    layout = config.network.layout
    if config.mode == "legacy":
        sines = Dataset(pictures[:-_VALID], [], layout, config.side)
        return sines, sines
    parts = {"train": pictures[:-_VALID], "valid": pictures[-_VALID:]}
    train, valid = (Dataset(part, _speech(split), layout, config.side) for split, part in parts.items())
    return train, valid


def _speech(split: str) -> list[Samples]:
    paths = data.speech_files(split)
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, _MOST).astype(int))]
    return [normalised(read_audio(path).samples) for path in chosen]
