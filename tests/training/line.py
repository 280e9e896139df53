"""The smallest trainer there is, for the tests of what all trainers share."""

from dataclasses import dataclass

import torch
from torch import nn

from stegolab.training.config import RunConfig, cosine
from stegolab.training.learner import Learner
from stegolab.training.trainer import LearnerTrainer


@dataclass(frozen=True)
class LineConfig(RunConfig):
    """Fit a line."""

    steps: int = 12  # how many
    learning_rate: float = 0.05  # the highest
    validate_every: int = 4  # steps between measurements
    ema_decay: float = 0.5  # share that the average keeps
    slope: float = 3.0  # of the line that is to be found


class LineTrainer(LearnerTrainer[LineConfig, nn.Sequential]):
    """The smallest trainer there is: y = slope * x, with batch statistics and everything drawn from (seed, step)."""

    def __init__(self, config, fabric):
        super().__init__(config, fabric, lambda network, path: torch.save(network.state_dict(), path))
        self.learner = Learner(nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1)), fabric, ema_decay=config.ema_decay)

    def advance(self, train):
        x = torch.from_numpy(self.random().normal(size=(self.config.batch_size, 1))).float() * train
        loss = (self.learner.network(x) - self.config.slope * x).square().mean()
        norm = self.learner.descend(loss, cosine(self.step, self.config, warmup=2))
        self.step += 1
        return {"loss": float(loss.detach()), "gradient": norm}

    def validate(self, valid):
        with self.learner.averaging() as network:
            return {"score": -float((network(valid).detach() - self.config.slope * valid).square().mean())}

    def look(self, valid):
        return {"picture": torch.zeros(3, 8, 8), "sound": torch.zeros(160)}


VALID = torch.linspace(-1, 1, 9)[:, None]


def begin(config, fabric):
    return LineTrainer(config, fabric), 1.0, VALID
