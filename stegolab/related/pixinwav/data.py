"""The data of PixInWav: clips of speech at one level, and small pictures (notebook 11)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ... import data
from ...audio import read_audio
from ...errors import BadAudio, BadData, BadImage
from ...images import read_image
from .. import levels
from .config import SAMPLES, TrainConfig

Sound = NDArray[np.float32]
RGB = NDArray[np.uint8]

_MOST = 500  # sounds, evenly spread over the split: more would fill the memory
_SHORT_SIDE = 256  # pixels: squares are cut from pictures of this size


def host(samples: Sound, length: int = SAMPLES) -> Sound:
    """The loudest ``length`` samples, brought to level :data:`~..levels.LEVEL`; quieter if they would clip.

    Raises:
        BadAudio: there are fewer samples, or they are silent.
    """
    if len(samples) < length:
        raise BadAudio(f"a host has {length} samples or more, not {len(samples)}: take a longer clip")
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return levelled(samples[start : start + length])


def levelled(samples: Sound) -> Sound:
    """``samples`` (n,) at :data:`~..levels.LEVEL`; quieter where their peak would come near full scale.

    Raises:
        BadAudio: they are silent.
    """
    return levels.levelled(samples, levels.audible_rms(samples), peak=0.9)


def thumbnail(rgb: RGB, side: int = 64, colours: int = 3) -> RGB:
    """The middle square of a picture (H, W, 3), scaled to (side, side, colours).

    Raises:
        BadImage: it is smaller than ``side``.
    """
    height, width = rgb.shape[:2]
    size = min(height, width)
    if size < side:
        raise BadImage(f"the picture has {width} x {height} pixels: {side} on each side are needed")
    return _scaled(rgb, ((width - size) // 2, (height - size) // 2, size), side, colours)


@dataclass(frozen=True)
class Dataset:
    """Sounds (n,) at 16 kHz and pictures (H, W, 3), from which steps draw clips and squares.

    Raises:
        BadData: no sound or no picture is large enough.
    """

    sounds: Sequence[Sound]
    pictures: Sequence[RGB]
    length: int = SAMPLES
    side: int = 64
    colours: int = 3

    def __post_init__(self) -> None:
        if not any(len(sound) >= self.length for sound in self.sounds):
            raise BadData(f"no sound of {self.length} samples and more")
        if not any(min(rgb.shape[:2]) >= self.side for rgb in self.pictures):
            raise BadData(f"no picture of {self.side} pixels and more on each side")

    def draw(self, count: int, random: np.random.Generator) -> tuple[Sound, RGB]:
        """Hosts (count, length) and pictures (count, side, side, colours)."""
        return np.stack([self._clip(random) for _ in range(count)]), np.stack(
            [self._square(random) for _ in range(count)]
        )

    def fixed(self, most: int = 24) -> Iterator[tuple[Sound, RGB]]:
        """Up to ``most`` hosts and pictures, always the same: the loudest clip of a sound, the middle of a picture."""
        sounds = [sound for sound in self.sounds if len(sound) >= self.length]
        pictures = [rgb for rgb in self.pictures if min(rgb.shape[:2]) >= self.side]
        for number in range(min(most, len(pictures))):
            sound = sounds[number * len(sounds) // min(most, len(pictures))]
            yield host(sound, self.length), thumbnail(pictures[number], self.side, self.colours)

    def _clip(self, random: np.random.Generator) -> Sound:
        """The louder of two clips from one sound, so that few are pauses."""
        while len(sound := self.sounds[int(random.integers(len(self.sounds)))]) < self.length:
            pass
        starts = random.integers(len(sound) - self.length + 1, size=2)
        clips = [sound[start : start + self.length] for start in starts]
        return levelled(max(clips, key=lambda clip: float(np.square(clip).sum())))

    def _square(self, random: np.random.Generator) -> RGB:
        """A square of any place and size, mirrored or not."""
        while min((rgb := self.pictures[int(random.integers(len(self.pictures)))]).shape[:2]) < self.side:
            pass
        size = int(random.integers(self.side, min(rgb.shape[:2]) + 1))
        top, left = (int(random.integers(extent - size + 1)) for extent in rgb.shape[:2])
        picture = _scaled(rgb, (left, top, size), self.side, self.colours)
        return picture[:, :: random.choice([-1, 1])]


def _scaled(rgb: RGB, square: tuple[int, int, int], side: int, colours: int) -> RGB:
    left, top, size = square
    image = Image.fromarray(rgb).convert("RGB" if colours == 3 else "L")
    box = (left, top, left + size, top + size)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX, box)).reshape(side, side, colours)


def read(config: TrainConfig) -> tuple[Dataset, Dataset]:
    """The data of the train split and the valid split.

    Raises:
        BadData: no data.
    """
    return dataset("train", config), dataset("valid", config)


def dataset(split: str, config: TrainConfig) -> Dataset:
    """Speech and photographs of a split."""
    paths = data.speech_files(split)
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, _MOST).astype(int))]
    sounds = [read_audio(path).samples for path in chosen]
    pictures = [_smaller(read_image(path).rgb) for path in data.cover_files(split)]
    return Dataset(sounds, pictures, config.samples, config.side, config.colours)


def _smaller(rgb: RGB) -> RGB:
    image = Image.fromarray(rgb)
    scale = max(1.0, min(image.size) / _SHORT_SIDE)
    return np.asarray(image.resize((round(image.width / scale), round(image.height / scale)), Image.Resampling.BOX))
