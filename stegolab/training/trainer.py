"""What a trainer is, and what trainers of one network share: seed, state, resuming, and the file of weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from .config import RunConfig
from .learner import Learner


class Trainer(Protocol):
    """The interface for :func:`fit`. All randomness of a step is drawn from (seed, step), or part of the state."""

    config: Any  # a RunConfig
    fabric: Any
    step: int

    def advance(self, train: Any) -> dict[str, float]:
        """One step; returns what to log."""

    def validate(self, valid: Any) -> dict[str, float]:
        """Measure the averaged weights; the weights with the highest ``score`` are kept."""

    def look(self, valid: Any) -> dict[str, Tensor]:
        """Examples to show: pictures (1 or 3, H, W) in [0, 1], sounds (N,) at 16 kHz in [-1, 1]."""

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs."""

    def load(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken."""

    def export(self, path: Path) -> None:
        """The averaged weights as the file that ships."""


class Stateful(Protocol):
    """A part of a training with a state of its own: a second network, a schedule, a memory."""

    def state(self) -> Any:
        """Everything needed to continue: tensors, numbers, lists and dictionaries of them."""

    def load(self, state: Any) -> None:
        """Continue where :meth:`state` was taken."""


Config = TypeVar("Config", bound=RunConfig)
Network = TypeVar("Network", bound=nn.Module)


class LearnerTrainer(Generic[Config, Network]):
    """What trainers of one network share: the seed, the randomness of a step, the state, the file that ships.

    A subclass creates ``learner`` after this constructor has seeded torch, runs the steps, and counts them in ``step``.

    Args:
        config: the settings of the run.
        fabric: Lightning Fabric, of any accelerator and strategy.
        save: writes a network with the averaged weights to a path.

    Attributes:
        learner: the network that ships, and its optimiser.
        companions: other parts with a state, by their names in the checkpoint.
    """

    learner: Learner

    def __init__(self, config: Config, fabric: Any, save: Callable[[Network, Path], object]) -> None:
        torch.manual_seed(config.seed)
        self.config, self.fabric, self.step = config, fabric, 0
        self.companions: dict[str, Stateful] = {}
        self._save = save

    @property
    def plain(self) -> Network:
        """The network without Fabric's wrapping."""
        return self.learner.plain

    def random(self) -> np.random.Generator:
        """The random generator of this step in this process: the same for the same seed and step."""
        return np.random.default_rng((self.config.seed, self.step, self.fabric.global_rank))

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs."""
        own = {"learner": self.learner.state(), "step": self.step}
        return own | {name: companion.state() for name, companion in self.companions.items()}

    def load(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken."""
        self.learner.load(state["learner"])
        self.step = state["step"]
        for name, companion in self.companions.items():
            companion.load(state[name])

    def export(self, path: Path) -> None:
        """The averaged weights as the file that ships."""
        with self.learner.averaging() as network:
            self._save(network, path)
