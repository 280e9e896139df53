"""Training the learned carrier: ``python -m stegolab.carrier.training --strength jpeg --out DIR``.

The same as ``make train-carrier``. Notebook 07 takes the same steps with the same :class:`~.trainer.Trainer`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import data, training_command
from ...errors import BadData
from ...images import read_image
from .trainer import TrainConfig, Trainer

Pictures = NDArray[np.uint8]
_VALID = 512  # pixels a side


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, list[Pictures], list[Pictures]]:
    """The trainer, the pictures of the train split, and the middles of ten of the valid split.

    Raises:
        BadData: no data.
    """
    trainer = Trainer(config, fabric)
    return trainer, _pictures("train", config.crop), [_middle(p, _VALID) for p in _pictures("valid", _VALID)[:10]]


def _pictures(split: str, crop: int) -> list[Pictures]:
    pictures = [read_image(path).rgb for path in data.cover_files(split)]
    large = [picture for picture in pictures if min(picture.shape[:2]) >= crop]
    if not large:
        raise BadData(f"no pictures of {crop} pixels and more in the {split} split: see data_scripts")
    return large


def _middle(picture: Pictures, size: int) -> Pictures:
    y, x = ((side - size) // 2 for side in picture.shape[:2])
    return np.ascontiguousarray(picture[y : y + size, x : x + size])


if __name__ == "__main__":
    training_command.run(TrainConfig(), begin, __doc__)
