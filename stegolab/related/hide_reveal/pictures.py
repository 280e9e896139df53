"""Hiding and revealing 8-bit pictures, by networks or by low bits, and how well it goes (notebook 10).

Every figure is measured on a PNG file that was written and read back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ...channel.spec import parse
from ...errors import BadImage, BadSpec, NotTrained
from ...images import RGB, from_array, psnr, read_image, ssim, write_image
from .network import HideReveal, load

WEIGHTS = Path(__file__).parents[2] / "weights" / "hide_reveal.safetensors"


class Hider(Protocol):
    """Hides a picture in another of the same size, and finds it again: uint8 (H, W, 3) each."""

    def hide(self, cover: RGB, secret: RGB) -> RGB:
        """The container."""

    def reveal(self, container: RGB) -> RGB:
        """The secret, about."""


class Learned:
    """Hide-Net and Reveal-Net for pictures in bytes; without a ``model``, those that ship.

    Raises:
        NotTrained: none ship.
    """

    def __init__(self, model: HideReveal | None = None) -> None:
        if model is None and not WEIGHTS.is_file():
            raise NotTrained(f"{WEIGHTS.name} is missing: python -m stegolab.related.hide_reveal.train makes weights")
        self.model = (model or load(WEIGHTS)).eval()

    @torch.inference_mode()
    def hide(self, cover: RGB, secret: RGB) -> RGB:
        """The container.

        Raises:
            BadImage: the two differ in shape, or their sides are no multiples of ``2 ** depth``.
        """
        _alike(cover, secret)
        unit = 2**self.model.config.depth
        if any(side % unit for side in cover.shape[:2]):
            raise BadImage(f"sides of {cover.shape[:2]} pixels: crop or scale to multiples of {unit}")
        return _bytes(self.model.hide(self._tensor(cover), self._tensor(secret)))

    @torch.inference_mode()
    def reveal(self, container: RGB) -> RGB:
        """The secret, about; of a picture in which nothing is hidden, a picture of nothing."""
        return _bytes(self.model.reveal(self._tensor(container)))

    def _tensor(self, rgb: RGB) -> Tensor:
        x = torch.from_numpy(rgb.copy()).to(next(self.model.parameters()).device)
        return x.permute(2, 0, 1)[None].float() / 255  # (1, 3, H, W)


@dataclass(frozen=True)
class LowBits:
    """The classic: the high ``bits`` of the secret's samples replace the low ones of the cover's.

    Raises:
        BadSpec: not 1 to 7 bits.
    """

    bits: int = 3

    def __post_init__(self) -> None:
        """Refuse what is no hiding."""
        if not 1 <= self.bits <= 7:
            raise BadSpec(f"{self.bits} low bits: choose 1 to 7")

    def hide(self, cover: RGB, secret: RGB) -> RGB:
        """The container; BadImage when the two differ in shape."""
        _alike(cover, secret)
        return np.asarray((cover >> self.bits << self.bits) | (secret >> (8 - self.bits)), np.uint8)

    def reveal(self, container: RGB) -> RGB:
        """The secret's high bits, each at the middle of what it may have been."""
        lost = 8 - self.bits
        high = (container & (2**self.bits - 1)) << lost
        return np.asarray(high | 2 ** (lost - 1), np.uint8)


def measure(hider: Hider, pairs: Iterable[tuple[RGB, RGB]], attack: str = "none") -> dict[str, float]:
    """Means over (cover, secret) ``pairs``, all read back from PNG; ``attack`` is between the two.

    Returns:
        ``container_psnr_db`` and ``container_ssim`` of the PNG before the attack, ``revealed_psnr_db`` after it.

    Raises:
        BadSpec: a malformed attack, or no pairs.
    """
    chain = parse(attack)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for cover, secret in pairs:
            container = through_file(hider.hide(cover, secret), Path(folder) / "container.png")
            revealed = hider.reveal(chain(container))
            found.append((psnr(cover, container), ssim(cover, container), psnr(secret, revealed)))
    if not found:
        raise BadSpec("nothing to measure: give at least one pair of pictures")
    names = ("container_psnr_db", "container_ssim", "revealed_psnr_db")
    return {name: float(value) for name, value in zip(names, np.mean(found, axis=0), strict=True)}


def through_file(rgb: RGB, path: Path) -> RGB:
    """What is read from the lossless picture file ``path`` after ``rgb`` was written to it."""
    write_image(path, from_array(rgb))
    return read_image(path).rgb


def _alike(cover: RGB, secret: RGB) -> None:
    if cover.shape != secret.shape:
        raise BadImage(f"the cover is {cover.shape}, the secret {secret.shape}: scale one to the other's size")


def _bytes(x: Tensor) -> RGB:
    rounded = (255 * x[0]).round().clamp(0, 255).byte()
    return np.ascontiguousarray(rounded.permute(1, 2, 0).cpu().numpy())
