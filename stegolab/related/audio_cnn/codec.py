"""Hiding speech in real picture files: tiles are cut, filled, put back, and measured (notebook 09).

A picture of any size consists of tiles, each of which carries its share of the samples. A CIFAR-10 picture is one tile;
a photograph has hundreds.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from ...channel.spec import parse
from ...errors import BadImage, CapacityExceeded
from ...images import RGB, from_array, psnr, read_image, ssim, write_image
from ..pictures import to_pixels, to_tensor
from .data import Tiles
from .layout import Layout, Samples
from .network import AudioCNN, shipped

_AT_ONCE = 64  # tiles


class Hider(Protocol):
    """Hides speech of level one in tiles (t, side, side, 3), and reveals it."""

    @property
    def side(self) -> int:
        """Pixels of a tile."""

    @property
    def layout(self) -> Layout:
        """How many samples a tile carries."""

    def hide(self, tiles: Tiles, samples: Samples) -> Tiles:
        """Hide samples in as many tiles as they need."""

    def reveal(self, tiles: Tiles) -> Samples:
        """The samples, and whatever follows their end."""


class Learned:
    """The three networks, for tiles of bytes.

    Args:
        model: the networks; by default the shipped ones for files that are not compressed.

    Raises:
        NotTrained: none ship.
    """

    def __init__(self, model: AudioCNN | None = None) -> None:
        self.model = (model or shipped()).eval()
        self.side, self.layout = self.model.config.side, self.model.config.layout

    @torch.inference_mode()
    def hide(self, tiles: Tiles, samples: Samples) -> Tiles:
        """The containers, rounded and clipped to bytes."""
        drawn = []
        for cover, planes in zip(_parts(tiles), _parts(self.layout.lay(samples)), strict=True):
            drawn.append(to_pixels(self.model.hide(to_tensor(cover), torch.from_numpy(planes))))
        return np.concatenate(drawn)

    @torch.inference_mode()
    def reveal(self, tiles: Tiles) -> Samples:
        """The samples; for tiles without hidden sound, almost silence."""
        return self.layout.read(np.concatenate([self.model.reveal(to_tensor(part)).numpy() for part in _parts(tiles)]))


def hide(hider: Hider, covers: Sequence[RGB], samples: Samples) -> list[RGB]:
    """Hide speech (n,) of level one in pictures (H, W, 3), filled one after the other; the rest stays unchanged.

    Raises:
        CapacityExceeded: it does not fit.
    """
    tiles = cut(covers, hider.side)
    needed = len(hider.layout.lay(samples))
    if needed > len(tiles):
        raise CapacityExceeded(
            f"{len(samples)} samples need {needed} tiles of {hider.side} pixels and there are {len(tiles)}: "
            f"give larger pictures, or at most {capacity(hider, covers)} samples"
        )
    tiles[:needed] = hider.hide(tiles[:needed], samples)
    return _put_back(covers, tiles)


def reveal(hider: Hider, containers: Sequence[RGB], length: int) -> Samples:
    """The first ``length`` samples in the pictures, at level one."""
    return hider.reveal(cut(containers, hider.side))[:length]


def capacity(hider: Hider, covers: Sequence[RGB]) -> int:
    """How many samples the pictures hold."""
    return max(0, len(cut(covers, hider.side)) * hider.layout.hop - hider.layout.overlap)


def cut(pictures: Sequence[RGB], side: int) -> Tiles:
    """All complete tiles of the pictures, row by row, (t, side, side, 3).

    Raises:
        BadImage: no picture has a complete tile.
    """
    found = []
    for rgb in pictures:
        rows, columns = (extent // side for extent in rgb.shape[:2])
        blocks = rgb[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
        found.append(blocks.swapaxes(1, 2).reshape(-1, side, side, 3))
    if not sum(map(len, found)):
        raise BadImage(f"no picture of {side} x {side} pixels or more: give a larger one")
    return np.concatenate(found)


def through_png(rgb: RGB) -> RGB:
    """``rgb`` after writing it to a PNG file and reading it again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "container.png"
        write_image(path, from_array(rgb))
        return read_image(path).rgb


def measure(hider: Hider, covers: Sequence[RGB], samples: Samples, attack: str = "none") -> dict[str, float]:
    """Hide, write PNG files, read them, attack, reveal.

    Returns:
        ``pcc``, ``snr_db`` and ``mse`` (of full power one) of the speech after the attack; ``psnr_db`` and ``ssim``
        of the PNG files, the mean over pictures that were changed.

    Raises:
        CapacityExceeded: see :func:`hide`. BadSpec: a malformed attack.
    """
    chain = parse(attack)
    containers = [through_png(rgb) for rgb in hide(hider, covers, samples)]
    revealed = reveal(hider, [chain(rgb) for rgb in containers], len(samples))
    return heard(samples, revealed) | seen(covers, containers)


def heard(samples: Samples, revealed: Samples) -> dict[str, float]:
    """How similar two sounds are: mean squared error, Pearson's correlation, signal-to-noise ratio."""
    mse = float(np.mean(np.square(samples - revealed, dtype=np.float64)))
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    constant = not (np.ptp(samples) and np.ptp(revealed))
    return {
        "mse": mse,
        "pcc": 0.0 if constant else float(np.corrcoef(samples, revealed)[0, 1]),
        "snr_db": 10 * math.log10(power / mse) if mse else math.inf,
    }


def seen(covers: Sequence[RGB], containers: Sequence[RGB]) -> dict[str, float]:
    """How similar pictures are: the mean over those that were changed (infinite and 1 if none was)."""
    pairs = [(x, c) for x, c in zip(covers, containers, strict=True) if not np.array_equal(x, c)]
    if not pairs:
        return {"psnr_db": math.inf, "ssim": 1.0}
    return {name: float(np.mean([f(*pair) for pair in pairs])) for name, f in (("psnr_db", psnr), ("ssim", ssim))}


def _put_back(covers: Sequence[RGB], tiles: Tiles) -> list[RGB]:
    filled, begin, side = [], 0, tiles.shape[1]
    for cover in covers:
        rows, columns = (extent // side for extent in cover.shape[:2])
        part = tiles[begin : begin + rows * columns].reshape(rows, columns, side, side, 3)
        filled.append(cover.copy())
        filled[-1][: rows * side, : columns * side] = part.swapaxes(1, 2).reshape(rows * side, columns * side, 3)
        begin += rows * columns
    return filled


def _parts(array: np.ndarray) -> list[np.ndarray]:
    return [array[begin : begin + _AT_ONCE] for begin in range(0, len(array), _AT_ONCE)]
