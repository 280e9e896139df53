"""The shape of PixInWav, and everything that decides how it is trained (notebook 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ...errors import BadSpec
from ...training import RunConfig

Transform = Literal["mdct", "stdct-4096", "stdct-1024", "magnitude", "phase", "both"]
Architecture = Literal["independent", "dependent", "plain", "scaled"]
EmbeddingName = Literal["stretched", "luma", "replicated", "multichannel"]
Noise = Literal["none", "gaussian", "speckle", "salt", "pepper"]
SoundLoss = Literal["none", "waveform", "soft-dtw"]

TRANSFORMS, ARCHITECTURES, EMBEDDINGS = get_args(Transform), get_args(Architecture), get_args(EmbeddingName)
NOISES, SOUND_LOSSES = get_args(Noise), get_args(SoundLoss)

SAMPLES = 24_384  # 1.524 s at 16 kHz: 128 frames of the MDCT


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the system.

    ``architecture``: ``independent``, the residual knows the picture alone; ``dependent``, the host too; ``plain``,
    there is no residual, the network gives the container; ``scaled``, the independent residual times the host's
    loudness round about. The other names are explained where they are defined.

    Raises:
        BadSpec: no such architecture.
    """

    transform: str = "mdct"
    architecture: str = "independent"
    embedding: str = "multichannel"
    colours: int = 3
    side: int = 64  # pixels
    width: int = 64
    slope: float = 0.8
    samples: int = SAMPLES

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise BadSpec(f"architecture {self.architecture!r}: choose one of {', '.join(ARCHITECTURES)}")


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """Everything that decides a run; saved beside the weights. The first eight fields are the model's."""

    steps: int = 4000
    batch: int = 4
    validate_every: int = 500
    transform: str = "mdct"
    architecture: str = "independent"
    embedding: str = "multichannel"
    colours: int = 3
    side: int = 64
    width: int = 64
    slope: float = 0.8
    samples: int = SAMPLES
    beta: float = 0.1  # of the picture's error against the spectra's
    sound: str = "none"  # or waveform, soft-dtw
    sound_weight: float = 0.0  # PixInWav's lambda
    structure_weight: float = 0.0  # of 1 - SSIM of the picture
    noise: str = "none"
    noise_strength: float = 0.0
    keyed: float = 0.0  # share of the steps whose residual is permuted
    file: bool = True  # False: the picture is revealed from the float spectrogram, as in the original

    def __post_init__(self) -> None:
        if self.sound not in SOUND_LOSSES:
            raise BadSpec(f"sound {self.sound!r}: choose one of {', '.join(SOUND_LOSSES)}")

    @property
    def network(self) -> NetworkConfig:
        """The shape of the networks."""
        names = NetworkConfig.__dataclass_fields__
        return NetworkConfig(**{name: getattr(self, name) for name in names})
