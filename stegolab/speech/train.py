"""Training Model 1: ``python -m stegolab.speech.train --out DIR``; metric phase: ``--metric-loss gan --start WEIGHTS``.

``make train-speech`` does both. Notebook 03 takes the same steps with the same
:class:`~stegolab.speech.trainer.Trainer`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import training_command
from .faults import CHANCES, FaultConfig
from .mixing import MixConfig, Mixer
from .trainer import TrainConfig, Trainer

_VALID = 64  # clips
_VALID_SEED = 1


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, Mixer, tuple[np.ndarray, np.ndarray]]:
    """The trainer, a mixer of the train split, and fixed clips of the valid split.

    Raises:
        BadData: no data. BadSpec: see :class:`~stegolab.speech.trainer.Trainer`.
    """
    mixer = Mixer.from_data("train", mixtures(config))
    valid = Mixer.from_data("valid", MixConfig(heard=config.heard)).draw(_VALID, np.random.default_rng(_VALID_SEED))
    return Trainer(config, fabric, mixer.samples), mixer, valid


def mixtures(config: TrainConfig) -> MixConfig:
    """What a run is trained on: each option of the same name."""
    faults = FaultConfig(**{name: getattr(config, name) for name in CHANCES})
    options = {name: getattr(config, name) for name in ("noise", "voice", "room", "second_noise", "turn", "heard")}
    return MixConfig(faults=faults, **options)


if __name__ == "__main__":
    training_command.run(TrainConfig(), begin, __doc__)
