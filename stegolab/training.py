"""The training loop that all networks here share: one step, its safeguards, and the folder that a run lives in.

A trainer knows what one step is; :func:`fit` takes the steps, measures on the valid split, keeps checkpoints and the
best weights, and goes on where an earlier run in the same folder stopped. Lightning Fabric carries the same code to
one GPU, several, or SLURM. Notebooks 03, 07 and 09 to 12 call the same trainers as the commands do.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from . import files
from .errors import BadSpec, StegolabError

WRITTEN = ("config.json", "log.jsonl", "checkpoint.pt", "best.safetensors")  # into the folder of a run


class Diverged(StegolabError):
    """The loss or its gradient is not a number; the last good checkpoint is kept."""


@dataclass(frozen=True)
class RunConfig:
    """What every run decides; trainers add their own fields. Saved beside the weights."""

    steps: int = 20_000
    batch: int = 8
    rate: float = 1e-3
    seed: int = 0
    validate_every: int = 1000
    average: float = 0.998  # of the weights, over steps


class Trainer(Protocol):
    """What :func:`fit` needs. All that is random in a step must be drawn from (seed, step), or be part of the state."""

    config: Any  # a RunConfig
    fabric: Any
    step: int

    def advance(self, train: Any) -> dict[str, float]:
        """One step; returns what to log."""

    def validate(self, valid: Any) -> dict[str, float]:
        """Measures of the averaged weights; the weights with the highest ``score`` are kept."""

    def look(self, valid: Any) -> dict[str, Tensor]:
        """What to show: pictures (1 or 3, H, W) in [0, 1], sounds (N,) at 16 kHz in [-1, 1]."""

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs."""

    def load(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken."""

    def export(self, path: Path) -> None:
        """The averaged weights as the file that ships."""


_DIRECTIONS = ("._u", "._v")  # of spectral norm: unit vectors, whose mean is none


class Learner:
    """A network with its optimiser (AdamW), the moving average of its weights, and the safeguards of a step.

    Args:
        network: what learns; ``fabric`` moves and wraps it.
        groups: parameter groups, each with ``scale``: its learning rate is that times the rate of the step.
        average: the share that the average keeps in a step; batch statistics are averaged along with the weights.
        clip: largest norm of the gradient.
        patience: how many steps in a row may be skipped because they are not finite.
    """

    def __init__(
        self,
        network: nn.Module,
        fabric: Any,
        *,
        groups: Sequence[dict[str, Any]] | None = None,
        average: float = 0.998,
        clip: float = 1.0,
        patience: int = 0,
        betas: tuple[float, float] = (0.9, 0.999),
        decay: float = 1e-4,
    ) -> None:
        self.fabric, self.average, self.clip, self.patience = fabric, average, clip, patience
        groups = groups or [{"params": network.parameters(), "scale": 1.0}]
        self.network, self.optimiser = fabric.setup(
            network, torch.optim.AdamW([{"lr": 1.0, **group} for group in groups], betas=betas, weight_decay=decay)
        )
        self.averaged = {name: value.detach().clone() for name, value in self.plain.state_dict().items()}
        self.steps, self.skipped = 0, 0

    @property
    def plain(self) -> Any:
        """The network without Fabric's wrapping."""
        return self.network.module if hasattr(self.network, "module") else self.network

    def descend(self, loss: Tensor, rate: float) -> float:
        """One step down the gradient of ``loss``; returns the gradient's norm before clipping, or NaN if skipped.

        Raises:
            Diverged: the loss or its gradient is not finite, more than ``patience`` times in a row. The weights
                stay as they were.
        """
        self.optimiser.zero_grad()
        if self._finite("loss", loss):
            self.fabric.backward(loss)
            norm = self.fabric.clip_gradients(
                self.network, self.optimiser, max_norm=self.clip, error_if_nonfinite=False
            )
            if self._finite("norm of the gradient", norm):
                for group in self.optimiser.param_groups:
                    group["lr"] = rate * group["scale"]
                self.optimiser.step()
                self.skipped = 0
                self._follow()
                return float(norm)
        self.steps += 1
        return math.nan

    def _finite(self, name: str, value: Tensor) -> bool:
        if torch.isfinite(value):
            return True
        self.skipped += 1
        if self.skipped > self.patience:
            advice = "lower --rate, or resume from the checkpoint"
            raise Diverged(f"step {self.steps}: the {name} is {value.item()}; {advice}")
        return False

    def _follow(self) -> None:
        share = min(self.average, (1 + self.steps) / (10 + self.steps))
        for name, value in self.plain.state_dict().items():
            if value.is_floating_point() and not name.endswith(_DIRECTIONS):
                self.averaged[name].lerp_(value, 1 - share)
            else:
                self.averaged[name].copy_(value)
        self.steps += 1

    @contextmanager
    def averaging(self) -> Iterator[Any]:
        """The plain network in evaluation mode with the averaged weights; then again as it was."""
        live = {name: value.clone() for name, value in self.plain.state_dict().items()}
        training = self.plain.training
        self.plain.load_state_dict(self.averaged)
        self.plain.eval()
        try:
            yield self.plain
        finally:
            self.plain.load_state_dict(live)
            self.plain.train(training)

    def state(self) -> dict[str, Any]:
        """Weights, optimiser, average and counters."""
        return {
            "network": self.plain.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "averaged": self.averaged,
            "steps": self.steps,
            "skipped": self.skipped,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken."""
        self.plain.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.averaged = {name: value.to(self.fabric.device) for name, value in state["averaged"].items()}
        self.steps, self.skipped = state["steps"], state["skipped"]


Config = TypeVar("Config", bound=RunConfig)
Network = TypeVar("Network", bound=nn.Module)


class LearnerTrainer(Generic[Config, Network]):
    """What trainers of one network share: the seed, the randomness of a step, the state, the file that ships.

    A subclass makes ``learner`` once this constructor has seeded torch, takes the steps, and counts them in ``step``.

    Args:
        save: writes a network with the averaged weights to a path.
    """

    learner: Learner

    def __init__(self, config: Config, fabric: Any, save: Callable[[Network, Path], object]) -> None:
        torch.manual_seed(config.seed)
        self.config, self.fabric, self.step = config, fabric, 0
        self._save = save

    @property
    def plain(self) -> Network:
        """The network without Fabric's wrapping."""
        return self.learner.plain

    def random(self) -> np.random.Generator:
        """What this step draws from, in this process: the same one for the same seed and step."""
        return np.random.default_rng((self.config.seed, self.step, self.fabric.global_rank))

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs."""
        return {"learner": self.learner.state(), "step": self.step}

    def load(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken."""
        self.learner.load(state["learner"])
        self.step = state["step"]

    def export(self, path: Path) -> None:
        """The averaged weights as the file that ships."""
        with self.learner.averaging() as network:
            self._save(network, path)


def cosine(step: int, config: RunConfig, warmup: int = 200, floor: float = 0.02) -> float:
    """The learning rate of a step: up in a straight line, then down along half a cosine to ``floor`` of the peak."""
    fraction = min(1, step / config.steps)
    return config.rate * min(1, step / warmup) * (floor + (1 - floor) / 2 * (1 + math.cos(math.pi * fraction)))


def fit(
    trainer: Trainer, train: Any, valid: Any, out: Path, minutes: float = math.inf
) -> Generator[dict[str, Any], None, None]:
    """Train to ``config.steps``, which alone decide the result; resumes from ``out/checkpoint.pt``.

    Writes ``config.json``, ``log.jsonl``, TensorBoard's events, ``checkpoint.pt``, and ``best.safetensors``: the
    averaged weights that did best on the valid split. Yields a record each time it validates. On several devices
    the first one writes.

    ``minutes`` are for a person who must stop by then: no limit unless given. What is stopped has no other result, only
    none yet: it goes on from its last checkpoint with the steps that it would have taken.

    Raises:
        BadSpec: the folder holds a run with another configuration. Diverged: see :meth:`Learner.descend`.
    """
    from torch.utils.tensorboard import SummaryWriter
    from tqdm import tqdm

    config, first = trainer.config, trainer.fabric.is_global_zero
    out = files.folder(out)
    _configure(out / "config.json", config, write=first)
    checkpoint, best = out / "checkpoint.pt", -math.inf
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True, map_location=trainer.fabric.device)
        best = saved.pop("best")
        trainer.load(saved)
    began = time.monotonic()
    bar = tqdm(total=config.steps, initial=trainer.step, unit="step", disable=None if first else True)
    with SummaryWriter(str(out)) if first else _Nothing() as board, bar:
        while trainer.step < config.steps and time.monotonic() - began < 60 * minutes:
            logged = trainer.advance(train)
            bar.update()
            if trainer.step % 50 == 0:
                _log(board, "train", logged, trainer.step)
            if trainer.step % config.validate_every and trainer.step < config.steps:
                continue
            measured = trainer.validate(valid)
            record = {"step": trainer.step, "minutes": (time.monotonic() - began) / 60, **logged, "valid": measured}
            better = measured["score"] > best
            best = max(best, measured["score"])
            if first:
                _log(board, "valid", measured, trainer.step)
                _show(board, trainer.look(valid), trainer.step)
                if better:
                    trainer.export(out / "best.safetensors")
                with files.replacing(checkpoint) as temporary:
                    torch.save(trainer.state() | {"best": best}, temporary)
                with (out / "log.jsonl").open("a") as file:
                    file.write(json.dumps(record) + "\n")
            trainer.fabric.barrier()
            yield record


def _configure(path: Path, config: Any, *, write: bool) -> None:
    wanted = asdict(config)
    if path.exists():
        there = json.loads(path.read_text())
        other = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
        if other:
            raise BadSpec(f"{path.parent} holds a run with another {', '.join(other)}: choose another folder")
    elif write:
        with files.replacing(path) as temporary:
            temporary.write_text(json.dumps(wanted, indent=2))


def _log(board: Any, stage: str, values: Mapping[str, float], step: int) -> None:
    for name, value in values.items():
        board.add_scalar(f"{stage}/{name}", value, step)


def _show(board: Any, shown: Mapping[str, Tensor], step: int) -> None:
    for name, what in shown.items():
        if what.ndim == 1:
            board.add_audio(f"valid/{name}", what, step, sample_rate=16_000)
        else:
            board.add_image(f"valid/{name}", what, step)


class _Nothing:
    """The TensorBoard of a process that does not write."""

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *_: object) -> None: ...

    def add_scalar(self, *_: object) -> None:
        """Nothing."""
