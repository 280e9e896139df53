"""The command line of a training: every field of its configuration is an option, the rest says where and for how long.

``python -m stegolab.carrier.training``, ``python -m stegolab.speech.train`` and those of the related systems are this
one function with another configuration.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import data, files
from .errors import StegolabError
from .training import WRITTEN, RunConfig, Trainer, fit

Begin = Callable[[Any, Any], tuple[Trainer, Any, Any]]


def run(config: RunConfig, begin: Begin, description: str | None, argv: list[str] | None = None) -> None:
    """Parse ``argv``, train, and print one line each time the run is measured.

    Args:
        config: the defaults.
        begin: (configuration, fabric) to the trainer, its training data and its validation data.
        description: the text above the options.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in asdict(config).items():
        kind = _boolean if isinstance(value, bool) else type(value)
        parser.add_argument("--" + name.replace("_", "-"), type=kind, default=value, help=f"default {value!r}")
    parser.add_argument("--out", type=Path, required=True, help="a folder; an interrupted run there is continued")
    parser.add_argument(
        "--minutes",
        type=float,
        default=math.inf,
        help="for who must stop by then (default: no limit): run again, and it goes on to the same result",
    )
    parser.add_argument("--data", help="folder with the real data (or STEGOLAB_DATA)")
    parser.add_argument(
        "--threads", type=int, default=0, help="of each process on the CPU; 0: as many as PyTorch likes"
    )
    parser.add_argument("--accelerator", default="auto", help="cpu, cuda, ...")
    parser.add_argument("--devices", default="1", help="how many, or auto")
    parser.add_argument("--nodes", type=int, default=1, help="under SLURM: of the job")
    parser.add_argument("--precision", default="32-true", help="or bf16-mixed")
    options = vars(parser.parse_args(argv))
    settings = type(config)(**{name: options[name] for name in asdict(config)})
    try:
        for record in _train(settings, begin, options):
            _say(record)
    except StegolabError as error:
        sys.exit(f"stegolab: {type(error).__name__}: {error}")


def _train(settings: RunConfig, begin: Begin, options: dict[str, Any]) -> Any:
    import torch
    from lightning_fabric import Fabric

    files.check_folder(options["out"], *WRITTEN)
    if options["threads"]:
        torch.set_num_threads(options["threads"])
    if options["data"]:
        data.use_data(options["data"])
    fabric = Fabric(
        accelerator=options["accelerator"],
        devices=options["devices"],
        num_nodes=options["nodes"],
        precision=options["precision"],
    )
    fabric.launch()
    return fit(*begin(settings, fabric), options["out"], options["minutes"])


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
        raise argparse.ArgumentTypeError(f"{text!r}: true or false")
    return text.lower() in ("true", "yes", "1")


def _say(record: dict[str, Any]) -> None:
    from tqdm import tqdm

    valid = "  ".join(f"{name} {value:.4g}" for name, value in record["valid"].items())
    tqdm.write(f"step {record['step']:6d}  {record['minutes']:5.1f} min  {valid}")
    sys.stdout.flush()
