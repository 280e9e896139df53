"""The training loop that all networks share, and the folder of a run."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import files
from .config import check_run
from .trainer import Trainer


def fit(
    trainer: Trainer, train: Any, valid: Any, out: Path, minutes: float = math.inf
) -> Generator[dict[str, Any], None, None]:
    """Train for ``config.steps`` steps; resumes from ``out/checkpoint.pt``.

    Writes ``config.json``, ``log.jsonl``, TensorBoard's events, ``checkpoint.pt``, and ``best.safetensors``: the
    averaged weights that were best on the valid split. Yields a record each time it validates. On several devices the
    first one writes.

    ``minutes`` is for a person who must stop by then; without it there is no limit. It does not change the result: a
    stopped run continues from its last checkpoint with the same steps as without the stop.

    Raises:
        BadSpec: see :func:`.config.check_run`. Diverged: see :meth:`.learner.Learner.descend`.
    """
    from lightning_fabric.loggers import TensorBoardLogger
    from tqdm import tqdm

    config, first = trainer.config, trainer.fabric.is_global_zero
    out = files.folder(out)
    check_run(out, config)
    if first and not (out / "config.json").exists():
        with files.replacing(out / "config.json") as temporary:
            temporary.write_text(json.dumps(asdict(config), indent=2))
    checkpoint, best = out / "checkpoint.pt", -math.inf
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True, map_location=trainer.fabric.device)
        best = saved.pop("best")
        trainer.load(saved)
    began = time.monotonic()
    bar = tqdm(total=config.steps, initial=trainer.step, unit="step", disable=None if first else True)
    logger = TensorBoardLogger(out, name="", version="")  # into the folder itself; writes on the first device only
    with bar, ExitStack() as at_the_end:
        at_the_end.callback(logger.finalize, "success")
        while trainer.step < config.steps and time.monotonic() - began < 60 * minutes:
            logged = trainer.advance(train)
            bar.update()
            if trainer.step % 50 == 0:
                logger.log_metrics(_named("train", logged), trainer.step)
            if trainer.step % config.validate_every and trainer.step < config.steps:
                continue
            measured = trainer.validate(valid)
            record = {"step": trainer.step, "minutes": (time.monotonic() - began) / 60, **logged, "valid": measured}
            better = measured["score"] > best
            best = max(best, measured["score"])
            if first:
                logger.log_metrics(_named("valid", measured), trainer.step)
                _show(logger.experiment, trainer.look(valid), trainer.step)
                if better:
                    trainer.export(out / "best.safetensors")
                with files.replacing(checkpoint) as temporary:
                    torch.save(trainer.state() | {"best": best}, temporary)
                with (out / "log.jsonl").open("a") as file:
                    file.write(json.dumps(record) + "\n")
            trainer.fabric.barrier()
            yield record


def _named(stage: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"{stage}/{name}": value for name, value in values.items()}


def _show(board: Any, shown: Mapping[str, Tensor], step: int) -> None:
    for name, what in shown.items():
        if what.ndim == 1:
            board.add_audio(f"valid/{name}", what, step, sample_rate=16_000)
        else:
            board.add_image(f"valid/{name}", what, step)
