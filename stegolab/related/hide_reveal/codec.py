"""Hiding and revealing 8-bit pictures with the networks, and measuring any method of hiding (notebook 10).

Every figure is measured on a PNG file that was written and read back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ...channel.spec import parse
from ...errors import BadImage, BadSpec
from ...images import RGB, from_array, psnr, read_image, ssim, write_image
from ..pictures import to_pixels, to_tensor
from .network import HideReveal, shipped


class Hider(Protocol):
    """Hides a picture in another of the same size, and reveals it: uint8 (H, W, 3) each."""

    def hide(self, cover: RGB, secret: RGB) -> RGB:
        """The container."""

    def reveal(self, container: RGB) -> RGB:
        """The secret, about."""


class Learned:
    """Hide-Net and Reveal-Net for pictures in bytes; by default the shipped ones.

    Raises:
        NotTrained: none ship.
    """

    def __init__(self, model: HideReveal | None = None) -> None:
        self.model = (model or shipped()).eval()

    @torch.inference_mode()
    def hide(self, cover: RGB, secret: RGB) -> RGB:
        """The container.

        Raises:
            BadImage: the two differ in shape, or their sides are not multiples of ``2 ** depth``.
        """
        require_same_shape(cover, secret)
        unit = 2**self.model.config.depth
        if any(side % unit for side in cover.shape[:2]):
            raise BadImage(f"sides of {cover.shape[:2]} pixels: crop or scale to multiples of {unit}")
        return to_pixels(self.model.hide(self._tensor(cover), self._tensor(secret)))[0]

    @torch.inference_mode()
    def reveal(self, container: RGB) -> RGB:
        """The secret, approximately; for a picture in which nothing is hidden, a meaningless picture."""
        return to_pixels(self.model.reveal(self._tensor(container)))[0]

    def _tensor(self, rgb: RGB) -> Tensor:
        device = next(self.model.parameters()).device
        return to_tensor(rgb[None], device).contiguous()  # (1, 3, H, W)


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
    """``rgb`` after writing it to the lossless picture file ``path`` and reading it again."""
    write_image(path, from_array(rgb))
    return read_image(path).rgb


def require_same_shape(cover: RGB, secret: RGB) -> None:
    """Refuse a secret that does not fit its cover.

    Raises:
        BadImage: the two differ in shape.
    """
    if cover.shape != secret.shape:
        raise BadImage(f"the cover is {cover.shape}, the secret {secret.shape}: scale one to the other's size")
