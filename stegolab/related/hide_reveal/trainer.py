"""One step of training Hide-Net and Reveal-Net, and the state that a run can be resumed from (notebook 10).

Half of a batch are covers, the other half secrets. Containers are rounded to bytes, straight-through, before they are
revealed. Everything random in a step is drawn from (seed, step).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...channel.differentiable import twin
from ...channel.rounding import to_bytes
from ...errors import BadSpec
from ...training.config import cosine
from ...training.learner import Learner
from ...training.trainer import LearnerTrainer
from ..pictures import to_tensor
from ..weights import save
from .config import TrainConfig
from .data import Pictures, crops, pairs, read
from .network import HideReveal
from .schedule import Plateau


class Trainer(LearnerTrainer[TrainConfig, HideReveal]):
    """A run: networks, optimiser, averaged weights, schedule and step. Pictures are uint8 (n, side, side, 3).

    Raises:
        BadSpec: a malformed attack.
    """

    def __init__(self, config: TrainConfig, fabric: Any) -> None:
        super().__init__(config, fabric, save)
        model = HideReveal(config.network)
        self.learner = Learner(model, fabric, ema_decay=config.ema_decay, weight_decay=0.0)  # Adam, as in the original
        self.plateau = Plateau(config.validate_every, config.patience, config.factor)
        self.companions["plateau"] = self.plateau
        self.channel = twin(config.attack)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        if self.config.schedule == "cosine":
            return cosine(self.step, self.config, warmup=50)
        return self.config.learning_rate * self.plateau.scale

    def advance(self, pictures: Pictures) -> dict[str, float]:
        """One step on random crops; returns h-loss and r-loss, both mean squared errors of samples in [0, 1].

        Raises:
            Diverged: the loss or its gradient is not finite; the weights are then unchanged.
        """
        self._set_modes()
        drawn = crops(pictures, 2 * self.config.batch_size, self.config.crop, self.random())
        cover, secret = self._tensor(drawn).chunk(2)
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
            for cover, secret in pairs(pictures):
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
        cover, secret = (self._tensor(picture[None]) for picture in next(pairs(pictures)))
        with self.learner.averaging() as model:
            container, revealed = model(cover, secret, self.channel)
        shown = {"container": container, "change": 0.5 + 10 * (container - cover), "revealed": revealed}
        return {name: picture[0].clamp(0, 1) for name, picture in shown.items()}

    def _set_modes(self) -> None:
        """Set the modes; from ``freeze_norm_step`` on, batch norm keeps its statistics, whose noise would exceed the
        secret."""
        self.plain.train()
        if 0 < self.config.freeze_norm_step <= self.step:
            for layer in self.plain.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()

    def _tensor(self, pictures: Pictures) -> Tensor:
        return to_tensor(pictures, self.fabric.device)


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, Pictures, Pictures]:
    """The trainer, the squares for training (train split), and those for measuring (valid split).

    Raises:
        BadData: no data, or no picture as large as ``config.side``. BadSpec: crops that the networks cannot take.
    """
    unit = 2**config.depth
    if config.crop > config.side or config.crop % unit or config.side % unit:
        raise BadSpec(f"--crop and --side must be multiples of {unit} (2 to the --depth), crop at most side")
    return Trainer(config, fabric), *read(config)
