"""Identifies the program that computes the rows, by its code and its weights (notebook 08)."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from ..lab import source_hash


@lru_cache(maxsize=1)
def version() -> str:
    """A digest of the package's code and weights: rows of different versions are not mixed."""
    weights = sorted((Path(__file__).parents[1] / "weights").glob("*.safetensors"))
    parts = [source_hash(), *(f"{path.name} {sha256(path.read_bytes()).hexdigest()}" for path in weights)]
    return sha256("\n".join(parts).encode()).hexdigest()
