"""The command line of every training: each field of its configuration is an option; others say where it runs.

``python -m stegolab.speech``, ``stegolab.carrier.training``, ``stegolab.detect`` and ``stegolab.related.NAME`` all use
this function, each with its own configuration. The help of an option is the comment beside its field, which tyro finds.
"""

from __future__ import annotations

import io
import math
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from .. import data, files
from ..errors import BadSpec, StegolabError
from .config import WRITTEN, RunConfig, check_run

if TYPE_CHECKING:
    from .trainer import Trainer

_LEAST = {"steps": 1, "batch_size": 1, "validate_every": 1, "seed": 0}  # options of every training

Begin = Callable[[Any, Any], tuple["Trainer", Any, Any]]


@dataclass(frozen=True)
class Place:
    """Where a training runs, and for how long. None of this changes the result."""

    out: Path  # folder of the run; an interrupted run in it is continued
    minutes: float = math.inf  # stop after this many minutes; run again, and it continues to the same result
    # folder with the real data, instead of the environment variable STEGOLAB_DATA
    data: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    threads: int = 0  # of each process on the CPU; 0: as many as PyTorch likes
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"  # what to compute on
    devices: str = "1"  # how many of them, or auto
    nodes: int = 1  # machines of the job, under SLURM
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = (
        "32-true"  # of the arithmetic: floats of 32 bits, or 16 too
    )


def begin_of(module: str) -> Begin:
    """The function ``begin`` of a module that is imported only when a training begins, because it needs torch."""
    return lambda config, fabric: import_module(module).begin(config, fabric)


def run(config: RunConfig, begin: Begin, description: str, argv: Sequence[str] | None = None) -> None:
    """Parse ``argv``, train, and print one line each time the run is measured.

    Args:
        config: the defaults.
        begin: (configuration, fabric) to the trainer, its training data and its validation data.
        description: the text above the options.
        argv: the arguments; by default those of the process.

    Raises:
        SystemExit: 0 after ``--help``, 2 for unusable options, and one line with the error's class for later errors.
    """
    try:
        settings, place = parse(config, description, sys.argv[1:] if argv is None else argv)
    except BadSpec as error:
        print(f"stegolab: BadSpec: {error}", file=sys.stderr)
        sys.exit(2)
    try:
        for record in _train(settings, begin, place):
            _say(record)
    except StegolabError as error:
        sys.exit(f"stegolab: {type(error).__name__}: {error}")


def parse(config: RunConfig, description: str, argv: Sequence[str]) -> tuple[Any, Place]:
    """The configuration and the place given by the arguments.

    Raises:
        BadSpec: an option is unknown, missing, or has no such value. SystemExit: help was asked for and printed.
    """
    unprefixed = tyro.conf.arg(name="")
    both: Any = tuple[Annotated[type(config), unprefixed], Annotated[Place, unprefixed]]  # type: ignore[misc,valid-type]
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            settings, place = tyro.cli(
                tyro.conf.OmitArgPrefixes[both],  # type: ignore[misc]
                description=description,
                args=list(argv),
                default=(config, Place(out=tyro.MISSING)),
            )
    except SystemExit as left:
        if not left.code:
            raise
        raise BadSpec(_one_line(said.getvalue())) from left
    for name, least in _LEAST.items():
        if getattr(settings, name) < least:
            raise BadSpec(f"--{name.replace('_', '-')} {getattr(settings, name)}: give {least} or more")
    if (weights := getattr(settings, "init_from", "")) and not Path(weights).is_file():
        raise BadSpec(f"--init-from {weights}: no such file; name a file of weights (safetensors)")
    return settings, place


def _one_line(box: str) -> str:
    """Tyro's error as one line: the fault, and the option that was perhaps meant."""
    lines = [line.strip("│ ") for line in box.splitlines() if line.startswith("│")]
    fault = " ".join(takewhile(lambda line: not line.startswith("─"), lines))
    meant = re.search(r"Perhaps you meant: +(--[\w-]+)", " ".join(lines))
    return f"{fault}; {f'did you mean {meant[1]}? ' if meant else ''}--help lists all options"


def _train(settings: RunConfig, begin: Begin, place: Place) -> Any:
    files.check_folder(place.out, *WRITTEN)
    check_run(place.out, settings)  # before the data are read, which may take minutes
    import torch
    from lightning_fabric import Fabric

    from .loop import fit

    if place.threads:
        torch.set_num_threads(place.threads)
    if place.data:
        data.use_data(place.data)
    fabric = Fabric(
        accelerator=place.accelerator, devices=place.devices, num_nodes=place.nodes, precision=place.precision
    )
    fabric.launch()
    return fit(*begin(settings, fabric), place.out, place.minutes)


def _say(record: dict[str, Any]) -> None:
    from tqdm import tqdm

    valid = "  ".join(f"{name} {value:.4g}" for name, value in record["valid"].items())
    tqdm.write(f"step {record['step']:6d}  {record['minutes']:5.1f} min  {valid}")
    sys.stdout.flush()
