"""Weights and configuration of the rebuilt networks in one safetensors file; what ships (notebooks 09 to 12)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from ..errors import BadData, NotTrained
from ..files import replacing

FOLDER = Path(__file__).parents[1] / "weights"

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)


def shipped(name: str) -> Path:
    """The file of weights that ships under ``name``, as in ``pixinwav_legacy``.

    Raises:
        NotTrained: this version ships without it.
    """
    path = FOLDER / f"{name}.safetensors"
    if not path.is_file():
        raise NotTrained(
            f"{path.name} does not ship with this version: "
            "train your own with python -m stegolab.related.NAME --out DIR, and load DIR/best.safetensors"
        )
    return path


def save(network: nn.Module, path: Path, kind: torch.dtype = torch.float16) -> None:
    """Write the weights and ``network.config``, a dataclass; weights that are not whole numbers become ``kind``.

    Raises:
        CannotWrite: no such folder, no permission, disk full.
    """
    from safetensors.torch import save_file

    weights = {
        name: value.detach().cpu().contiguous().to(kind if value.is_floating_point() else value.dtype)
        for name, value in network.state_dict().items()
    }
    config: Any = network.config
    with replacing(path) as temporary:
        save_file(weights, temporary, metadata={"config": json.dumps(asdict(config))})


def load(path: Path, build: Callable[[Config], Network], config: Callable[..., Config]) -> Network:
    """Build the network that :func:`save` wrote, in float32 and evaluation mode.

    Raises:
        NotTrained: no such file. BadData: it holds no weights, or those of another network.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise NotTrained(f"{path} does not exist: name a file of weights, such as best.safetensors of a training")
    try:
        with safe_open(path, framework="pt") as file:
            network = build(config(**json.loads((file.metadata() or {})["config"])))
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, RuntimeError) as error:
        kind = getattr(build, "__name__", "network")
        raise BadData(f"{path} holds no weights of {kind}: name the file that its own training wrote") from error
    return network.eval()
