"""One step of training Prepare, Hiding and Reveal, and the state that a run can be resumed from (notebook 09).

In mode ``real`` containers are rounded to bytes, and compressed by JPEG if wanted, before they are revealed, both
straight-through. In mode ``legacy`` nothing is rounded, and a run is judged by a picture from its training, as in the
original. Everything random in a step is drawn from (seed, step).
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...channel.differentiable import twin
from ...errors import BadSpec
from ...training.config import cosine
from ...training.learner import Learner
from ...training.trainer import LearnerTrainer
from ..pictures import luma as luma_of
from ..pictures import to_tensor
from ..weights import save
from .config import TrainConfig
from .data import Dataset, Tiles, read
from .layout import Planes
from .network import AudioCNN, load

_LEVEL = 0.05  # root mean square of sounds that are shown


class Trainer(LearnerTrainer[TrainConfig, AudioCNN]):
    """A run: networks, optimiser, averaged weights and step.

    Raises:
        BadSpec: a malformed attack, or weights to start from that have another shape.
    """

    def __init__(self, config: TrainConfig, fabric: Any) -> None:
        super().__init__(config, fabric, save)
        model = AudioCNN(config.network)
        if config.init_from:
            _continue(model, Path(config.init_from))
        self.learner = Learner(model, fabric, ema_decay=config.ema_decay)
        self.channel = twin(config.attack) if config.mode == "real" else None

    def advance(self, train: Dataset) -> dict[str, float]:
        """One step; returns what to log.

        Raises:
            Diverged: the loss or its gradient is not finite; the weights are then unchanged.
        """
        found = self._pass(self.learner.network, *train.draw(self.config.batch_size, self.random()))
        rate = cosine(self.step, self.config, warmup=50)
        norm = self.learner.descend(found["loss"], rate)
        self.step += 1
        return {name: float(found[name].detach()) for name in ("loss", "image", "sound")} | {
            "rate": rate,
            "gradient": norm,
        }

    def _pass(self, network: Any, pictures: Tiles, secrets: Planes) -> dict[str, Tensor]:
        config = self.config
        cover, secret = to_tensor(pictures, self.fabric.device), torch.from_numpy(secrets).to(self.fabric.device)
        container, revealed = network(cover, secret, self.channel)
        change = container - cover
        image, sound = change.square().mean(), (revealed - secret).square().mean()
        if config.mode == "legacy":
            loss = image + sound
        else:
            luma = luma_of(change).square().mean()
            seen = 10 ** (config.psnr_db / 10) * (image + config.luma_weight * luma)
            loss = sound + config.image_weight * seen
        both = {"container": container, "revealed": revealed, "cover": cover, "secret": secret}
        return {"loss": loss, "image": image, "sound": sound, **both}

    @torch.no_grad()
    def validate(self, valid: Dataset) -> dict[str, float]:
        """Averaged weights on fixed tiles and clips. The score is the loss, in dB below 1."""
        with self.learner.averaging() as model:
            found = self._pass(model, *valid.fixed())
        return {
            "score": -10 * math.log10(float(found["loss"])),
            "mse": float(found["sound"]),
            "pcc": float(torch.corrcoef(torch.stack([found[name].flatten() for name in ("secret", "revealed")]))[0, 1]),
            "psnr_db": -10 * math.log10(float(found["image"])),
        }

    @torch.no_grad()
    def look(self, valid: Dataset) -> dict[str, Tensor]:
        """The first tile under the averaged weights, ten times its change; what was hidden and revealed in all."""
        pictures, secrets = valid.fixed()
        with self.learner.averaging() as model:
            found = self._pass(model, pictures, secrets)
        container, cover = found["container"][0], found["cover"][0]
        shown = {"container": container.clamp(0, 1), "change x 10": (0.5 + 10 * (container - cover)).clamp(0, 1)}
        for name in ("secret", "revealed"):
            samples = valid.layout.read(found[name].cpu().numpy())
            shown[f"{name}, heard"] = (_LEVEL * torch.from_numpy(samples)).clamp(-1, 1)
        return shown


def _continue(model: AudioCNN, path: Path) -> None:
    """Load weights; the modulation of the payload may differ, the shape may not."""
    start = load(path)
    if replace(start.config, modulated=model.config.modulated) != model.config:
        raise BadSpec(f"--init-from {path} has another shape: {start.config}")
    model.load_state_dict(start.state_dict())


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, Dataset, Dataset]:
    """The trainer, the data for training, and the data for measuring.

    Raises:
        BadData: no data. BadSpec: see :class:`Trainer`.
    """
    return Trainer(config, fabric), *read(config)
