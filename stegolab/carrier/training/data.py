"""The photographs on which the learned carrier is trained and measured (notebook 07)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ... import data
from ...errors import BadData
from ...images import read_image
from .config import TrainConfig

Pictures = NDArray[np.uint8]  # (H, W, 3), or a batch of them

_VALID = 512  # side of the pictures for measuring, in pixels
_MOST = 10  # number of pictures for measuring


def read(config: TrainConfig) -> tuple[list[Pictures], list[Pictures]]:
    """The pictures of the train split, and the middles of ten of the valid split.

    Raises:
        BadData: no data, or no picture as large as a crop.
    """
    train = _pictures("train", config.crop)
    return train, [_middle(picture, _VALID) for picture in _pictures("valid", _VALID)[:_MOST]]


def crops(pictures: Sequence[Pictures], count: int, size: int, random: np.random.Generator) -> Pictures:
    """Squares of random pictures, half of them mirrored: (count, size, size, 3)."""
    found = []
    for _ in range(count):
        picture = pictures[int(random.integers(len(pictures)))]
        y, x = (random.integers(side - size + 1) for side in picture.shape[:2])
        crop = picture[y : y + size, x : x + size]
        found.append(crop[:, :: random.choice([-1, 1])])
    return np.ascontiguousarray(np.stack(found))


def _pictures(split: str, crop: int) -> list[Pictures]:
    pictures = [read_image(path).rgb for path in data.cover_files(split)]
    large = [picture for picture in pictures if min(picture.shape[:2]) >= crop]
    if not large:
        raise BadData(f"no pictures of {crop} pixels and more in the {split} split: see data_scripts")
    return large


def _middle(picture: Pictures, size: int) -> Pictures:
    y, x = ((side - size) // 2 for side in picture.shape[:2])
    return np.ascontiguousarray(picture[y : y + size, x : x + size])
