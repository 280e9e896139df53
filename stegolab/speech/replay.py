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
    """The last ``capacity`` triples (clean, enhanced, scores), waveforms as float16 on the CPU.

    512 pairs of 2 s take 65 MB. float16 keeps 11 bits of every sample, whatever its level: PESQ does not hear it.

    Raises:
        BadSpec: a capacity below 1, or clips of another length than those it holds.
    """

    def __init__(self, capacity: int = 512) -> None:
        if capacity < 1:
            raise BadSpec(f"a replay buffer of {capacity} clips: give 1 or more")
        self.capacity = capacity
        self._added = 0  # since ever; the next one goes to this, modulo the capacity
        self._clean = self._enhanced = torch.empty(0, 0, dtype=torch.float16)
        self._scores = torch.empty(0, 2)

    def __len__(self) -> int:
        return min(self._added, self.capacity)

    def add(self, clean: Tensor, enhanced: Tensor, scores: Tensor) -> None:
        """Remember clips (B, N), (B, N) with normalised scores (B, 2); the oldest make room."""
        if not self._added:
            self._allocate(clean.shape[-1])
        if not clean.shape == enhanced.shape == (len(scores), self._clean.shape[-1]):
            raise BadSpec(
                f"clips {tuple(clean.shape)} and {tuple(enhanced.shape)} with {len(scores)} scores: "
                f"the replay buffer holds clips of {self._clean.shape[-1]} samples"
            )
        rows = (self._added + torch.arange(len(clean))) % self.capacity
        for held, new in ((self._clean, clean), (self._enhanced, enhanced), (self._scores, scores)):
            for row, value in zip(rows, new.detach(), strict=True):  # in order, also if more come than fit
                held[row] = value.to(held)
        self._added += len(clean)

    def draw(self, count: int, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """``count`` different triples, or all if there are fewer: float32 (b, N), (b, N) and (b, 2) on the CPU."""
        rows = torch.from_numpy(random.permutation(len(self))[:count])
        return self._clean[rows].float(), self._enhanced[rows].float(), self._scores[rows]

    def state_dict(self) -> dict[str, Any]:
        """All that it holds, as tensors and numbers."""
        held = slice(0, len(self))
        waveforms = {"clean": self._clean[held].clone(), "enhanced": self._enhanced[held].clone()}
        return {**waveforms, "scores": self._scores[held].clone(), "added": self._added, "capacity": self.capacity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state_dict` was taken: later draws are the same.

        Raises:
            BadSpec: the state is that of a buffer of another capacity.
        """
        if state["capacity"] != self.capacity:
            raise BadSpec(f"a replay buffer of {self.capacity} clips cannot continue one of {state['capacity']}")
        self._allocate(state["clean"].shape[-1])
        self._added = int(state["added"])
        held = slice(0, len(self))
        self._clean[held], self._enhanced[held] = state["clean"], state["enhanced"]
        self._scores[held] = state["scores"]

    def _allocate(self, samples: int) -> None:
        self._clean = torch.zeros(self.capacity, samples, dtype=torch.float16)
        self._enhanced = self._clean.clone()
        self._scores = torch.zeros(self.capacity, 2)
