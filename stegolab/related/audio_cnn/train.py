"""Training Prepare, Hiding and Reveal: ``python -m stegolab.related.audio_cnn.train --out DIR``.

``--mode legacy --side 24`` is the original's set-up. Notebook 09 takes the same steps with the same
:class:`~stegolab.related.audio_cnn.trainer.Trainer`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import data, training_command
from ...audio import read_audio
from .material import Material, levelled
from .trainer import TrainConfig, Trainer

_VALID = 500  # of the training pictures, the last ones: CIFAR-10 has no valid split of its own
_MOST = 200  # sounds, evenly spread over the split


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, Material, Material]:
    """The trainer, what it learns from, and what it is measured on.

    That is other pictures and other voices in mode ``real``; the same ones in mode ``legacy``, as in the original.

    Raises:
        BadData: no data. BadSpec: see :class:`Trainer`.
    """
    trainer = Trainer(config, fabric)
    pictures = data.thumbnails("train")
    layout = config.network.layout
    if config.mode == "legacy":
        sines = Material(pictures[:-_VALID], [], layout, config.side)
        return trainer, sines, sines
    train, valid = (
        Material(part, _speech(split), layout, config.side)
        for split, part in (("train", pictures[:-_VALID]), ("valid", pictures[-_VALID:]))
    )
    return trainer, train, valid


def _speech(split: str) -> list[Any]:
    paths = data.speech_files(split)
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, _MOST).astype(int))]
    return [levelled(read_audio(path).samples) for path in chosen]


if __name__ == "__main__":
    training_command.run(TrainConfig(), begin, __doc__)
