"""The shape of Hide-Net and Reveal-Net, and all settings of their training (notebook 10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from ...errors import BadSpec
from ...training.config import RunConfig

Schedule = Literal["plateau", "cosine"]


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of both networks. The defaults are the original's, for pictures of 256 pixels a side."""

    depth: int = 7  # down-samplings of Hide-Net: sides must be multiples of 2 ** depth
    width: int = 64  # channels after the first one; each doubles them, up to ``widest``
    widest: int = 512
    reveal_width: int = 64  # Reveal-Net: 3, w, 2 w, 4 w, 2 w, w, 3 channels
    residual: bool = False  # the U-Net computes what is added to the cover, not the container itself


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """All settings of a run. The defaults are those of the original: 100 epochs of 1,800 pictures of 256 pixels.

    Raises:
        BadSpec: no such schedule.
    """

    renamed: ClassVar[dict[str, str]] = RunConfig.renamed | {"settle": "freeze_norm_step"}

    steps: int = 22_500  # length of the training, in steps
    batch_size: int = 8  # covers in a step, and as many secrets
    validate_every: int = 225  # steps per epoch; after each, the valid split is measured and a checkpoint kept
    pictures: int = 1800  # number of pictures for training
    valid_pictures: int = 400  # number of pictures for measuring
    side: int = 256  # pixels a side of a picture
    crop: int = 256  # side of the crops that a step sees, in pixels
    secret_weight: float = 0.75  # weight of the error of the revealed secret; that of the container counts 1
    attack: str = "none"  # attack on containers besides rounding to bytes, such as jpeg:90
    schedule: Schedule = "plateau"  # of the learning rate: falls when the loss stops falling, or along a cosine
    patience: int = 5  # epochs without a better loss before the learning rate falls
    factor: float = 0.2  # factor by which the learning rate falls
    freeze_norm_step: int = 0  # the step from which batch norm keeps the statistics that it has; 0: never
    depth: int = 7  # how often Hide-Net halves the picture: sides must be multiples of 2 to this
    width: int = 64  # channels of Hide-Net after its first halving
    widest: int = 512  # channels of Hide-Net at most
    reveal_width: int = 64  # channels of Reveal-Net's first layer
    residual: bool = False  # whether Hide-Net computes what is added to the cover, not the container itself

    def __post_init__(self) -> None:
        if self.schedule not in get_args(Schedule):
            raise BadSpec(f"schedule {self.schedule!r}: choose one of {', '.join(get_args(Schedule))}")

    @property
    def network(self) -> NetworkConfig:
        """The part for the networks."""
        return NetworkConfig(self.depth, self.width, self.widest, self.reveal_width, self.residual)
