"""Weights and configuration of the rebuilt networks in one safetensors file (notebooks 09 to 12)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from ..files import replacing

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)


def save(network: nn.Module, path: Path, kind: torch.dtype = torch.float16) -> None:
    """Write the weights, as ``kind`` where they are fractions, and ``network.config``, a dataclass.

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
    """Build the network that :func:`save` wrote, in float32 and evaluation mode."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        network = build(config(**json.loads(file.metadata()["config"])))
        network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    return network.eval()
