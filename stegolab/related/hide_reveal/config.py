"""The shape of Hide-Net and Reveal-Net, and everything that decides how they are trained (notebook 10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ...errors import BadSpec
from ...training import RunConfig

Schedule = Literal["plateau", "cosine"]


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of both networks. The defaults are the original's, for pictures of 256 pixels a side."""

    depth: int = 7  # down-samplings of Hide-Net: sides must be multiples of 2 ** depth
    width: int = 64  # channels after the first of them; doubled by each, up to ``widest``
    widest: int = 512
    reveal_width: int = 64  # Reveal-Net: 3, w, 2 w, 4 w, 2 w, w, 3 channels
    residual: bool = False  # the U-Net draws what is added to the cover, not the container itself


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """Everything that decides a run. The defaults are the original's: 100 epochs of 1,800 pictures of 256 pixels.

    Raises:
        BadSpec: no such schedule.
    """

    steps: int = 22_500
    validate_every: int = 225  # an epoch: 1,800 covers, 8 in a step
    pictures: int = 1800
    valid_pictures: int = 400
    side: int = 256  # pixels of a picture
    crop: int = 256  # pixels of what a step sees of it
    secret_weight: float = 0.75
    attack: str = "none"  # what a container goes through beside being rounded
    schedule: Schedule = "plateau"  # or cosine, for a run that has to end soon
    patience: int = 5  # epochs without a better loss before the rate falls
    factor: float = 0.2
    settle: int = 0  # the step from which batch norm keeps the statistics that it has; 0: never
    depth: int = 7
    width: int = 64
    widest: int = 512
    reveal_width: int = 64
    residual: bool = False

    def __post_init__(self) -> None:
        if self.schedule not in get_args(Schedule):
            raise BadSpec(f"schedule {self.schedule!r}: choose one of {', '.join(get_args(Schedule))}")

    @property
    def network(self) -> NetworkConfig:
        """The networks' part."""
        return NetworkConfig(self.depth, self.width, self.widest, self.reveal_width, self.residual)
