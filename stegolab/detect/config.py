"""All settings of a training of the detector network (notebook 08)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..training.config import RunConfig


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """All settings of a run; saved beside the weights."""

    steps: int = 1000  # length of the training, in steps
    batch_size: int = 8  # pairs of a cover and its stego picture in a step
    learning_rate: float = 3e-3  # the highest, at the end of the warm-up
    validate_every: int = 200  # steps between measurements on the valid split, which also keep a checkpoint
    ema_decay: float = 0.98  # share that the moving average of the weights keeps in a step, 0 to 1
    side: int = 128  # pixels a side of a crop
    width: int = 12  # channels of the first layers


@dataclass(frozen=True)
class CommandConfig(TrainConfig):
    """All settings of ``python -m stegolab.detect``, including which embedding to detect, and in which covers."""

    carrier: Literal["inn", "lattice"] = "inn"  # which carrier's stego pictures are to be detected
    strength: Literal["file", "jpeg", "social"] = "jpeg"  # what they are made to survive; file: carrier lattice only
    payload: float = 1.0  # share of its capacity that a picture is filled to, 0 to 1
    cover_side: int = 512  # pixels a side of the covers that messages are hidden in
    crops: int = 1  # covers that are cut from each photograph
