"""A network in training: its optimiser, the moving average of its weights, and the safeguards of a step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import StegolabError


class Diverged(StegolabError):
    """The loss or its gradient is not a number; the last good checkpoint is kept."""


_DIRECTIONS = ("._u", "._v")  # of spectral norm: unit vectors, whose mean is not a unit vector


class Learner:
    """A network with its optimiser (AdamW), the moving average of its weights, and the safeguards of a step.

    The average is our own, not PyTorch's ``AveragedModel``: it follows quickly at first, so that it is useful in short
    runs too, and it does not average the unit vectors of spectral norm.

    Args:
        network: the network to train; ``fabric`` moves and wraps it.
        groups: parameter groups, each with ``scale``: its learning rate is ``scale`` times that of the step.
        ema_decay: the share that the moving average keeps in a step; batch statistics are averaged like the weights.
        max_norm: limit to which the norm of the gradient is clipped.
        patience: how many steps in a row may be skipped because they are not finite.
        betas: of AdamW.
        weight_decay: of AdamW; a group may have its own.
    """

    def __init__(
        self,
        network: nn.Module,
        fabric: Any,
        *,
        groups: Sequence[dict[str, Any]] | None = None,
        ema_decay: float = 0.998,
        max_norm: float = 1.0,
        patience: int = 0,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 1e-4,
    ) -> None:
        self.fabric, self.ema_decay, self.max_norm, self.patience = fabric, ema_decay, max_norm, patience
        groups = groups or [{"params": network.parameters(), "scale": 1.0}]
        groups = [{"lr": 1.0, **group} for group in groups]
        optimiser = torch.optim.AdamW(groups, betas=betas, weight_decay=weight_decay)
        self.network, self.optimiser = fabric.setup(network, optimiser)
        self.averaged = {name: value.detach().clone() for name, value in self.plain.state_dict().items()}
        self.steps, self.skipped = 0, 0

    @property
    def plain(self) -> Any:
        """The network without Fabric's wrapping."""
        return self.network.module if hasattr(self.network, "module") else self.network

    def descend(self, loss: Tensor, learning_rate: float) -> float:
        """One step down the gradient of ``loss``; returns the gradient's norm before clipping, or NaN if skipped.

        Raises:
            Diverged: the loss or its gradient is not finite, more than ``patience`` times in a row. The weights
                stay as they were.
        """
        self.optimiser.zero_grad()
        if self._finite("loss", loss):
            self.fabric.backward(loss)
            norm = self.fabric.clip_gradients(
                self.network, self.optimiser, max_norm=self.max_norm, error_if_nonfinite=False
            )
            if self._finite("norm of the gradient", norm):
                for group in self.optimiser.param_groups:
                    group["lr"] = learning_rate * group["scale"]
                self.optimiser.step()
                self.skipped = 0
                self._update_average()
                return float(norm)
        self.steps += 1
        return math.nan

    def _finite(self, name: str, value: Tensor) -> bool:
        if torch.isfinite(value):
            return True
        self.skipped += 1
        if self.skipped > self.patience:
            advice = "lower --learning-rate, or resume from the checkpoint"
            raise Diverged(f"step {self.steps}: the {name} is {value.item()}; {advice}")
        return False

    def _update_average(self) -> None:
        # In the first steps the share is smaller; otherwise the average would hardly leave the starting weights.
        share = min(self.ema_decay, (1 + self.steps) / (10 + self.steps))
        for name, value in self.plain.state_dict().items():
            if value.is_floating_point() and not name.endswith(_DIRECTIONS):
                self.averaged[name].lerp_(value, 1 - share)
            else:
                self.averaged[name].copy_(value)
        self.steps += 1

    @contextmanager
    def averaging(self) -> Iterator[Any]:
        """Yield the plain network in evaluation mode with the averaged weights, and restore it afterwards."""
        live = {name: value.clone() for name, value in self.plain.state_dict().items()}
        training = self.plain.training
        self.plain.load_state_dict(self.averaged)
        self.plain.eval()
        try:
            yield self.plain
        finally:
            self.plain.load_state_dict(live)
            self.plain.train(training)

    def state(self) -> dict[str, Any]:
        """Weights, optimiser, average and counters."""
        return {
            "network": self.plain.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "averaged": self.averaged,
            "steps": self.steps,
            "skipped": self.skipped,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from a :meth:`state`."""
        self.plain.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.averaged = {name: value.to(self.fabric.device) for name, value in state["averaged"].items()}
        self.steps, self.skipped = state["steps"], state["skipped"]
