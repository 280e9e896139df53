"""One step of training Model 1: stage one on waveforms and spectra, then the metric phase (notebook 03).

The metric phase goes on from the weights of stage one (``start``) and keeps its loss, which keeps the network honest;
to it comes the distance to a high score, as predicted by a discriminator (``gan``), as computed by differentiable
versions of PESQ and STOI (``differentiable``), or both. A control that trains as long without it has ``none``.
Fu et al. 2021, MetricGAN+; Cao et al. 2022, CMGAN (generator and discriminator in one loop).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import BadSpec
from ..training import Learner, RunConfig, cosine
from . import dccrn_weights, metricgan
from .dccrn import SIZES, Dccrn, DccrnConfig
from .frontend import StftConfig
from .losses import RecipeLoss, RecipeWeights, StageOneLoss
from .losses import si_sdr as sdr_of
from .metric_loss import METRIC_LOSSES, DifferentiableMetrics
from .metricgan import MetricDiscriminator, discriminator_loss, generator_loss
from .mixing import Mixer
from .replay import ReplayBuffer
from .true_scores import TrueScores, in_units, normalised

PATIENCE = 20  # steps in a row that may be skipped because they are not finite


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """Everything that decides a run; saved beside the weights."""

    steps: int = 20_000
    validate_every: int = 500
    average: float = 0.999
    size: str = "base"
    window: int = 400  # samples
    hop: int = 200  # samples
    mask: str = "E"
    causal: bool = True
    start: str = ""  # weights (safetensors) to go on from; they decide the shape
    metric_loss: str = "none"
    gan_weight: float = 1.0
    differentiable_weight: float = 1.0
    stoi_weight: float = 1.5  # of 1 - STOI within the differentiable metrics
    listen: int = 500  # steps in which the discriminator learns alone
    discriminator_rate: float = 3e-3
    workers: int = 0  # processes that compute true scores; 0: this one
    noise: float = 0.85  # probability of noise in a training mixture
    voice: float = 0.2  # probability of another speaker
    room: float = 0.35  # probability of a room
    second_noise: float = 0.0  # probability of a second noise beside the first
    turn: float = 0.0  # probability that a second speaker takes over
    jump: float = 0.0  # probability that the level changes; this one and those below: see faults.FaultConfig
    rumble: float = 0.0
    thump: float = 0.0
    offset: float = 0.0
    clip: float = 0.0
    heard: bool = True  # whether the network is trained behind the high-pass and the leveller, as it works
    sdr_weight: float = 0.05  # of the decibels of SI-SDR in the loss of stage one
    magnitude_weight: float = 0.0  # this one and those below: see losses.RecipeLoss
    spectrum_weight: float = 0.0
    consistency_weight: float = 0.0
    waveform_weight: float = 0.0
    pesq_weight: float = 0.0


class Trainer:
    """A run: the network, and in a metric GAN the discriminator, its memory and its teachers.

    Args:
        config: see :class:`TrainConfig`.
        fabric: of any accelerator and strategy.
        samples: length of the clips that will come, for the memory.

    Raises:
        BadSpec: unknown metric loss or size.
    """

    def __init__(self, config: TrainConfig, fabric: Any, samples: int = 32_000) -> None:
        if config.metric_loss not in METRIC_LOSSES:
            raise BadSpec(f"metric loss {config.metric_loss!r}: choose one of {', '.join(METRIC_LOSSES)}")
        torch.manual_seed(config.seed)
        self.config, self.fabric, self.step = config, fabric, 0
        self.learner = Learner(_network(config), fabric, average=config.average, clip=5.0, patience=PATIENCE)
        self.stage_one = fabric.to_device(StageOneLoss(config.sdr_weight))
        weights = RecipeWeights(
            **{field.name: getattr(config, f"{field.name}_weight") for field in fields(RecipeWeights)}
        )
        self.recipe = fabric.to_device(RecipeLoss(weights, self.plain.config.stft)) if any(astuple(weights)) else None
        self.metrics = self.critic = None
        if config.metric_loss in ("differentiable", "both"):
            self.metrics = fabric.to_device(DifferentiableMetrics(stoi_weight=config.stoi_weight))
        if config.metric_loss in ("gan", "both"):
            self.critic = Learner(
                MetricDiscriminator(), fabric, average=config.average, clip=5.0, patience=PATIENCE, betas=(0.8, 0.99)
            )
            self.replay, self.scores = ReplayBuffer(samples), TrueScores(config.workers)

    @property
    def plain(self) -> Dccrn:
        """The network without Fabric's wrapping."""
        return self.learner.plain

    def advance(self, mixer: Mixer) -> dict[str, float]:
        """One step on a fresh batch; returns what to log. While the discriminator listens only it learns.

        Raises:
            Diverged: see :class:`~stegolab.training.Learner`.
        """
        random = np.random.default_rng((self.config.seed, self.step, self.fabric.global_rank))
        drawn = mixer.draw(self.config.batch, random)
        noisy, clean = (self.fabric.to_device(torch.from_numpy(part)) for part in drawn)
        listening = self.critic is not None and self.step < self.config.listen
        logged: dict[str, float] = {}
        if listening:
            with torch.no_grad():
                estimate = self.learner.network(noisy)
        else:
            estimate, spectrogram = self.learner.network(noisy, spectrogram=True)
            terms = {"stage one": self.stage_one(estimate, clean)}
            if self.metrics is not None:
                terms["differentiable"] = self.config.differentiable_weight * self.metrics(estimate, clean).mean()
            if self.recipe is not None:
                terms |= self.recipe(estimate, spectrogram, clean)
            if self.critic is not None:
                predicted = self.critic.network(clean, estimate)
                terms["gan"] = self.config.gan_weight * generator_loss(predicted, clean)
            logged = {name: float(term.detach()) for name, term in terms.items()}
            logged["rate"] = cosine(self.step, self.config)
            logged["gradient"] = self.learner.descend(sum(terms.values(), estimate.new_zeros(())), logged["rate"])
        if self.critic is not None:
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
        assert self.critic is not None
        loss = discriminator_loss(
            self.critic.network(reference, heard), torch.cat([true, perfect, remembered[2].to(true)])
        )
        self.critic.descend(loss, self.config.discriminator_rate / self.config.rate * cosine(self.step, self.config))
        self.replay.add(clean.cpu(), estimate.cpu(), true[: len(clean)].cpu())
        return float(loss.detach())

    @torch.no_grad()
    def validate(self, pairs: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
        """Averaged weights on fixed (noisy, clean) clips (n, N): mean PESQ-WB, STOI, SI-SDR in dB, and the loss.

        The score weighs PESQ and STOI by their ranges.
        """
        noisy, clean = (self.fabric.to_device(torch.from_numpy(part)) for part in pairs)
        with self.learner.averaging() as network:
            estimate = torch.cat([network(batch) for batch in noisy.split(self.config.batch)])
        true = TrueScores()(clean.cpu().numpy(), estimate.float().cpu().numpy())
        pesq, stoi = np.nanmean(in_units(true), axis=0)
        measured = {
            "score": float(np.nanmean(normalised(pesq, stoi))),
            "pesq_wb": float(pesq),
            "stoi": float(stoi),
            "si_sdr": float(sdr_of(estimate, clean).mean()),
            "loss": float(self.stage_one(estimate, clean)),
        }
        if self.critic is not None:
            with self.critic.averaging() as critic:
                predicted = critic(clean, estimate).cpu().numpy()
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

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs."""
        state = {"learner": self.learner.state(), "step": self.step}
        if self.critic is not None:
            state |= {"critic": self.critic.state(), "replay": self.replay.state_dict()}
        return state

    def load(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken."""
        self.learner.load(state["learner"])
        self.step = state["step"]
        if self.critic is not None:
            self.critic.load(state["critic"])
            self.replay.load_state_dict(state["replay"])

    def export(self, path: Path) -> None:
        """The averaged weights as the file that ships; those of a discriminator beside it."""
        with self.learner.averaging() as network:
            dccrn_weights.save(network, path)
        if self.critic is not None:
            with self.critic.averaging() as critic:
                metricgan.save(critic, path.with_name("discriminator.safetensors"))


def _network(config: TrainConfig) -> Dccrn:
    if config.start:
        return dccrn_weights.load(Path(config.start)).train()
    if config.size not in SIZES:
        raise BadSpec(f"size {config.size!r}: choose one of {', '.join(SIZES)}")
    channels, hidden = SIZES[config.size]
    return Dccrn(DccrnConfig(channels, hidden, config.mask, config.causal, StftConfig(config.window, config.hop)))
