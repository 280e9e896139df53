"""Two U-Nets: one hides a picture in the spectrogram of a sound, the other reveals it (notebook 11).

Each U-Net halves its planes twice, with two 3 x 3 convolutions a level; its channels go 1-64-128-64-1 in PixInWav
(Geleta et al. 2021).

The idea of PixInWav is that the residual need not depend on its host: one picture becomes one residual, which can be
added to any sound. The other architectures are for comparison.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...audio import FULL_SCALE
from ...channel.rounding import through
from ...errors import BadSpec
from .. import weights
from ..levels import LEVEL
from .config import NetworkConfig
from .layout import Embedding
from .transforms import transform


class PixInWav(nn.Module):
    """Waveforms (B, samples) of level :data:`LEVEL`, pictures (B, colours, side, side) in [0, 1].

    Planes are those of the transform that carry, (B, C, F, T), near one where the host has its average loudness.
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig()
        self.transform = transform(config.transform)
        self.embedding = Embedding(config.embedding, config.colours, config.side)
        self.shape = self.transform.shape(config.samples)
        stack, rows, columns = self.embedding.stack(self.shape)
        self.size = rows, columns
        hosts = stack if config.architecture in ("dependent", "plain") else 0
        self.hider = UNet(self.embedding.channels + hosts, stack, config.width, config.slope)
        self.revealer = UNet(2 * stack, self.embedding.channels, config.width, config.slope)

    def analyse(self, waveform: Tensor) -> Tensor:
        """(B, samples) to all planes of the transform."""
        return self.transform.analyse(waveform / LEVEL)

    def synthesise(self, planes: Tensor) -> Tensor:
        """All planes of the transform to (B, samples)."""
        return LEVEL * self.transform.synthesise(planes, self.config.samples)

    def residual(self, picture: Tensor) -> Tensor:
        """The residual to add to any host, planes (B, C, F, T); for the architectures ``independent`` and
        ``scaled``."""
        return self.embedding.unfold(self.hider(self.embedding.lay(picture, self.size)), self.shape)

    def hide(self, host: Tensor, picture: Tensor, order: Tensor | None = None) -> Tensor:
        """The container's planes, for all planes of a host.

        Args:
            host: from :meth:`analyse`.
            picture: what to hide.
            order: moves the residual along time, row by row (:mod:`.scramble`).

        Raises:
            BadSpec: an order for ``plain``, which has no residual to permute.
        """
        part = self.transform.part
        carrying = host[:, part]
        if self.config.architecture in ("independent", "scaled"):
            residual = self.residual(picture)
        else:
            laid = self.embedding.lay(picture, self.size)
            residual = self.hider(torch.cat([laid, self.embedding.fold(carrying)], 1))
            residual = self.embedding.unfold(residual, self.shape)
        if self.config.architecture == "scaled":
            residual = residual * F.avg_pool2d(carrying.abs(), 9, 1, 4)
        if self.config.architecture == "plain":
            if order is not None:
                raise BadSpec("the architecture plain takes no key: it has no residual that could be permuted")
            residual = residual - carrying
        if order is not None:
            residual = residual.gather(-1, order.expand_as(residual))
        return torch.cat([host[:, : part.start], carrying + residual, host[:, part.stop :]], 1)

    def reveal(self, planes: Tensor, order: Tensor | None = None) -> Tensor:
        """The picture in all planes of a received sound, not clipped."""
        received = planes[:, self.transform.part]
        if order is not None:
            received = received.gather(-1, order.argsort(-1).expand_as(received))
        stack = self.embedding.fold(received)
        # The residual is small and the host arbitrary, so there are two inputs: one linear for small values, one that
        # clips.
        views = torch.cat([torch.asinh(20 * stack), torch.tanh(5 * stack)], 1)
        return self.embedding.read(self.revealer(views))

    def forward(self, host: Tensor, picture: Tensor, order: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The container as in a 16-bit file, and the picture revealed from it, for waveforms and pictures."""
        container = pcm16(self.synthesise(self.hide(self.analyse(host), picture, order)))
        return container, self.reveal(self.analyse(container), order)


class UNet(nn.Module):
    """(B, inputs, h, w) to (B, outputs, h, w), any h and w.

    Args:
        inputs: planes that come in.
        outputs: planes that go out.
        width: channels at half the size; twice as many at a quarter.
        slope: of the LeakyReLU for negative values; PixInWav's .8 is nearly linear.
    """

    def __init__(self, inputs: int, outputs: int, width: int = 64, slope: float = 0.8) -> None:
        super().__init__()
        self.at_whole = _Pair(inputs, width // 2, slope)
        self.at_half = _Pair(width // 2, width, slope, stride=2)
        self.at_quarter = _Pair(width, 2 * width, slope, stride=2)
        self.to_half = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.up_half = _Pair(2 * width, width, slope)
        self.to_whole = nn.ConvTranspose2d(width, width // 2, 2, 2)
        self.up_whole = _Pair(width, width // 2, slope)
        self.last = nn.Conv2d(width // 2, outputs, 1)

    def forward(self, planes: Tensor) -> Tensor:
        """See the class."""
        rows, columns = planes.shape[-2:]
        whole = self.at_whole(F.pad(planes, (0, -columns % 4, 0, -rows % 4)))
        half = self.at_half(whole)
        up = self.up_half(torch.cat([self.to_half(self.at_quarter(half)), half], 1))
        up = self.up_whole(torch.cat([self.to_whole(up), whole], 1))
        return self.last(up)[..., :rows, :columns]


def pcm16(waveform: Tensor) -> Tensor:
    """The samples as in a 16-bit file; the derivative is one everywhere."""
    scaled = waveform * FULL_SCALE
    return through(scaled.round().clamp(-FULL_SCALE, FULL_SCALE - 1), scaled) / FULL_SCALE


def load(path: Path) -> PixInWav:
    """The networks in a file of weights, in float32 and evaluation mode.

    Raises:
        NotTrained: no such file. BadData: it holds no such networks.
    """
    return weights.load(path, PixInWav, NetworkConfig)


def shipped(name: str = "pixinwav") -> PixInWav:
    """The networks that ship under a name: ``pixinwav``, or ``pixinwav_legacy``, trained as the original was.

    Raises:
        NotTrained: no such weights ship.
    """
    return load(weights.shipped(name))


class _Pair(nn.Sequential):
    """Two 3 x 3 convolutions, each with its LeakyReLU; the first may halve the size."""

    def __init__(self, inputs: int, outputs: int, slope: float, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1),
            nn.LeakyReLU(slope),
            nn.Conv2d(outputs, outputs, 3, 1, 1),
            nn.LeakyReLU(slope),
        )
