"""The shape of the invertible network, and everything that decides how it is trained (notebook 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...training import RunConfig

Teacher = Literal["auto", "wavlm", "speaker"]


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the network; kept in the file of its weights."""

    channels: int = 16  # samples that one squeeze puts side by side
    couplings: int = 4  # two or more
    growth: int = 32  # channels that each layer of a dense block adds
    layers: int = 4  # of a dense block
    kernel: int = 5
    clamp: float = 1.0  # bounds the logarithm of a coupling's scale


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """Everything that decides a run; saved beside the weights."""

    steps: int = 2500
    batch: int = 4
    rate: float = 3e-3
    validate_every: int = 250
    average: float = 0.995
    channels: int = 16
    couplings: int = 4
    growth: int = 32
    crop: int = 4096  # samples, a multiple of 256
    scrambling: bool = True
    noise: float = 0.2  # share of the steps with more noise than a file's rounding
    spectral_weight: float = 0.3
    lost_weight: float = 0.1
    adversarial_weight: float = 0.0
    matching_weight: float = 2.0  # times the adversarial weight
    embedding_weight: float = 0.0
    teacher: Teacher = "auto"  # or wavlm, speaker
    start: str = ""  # weights (safetensors) to start from

    @property
    def network(self) -> NetworkConfig:
        """The shape of the network."""
        return NetworkConfig(self.channels, self.couplings, self.growth)
