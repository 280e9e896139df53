"""Enhanced clips of the past with their scores, for the discriminator to remember what it has learned (notebook 03).

The network that enhances changes, and a discriminator that hears only its newest output forgets how to judge the rest.
Fu et al. 2021, MetricGAN+.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import BadSpec


class ReplayBuffer:
    """The last ``capacity`` triples (clean, enhanced, scores) of clips of ``samples`` each, as float16 on the CPU.

    256 pairs of 2 s take 33 MB. float16 keeps 11 bits of every sample, whatever its level: PESQ does not hear it.

    Raises:
        BadSpec: a capacity below 1.
    """

    def __init__(self, samples: int, capacity: int = 256) -> None:
        if capacity < 1:
            raise BadSpec(f"a replay buffer of {capacity} clips: give 1 or more")
        self.samples, self.capacity = samples, capacity
        self._added = 0  # since ever; the next clip goes to this row, modulo the capacity
        self._clean = torch.zeros(capacity, samples, dtype=torch.float16)
        self._enhanced = torch.zeros(capacity, samples, dtype=torch.float16)
        self._scores = torch.zeros(capacity, 2)

    def __len__(self) -> int:
        return min(self._added, self.capacity)

    def add(self, clean: Tensor, enhanced: Tensor, scores: Tensor) -> None:
        """Remember clips (B, N), (B, N) with normalised scores (B, 2); the oldest make room.

        Raises:
            BadSpec: they do not fit together, or are of another length.
        """
        if not clean.shape == enhanced.shape == (len(scores), self.samples):
            raise BadSpec(
                f"clips {tuple(clean.shape)} and {tuple(enhanced.shape)} with {len(scores)} scores: "
                f"the replay buffer holds clips of {self.samples} samples"
            )
        kept = slice(-self.capacity, None)
        rows = (torch.arange(self._added, self._added + len(clean)) % self.capacity)[kept]
        for held, new in ((self._clean, clean), (self._enhanced, enhanced), (self._scores, scores)):
            held[rows] = new.detach()[kept].to(held)
        self._added += len(clean)

    def draw(self, count: int, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """``count`` different triples, or all if there are fewer: float32 (b, N), (b, N) and (b, 2) on the CPU."""
        rows = torch.from_numpy(random.permutation(len(self))[:count])
        return self._clean[rows].float(), self._enhanced[rows].float(), self._scores[rows]

    def state(self) -> dict[str, Any]:
        """All that it holds, as tensors and numbers."""
        held = slice(0, len(self))
        waveforms = {"clean": self._clean[held].clone(), "enhanced": self._enhanced[held].clone()}
        return {**waveforms, "scores": self._scores[held].clone(), "added": self._added, "capacity": self.capacity}

    def load(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken: later draws are the same.

        Raises:
            BadSpec: the state is that of a buffer of another size.
        """
        theirs = state["capacity"], state["clean"].shape[-1]
        if theirs != (self.capacity, self.samples):
            raise BadSpec(
                f"a replay buffer of {self.capacity} x {self.samples} samples cannot continue one of {theirs[0]} x "
                f"{theirs[1]}: resume with the settings of the run"
            )
        self._added = int(state["added"])
        held = slice(0, len(self))
        self._clean[held], self._enhanced[held] = state["clean"], state["enhanced"]
        self._scores[held] = state["scores"]
