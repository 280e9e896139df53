"""Converting pictures between bytes and tensors, for all related systems."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..images import BT601

Pixels = NDArray[np.uint8]


def to_tensor(pixels: Pixels, device: torch.device | str = "cpu") -> Tensor:
    """uint8 (B, H, W, C) to float32 (B, C, H, W) in [0, 1], channels last in memory."""
    x = torch.from_numpy(np.array(pixels, order="C")).to(device)  # a copy: the array may be read-only
    return x.permute(0, 3, 1, 2).float() / 255  # (B, C, H, W)


def to_pixels(pictures: Tensor) -> Pixels:
    """The inverse of :func:`to_tensor`: (B, C, H, W), rounded and clipped to bytes, to uint8 (B, H, W, C)."""
    rounded = (255 * pictures).round().clamp(0, 255).byte()
    return np.ascontiguousarray(rounded.permute(0, 2, 3, 1).cpu().numpy())


def luma(pictures: Tensor) -> Tensor:
    """The brightness (B, H, W) of RGB pictures (B, 3, H, W)."""
    return torch.einsum("bchw,c->bhw", pictures, pictures.new_tensor(BT601))
