"""The shape of the three networks, and all settings of their training (notebook 09).

It does not need torch, so ``python -m stegolab.related.audio_cnn --help`` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ...errors import BadSpec
from ...training.config import RunConfig
from .layout import Layout, layout_named

Mode = Literal["real", "legacy"]
PayloadName = Literal["waveform", "stft"]


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the three networks.

    Raises:
        BadSpec: no such payload, or no copies or channels.
    """

    payload: str = "waveform"
    side: int = 32  # pixels of a tile
    copies: int = 1  # how often the payload is repeated over the planes; three in the original
    width: int = 32  # channels of each convolution
    prepared: int = 8  # channels that Prepare hands to Hiding
    residual: bool = True  # Hiding computes what is added to the cover, not the container itself
    modulated: bool = True  # payloads are multiplied by a chessboard of signs

    def __post_init__(self) -> None:
        if min(self.copies, self.width, self.prepared) < 1:
            raise BadSpec("copies, width and prepared are at least 1")
        layout_named(self.payload, self.side)

    @property
    def layout(self) -> Layout:
        """How sound becomes planes."""
        return layout_named(self.payload, self.side)


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """All settings of a run; saved beside the weights. The defaults are a full run on a GPU.

    Raises:
        BadSpec: no such mode.
    """

    steps: int = 40_000  # length of the training, in steps
    batch_size: int = 32  # tiles, each with its share of speech, in a step
    learning_rate: float = 2e-3  # the highest, at the end of the warm-up
    validate_every: int = 1000  # steps between measurements on the valid split, which also keep a checkpoint
    mode: Mode = "real"  # real: speech, revealed from bytes; legacy: sines, revealed from floats, as in the original
    payload: PayloadName = "waveform"  # how sound is laid out beside the pixels
    side: int = 32  # pixels a side of a tile
    width: int = 32  # channels of each convolution
    modulated: bool = True  # whether payloads are multiplied by a chessboard of signs; for uncompressed files
    attack: str = "none"  # attack on containers besides rounding to bytes, such as jpeg:90
    init_from: str = ""  # weights (safetensors) to start from
    psnr_db: float = 34.0  # picture quality, in dB, at which the picture's error counts --image-weight
    image_weight: float = 0.05  # weight of the picture's error; the sound's, relative to the power of speech, counts 1
    luma_weight: float = 0.3  # weight of the error in brightness, which SSIM measures, beside that in the colours

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise BadSpec(f"mode {self.mode!r}: choose one of {', '.join(get_args(Mode))}")

    @property
    def network(self) -> NetworkConfig:
        """The part for the networks; the original repeats its sines over three planes and draws the whole container."""
        real = self.mode == "real"
        return NetworkConfig(
            self.payload, self.side, 1 if real else 3, self.width, residual=real, modulated=real and self.modulated
        )
