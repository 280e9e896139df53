"""One step of training PixInWav, and the state that a run can be resumed from (notebook 11).

Random hosts, random pictures; the container becomes a 16-bit waveform (rounding straight through), meets noise, is
analysed again, and only then is the picture revealed from it. Everything random is drawn from (seed, step).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...training.config import cosine
from ...training.learner import Learner
from ...training.trainer import LearnerTrainer
from ..levels import LEVEL
from ..pictures import Pixels, to_tensor
from ..weights import save
from .config import TrainConfig
from .data import Dataset, read
from .losses import features, soft_dtw, structure
from .network import PixInWav, pcm16
from .noise import noisy


class Trainer(LearnerTrainer[TrainConfig, PixInWav]):
    """A run: model, optimiser, averaged weights and step."""

    def __init__(self, config: TrainConfig, fabric: Any) -> None:
        super().__init__(config, fabric, save)
        self.learner = Learner(PixInWav(config.network), fabric, ema_decay=config.ema_decay)

    def advance(self, train: Dataset) -> dict[str, float]:
        """One step; returns what to log.

        Raises:
            Diverged: the loss or its gradient is not finite; the weights are then unchanged.
        """
        config = self.config
        random = self.random()
        hosts, pictures = self._tensors(*train.draw(config.batch_size, random))
        order = self._order(random)
        found = self._pass(hosts, pictures, order, random)
        rate = cosine(self.step, config)
        norm = self.learner.descend(self._loss(found), rate)
        self.step += 1
        return {name: float(found[name].detach().mean()) for name in ("spectra", "picture", "ssim")} | {
            "audio_snr_db": -10 * math.log10(float(found["error"].detach().mean())),
            "rate": rate,
            "gradient": norm,
        }

    def _pass(
        self, hosts: Tensor, pictures: Tensor, order: Tensor | None, random: np.random.Generator
    ) -> dict[str, Tensor]:
        config, model = self.config, self.plain
        spectrogram = model.analyse(hosts)
        container = model.hide(spectrogram, pictures, order)
        waveform = model.synthesise(container)
        received = container
        if config.through_file:
            waveform = pcm16(waveform)
            generator = torch.Generator().manual_seed(int(random.integers(2**62)))
            received = model.analyse(noisy(waveform, config.noise, config.noise_strength, generator))
        revealed = model.reveal(received, order)
        part = model.transform.part
        power = hosts.square().mean(-1)
        return {
            "container": waveform,
            "revealed": revealed,
            "spectra": (container - spectrogram)[:, part].square().mean((1, 2, 3)),
            "picture": (revealed - pictures).abs().mean((1, 2, 3)),
            "ssim": structure(revealed, pictures),
            "sound": self._sound(hosts, waveform),
            "error": (waveform - hosts).square().mean(-1) / power,
        }

    def _sound(self, hosts: Tensor, container: Tensor) -> Tensor:
        match self.config.sound_loss:
            case "waveform":
                return (container - hosts).abs().mean(-1) / LEVEL
            case "soft-dtw":
                heard, wanted = (features(sound / LEVEL) for sound in (container, hosts))
                return soft_dtw(heard, wanted) / heard[0].numel()
        return hosts.new_zeros(len(hosts))

    def _loss(self, found: dict[str, Tensor]) -> Tensor:
        c = self.config
        loss = (1 - c.beta) * found["spectra"] + c.beta * found["picture"] + c.sound_weight * found["sound"]
        return (loss + c.structure_weight * (1 - found["ssim"])).mean()

    def _order(self, random: np.random.Generator) -> Tensor | None:
        """The order of a random key, or none; ``keyed_share`` says how often."""
        if random.random() >= self.config.keyed_share:
            return None
        rows, frames = self.plain.shape[1:]
        return torch.from_numpy(random.random((rows, frames)).argsort(1)).to(self.fabric.device)

    @torch.no_grad()
    def validate(self, valid: Dataset) -> dict[str, float]:
        """Averaged weights on fixed hosts and pictures: SNR of the container, SSIM and L1 of the revealed pictures.

        The score is SSIM plus .02 per decibel of SNR, which is about the rate at which one is traded for the other.
        """
        found: list[dict[str, float]] = []
        with self.learner.averaging():
            for number, (host, picture) in enumerate(valid.fixed()):
                random = np.random.default_rng((self.config.seed, number))
                measured = self._pass(*self._pair(host, picture), self._order(random), random)
                found.append({name: float(measured[name]) for name in ("error", "ssim", "picture")})
        mean = {name: float(np.mean([one[name] for one in found])) for name in ("ssim", "picture")}
        snr = float(np.mean([-10 * math.log10(one["error"]) for one in found]))
        return {
            "score": mean["ssim"] + 0.02 * snr,
            "audio_snr_db": snr,
            "image_ssim": mean["ssim"],
            "l1": mean["picture"],
        }

    @torch.no_grad()
    def look(self, valid: Dataset) -> dict[str, Tensor]:
        """The first picture, the revealed one, the container, and ten times what was added to it."""
        host, picture = next(iter(valid.fixed()))
        hosts, pictures = self._pair(host, picture)
        with self.learner.averaging():
            found = self._pass(hosts, pictures, None, np.random.default_rng(self.config.seed))
        container = found["container"][0]
        return {
            "picture": pictures[0],
            "revealed": found["revealed"][0].clamp(0, 1),
            "container": container.clamp(-1, 1),
            "residual x 10": (10 * (container - hosts[0])).clamp(-1, 1),
        }

    def _tensors(self, hosts: NDArray[np.float32], pictures: Pixels) -> tuple[Tensor, Tensor]:
        """Waveforms (B, n) and pictures (B, side, side, colours) as input for the network."""
        device = self.fabric.device
        return torch.from_numpy(hosts).to(device), to_tensor(pictures, device)

    def _pair(self, host: NDArray[np.float32], picture: Pixels) -> tuple[Tensor, Tensor]:
        """One waveform (n,) and one picture (side, side, colours) as a batch of one."""
        hosts, pictures = self._tensors(host[None], picture[None])
        return hosts, pictures.contiguous()  # channels first in memory, as in the codec


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, Dataset, Dataset]:
    """The trainer, the data for training, and the data for measuring.

    Raises:
        BadData: no data.
    """
    return Trainer(config, fabric), *read(config)
