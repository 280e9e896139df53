"""One step of training Model 1: stage one on waveforms and spectra, then the metric phase (notebook 03).

The metric phase goes on from the weights of stage one (``init_from``) and keeps its loss, which keeps the network
honest. Added to it is the distance to a high score, as predicted by a discriminator (``gan``), as computed by
differentiable versions of PESQ and STOI (``differentiable``), or both. A control that trains as long has ``none``.
Fu et al. 2021, MetricGAN+; Cao et al. 2022, CMGAN (generator and discriminator in one loop).
"""

from __future__ import annotations

from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..training.config import cosine
from ..training.learner import Learner
from ..training.trainer import LearnerTrainer
from . import dccrn_weights, metricgan
from .config import TrainConfig
from .dccrn import SIZES, Dccrn, DccrnConfig
from .faults import CHANCES, FaultConfig
from .frontend import StftConfig
from .losses import RecipeLoss, RecipeWeights, StageOneLoss
from .losses import si_sdr as sdr_of
from .metric_loss import DifferentiableMetrics
from .metricgan import MetricDiscriminator, discriminator_loss, generator_loss
from .mixing import MixConfig, Mixer
from .replay import ReplayBuffer
from .true_scores import TrueScores, in_units, normalised

PATIENCE = 20  # steps in a row that may be skipped because they are not finite
_VALID = 64  # clips that the run is measured on
_VALID_SEED = 1


