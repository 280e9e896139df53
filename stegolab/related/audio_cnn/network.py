"""Prepare, Hiding and Reveal: three networks of parallel convolutions of three sizes (notebook 09).

After Baluja 2017, Hiding images in plain sight, where the secret is a sound laid out as a picture. Covers are tensors
(batch, 3, rows, columns) in [0, 1], payloads (batch, planes, rows, columns) with a mean square of about one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...channel.rounding import to_bytes
from .. import weights
from .config import NetworkConfig

Channel = Callable[[Tensor], Tensor]  # pictures in 8-bit units, as sent -> as received

KERNELS = (3, 4, 5)
REACH = 0.1  # change of a sample for a residual of one; full scale is 1


class Branches(nn.Module):
    """(B, before, H, W) -> (B, after, H, W): three branches of two convolutions each, 3x3, 4x4, 5x5, concatenated."""

    def __init__(self, before: int, width: int, after: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(_convolution(before, width, size), _bend(), _convolution(width, width, size), _bend())
            for size in KERNELS
        )
        self.head = nn.Conv2d(len(KERNELS) * width, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Any size."""
        return self.head(torch.cat([branch(x) for branch in self.branches], 1))


class AudioCNN(nn.Module):
    """The three networks, trained as one.

    Speech written row by row is smooth, and so are pictures, so they would interfere. When ``modulated``, the sound is
    moved to the highest spatial frequencies, where pictures have little energy (and JPEG leaves nothing).
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig()
        planes = config.layout.planes
        self.prepare = Branches(config.copies * planes, config.width, config.prepared)
        self.hiding = Branches(3 + config.prepared, config.width, 3)
        self.revealing = Branches(3, config.width, config.copies * planes)

    def hide(self, cover: Tensor, secret: Tensor) -> Tensor:
        """The container, (B, 3, H, W): not rounded, and not bounded."""
        prepared = self.prepare(self._modulate(secret).repeat(1, self.config.copies, 1, 1))
        drawn = self.hiding(torch.cat([cover - 0.5, prepared], 1))
        return cover + REACH * drawn if self.config.residual else drawn

    def reveal(self, container: Tensor) -> Tensor:
        """The payload, approximately: the mean of its copies."""
        found = self.revealing((container - 0.5) / REACH if self.config.residual else container)
        return self._modulate(found.unflatten(1, (self.config.copies, -1)).mean(1))

    def forward(self, cover: Tensor, secret: Tensor, channel: Channel | None = None) -> tuple[Tensor, Tensor]:
        """The container, and the payload revealed after the ``channel``.

        None is the channel of the original: the floating-point container itself.
        """
        container = self.hide(cover, secret)
        if channel is None:
            return container, self.reveal(container)
        return to_bytes(255 * container) / 255, self.reveal(channel(255 * container) / 255)

    def _modulate(self, planes: Tensor) -> Tensor:
        """Its own inverse."""
        if not self.config.modulated:
            return planes
        rows, columns = (torch.arange(extent, device=planes.device) for extent in planes.shape[-2:])
        return planes * (1 - 2 * ((rows[:, None] + columns) % 2))


def load(path: Path) -> AudioCNN:
    """The networks in a file of weights, in float32 and evaluation mode.

    Raises:
        NotTrained: no such file. BadData: it holds no such networks.
    """
    return weights.load(path, AudioCNN, NetworkConfig)


def shipped(name: str = "audio_cnn_waveform") -> AudioCNN:
    """The networks that ship under a name: ``audio_cnn_`` and ``waveform``, ``jpeg``, ``stft`` or ``legacy``.

    Raises:
        NotTrained: no such weights ship.
    """
    return load(weights.shipped(name))


class _Convolution(nn.Conv2d):
    """A convolution that keeps the size; an even kernel sees one more pixel below and to the right."""

    def forward(self, x: Tensor) -> Tensor:
        before, after = (self.kernel_size[0] - 1) // 2, self.kernel_size[0] // 2
        return super().forward(F.pad(x, (before, after, before, after)))


def _bend() -> nn.Module:
    return nn.LeakyReLU(0.2)


def _convolution(before: int, after: int, size: int) -> nn.Conv2d:
    return _Convolution(before, after, size) if size % 2 == 0 else nn.Conv2d(before, after, size, padding=size // 2)
