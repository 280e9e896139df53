"""Training PixInWav: ``python -m stegolab.related.pixinwav.train --out DIR``.

Notebook 11 takes the same steps with the same :class:`~stegolab.related.pixinwav.trainer.Trainer`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from ... import data, training_command
from ...audio import read_audio
from ...images import read_image
from .material import Material
from .trainer import TrainConfig, Trainer

_MOST = 500  # sounds, evenly spread over the split: more would fill the memory
_SHORT_SIDE = 256  # pixels: squares are cut from pictures of this size


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, Material, Material]:
    """The trainer, and what the train and the valid split give.

    Raises:
        BadData: no data.
    """
    trainer = Trainer(config, fabric)
    return trainer, material("train", config), material("valid", config)


def material(split: str, config: TrainConfig) -> Material:
    """Speech and photographs of a split."""
    paths = data.speech_files(split)
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, _MOST).astype(int))]
    sounds = [read_audio(path).samples for path in chosen]
    pictures = [_smaller(read_image(path).rgb) for path in data.cover_files(split)]
    return Material(sounds, pictures, config.samples, config.side, config.colours)


def _smaller(rgb: Any) -> Any:
    image = Image.fromarray(rgb)
    scale = max(1.0, min(image.size) / _SHORT_SIDE)
    return np.asarray(image.resize((round(image.width / scale), round(image.height / scale)), Image.Resampling.BOX))


if __name__ == "__main__":
    training_command.run(TrainConfig(), begin, __doc__)
