"""A trained carrier model as stored in a file: its configuration and its weights as arrays (notebook 06).

It is read without torch, because sender and receiver run without it: ``numpy_inference`` builds the networks in NumPy,
``model`` in torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .config import ModelConfig


@dataclass(frozen=True, eq=False)
class Weights:
    """A trained model: ``arrays`` by their names in torch."""

    config: ModelConfig
    arrays: dict[str, NDArray[np.float32]]

    @property
    def identity(self) -> int:
        """1 to 255: 8 bits of the digest of all arrays, by which a receiver notices that it has other weights."""
        digest = hashlib.sha256()
        for name, array in sorted(self.arrays.items()):
            digest.update(name.encode() + np.ascontiguousarray(array, "<f4").tobytes())
        return digest.digest()[0] or 1

    @classmethod
    def read(cls, path: Path) -> Weights:
        """Read what :func:`~.model.save` wrote, for either network."""
        from safetensors import safe_open

        with safe_open(path, framework="numpy") as file:
            config = json.loads(file.metadata()["config"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        pairs = {key: tuple(map(tuple, config[key])) for key in ("frequencies", "band")}
        return cls(ModelConfig(**config | pairs | {"steps": tuple(config["steps"])}), arrays)
