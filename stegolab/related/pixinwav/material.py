"""What PixInWav learns from and is measured on: clips of speech of one level, and small pictures (notebook 11)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import BadAudio, BadData, BadImage
from .model import LEVEL, SAMPLES

Sound = NDArray[np.float32]
RGB = NDArray[np.uint8]


def host(samples: Sound, length: int = SAMPLES) -> Sound:
    """The loudest ``length`` samples, brought to level :data:`LEVEL`; quieter if they would clip.

    Raises:
        BadAudio: there are fewer, or they are silent.
    """
    if len(samples) < length:
        raise BadAudio(f"a host has {length} samples or more, not {len(samples)}: take a longer clip")
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return levelled(samples[start : start + length])


def levelled(samples: Sound) -> Sound:
    """``samples`` at root mean square :data:`LEVEL`, at less where the peak would come near full scale.

    Raises:
        BadAudio: they are silent.
    """
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    if level < 1e-5:
        raise BadAudio("the host is silent: choose a clip with sound in it")
    return (samples * min(LEVEL / level, 0.9 / float(np.abs(samples).max()))).astype(np.float32)


def thumbnail(rgb: RGB, side: int = 64, colours: int = 3) -> RGB:
    """The middle square of a picture (H, W, 3), scaled to (side, side, colours).

    Raises:
        BadImage: it is smaller than that.
    """
    height, width = rgb.shape[:2]
    size = min(height, width)
    if size < side:
        raise BadImage(f"the picture has {width} x {height} pixels: {side} on each side are needed")
    return _scaled(rgb, ((width - size) // 2, (height - size) // 2, size), side, colours)


def planes(picture: RGB) -> NDArray[np.float32]:
    """A picture (side, side, colours) of bytes to (colours, side, side) in [0, 1]."""
    return (np.moveaxis(picture, -1, 0) / np.float32(255)).astype(np.float32)


def to_bytes(revealed: NDArray[np.float32]) -> RGB:
    """The inverse of :func:`planes`, clipped; grey becomes three equal colours."""
    picture = np.moveaxis(np.clip(np.rint(255 * revealed), 0, 255).astype(np.uint8), 0, -1)
    return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))


@dataclass(frozen=True)
class Material:
    """Sounds (n,) at 16 kHz and pictures (H, W, 3), of which steps draw clips and squares.

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

    def draw(self, count: int, random: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Hosts (count, length) and pictures (count, colours, side, side)."""
        return np.stack([self._clip(random) for _ in range(count)]), np.stack(
            [self._square(random) for _ in range(count)]
        )

    def fixed(self, most: int = 24) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Up to ``most`` hosts and pictures, always the same: the loudest clip of a sound, the middle of a picture."""
        sounds = [sound for sound in self.sounds if len(sound) >= self.length]
        pictures = [rgb for rgb in self.pictures if min(rgb.shape[:2]) >= self.side]
        for number in range(min(most, len(pictures))):
            sound = sounds[number * len(sounds) // min(most, len(pictures))]
            yield host(sound, self.length), planes(thumbnail(pictures[number], self.side, self.colours))

    def _clip(self, random: np.random.Generator) -> Sound:
        """Of two clips from one sound the louder: few are pauses."""
        while len(sound := self.sounds[int(random.integers(len(self.sounds)))]) < self.length:
            pass
        starts = random.integers(len(sound) - self.length + 1, size=2)
        clips = [sound[start : start + self.length] for start in starts]
        return levelled(max(clips, key=lambda clip: float(np.square(clip).sum())))

    def _square(self, random: np.random.Generator) -> NDArray[np.float32]:
        """A square of any place and size, mirrored or not."""
        while min((rgb := self.pictures[int(random.integers(len(self.pictures)))]).shape[:2]) < self.side:
            pass
        size = int(random.integers(self.side, min(rgb.shape[:2]) + 1))
        top, left = (int(random.integers(extent - size + 1)) for extent in rgb.shape[:2])
        picture = _scaled(rgb, (left, top, size), self.side, self.colours)
        return planes(picture[:, :: random.choice([-1, 1])])


def _scaled(rgb: RGB, square: tuple[int, int, int], side: int, colours: int) -> RGB:
    left, top, size = square
    image = Image.fromarray(rgb).convert("RGB" if colours == 3 else "L")
    box = (left, top, left + size, top + size)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX, box)).reshape(side, side, colours)
