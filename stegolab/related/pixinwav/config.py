"""The shape of PixInWav, and all settings of its training (notebook 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from ...errors import BadSpec
from ...training.config import RunConfig

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

    ``architecture``: ``independent``, the residual depends only on the picture; ``dependent``, also on the host;
    ``plain``, there is no residual and the network gives the container; ``scaled``, the independent residual times the
    local loudness of the host. The other names are explained where they are defined.

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
    """All settings of a run; saved beside the weights. Fields with the same name belong to the network."""

    renamed: ClassVar[dict[str, str]] = RunConfig.renamed | {
        "sound": "sound_loss",
        "keyed": "keyed_share",
        "file": "through_file",
    }

    steps: int = 4000  # length of the training, in steps
    batch_size: int = 4  # sounds, each with its picture, in a step
    validate_every: int = 500  # steps between measurements on the valid split, which also keep a checkpoint
    transform: Transform = "mdct"  # transform that makes the spectrogram in which the picture is hidden
    architecture: Architecture = "independent"  # whether the residual depends on its host, and whether there is one
    embedding: EmbeddingName = "multichannel"  # how the picture is arranged on the spectrogram
    colours: int = 3  # of the picture: 1 (grey) or 3 (RGB)
    side: int = 64  # pixels a side of the picture
    width: int = 64  # channels of the U-Nets at half the size; twice as many at a quarter
    slope: float = 0.8  # of the LeakyReLU for negative values
    samples: int = SAMPLES  # length of a sound, samples at 16 kHz
    beta: float = 0.1  # share of the picture's error in the loss, 0 to 1; the rest is the spectrogram's
    sound_loss: SoundLoss = "none"  # additional loss on the sound itself
    sound_weight: float = 0.0  # of that view: PixInWav's lambda
    structure_weight: float = 0.0  # of 1 - SSIM of the picture
    noise: Noise = "none"  # noise on the container
    noise_strength: float = 0.0  # its root mean square relative to the sound, or the share of samples that it changes
    keyed_share: float = 0.0  # share of the steps in which a key permutes the residual, 0 to 1
    through_file: bool = True  # whether pictures are revealed from 16-bit samples, not from floats as in the original

    def __post_init__(self) -> None:
        if self.sound_loss not in SOUND_LOSSES:
            raise BadSpec(f"sound {self.sound_loss!r}: choose one of {', '.join(SOUND_LOSSES)}")

    @property
    def network(self) -> NetworkConfig:
        """The shape of the networks."""
        names = NetworkConfig.__dataclass_fields__
        return NetworkConfig(**{name: getattr(self, name) for name in names})
