"""The settings that all trainings have in common, and the learning rate of each step.

It does not need torch, so the command line can show its help at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from .. import files
from ..errors import BadSpec

WRITTEN = ("config.json", "log.jsonl", "checkpoint.pt", "best.safetensors")  # file in the folder of a run


@dataclass(frozen=True)
class RunConfig:
    """The settings of every run; trainers add their own fields. Saved beside the weights.

    The comment beside a field is the help of the option of that name (:mod:`stegolab.training.command`).
    """

    #: Names of fields in earlier versions, whose ``config.json`` is still read.
    renamed: ClassVar[dict[str, str]] = {
        "batch": "batch_size",
        "rate": "learning_rate",
        "average": "ema_decay",
        "start": "init_from",
    }

    steps: int = 20_000  # length of the training, in steps
    batch_size: int = 8  # examples in a step
    learning_rate: float = 1e-3  # highest learning rate, at the end of the warm-up
    seed: int = 0  # everything random follows from it and the number of the step
    validate_every: int = 1000  # steps between measurements on the valid split, which also keep a checkpoint
    ema_decay: float = 0.998  # share that the moving average of the weights keeps in a step, 0 to 1

    @classmethod
    def current_names(cls, saved: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a ``config.json`` under their current names."""
        return {cls.renamed.get(name, name): value for name, value in saved.items()}


def check_run(folder: Path, config: RunConfig) -> None:
    """Check that a run that ``folder`` holds has this configuration, so that it can be continued.

    Raises:
        BadSpec: it has another one, or its ``config.json`` cannot be read.
    """
    path = folder / "config.json"
    if not path.exists():
        return
    try:
        there = config.current_names(json.loads(path.read_text("utf-8")))
    except (AttributeError, OSError, ValueError) as error:  # the first where it holds no object
        raise BadSpec(f"{files.shown(path)} is not the configuration of a run: choose another folder") from error
    wanted = asdict(config)
    other = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if other:
        raise BadSpec(f"{files.shown(folder)} holds a run with another {', '.join(other)}: choose another folder")


def cosine(step: int, config: RunConfig, warmup: int = 200, floor: float = 0.02) -> float:
    """The learning rate of a step: it rises linearly, then falls along half a cosine to ``floor`` of the peak."""
    fraction = min(1, step / config.steps)
    return config.learning_rate * min(1, step / warmup) * (floor + (1 - floor) / 2 * (1 + math.cos(math.pi * fraction)))
