"""One step of training the learned carrier, and the state that a run can be resumed from (notebook 07).

Crops of photographs, random bits, the forward pass; the stego picture is rounded to bytes and goes through a real
attack, whose effect is added to the graph as a constant (straight through); the receiving half reads it. All that is
random in a step is drawn from (seed, step): so the state of a run is its weights, its optimiser and its step, and a
resumed run is the uninterrupted one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..channel import curriculum, spec
from ..images import luma
from ..training import Learner, RunConfig, cosine
from . import inn
from .losses import Hold, payload_loss, squared_error, straight_through
from .model import BLURS, CarrierModel, ModelConfig, load, save
from .strengths import strength as strength_named

Pictures = NDArray[np.uint8]
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """Everything that decides a run; saved beside the weights."""

    strength: str = "jpeg"
    crop: int = 192  # pixels
    psnr_db: float = 40.2
    lpips_weight: float = 0.0
    attention: bool = True
    restoration: bool = True
    ease: float = 0.0  # share of the steps with milder attacks
    start: str = ""  # weights (safetensors) to start from instead of the lattice


class Trainer:
    """A run: model, optimiser, averaged weights and step. ``fabric`` may be of any accelerator and strategy."""

    def __init__(self, config: TrainConfig, fabric: Any) -> None:
        torch.manual_seed(config.seed)
        self.config, self.fabric, self.step = config, fabric, 0
        self.strength = strength_named(config.strength)
        shape = ModelConfig.start(self.strength, attention=config.attention, restoration=config.restoration)
        model = load(Path(config.start)).train() if config.start else CarrierModel(shape)
        slow = [p for name, p in model.named_parameters() if name.endswith(("log_step", "level"))]
        rest = [p for p in model.parameters() if not any(p is q for q in slow)]
        groups = [{"params": rest, "scale": 1.0}, {"params": slow, "scale": 3.0, "weight_decay": 0.0}]
        self.learner = Learner(model, fabric, groups=groups, average=config.average)
        self.hold = Hold(config.psnr_db)
        self.attacks = curriculum.default(config.strength, config.steps, config.ease)

    @property
    def plain(self) -> CarrierModel:
        """The model without Fabric's wrapping."""
        return self.learner.plain

    def advance(self, pictures: Sequence[Pictures]) -> dict[str, float]:
        """One step on crops of ``pictures``; returns what to log.

        Raises:
            Diverged: the loss or its gradient is not finite; the weights are then what they were.
        """
        config = self.config
        random = np.random.default_rng((config.seed, self.step, self.fabric.global_rank))
        rate = cosine(self.step, config)
        crops = _crops(pictures, config.batch, config.crop, random)
        chains = [spec.parse(self.attacks.sample(self.step, random)) for _ in range(config.batch)]
        llr, bits, error, stego, cover = self._pass(crops, chains, random)
        lost = payload_loss(llr, bits)
        loss = 2 * lost.mean() * llr.shape[1] / 10 + self.hold.loss(error)
        if config.lpips_weight:
            some = slice(0, 2)  # the network that judges costs more than all of ours
            loss = loss + config.lpips_weight * self._lpips(stego[some], cover[some]).mean()
        self.learner.descend(loss, rate)
        self.hold.update(self.fabric.all_reduce(error.detach(), reduce_op="mean"))
        self.step += 1
        density = llr.shape[1] / self.plain.config.block**2
        return {
            "information": float(1 - lost.detach().mean()) * density,
            "psnr_db": 10 * math.log10(255**2 / float(error.detach().mean())),
            "image_weight": self.hold.weight,
            "rate": rate,
        }

    def _pass(
        self, crops: Pictures, chains: Sequence[spec.Chain], random: np.random.Generator
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        cover = torch.tensor(crops, dtype=torch.float32, device=self.fabric.device)
        plane = cover @ cover.new_tensor(_LUMA)
        model = self.plain
        slots = (len(crops), len(model.carried), *(side // model.config.block for side in plane.shape[1:]))
        bits = torch.from_numpy(random.integers(0, 2, slots, np.uint8)).to(plane)
        change = model.embed(plane, inn.points(bits))
        stego = cover + change[..., None]
        received = self._attacked(stego.detach(), chains, plane.shape[1:])
        seen = straight_through(plane + change, received)
        llr = self.learner.network(seen, self._blur(received, bits))
        return llr, bits, change.square().mean((1, 2)), stego, cover

    def _attacked(self, stego: Tensor, chains: Sequence[spec.Chain], shape: Sequence[int]) -> Tensor:
        pictures = stego.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
        planes = [_back(chain(picture), shape) for picture, chain in zip(pictures, chains, strict=True)]
        return torch.from_numpy(np.stack(planes)).to(stego)

    @torch.no_grad()
    def _blur(self, received: Tensor, bits: Tensor) -> Tensor | None:
        """As the receiver does with its pilots: the blur that makes the plain evidence agree best."""
        model = self.plain
        if not self.strength.rescaled:
            return None
        band, sign = model.analyse(received), 2 * bits - 1
        agreement = []
        for blur in BLURS:
            seen = band / model.gain(received.new_full((len(received),), blur))
            payload = model.network.read(seen[:, model.carried], seen[:, model.passive])
            agreement.append((inn.angle(payload).sin() * sign).mean((1, 2, 3)))
        return received.new_tensor(BLURS)[torch.stack(agreement).argmax(0)]

    def _lpips(self, stego: Tensor, cover: Tensor) -> Tensor:
        from ..images import lpips_network

        network = lpips_network("alex").to(self.fabric.device)
        return network(*(x.permute(0, 3, 1, 2) / 127.5 - 1 for x in (stego, cover)))

    @torch.no_grad()
    def validate(self, pictures: Sequence[Pictures], attacks: Sequence[str] = ()) -> dict[str, float]:
        """Averaged weights on whole pictures: information after each attack in bits per pixel, the worst, and PSNR.

        Without ``attacks``: those of the strength. The score is the worst information, at the PSNR that was asked for.
        """
        attacks = attacks or self.strength.attacks
        density = len(self.plain.carried) / self.plain.config.block**2
        found: dict[str, list[float]] = {attack: [] for attack in attacks}
        errors = []
        with self.learner.averaging():
            for number, picture in enumerate(pictures):
                for attack in attacks:
                    random = np.random.default_rng((self.config.seed, number))
                    llr, bits, error, *_ = self._pass(picture[None], [spec.parse(attack)], random)
                    found[attack].append(float(1 - payload_loss(llr, bits)) * density)
                errors.append(float(error))
        worst = np.min(list(found.values()), axis=0).mean()
        means = {f"information after {attack}": float(np.mean(values)) for attack, values in found.items()}
        psnr = float(np.mean([10 * math.log10(255**2 / e) for e in errors]))
        score = float(worst) * squared_error(self.config.psnr_db) / squared_error(psnr)
        return {"score": score, "information": float(worst), "psnr_db": psnr, **means}

    @torch.no_grad()
    def look(self, pictures: Sequence[Pictures]) -> dict[str, Tensor]:
        """The first picture under the averaged weights: stego, ten times the change, attention."""
        random = np.random.default_rng(self.config.seed)
        with self.learner.averaging() as model:
            *_, stego, cover = self._pass(pictures[0][None], [spec.parse("none")], random)
            band = model.analyse(cover @ cover.new_tensor(_LUMA))
            strength = model.network.attention(band[:, model.passive]).sigmoid().mean(dim=1)
        shown = {"stego": stego[0] / 255, "change": 0.5 + 10 * (stego - cover)[0] / 255}
        return {name: rgb.movedim(-1, 0).clamp(0, 1) for name, rgb in shown.items()} | {"attention": strength}

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs."""
        return {"learner": self.learner.state(), "hold": self.hold.weight, "step": self.step}

    def load(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken."""
        self.learner.load(state["learner"])
        self.hold.weight, self.step = state["hold"], state["step"]

    def export(self, path: Path) -> None:
        """The averaged weights as the file that ships."""
        with self.learner.averaging() as model:
            save(model, path)


def _crops(pictures: Sequence[Pictures], count: int, size: int, random: np.random.Generator) -> Pictures:
    crops = []
    for _ in range(count):
        picture = pictures[int(random.integers(len(pictures)))]
        y, x = (random.integers(side - size + 1) for side in picture.shape[:2])
        crop = picture[y : y + size, x : x + size]
        crops.append(crop[:, :: random.choice([-1, 1])])
    return np.ascontiguousarray(np.stack(crops))


def _back(picture: Pictures, shape: Sequence[int]) -> NDArray[np.float32]:
    """Luma at the original's size, as the receiver makes it."""
    from PIL import Image

    plane = luma(picture)
    if plane.shape == tuple(shape):
        return plane
    return np.asarray(Image.fromarray(plane).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
