"""The learning rate falls when the loss stops falling, as in the original Hide-Net (notebook 10)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Plateau:
    """``scale`` of the learning rate: multiplied by ``factor`` after more than ``patience`` epochs without a better
    mean loss.

    An epoch is ``epoch`` steps; better means lower by at least one part in 10,000. PyTorch's ReduceLROnPlateau does the
    same, but holds the optimiser; this one is a few numbers, which fit into a checkpoint.
    """

    epoch: int
    patience: int = 5
    factor: float = 0.2
    scale: float = 1.0
    best: float = math.inf
    waited: int = 0  # epochs since the best
    total: float = 0.0  # of the losses in this epoch
    steps: int = 0  # of this epoch

    def update(self, loss: float) -> None:
        """Take the loss of one step into account."""
        self.total, self.steps = self.total + loss, self.steps + 1
        if self.steps < self.epoch:
            return
        mean = self.total / self.steps
        self.total, self.steps = 0.0, 0
        if mean < self.best * (1 - 1e-4):
            self.best, self.waited = mean, 0
            return
        self.waited += 1
        if self.waited > self.patience:
            self.scale, self.waited = self.scale * self.factor, 0

    def state(self) -> dict[str, Any]:
        """All numbers of the schedule."""
        return asdict(self)

    def load(self, state: dict[str, Any]) -> None:
        """Continue from a :meth:`state`."""
        vars(self).update(state)
