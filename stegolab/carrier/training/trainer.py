"""One step of training the learned carrier, and the state that a run can be resumed from (notebook 07).

A step takes crops of photographs and random bits and runs the forward pass. The stego picture is rounded to bytes and
goes through a real attack, whose effect is added to the graph as a constant (straight-through), and the receiving half
reads it. Everything random in a step is drawn from (seed, step). So the state of a run is its weights, its optimiser
and its step number, and a resumed run equals an uninterrupted one. With a discriminator, two networks learn in turn:
the carrier takes a step against the discriminator as it is, then the discriminator takes one on the same pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...channel import curriculum, spec
from ...channel.rounding import to_bytes
from ...errors import BadSpec
from ...images import BT601, luma
from ...keystream import FORMAT_1
from ...training.config import cosine
from ...training.learner import Learner
from ...training.trainer import LearnerTrainer
from ..networks import inn
from ..networks.config import ModelConfig
from ..networks.model import CarrierModel, load, save
from ..refine import measured_blur
from ..strengths import strength as strength_named
from ..sync import template
from ..sync.geometry import resized
from .config import TrainConfig
from .data import Pictures, crops, read
from .discriminator import Discriminator
from .losses import (
    Balance,
    PayloadConstraint,
    QualityConstraint,
    adversarial_loss,
    discriminator_loss,
    payload_loss,
    squared_error,
    straight_through,
)

LOST_BITS = 5.0  # lost per block: as bad as twice the target squared error, at an image weight of 1


class Trainer(LearnerTrainer[TrainConfig, CarrierModel]):
    """A run: model, optimiser, averaged weights and step number; with a weight for it, a discriminator as well."""

    def __init__(self, config: TrainConfig, fabric: Any) -> None:
        start = Path(config.init_from).name  # readers of the file have other folders
        super().__init__(config, fabric, partial(save, training=replace(config, init_from=start)))
        self.strength = strength_named(config.strength)
        model = _started(config)
        lattice = model.lattice_parameters()
        rest = [p for p in model.parameters() if not any(p is q for q in lattice)]
        # Few numbers, to which all other weights adapt, and whose zero has no meaning: no weight decay, and larger
        # steps.
        groups = [{"params": rest, "scale": 1.0}, {"params": lattice, "scale": 3.0, "weight_decay": 0.0}]
        self.learner = Learner(model, fabric, groups=groups, ema_decay=config.ema_decay)
        self.discriminator = None
        if config.adversarial_weight:
            self.discriminator = Learner(Discriminator(), fabric, ema_decay=config.ema_decay)
        threshold = config.payload_threshold
        self.balance: Balance = (
            PayloadConstraint(threshold, config.psnr_db) if threshold else QualityConstraint(config.psnr_db)
        )
        self.attacks = curriculum.default(config.strength, config.steps, config.mild_share)
        self.companions["balance"] = self.balance
        if self.discriminator:
            self.companions["critic"] = self.discriminator  # its name in checkpoints, since version 0.1.0

    @property
    def density(self) -> float:
        """Slots per pixel that are left for the payload."""
        config = self.plain.config
        taken = template.places(template.PERIOD, template.PERIOD).mean(axis=(1, 2)).sum()
        return (len(config.frequencies) - self.strength.rescaled * float(taken)) / config.block**2

    def advance(self, pictures: Sequence[Pictures]) -> dict[str, float]:
        """Train one step on crops of ``pictures``; returns the values to log.

        Raises:
            Diverged: the loss or its gradient is not finite; the weights are then unchanged.
        """
        config = self.config
        random = self.random()
        rate = cosine(self.step, config)
        drawn = crops(pictures, config.batch_size, config.crop, random)
        chains = [spec.parse(self.attacks.sample(self.step, random)) for _ in range(config.batch_size)]
        lost, error, stego, cover = self._pass(drawn, chains, random)
        terms: dict[str, Tensor] = {}
        if config.lpips_weight:
            some = slice(0, 2)  # the LPIPS network costs more than all of ours
            terms["perceptual"] = self._lpips(stego[some], cover[some]).mean()
        if self.discriminator:
            terms["adversarial"] = self._adversarial(stego)
        weights = {"perceptual": config.lpips_weight, "adversarial": config.adversarial_weight}
        rest = sum(weights[name] * term for name, term in terms.items())
        lost_bits = lost.mean() * len(self.plain.carried)  # a block
        self.learner.descend(lost_bits / LOST_BITS + self.balance.loss(error, rest), rate)
        if self.discriminator:
            terms |= self._teach(self.discriminator, stego.detach(), cover, rate)
        self.balance.update(*(self.fabric.all_reduce(x.detach(), reduce_op="mean") for x in (error, lost)))
        self.step += 1
        return {
            "information": float(1 - lost.detach().mean()) * self.density,
            "psnr_db": 10 * math.log10(255**2 / float(error.detach().mean())),
            "image_weight": self.balance.weight,
            "rate": rate,
            **({"payload": float(lost.detach().mean())} if terms else {}),
            **{name: float(term.detach()) for name, term in terms.items()},
        }

    def _adversarial(self, stego: Tensor) -> Tensor:
        """The loss by which the carrier learns from the discriminator, which does not change."""
        assert self.discriminator
        network = self.discriminator.plain.eval().requires_grad_(False)
        loss = adversarial_loss(network(_as_file(stego)))
        network.train().requires_grad_(True)
        return loss

    def _teach(self, discriminator: Learner, stego: Tensor, cover: Tensor, rate: float) -> dict[str, Tensor]:
        """One step of the discriminator, on covers and on stego pictures before the attack."""
        logits = discriminator.network(_as_file(torch.cat([cover, stego])))
        of_cover, of_stego = logits.chunk(2)
        loss = discriminator_loss(of_cover, of_stego)
        discriminator.descend(loss, rate)
        right = torch.cat([of_cover < 0, of_stego > 0])
        return {"discriminator": loss, "discriminator accuracy": right.float().mean()}

    def _pass(
        self, crops: Pictures, chains: Sequence[spec.Chain], random: np.random.Generator
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Payload loss and squared error (B,), stego and cover (B, H, W, 3)."""
        cover = torch.tensor(crops, dtype=torch.float32, device=self.fabric.device)
        plane = cover @ cover.new_tensor(BT601)
        model = self.plain
        slots = (len(crops), len(model.carried), *(side // model.config.block for side in plane.shape[1:]))
        bits = torch.from_numpy(random.integers(0, 2, slots, np.uint8)).to(plane)
        change, carries = model.embed(plane, inn.points(bits)), None
        if self.strength.rescaled:
            change, carries = _marked(model, plane, change)
        stego = cover + change[..., None]
        received = self._attacked(stego.detach(), chains, plane.shape[1:])
        seen = straight_through(plane + change, received)
        blur = None if carries is None else measured_blur(model, model.analyse(received), bits, carries)
        lost = payload_loss(self.learner.network(seen, blur), bits, carries)
        return lost, change.square().mean((1, 2)), stego, cover

    def _attacked(self, stego: Tensor, chains: Sequence[spec.Chain], shape: Sequence[int]) -> Tensor:
        pictures = stego.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
        planes = [resized(luma(chain(picture)), tuple(shape)) for picture, chain in zip(pictures, chains, strict=True)]
        return torch.from_numpy(np.stack(planes)).to(stego)  # (B, H, W)

    def _lpips(self, stego: Tensor, cover: Tensor) -> Tensor:
        from ...images import lpips_network

        network = lpips_network(self.config.lpips_net).to(self.fabric.device)
        return network(*(x.permute(0, 3, 1, 2) / 127.5 - 1 for x in (stego, cover)))

    @torch.no_grad()
    def validate(self, pictures: Sequence[Pictures], attacks: Sequence[str] = ()) -> dict[str, float]:
        """Averaged weights on whole pictures: information after each attack in bits per pixel, the worst, and PSNR.

        The default ``attacks`` are those of the strength. The score is the worst information, at the target PSNR.
        """
        attacks = attacks or self.strength.attacks
        found: dict[str, list[float]] = {attack: [] for attack in attacks}
        errors = []
        with self.learner.averaging():
            for number, picture in enumerate(pictures):
                for attack in attacks:
                    random = np.random.default_rng((self.config.seed, number))
                    lost, error, *_ = self._pass(picture[None], [spec.parse(attack)], random)
                    found[attack].append(float(1 - lost) * self.density)
                errors.append(float(error))
        worst = np.min(list(found.values()), axis=0).mean()
        means = {f"information after {attack}": float(np.mean(values)) for attack, values in found.items()}
        psnr = float(np.mean([10 * math.log10(255**2 / e) for e in errors]))
        score = float(worst) * squared_error(self.config.psnr_db) / squared_error(psnr)
        return {"score": score, "information": float(worst), "psnr_db": psnr, **means}

    @torch.no_grad()
    def look(self, pictures: Sequence[Pictures]) -> dict[str, Tensor]:
        """The first picture with the averaged weights: stego, ten times the change, and attention if there is any."""
        random = np.random.default_rng(self.config.seed)
        with self.learner.averaging() as model:
            *_, stego, cover = self._pass(pictures[0][None], [spec.parse("none")], random)
            band = model.analyse(cover @ cover.new_tensor(BT601))
            shown = {"stego": stego[0] / 255, "change": 0.5 + 10 * (stego - cover)[0] / 255}
            shown = {name: rgb.movedim(-1, 0).clamp(0, 1) for name, rgb in shown.items()}
            if hasattr(model.network, "attention"):
                shown["attention"] = model.network.attention(band[:, model.passive]).sigmoid().mean(dim=1)
        return shown


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, list[Pictures], list[Pictures]]:
    """The trainer, the pictures for training, and those for measuring.

    Raises:
        BadData: no data.
    """
    return Trainer(config, fabric), *read(config)


def _started(config: TrainConfig) -> CarrierModel:
    """The model with which training begins, according to the configuration."""
    switches = {name: getattr(config, name) for name in ("network", "attention", "restoration")}
    if not config.init_from:
        return CarrierModel(ModelConfig.start(strength_named(config.strength), **switches))
    model = load(Path(config.init_from)).train()
    wanted = switches | {"strength": config.strength}
    other = [name for name, value in wanted.items() if getattr(model.config, name) != value]
    if other:
        raise BadSpec(f"the weights of {config.init_from} are of another {', '.join(other)} than the run")
    return model


def _marked(model: CarrierModel, plane: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
    """The change with the sender's template in its slots, and which slots are left for the payload: (carried, h, w)."""
    at = [model.config.frequencies.index(f) for f in template.FREQUENCIES]
    x, moved = (model.analyse(luma)[:, model.carried][:, at] for luma in (plane, change))
    taken = torch.from_numpy(template.places(*x.shape[2:])).to(x.device)
    known = template.Template.of(FORMAT_1)
    moves = np.stack([known.moves(each) for each in x.detach().cpu().numpy()])
    fix = x.new_zeros(len(x), len(model.carried), *x.shape[2:])
    fix[:, at] = torch.where(taken, torch.from_numpy(moves).to(x) - moved, 0)
    carries = torch.ones_like(fix[0])
    carries[at] = (~taken).to(x)
    return change + model.synthesise(fix, change.shape[1:]), carries


def _as_file(rgb: Tensor) -> Tensor:
    """Luma (B, H, W) of pictures (B, H, W, 3) as in a file: rounded and clipped, straight-through."""
    return to_bytes(rgb) @ rgb.new_tensor(BT601)
