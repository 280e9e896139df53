"""One step of training speech inside speech, and the state that a run can be resumed from (notebook 12).

Crops of two speakers, the secret scrambled with a fresh key, the sender, a file of 16 bits, noise, the receiver without
the lost branch. All that is random in a step is drawn from (seed, step).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import BadSpec
from ...training.config import cosine
from ...training.learner import Learner
from ...training.trainer import LearnerTrainer
from ..weights import save
from .config import TrainConfig
from .data import Clips, crops, read
from .discriminator import Discriminator, adversarial_loss, discriminator_loss, feature_matching
from .distillation import EmbeddingDistance, teacher
from .losses import SpectralDistance, lost_energy, shared_error, snr_db
from .network import InvertibleNetwork, load
from .noise import NoiseLayer, requantise
from .scrambling import FRAME, Scrambler


class Trainer(LearnerTrainer[TrainConfig, InvertibleNetwork]):
    """A run: network, optimiser, averaged weights and step; a discriminator and a teacher where they have a weight."""

    def __init__(self, config: TrainConfig, fabric: Any) -> None:
        super().__init__(config, fabric, save)
        network = load(Path(config.init_from)).train() if config.init_from else InvertibleNetwork(config.network)
        self.learner = Learner(network, fabric, ema_decay=config.ema_decay)
        self.noise = NoiseLayer(config.noise_share)
        self.spectral = SpectralDistance().to(fabric.device)
        self.discriminator = None
        if config.adversarial_weight:
            self.discriminator = Learner(Discriminator(), fabric, betas=(0.5, 0.9))
            self.companions["judge"] = self.discriminator
        self.embedding = None
        if config.embedding_weight:
            self.embedding = EmbeddingDistance(teacher(config.teacher)).to(fabric.device)

    def advance(self, clips: Clips) -> dict[str, float]:
        """One step on crops of ``clips``; returns what to log.

        Raises:
            Diverged: the loss or its gradient is not finite; the weights are then what they were.
        """
        config = self.config
        random = self.random()
        rate = cosine(self.step, config, warmup=50)
        cover, clear = (
            torch.from_numpy(crops(clips, config.batch_size, config.crop, random)).to(self.fabric.device)
            for _ in range(2)
        )
        scrambler = _scrambler(random, clear.numel()) if config.scrambling else None
        secret = _as_one(scrambler.scramble, clear) if scrambler else clear
        stego, lost = self.learner.network(cover, secret)
        recovered, revealed = self.plain.inverse(self.noise(stego, random))
        terms = {
            "shared_error": shared_error(stego, cover, revealed, secret),
            "spectral": sum(map(self.spectral, (stego, recovered, revealed), (cover, cover, secret))),
            "lost": lost_energy(lost),
        }
        weights = {"shared_error": 1.0, "spectral": config.spectral_weight, "lost": config.lost_weight}
        if self.discriminator is not None:
            terms |= self._judged(self.discriminator, stego, cover, rate)
            weights |= {"adversarial": config.adversarial_weight}
            weights |= {"matching": config.adversarial_weight * config.matching_weight}
        if self.embedding is not None:
            heard = _as_one(scrambler.invert, revealed) if scrambler else revealed
            terms["embedding"] = self.embedding(heard, clear)
            weights["embedding"] = config.embedding_weight
        self.learner.descend(sum(weights[name] * term for name, term in terms.items()), rate)
        self.step += 1
        return {name: float(term.detach()) for name, term in terms.items()} | {"rate": rate}

    def _judged(self, discriminator: Learner, stego: Tensor, cover: Tensor, rate: float) -> dict[str, Tensor]:
        """Train the discriminator on this batch, then ask it."""
        judge = discriminator.network
        discriminator.descend(discriminator_loss(judge(cover), judge(stego.detach())), rate)
        with torch.no_grad():
            real = discriminator.plain(cover)
        fake = discriminator.plain(stego)
        return {"adversarial": adversarial_loss(fake), "matching": feature_matching(real, fake)}

    @torch.no_grad()
    def validate(self, clips: Clips) -> dict[str, float]:
        """Averaged weights on pairs of whole clips, after 16 bits; the score is the lower of the two SNRs."""
        with self.learner.averaging() as network:
            found = [self._hidden(network, clips, number) for number in range(len(clips) // 2)]
        stego, secret = (
            float(torch.cat([snr_db(pair[a], pair[b]) for pair in found]).mean())
            for a, b in (("stego", "cover"), ("revealed", "secret"))
        )
        return {"score": min(stego, secret), "stego_snr_db": stego, "secret_snr_db": secret}

    @torch.no_grad()
    def look(self, clips: Clips) -> dict[str, Tensor]:
        """The sounds of the first pair under the averaged weights."""
        with self.learner.averaging() as network:
            return {name: sound[0].cpu().clamp(-1, 1) for name, sound in self._hidden(network, clips, 0).items()}

    def _hidden(self, network: InvertibleNetwork, clips: Clips, number: int) -> dict[str, Tensor]:
        """Pair ``number`` of the clips: the first half are covers, the second half secrets."""
        random = np.random.default_rng((self.config.seed, number))
        first, second = clips[number], clips[number + len(clips) // 2]
        length = min(len(first), len(second)) // FRAME * FRAME
        cover, secret = (torch.from_numpy(c[:length])[None].to(self.fabric.device) for c in (first, second))
        scrambler = _scrambler(random, length) if self.config.scrambling else None
        stego = requantise(network(cover, scrambler.scramble(secret) if scrambler else secret)[0])
        revealed = network.inverse(stego)[1]
        revealed = scrambler.invert(revealed) if scrambler else revealed
        return {"cover": cover, "stego": stego, "secret": secret, "revealed": revealed}


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, Clips, Clips]:
    """The trainer, the clips of the train split, and some of the valid split.

    Raises:
        BadData: no data, or no clip as long as a crop. BadSpec: a crop that is no multiple of 256 samples.
    """
    if config.crop <= 0 or config.crop % FRAME:
        raise BadSpec(f"--crop {config.crop}: give a multiple of {FRAME} samples")
    return Trainer(config, fabric), *read(config)


def _scrambler(random: np.random.Generator, samples: int) -> Scrambler:
    """A key drawn for this step."""
    return Scrambler.from_key(random.bytes(32), b"training", samples)


def _as_one(change: Any, batch: Tensor) -> Tensor:
    """Apply ``change`` to a batch (B, N) joined to one long clip: as stationary as those of real length."""
    return change(batch.reshape(1, -1)).view_as(batch)
