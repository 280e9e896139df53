"""One step of training Hide-Net and Reveal-Net, and the state that a run can be resumed from (notebook 10).

Half of a batch are covers, the other half secrets. Containers are rounded to bytes, straight through, before they are
revealed. All that is random in a step is drawn from (seed, step).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ...channel.differentiable import twin
from ...channel.rounding import to_bytes
from ...errors import BadSpec
from ...training import Learner, LearnerTrainer, RunConfig, cosine
from ..storage import save
from .network import HideReveal, NetworkConfig
from .schedule import Plateau

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """Everything that decides a run. The defaults are the original's: 100 epochs of 1,800 pictures of 256 pixels."""

    steps: int = 22_500
    validate_every: int = 225  # an epoch: 1,800 covers, 8 in a step
    pictures: int = 1800
    valid_pictures: int = 400
    side: int = 256  # pixels of a picture
    crop: int = 256  # pixels of what a step sees of it
    secret_weight: float = 0.75
    attack: str = "none"  # what a container goes through beside being rounded
    schedule: str = "plateau"  # or cosine, for a run that has to end soon
    patience: int = 5  # epochs without a better loss before the rate falls
    factor: float = 0.2
    settle: int = 0  # the step from which batch norm keeps the statistics that it has; 0: never
    depth: int = 7
    width: int = 64
    widest: int = 512
    reveal_width: int = 64
    residual: bool = False

    @property
    def network(self) -> NetworkConfig:
        """The networks' part."""
        return NetworkConfig(self.depth, self.width, self.widest, self.reveal_width, self.residual)


class Trainer(LearnerTrainer[TrainConfig, HideReveal]):
    """A run: networks, optimiser, averaged weights, schedule and step. Pictures are uint8 (n, side, side, 3).

    Raises:
        BadSpec: an unknown schedule, or a malformed attack.
    """

    def __init__(self, config: TrainConfig, fabric: Any) -> None:
        super().__init__(config, fabric, save)
        model = HideReveal(config.network)
        self.learner = Learner(model, fabric, average=config.average, decay=0.0)  # Adam, as the original
        self.plateau = Plateau(config.validate_every, config.patience, config.factor)
        if config.schedule not in ("plateau", "cosine"):
            raise BadSpec(f"--schedule {config.schedule}: choose plateau or cosine")
        self.channel = twin(config.attack)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        if self.config.schedule == "cosine":
            return cosine(self.step, self.config, warmup=50)
        return self.config.rate * self.plateau.scale

    def advance(self, pictures: Pictures) -> dict[str, float]:
        """One step on random crops; returns h-loss and r-loss, both mean squared errors of samples in [0, 1].

        Raises:
            Diverged: the loss or its gradient is not finite; the weights are then what they were.
        """
        self._set_modes()
        crops = self._tensor(_crops(pictures, 2 * self.config.batch, self.config.crop, self.random()))
        cover, secret = crops.chunk(2)
        container, revealed = self.learner.network(cover, secret, self.channel)
        h_loss, r_loss = F.mse_loss(container, cover), F.mse_loss(revealed, secret)
        loss = h_loss + self.config.secret_weight * r_loss
        rate = self.rate
        self.learner.descend(loss, rate)
        self.plateau.update(float(self.fabric.all_reduce(loss.detach(), reduce_op="mean")))
        self.step += 1
        return {"h_loss": float(h_loss.detach()), "r_loss": float(r_loss.detach()), "rate": rate}

    @torch.no_grad()
    def validate(self, pictures: Pictures) -> dict[str, float]:
        """Averaged weights: the first half of ``pictures`` hides the second. The score is the loss, in dB below 1."""
        losses = []
        with self.learner.averaging() as model:
            for cover, secret in _pairs(pictures):
                x, y = self._tensor(cover[None]), self._tensor(secret[None])
                container, revealed = model(x, y, self.channel)
                written = to_bytes(255 * container) / 255
                losses.append((float(F.mse_loss(written, x)), float(F.mse_loss(revealed, y))))
        h_loss, r_loss = np.mean(losses, axis=0)
        container_psnr, revealed_psnr = -10 * np.log10(np.maximum(losses, 1e-10)).mean(axis=0)
        return {
            "score": -10 * math.log10(h_loss + self.config.secret_weight * r_loss),
            "h_loss": float(h_loss),
            "r_loss": float(r_loss),
            "container_psnr_db": float(container_psnr),
            "revealed_psnr_db": float(revealed_psnr),
        }

    @torch.no_grad()
    def look(self, pictures: Pictures) -> dict[str, Tensor]:
        """The first pair under the averaged weights: container, ten times its change, and the secret revealed."""
        cover, secret = (self._tensor(picture[None]) for picture in next(_pairs(pictures)))
        with self.learner.averaging() as model:
            container, revealed = model(cover, secret, self.channel)
        shown = {"container": container, "change": 0.5 + 10 * (container - cover), "revealed": revealed}
        return {name: picture[0].clamp(0, 1) for name, picture in shown.items()}

    def state(self) -> dict[str, Any]:
        """The schedule's too."""
        return super().state() | {"plateau": dict(vars(self.plateau))}

    def load(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken."""
        super().load(state)
        self.plateau = Plateau(**state["plateau"])

    def _set_modes(self) -> None:
        """A small batch's statistics are noise, in the end louder than the secret: ``settle`` stops it."""
        self.plain.train()
        if 0 < self.config.settle <= self.step:
            for layer in self.plain.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()

    def _tensor(self, pictures: Pictures) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.fabric.device)
        return x.permute(0, 3, 1, 2).float() / 255  # (B, 3, H, W), channels last in memory


def _pairs(pictures: Pictures) -> Any:
    half = len(pictures) // 2
    return zip(pictures[:half], pictures[half:], strict=False)


def _crops(pictures: Pictures, count: int, size: int, random: np.random.Generator) -> Pictures:
    """Distinct pictures, a square of each, every second one mirrored, the colours shuffled.

    Photographs vary from orange to blue, hardly from green to magenta: without the shuffle leaves are revealed brown.
    """
    crops = []
    for number in random.choice(len(pictures), count, replace=count > len(pictures)):
        y, x = random.integers(pictures.shape[1] - size + 1, size=2)
        crop = pictures[number, y : y + size, x : x + size]
        crops.append(crop[:, :: random.choice([-1, 1])][..., random.permutation(3)])
    return np.stack(crops)
