"""Training speech inside speech: ``python -m stegolab.related.wavinwav.train --out DIR``.

Notebook 12 takes the same steps with the same :class:`~stegolab.related.wavinwav.trainer.Trainer`. For a GPU:
``--channels 32 --couplings 8 --growth 64 --batch 64 --steps 60000``, then once more with ``--start BEST
--adversarial-weight 0.2 --embedding-weight 1`` for the sound.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import data, training_command
from ...audio import read_audio
from ...errors import BadData, BadSpec
from .container import at_level
from .scrambling import FRAME
from .trainer import TrainConfig, Trainer

_PAIRS = 12  # that checkpoints are picked on


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """The trainer, the clips of the train split, and some of the valid split.

    Raises:
        BadData: no data, or no clip as long as a crop. BadSpec: a crop that is no multiple of 256 samples.
    """
    if config.crop <= 0 or config.crop % FRAME:
        raise BadSpec(f"--crop {config.crop}: give a multiple of {FRAME} samples")
    trainer = Trainer(config, fabric)
    valid = _clips("valid", config.crop)
    return trainer, _clips("train", config.crop), valid[:: max(1, len(valid) // (2 * _PAIRS))][: 2 * _PAIRS]


def _clips(split: str, crop: int) -> list[NDArray[np.float32]]:
    clips = [read_audio(path).samples for path in data.speech_files(split)]
    long = [at_level(clip) for clip in clips if len(clip) >= crop]
    if len(long) < 2:
        raise BadData(f"no two clips of {crop} samples and more in the {split} split: see data_scripts")
    return long


if __name__ == "__main__":
    training_command.run(TrainConfig(), begin, __doc__)
