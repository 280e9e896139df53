"""One step of training the detector network, and the state that a run can be resumed from (notebook 08).

A batch holds covers together with their own stego pictures, cropped and rotated alike, so only the payload
distinguishes them. Everything random in a step is drawn from (seed, step).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..carrier.training.losses import discriminator_loss
from ..errors import BadData
from ..training.config import cosine
from ..training.learner import Learner
from ..training.trainer import LearnerTrainer
from .config import CommandConfig, TrainConfig
from .data import Pairs, Planes, read
from .network import Detector
from .roc import Roc, Scores

_GRID = 16  # pixels: crops are aligned to this grid, so the embedding's blocks lie as in the whole picture


class Trainer(LearnerTrainer[TrainConfig, Detector]):
    """A run: network, optimiser, averaged weights and step."""

    def __init__(self, config: TrainConfig, fabric: Any) -> None:
        super().__init__(config, fabric, _save)
        self.learner = Learner(Detector(config.width), fabric, ema_decay=config.ema_decay, weight_decay=1e-2)

    def advance(self, pairs: Pairs) -> dict[str, float]:
        """One step on random crops.

        Raises:
            Diverged: the loss or its gradient is not finite; the weights are then unchanged.
            BadData: the planes are smaller than a crop.
        """
        crops = _crops(pairs, self.config.batch_size, self.config.side, self.random())
        odds = self.learner.network(self._tensor(np.concatenate(crops)))  # together: batch norm sees both
        of_cover, of_stego = odds.chunk(2)
        loss = discriminator_loss(of_cover, of_stego)
        self.learner.descend(loss, cosine(self.step, self.config, warmup=50))
        self.step += 1
        right = torch.cat([of_cover < 0, of_stego > 0]).float().mean()
        return {"loss": float(loss.detach()), "accuracy": float(right)}

    def validate(self, pairs: Pairs) -> dict[str, float]:
        """Averaged weights on whole planes: loss in bits, P_E, area under the ROC. The score is minus the loss."""
        of_cover, of_stego = (self.scores(planes) for planes in pairs)
        roc = Roc.of(of_cover, of_stego)
        loss = float(discriminator_loss(torch.from_numpy(of_cover), torch.from_numpy(of_stego)))
        return {"score": -loss, "loss": loss, "p_e": roc.p_e, "area": roc.area}

    @torch.no_grad()
    def scores(self, planes: Planes) -> Scores:
        """Log-odds (n,) that whole planes are stego, with the averaged weights."""
        with self.learner.averaging() as network:
            return np.array([float(network(self._tensor(plane[None]))) for plane in planes])

    @torch.no_grad()
    def look(self, pairs: Pairs) -> dict[str, Tensor]:
        """The first filters, side by side, each stretched to its own range."""
        filters = self.learner.averaged["front"][:, 0]
        reach = filters.abs().amax((1, 2), keepdim=True)
        return {"filters": torch.cat(list(0.5 + filters / (2 * reach + 1e-9)), dim=1)[None]}

    def _tensor(self, planes: Planes) -> Tensor:
        return torch.from_numpy(planes).to(self.fabric.device).float()


def _save(network: Detector, path: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)


def best(config: TrainConfig, path: Path, fabric: Any) -> Trainer:
    """A trainer for scoring, with the weights that :meth:`Trainer.export` wrote."""
    from safetensors.torch import load_file

    trainer = Trainer(config, fabric)
    trainer.learner.plain.load_state_dict(load_file(path))
    trainer.learner.averaged = {name: v.detach().clone() for name, v in trainer.learner.plain.state_dict().items()}
    return trainer


def begin(config: CommandConfig, fabric: Any) -> tuple[Trainer, Pairs, Pairs]:
    """The trainer, the pairs for training, and those for measuring.

    Raises:
        BadData: no data. BadSpec, NotTrained, CapacityExceeded: see :func:`.data.read`.
    """
    return Trainer(config, fabric), *read(config)


def _crops(pairs: Pairs, count: int, side: int, random: np.random.Generator) -> Pairs:
    covers, stegos = pairs
    if min(covers.shape[1:]) < side:
        raise BadData(f"planes of {covers.shape[1]} x {covers.shape[2]} are smaller than a crop of {side}")
    cut: list[list[Planes]] = [[], []]
    for _ in range(count):
        number = int(random.integers(len(covers)))
        y, x = (_GRID * int(random.integers((length - side) // _GRID + 1)) for length in covers.shape[1:])
        turns, mirrored = int(random.integers(4)), int(random.choice([-1, 1]))
        for crops, planes in zip(cut, (covers, stegos), strict=True):
            crops.append(np.rot90(planes[number, y : y + side, x : x + side], turns)[:, ::mirrored])
    return np.stack(cut[0]), np.stack(cut[1])
