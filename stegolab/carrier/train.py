"""Training the learned carrier: ``python -m stegolab.carrier.train --strength jpeg --out DIR``, ``make train-carrier``.

A run writes its configuration, a log, TensorBoard's events, a checkpoint, and the weights that did best on the valid
split. Started again in the same folder it goes on where it was. Lightning Fabric carries the same code to one GPU,
several, or SLURM; notebook 07 calls the same :class:`~stegolab.carrier.trainer.Trainer`.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .. import data, files
from ..errors import BadData, StegolabError
from ..images import read_image
from .losses import squared_error
from .strengths import strength as strength_named
from .trainer import TrainConfig, Trainer

Pictures = NDArray[np.uint8]
_VALID = 512  # pixels a side


def fit(config: TrainConfig, out: Path, minutes: float = math.inf, fabric: Any = None) -> Generator[dict[str, Any]]:
    """Train to ``config.steps`` or for ``minutes``, whichever is first; resumes from ``out/checkpoint.pt``.

    Writes ``config.json``, ``log.jsonl``, TensorBoard's events, ``checkpoint.pt``, and ``best.safetensors``: the
    averaged weights that did best on the valid split. Yields a record each time it validates.

    Raises:
        BadData: no data. Diverged: see :meth:`Trainer.advance`.
    """
    from lightning_fabric import Fabric
    from torch.utils.tensorboard import SummaryWriter
    from tqdm import tqdm

    fabric = fabric or Fabric(accelerator="auto", devices=1)
    out = files.folder(out)
    trainer = Trainer(config, fabric)
    checkpoint, best = out / "checkpoint.pt", -1.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        best = saved.pop("best", best)
        trainer.load(saved)
    train = _pictures("train", config.crop)
    valid = [_middle(picture, _VALID) for picture in _pictures("valid", _VALID)[:10]]
    attacks = strength_named(config.strength).attacks
    with files.replacing(out / "config.json") as temporary:
        temporary.write_text(json.dumps(asdict(config), indent=2))
    began = time.monotonic()
    bar = tqdm(total=config.steps, initial=trainer.step, unit="step", disable=None)  # on a terminal only, on stderr
    with SummaryWriter(str(out)) as board, bar:
        while trainer.step < config.steps and time.monotonic() - began < 60 * minutes:
            logged = trainer.advance(train)
            bar.update()
            if trainer.step % 50 == 0:
                for name, value in logged.items():
                    board.add_scalar(f"train/{name}", value, trainer.step)
            if trainer.step % config.validate_every and trainer.step < config.steps:
                continue
            measured = trainer.validate(valid, attacks)
            for name, value in measured.items():
                board.add_scalar(f"valid/{name}", value, trainer.step)
            for name, image in trainer.look(valid[0]).items():
                board.add_image(f"valid/{name}", image, trainer.step)
            score = measured["information"] * squared_error(config.psnr_db) / squared_error(measured["psnr_db"])
            if score > best:
                best = score
                trainer.export(out / "best.safetensors")
            with files.replacing(checkpoint) as temporary:
                torch.save(trainer.state() | {"best": best}, temporary)
            record = {"step": trainer.step, "minutes": (time.monotonic() - began) / 60, **logged, "valid": measured}
            with (out / "log.jsonl").open("a") as file:
                file.write(json.dumps(record) + "\n")
            yield record


def _pictures(split: str, crop: int) -> list[Pictures]:
    pictures = [read_image(path).rgb for path in data.cover_files(split)]
    large = [picture for picture in pictures if min(picture.shape[:2]) >= crop]
    if not large:
        raise BadData(f"no pictures of {crop} pixels and more in the {split} split: see data_scripts")
    return large


def _middle(picture: Pictures, size: int) -> Pictures:
    y, x = ((side - size) // 2 for side in picture.shape[:2])
    return np.ascontiguousarray(picture[y : y + size, x : x + size])


def main() -> None:
    """Command line of the training."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in asdict(TrainConfig()).items():
        kind = (lambda text: text.lower() in ("1", "true", "yes")) if isinstance(value, bool) else type(value)
        parser.add_argument("--" + name.replace("_", "-"), type=kind, default=value)
    parser.add_argument("--out", type=Path, required=True, help="a folder; an interrupted run there is continued")
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--data", help="real data (or STEGOLAB_DATA)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = vars(parser.parse_args())
    out, minutes, folder = options.pop("out"), options.pop("minutes"), options.pop("data")
    torch.set_num_threads(options.pop("threads"))
    try:
        if folder:
            data.use_data(folder)
        for record in fit(TrainConfig(**options), out, minutes):
            _say(record)
    except StegolabError as error:
        sys.exit(f"stegolab: {type(error).__name__}: {error}")


def _say(record: dict[str, Any]) -> None:
    from tqdm import tqdm

    valid = record["valid"]
    each = (f"{k.removeprefix('information after ')} {v:.4f}" for k, v in valid.items() if "after" in k)
    tqdm.write(
        f"step {record['step']:6d}  {record['minutes']:5.1f} min  information {record['information']:.4f} "
        f"{record['psnr_db']:.2f} dB  valid: worst {valid['information']:.4f} at {valid['psnr_db']:.2f} dB  "
        + " ".join(each)
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
