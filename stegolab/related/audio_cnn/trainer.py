"""One step of training Prepare, Hiding and Reveal, and the state that a run can be resumed from (notebook 09).

In mode ``real`` containers are rounded to bytes, and meet JPEG if wanted, before they are revealed: both straight
through. In mode ``legacy`` nothing is rounded, and a run is judged by a picture that it has learned from, as in the
original. All that is random in a step is drawn from (seed, step).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...channel.differentiable import twin
from ...errors import BadSpec
from ...training import Learner, LearnerTrainer, RunConfig, cosine
from ..storage import save
from .material import Material, Tiles
from .network import AudioCNN, NetworkConfig, load
from .payload import Planes

MODES = ("real", "legacy")
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_LEVEL = 0.05  # root mean square at which sound is shown


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """Everything that decides a run; saved beside the weights. The defaults are a full run on a GPU."""

    steps: int = 40_000
    batch: int = 32
    rate: float = 2e-3
    validate_every: int = 1000
    mode: str = "real"
    payload: str = "waveform"  # or stft
    side: int = 32  # pixels of a tile
    width: int = 32
    modulated: bool = True  # for files that nobody compresses
    attack: str = "none"  # what a container meets beside being rounded, as in jpeg:90
    start: str = ""  # weights (safetensors) to go on from
    psnr_db: float = 34.0  # of all tiles together; at this PSNR the picture's error counts image_weight
    image_weight: float = 0.05  # against the sound's error, relative to the power of speech
    luma_weight: float = 0.3  # of brightness beside colours: what SSIM looks at

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise BadSpec(f"mode {self.mode!r}: choose one of {', '.join(MODES)}")

    @property
    def network(self) -> NetworkConfig:
        """The networks' part; the original repeats its sines over three planes and draws the container anew."""
        real = self.mode == "real"
        return NetworkConfig(
            self.payload, self.side, 1 if real else 3, self.width, residual=real, modulated=real and self.modulated
        )


class Trainer(LearnerTrainer[TrainConfig, AudioCNN]):
    """A run: networks, optimiser, averaged weights and step.

    Raises:
        BadSpec: a malformed attack, or weights to start from that have another shape.
    """

    def __init__(self, config: TrainConfig, fabric: Any) -> None:
        super().__init__(config, fabric, save)
        model = AudioCNN(config.network)
        if config.start:
            _continue(model, Path(config.start))
        self.learner = Learner(model, fabric, average=config.average)
        self.channel = twin(config.attack) if config.mode == "real" else None

    def advance(self, train: Material) -> dict[str, float]:
        """One step; returns what to log.

        Raises:
            Diverged: the loss or its gradient is not finite; the weights are then what they were.
        """
        found = self._pass(self.learner.network, *train.draw(self.config.batch, self.random()))
        rate = cosine(self.step, self.config, warmup=50)
        norm = self.learner.descend(found["loss"], rate)
        self.step += 1
        return {name: float(found[name].detach()) for name in ("loss", "image", "sound")} | {
            "rate": rate,
            "gradient": norm,
        }

    def _pass(self, network: Any, pictures: Tiles, secrets: Planes) -> dict[str, Tensor]:
        config = self.config
        cover, secret = self._tensor(pictures), torch.from_numpy(secrets).to(self.fabric.device)
        container, revealed = network(cover, secret, self.channel)
        change = container - cover
        image, sound = change.square().mean(), (revealed - secret).square().mean()
        if config.mode == "legacy":
            loss = image + sound
        else:
            luma = torch.einsum("c,bchw->bhw", change.new_tensor(_LUMA), change).square().mean()
            seen = 10 ** (config.psnr_db / 10) * (image + config.luma_weight * luma)
            loss = sound + config.image_weight * seen
        both = {"container": container, "revealed": revealed, "cover": cover, "secret": secret}
        return {"loss": loss, "image": image, "sound": sound, **both}

    @torch.no_grad()
    def validate(self, valid: Material) -> dict[str, float]:
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
    def look(self, valid: Material) -> dict[str, Tensor]:
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

    def _tensor(self, pictures: Tiles) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.fabric.device)
        return x.permute(0, 3, 1, 2).float() / 255  # (B, 3, side, side)


def _continue(model: AudioCNN, path: Path) -> None:
    """Take over weights; whether the payload is modulated may change, the shape may not."""
    start = load(path)
    if replace(start.config, modulated=model.config.modulated) != model.config:
        raise BadSpec(f"--start {path} has another shape: {start.config}")
    model.load_state_dict(start.state_dict())
