"""The invertible network: squeeze, rotate, affine couplings with dense 1-D blocks (notebook 12).

Two waveforms of one length go in, cover and secret; two come out, stego and *lost*. Only the stego is sent. Given both
outputs, the inverse is exact for any weights; the receiver does not have the lost branch and uses zero instead. Jing et
al. 2021, HiNet (the order of the couplings); Dinh et al. 2017, Real NVP; Huang et al. 2017, DenseNet.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import weights
from ..levels import LEVEL
from .config import NetworkConfig

START = 0.16  # level of the secret in the stego when training starts


class InvertibleNetwork(nn.Module):
    """(cover, secret) to (stego, lost) and back; waveforms (B, N) in [-1, 1], N a multiple of ``channels``.

    ``inverse(*forward(cover, secret)) == (cover, secret)`` to float precision, for any weights.

    The order of the secret's bands is reversed, so that its strong low bands are paired with the cover's weak high
    ones. Training starts from a solution that two linear couplings can express: the cover's upper half (4 to 8 kHz) is
    replaced by the secret's lower half, attenuated by START.
    """

    couplings: Any  # a ModuleList loses the type AffineCoupling
    rotation: Tensor

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetworkConfig()
        self.couplings = nn.ModuleList(AffineCoupling(self.config) for _ in range(self.config.couplings))
        self.register_buffer("rotation", cosines(self.config.channels), persistent=False)
        self._start(self.config.channels)

    def forward(self, cover: Tensor, secret: Tensor) -> tuple[Tensor, Tensor]:
        """The sender: stego, which is sent, and lost, which is not."""
        x, y = self.split(cover), self.split(secret).flip(1)
        for coupling in self.couplings:
            x, y = coupling(x, y)
        return self.join(x), self.join(y.flip(1))

    def inverse(self, stego: Tensor, lost: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The receiver: cover and secret; without ``lost``, the best guess of both, with zero in its place."""
        x = self.split(stego)
        y = torch.zeros_like(x) if lost is None else self.split(lost).flip(1)
        for coupling in reversed(self.couplings):
            x, y = coupling.inverse(x, y)
        return self.join(x), self.join(y.flip(1))

    def split(self, waveform: Tensor) -> Tensor:
        """Squeeze (B, N) into (B, channels, N / channels) and rotate the channels into frequencies."""
        squeezed = waveform.unflatten(-1, (-1, self.config.channels)) / LEVEL  # (B, N / channels, channels)
        return (squeezed @ self.rotation.T).transpose(1, 2)

    def join(self, bands: Tensor) -> Tensor:
        """The inverse of :meth:`split`."""
        return (bands.transpose(1, 2) @ self.rotation).flatten(1) * LEVEL

    def _start(self, channels: int) -> None:
        """y - x / g, then x + g (y - x / g) = g y, then y - x / g - g y / g = -x / g: zero is a fair guess of it."""
        upper = (torch.arange(channels) >= channels // 2).float()
        nothing = torch.zeros(channels)
        first, second = self.couplings[0], self.couplings[1]
        first.rho_eta.add_direct(torch.cat([nothing, -upper / START]))
        second.phi.add_direct(START * upper)
        second.rho_eta.add_direct(torch.cat([nothing, -upper / START]))


class AffineCoupling(nn.Module):
    """Each branch is changed by the current state of the other, never by an earlier one, so the coupling can be
    inverted.

        x' = x + phi(y)          the payload enters the cover
        y' = y * exp(rho(x')) + eta(x')      what is predictable from the new cover leaves the secret

    The receiver has x' and so rho(x') and eta(x'), then y and so phi(y). x, y: (B, channels, n).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.clamp = config.clamp
        self.phi = DenseBlock(config, config.channels)
        self.rho_eta = DenseBlock(config, 2 * config.channels)  # one block with two outputs

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Sender's direction."""
        x = x + self.phi(y)
        rho, eta = self._affine(x)
        return x, y * rho.exp() + eta

    def inverse(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Receiver's direction: the same steps in reverse order."""
        rho, eta = self._affine(x)
        y = (y - eta) * (-rho).exp()
        return x - self.phi(y), y

    def _affine(self, x: Tensor) -> tuple[Tensor, Tensor]:
        rho, eta = self.rho_eta(x).chunk(2, dim=1)
        return self.clamp * torch.tanh(rho / self.clamp), eta


class DenseBlock(nn.Module):
    """Convolutions, each of which sees the input and all earlier outputs: (B, channels, n) to (B, outputs, n).

    The last begins near zero.
    """

    def __init__(self, config: NetworkConfig, outputs: int) -> None:
        super().__init__()
        widths = [config.channels + config.growth * i for i in range(config.layers)]
        targets = [config.growth] * (config.layers - 1) + [outputs]
        layers = [nn.Conv1d(*shape, config.kernel, padding="same") for shape in zip(widths, targets, strict=True)]
        nn.init.normal_(layers[-1].weight, std=0.01 * (2 / (widths[-1] * config.kernel)) ** 0.5)
        nn.init.zeros_(layers[-1].get_parameter("bias"))
        self.layers = nn.ModuleList(layers)
        self.inputs = config.channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, n) to (B, outputs, n)."""
        *hidden, last = self.layers
        for layer in hidden:
            x = torch.cat([x, F.leaky_relu(layer(x), 0.2)], dim=1)
        return last(x)

    @torch.no_grad()
    def add_direct(self, gains: Tensor) -> None:
        """Let output i also be input i (modulo their number) times ``gains[i]``; gains: (outputs,)."""
        last: Any = self.layers[-1]
        outputs = torch.arange(len(gains))
        last.weight[outputs, outputs % self.inputs, last.kernel_size[0] // 2] += gains


def cosines(size: int) -> Tensor:
    """The orthonormal DCT-II as a matrix (size, size), lowest frequency first."""
    n = torch.arange(size, dtype=torch.float64)
    matrix = torch.cos(torch.pi / size * (n + 0.5) * n[:, None]) * (2 / size) ** 0.5
    matrix[0] /= 2**0.5
    return matrix.float()


def load(path: Path) -> InvertibleNetwork:
    """The network in a file of weights, in float32 and evaluation mode.

    Raises:
        NotTrained: no such file. BadData: it holds no such network.
    """
    return weights.load(path, InvertibleNetwork, NetworkConfig)


def shipped(name: str = "wavinwav") -> InvertibleNetwork:
    """The shipped network, without gradients; ``weights/wavinwav.md`` says how it was trained.

    Raises:
        NotTrained: this version ships without it.
    """
    return load(weights.shipped(name)).requires_grad_(False)