class Trainer(LearnerTrainer[TrainConfig, Dccrn]):
    """A run: the network, and in a metric GAN the discriminator, its memory and its teachers.

    Args:
        config: what decides the run.
        fabric: Lightning Fabric, of any accelerator and strategy.
        samples: length of the clips that will come, for the memory.
    """

    def __init__(self, config: TrainConfig, fabric: Any, samples: int = 32_000) -> None:
        super().__init__(config, fabric, dccrn_weights.save)
        options: dict[str, Any] = {"ema_decay": config.ema_decay, "max_norm": 5.0, "patience": PATIENCE}
        self.learner = Learner(_network(config), fabric, **options)
        self.stage_one = fabric.to_device(StageOneLoss(config.sdr_weight))
        weights = RecipeWeights(
            **{field.name: getattr(config, f"{field.name}_weight") for field in fields(RecipeWeights)}
        )
        self.recipe = fabric.to_device(RecipeLoss(weights, self.plain.config.stft)) if any(astuple(weights)) else None
        self.metrics = self.discriminator = None
        if config.metric_loss in ("differentiable", "both"):
            self.metrics = fabric.to_device(DifferentiableMetrics(stoi_weight=config.stoi_weight))
        if config.metric_loss in ("gan", "both"):
            self.discriminator = Learner(MetricDiscriminator(), fabric, betas=(0.8, 0.99), **options)
            self.replay, self.scores = ReplayBuffer(samples), TrueScores(config.workers)
            self.companions |= {"critic": self.discriminator, "replay": self.replay}  # names of version 0.1.0

    def advance(self, mixer: Mixer) -> dict[str, float]:
        """One step on a fresh batch; returns what to log. During its warm-up the discriminator alone learns.

        Raises:
            Diverged: see :class:`~stegolab.training.learner.Learner`.
        """
        random = self.random()
        drawn = mixer.draw(self.config.batch_size, random)
        noisy, clean = (self.fabric.to_device(torch.from_numpy(part)) for part in drawn)
        warming_up = self.discriminator is not None and self.step < self.config.discriminator_warmup
        logged: dict[str, float] = {}
        if warming_up:
            with torch.no_grad():
                estimate = self.learner.network(noisy)
        else:
            estimate, spectrogram = self.learner.network(noisy, spectrogram=True)
            terms = {"stage one": self.stage_one(estimate, clean)}
            if self.metrics is not None:
                terms["differentiable"] = self.config.differentiable_weight * self.metrics(estimate, clean).mean()
            if self.recipe is not None:
                terms |= self.recipe(estimate, spectrogram, clean)
            if self.discriminator is not None:
                predicted = self.discriminator.network(clean, estimate)
                terms["gan"] = self.config.gan_weight * generator_loss(predicted, clean)
            logged = {name: float(term.detach()) for name, term in terms.items()}
            logged["rate"] = cosine(self.step, self.config)
            logged["gradient"] = self.learner.descend(sum(terms.values(), estimate.new_zeros(())), logged["rate"])
        if self.discriminator is not None:
            logged["discriminator"] = self._teach(noisy, estimate.detach(), clean, random)
        self.step += 1
        return logged

    def _teach(self, noisy: Tensor, estimate: Tensor, clean: Tensor, random: np.random.Generator) -> float:
        """The discriminator's step: clean, enhanced, noisy, and what was enhanced before."""
        half = len(clean) // 2 or 1  # noisy speech changes little: half a batch of it is enough
        judged = self.scores.submit(
            torch.cat([clean, clean[:half]]).cpu().numpy(), torch.cat([estimate, noisy[:half]]).cpu().numpy()
        )
        remembered = [self.fabric.to_device(part) for part in self.replay.draw(len(clean), random)]
        true = self.fabric.to_device(torch.from_numpy(judged()))
        perfect = torch.where(true[:half].isfinite(), 1, torch.nan)  # silence has no score, not even against itself
        reference = torch.cat([clean, clean[:half], clean[:half], remembered[0]])
        heard = torch.cat([estimate, noisy[:half], clean[:half], remembered[1]])
        assert self.discriminator is not None
        loss = discriminator_loss(
            self.discriminator.network(reference, heard), torch.cat([true, perfect, remembered[2].to(true)])
        )
        scale = self.config.discriminator_learning_rate / self.config.learning_rate
        self.discriminator.descend(loss, scale * cosine(self.step, self.config))
        self.replay.add(clean.cpu(), estimate.cpu(), true[: len(clean)].cpu())
        return float(loss.detach())

    @torch.no_grad()
    def validate(self, pairs: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
        """Averaged weights on fixed (noisy, clean) clips (n, N): mean PESQ-WB, STOI, SI-SDR in dB, and the loss.

        The score weighs PESQ and STOI by their ranges.
        """
        noisy, clean = (self.fabric.to_device(torch.from_numpy(part)) for part in pairs)
        with self.learner.averaging() as network:
            estimate = torch.cat([network(batch) for batch in noisy.split(self.config.batch_size)])
        true = TrueScores()(clean.cpu().numpy(), estimate.float().cpu().numpy())
        pesq, stoi = np.nanmean(in_units(true), axis=0)
        measured = {
            "score": float(np.nanmean(normalised(pesq, stoi))),
            "pesq_wb": float(pesq),
            "stoi": float(stoi),
            "si_sdr": float(sdr_of(estimate, clean).mean()),
            "loss": float(self.stage_one(estimate, clean)),
        }
        if self.discriminator is not None:
            with self.discriminator.averaging() as discriminator:
                predicted = discriminator(clean, estimate).cpu().numpy()
            known = np.isfinite(true).all(1)
            for index, name in enumerate(("pesq", "stoi")):
                measured[f"correlation {name}"] = float(np.corrcoef(predicted[known, index], true[known, index])[0, 1])
        return measured

    @torch.no_grad()
    def look(self, pairs: tuple[np.ndarray, np.ndarray]) -> dict[str, Tensor]:
        """The first clip: noisy, enhanced and clean, (N,) each."""
        noisy, clean = (self.fabric.to_device(torch.from_numpy(part[:1])) for part in pairs)
        with self.learner.averaging() as network:
            shown = {"noisy": noisy[0], "enhanced": network(noisy)[0], "clean": clean[0]}
        return {name: samples.float().clamp(-1, 1).cpu() for name, samples in shown.items()}

    def export(self, path: Path) -> None:
        """The averaged weights as the file that ships; those of a discriminator beside it."""
        super().export(path)
        if self.discriminator is not None:
            with self.discriminator.averaging() as discriminator:
                metricgan.save(discriminator, path.with_name("discriminator.safetensors"))


def _network(config: TrainConfig) -> Dccrn:
    if config.init_from:
        return dccrn_weights.load(Path(config.init_from)).train()
    channels, hidden = SIZES[config.size]
    return Dccrn(DccrnConfig(channels, hidden, config.mask, config.causal, StftConfig(config.window, config.hop)))


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, Mixer, tuple[np.ndarray, np.ndarray]]:
    """The trainer, a mixer of the train split, and fixed clips of the valid split.

    Raises:
        BadData: no data.
    """
    mixer = Mixer.from_data("train", mixtures(config))
    valid = Mixer.from_data("valid", MixConfig(heard=config.conditioned)).draw(
        _VALID, np.random.default_rng(_VALID_SEED)
    )
    return Trainer(config, fabric, mixer.samples), mixer, valid


def mixtures(config: TrainConfig) -> MixConfig:
    """What a run is trained on: each option of the same name."""
    faults = FaultConfig(**{name: getattr(config, name) for name in CHANCES})
    options = {name: getattr(config, name) for name in ("noise", "voice", "room", "second_noise", "turn")}
    return MixConfig(faults=faults, heard=config.conditioned, **options)
