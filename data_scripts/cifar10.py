"""CIFAR-10: 60,000 pictures of 32 x 32 px, on which the related systems were published.

They become one file, cifar10.npz: x_train (50000, 32, 32, 3), y_train, x_test (10000, 32, 32, 3), y_test; uint8.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from preparing import Row, run
from unpickling import load_arrays

from stegolab.errors import BadData

_BATCHES = {"train": [f"data_batch_{n}" for n in range(1, 6)], "test": ["test_batch"]}


def prepare(folders: list[Path], ready: Path) -> Iterator[Row]:
    """Convert six pickled batches with rows of red, green and blue to pictures (row, column, channel)."""
    (batches,) = folders
    arrays: dict[str, Any] = {}
    for part, names in _BATCHES.items():
        loaded = [_batch(batches / name) for name in names]
        flat = np.concatenate([batch[b"data"] for batch in loaded])  # (n, 3072)
        arrays[f"x_{part}"] = flat.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # (n, 32, 32, 3)
        arrays[f"y_{part}"] = np.concatenate([np.asarray(batch[b"labels"], np.uint8) for batch in loaded])
    np.savez_compressed(ready / "cifar10.npz", **arrays)
    yield Row("cifar10.npz", "train", "thumbnails", "", "32x32")


def main(arguments: Sequence[str] | None = None) -> int:
    return run("cifar10", prepare, arguments)


def _batch(file: Path) -> dict[bytes, Any]:
    batch = load_arrays(file)
    try:
        data, labels = batch[b"data"], batch[b"labels"]
        complete = data.dtype == np.uint8 and data.shape == (len(labels), 3 * 32 * 32)
    except (TypeError, KeyError, AttributeError):
        complete = False
    if not complete:
        raise BadData(f"{file.name} is not a batch of CIFAR-10: get the archive again")
    return batch


if __name__ == "__main__":
    sys.exit(main())
