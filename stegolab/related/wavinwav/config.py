"""The shape of the invertible network, and all settings of its training (notebook 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ...training.config import RunConfig

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
    """All settings of a run; saved beside the weights."""

    renamed: ClassVar[dict[str, str]] = RunConfig.renamed | {"noise": "noise_share"}

    steps: int = 2500  # length of the training, in steps
    batch_size: int = 4  # pairs of a cover and a secret in a step
    learning_rate: float = 3e-3  # the highest, at the end of the warm-up
    validate_every: int = 250  # steps between measurements on the valid split, which also keep a checkpoint
    ema_decay: float = 0.995  # share that the moving average of the weights keeps in a step, 0 to 1
    channels: int = 16  # samples that one squeeze puts side by side
    couplings: int = 4  # affine couplings, two or more
    growth: int = 32  # channels that each layer of a dense block adds
    crop: int = 4096  # length of a clip in a step: samples at 16 kHz, a multiple of 256
    scrambling: bool = True  # whether secrets are scrambled with a fresh key in every step
    noise_share: float = 0.2  # share of the steps with more noise than a file's rounding, 0 to 1
    spectral_weight: float = 0.3  # of the distance of the spectra at several resolutions
    lost_weight: float = 0.1  # of the energy of the lost branch
    adversarial_weight: float = 0.0  # of the loss against a discriminator of the stego's sound; 0 leaves it out
    matching_weight: float = 2.0  # of the discriminator's features, times --adversarial-weight
    embedding_weight: float = 0.0  # of the distance of the voice's embeddings; 0 leaves it out
    teacher: Teacher = "auto"  # which network makes the embeddings; auto: WavLM if its weights are on disk
    init_from: str = ""  # weights (safetensors) to start from; they decide the shape

    @property
    def network(self) -> NetworkConfig:
        """The shape of the network."""
        return NetworkConfig(self.channels, self.couplings, self.growth)
