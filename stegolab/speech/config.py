"""All settings of a training of Model 1 (notebook 03)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from ..errors import BadSpec
from ..training.config import RunConfig

Size = Literal["small", "base", "full"]
Mask = Literal["E", "C", "R"]
MetricLoss = Literal["none", "gan", "differentiable", "both"]


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """All settings of a run; saved beside the weights.

    Raises:
        BadSpec: an unknown size or metric loss.
    """

    renamed: ClassVar[dict[str, str]] = RunConfig.renamed | {
        "listen": "discriminator_warmup",
        "discriminator_rate": "discriminator_learning_rate",
        "heard": "conditioned",
    }

    steps: int = 20_000  # length of the training, in steps
    validate_every: int = 500  # steps between measurements on the valid split, which also keep a checkpoint
    ema_decay: float = 0.999  # share that the moving average of the weights keeps in a step, 0 to 1
    size: Size = "base"  # of the network: how many channels it has
    window: int = 400  # of the spectrogram, samples at 16 kHz
    hop: int = 200  # of the spectrogram, samples at 16 kHz
    mask: Mask = "E"  # how magnitude and phase are masked: E polar, C complex, R each part by itself (notebook 02)
    causal: bool = True  # whether the network uses only the past, as a telephone call requires
    init_from: str = ""  # weights (safetensors) to start from, such as those of stage one; they decide size and shape
    metric_loss: MetricLoss = "none"  # what is added to the loss of stage one: a learned metric, computed ones, or both
    gan_weight: float = 1.0  # weight of the score that the discriminator predicts
    differentiable_weight: float = 1.0  # weight of the differentiable PESQ and STOI
    stoi_weight: float = 1.5  # weight of 1 - STOI within the differentiable metrics
    discriminator_warmup: int = 500  # steps at the start in which the discriminator alone learns
    discriminator_learning_rate: float = 3e-3  # highest learning rate of the discriminator
    workers: int = 0  # processes that compute true PESQ and STOI scores; 0: the training's own process
    noise: float = 0.85  # probability of noise in a training mixture, 0 to 1
    voice: float = 0.2  # probability of another speaker, 0 to 1
    room: float = 0.35  # probability of a room's echoes, 0 to 1
    second_noise: float = 0.0  # probability of a second noise if there is a first, 0 to 1
    turn: float = 0.0  # probability that a second speaker takes over as the target, 0 to 1
    jump: float = 0.0  # probability that the level changes within the clip, 0 to 1
    rumble: float = 0.0  # probability of rumble below 30 Hz, 0 to 1
    thump: float = 0.0  # probability of a knock against the microphone, 0 to 1
    offset: float = 0.0  # probability of a constant offset, 0 to 1
    clip: float = 0.0  # probability that loud parts are clipped, 0 to 1
    conditioned: bool = True  # whether to train with the high-pass filter and the leveller, as in use
    sdr_weight: float = 0.05  # weight of the SI-SDR in decibels in the loss of stage one
    magnitude_weight: float = 0.0  # weight of the compressed magnitudes, from FastEnhancer; 0 leaves it out
    spectrum_weight: float = 0.0  # weight of the compressed complex spectra, from FastEnhancer; 0 leaves it out
    consistency_weight: float = 0.0  # weight of the spectrogram's consistency, from FastEnhancer; 0 leaves it out
    waveform_weight: float = 0.0  # weight of the waveform's absolute error, from FastEnhancer; 0 leaves it out
    pesq_weight: float = 0.0  # weight of the distance to a perfect PESQ, from FastEnhancer; 0 leaves it out

    def __post_init__(self) -> None:
        if self.metric_loss not in get_args(MetricLoss):
            raise BadSpec(f"metric loss {self.metric_loss!r}: choose one of {', '.join(get_args(MetricLoss))}")
        if self.size not in get_args(Size):
            raise BadSpec(f"size {self.size!r}: choose one of {', '.join(get_args(Size))}")
