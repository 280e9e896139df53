"""The data of Hide-Net and Reveal-Net: squares of photographs (notebook 10)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ... import data
from ...errors import BadData
from ...images import read_image
from .config import TrainConfig

Pictures = NDArray[np.uint8]  # (n, side, side, 3)


def read(config: TrainConfig) -> tuple[Pictures, Pictures]:
    """The squares for training (train split), and those for measuring (valid split).

    Raises:
        BadData: no data, or no picture as large as ``config.side``.
    """
    train = squares("train", config.pictures, config.side)
    return train, squares("valid", config.valid_pictures, config.side)


def squares(split: str, count: int, side: int) -> Pictures:
    """``count`` squares from the photographs of ``split`` in turn, (count, side, side, 3); always the same ones.

    In the first round whole pictures cropped to squares, later squares of random place and scale, shrunk to ``side``
    pixels.

    Raises:
        BadData: no photographs of that size.
    """
    random = np.random.default_rng(0)
    large = [p for p in (read_image(path).rgb for path in data.cover_files(split)) if min(p.shape[:2]) >= side]
    if not large:
        raise BadData(f"no pictures of {side} pixels and more in the {split} split: see data_scripts")
    found = np.empty((count, side, side, 3), np.uint8)
    for number in range(count):
        picture = Image.fromarray(large[number % len(large)])
        whole = min(picture.size)
        size = whole if number < len(large) else round(np.exp(random.uniform(np.log(side), np.log(whole))))
        place = (0.5, 0.5) if number < len(large) else random.random(2)
        x, y = (round(share * (full - size)) for share, full in zip(place, picture.size, strict=True))
        box = (x, y, x + size, y + size)
        square = picture.resize((side, side), Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)
        found[number] = np.asarray(square)
    return found


def pairs(pictures: Pictures) -> Iterator[tuple[Pictures, Pictures]]:
    """Cover and secret in turn, (side, side, 3) each: the first half of ``pictures`` hides the second."""
    half = len(pictures) // 2
    return zip(pictures[:half], pictures[half:], strict=False)


def crops(pictures: Pictures, count: int, size: int, random: np.random.Generator) -> Pictures:
    """(count, size, size, 3): distinct pictures, a square of each, every second one mirrored, the colours shuffled.

    Photographs vary from orange to blue, but hardly from green to magenta: without the shuffle, leaves come out brown.
    """
    found = []
    for number in random.choice(len(pictures), count, replace=count > len(pictures)):
        y, x = random.integers(pictures.shape[1] - size + 1, size=2)
        crop = pictures[number, y : y + size, x : x + size]
        found.append(crop[:, :: random.choice([-1, 1])][..., random.permutation(3)])
    return np.stack(found)
