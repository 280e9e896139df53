"""Hide a picture in the spectrogram of a sound, reveal it from another spectrogram: two U-Nets (notebook 11).

PixInWav's idea (Geleta et al. 2021) is that the residual need not know its host: one picture becomes one residual,
which is added to any sound. The other architectures are kept to compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...audio import FULL_SCALE
from ...channel.rounding import through
from ...errors import BadSpec
from .. import storage
from .embedding import Embedding
from .transforms import transform
from .unet import UNet

ARCHITECTURES = ("independent", "dependent", "plain", "scaled")
LEVEL = 0.05  # root mean square of every host, -26 dB of full scale: the residual's loudness is relative to it
SAMPLES = 24_384  # 1.524 s at 16 kHz: 128 frames of the MDCT


@dataclass(frozen=True)
class ModelConfig:
    """Shape of the system.

    ``architecture``: ``independent``, the residual knows the picture alone; ``dependent``, the host too; ``plain``,
    there is no residual, the network gives the container; ``scaled``, the independent residual times the host's
    loudness round about. The other names are explained where they are defined.

    Raises:
        BadSpec: no such architecture.
    """

    transform: str = "mdct"
    architecture: str = "independent"
    embedding: str = "multichannel"
    colours: int = 3
    side: int = 64  # pixels
    width: int = 64
    slope: float = 0.8
    samples: int = SAMPLES

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise BadSpec(f"architecture {self.architecture!r}: choose one of {', '.join(ARCHITECTURES)}")


class PixInWav(nn.Module):
    """Waveforms (B, samples) of level :data:`LEVEL`, pictures (B, colours, side, side) in [0, 1].

    Planes are those of the transform that carry, (B, C, F, T), near one where the host is as loud as it is on average.
    """

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ModelConfig()
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
        """What is added to any host, planes (B, C, F, T); for the architectures ``independent`` and ``scaled``."""
        return self.embedding.unfold(self.hider(self.embedding.lay(picture, self.size)), self.shape)

    def hide(self, host: Tensor, picture: Tensor, order: Tensor | None = None) -> Tensor:
        """The container's planes, for all planes of a host.

        Args:
            host: from :meth:`analyse`.
            picture: what to hide.
            order: moves the residual along time, row by row (:mod:`.scramble`).

        Raises:
            BadSpec: an order for ``plain``, which has no residual to move.
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
        # The residual is small and the host is anything: one view that is linear for what is faint, one that clips.
        views = torch.cat([torch.asinh(20 * stack), torch.tanh(5 * stack)], 1)
        return self.embedding.read(self.revealer(views))

    def forward(self, host: Tensor, picture: Tensor, order: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Waveforms and pictures to the container as a 16-bit file has it, and the picture revealed from it."""
        container = pcm16(self.synthesise(self.hide(self.analyse(host), picture, order)))
        return container, self.reveal(self.analyse(container), order)


def pcm16(waveform: Tensor) -> Tensor:
    """The samples as a 16-bit file holds them; the derivative is one throughout."""
    scaled = waveform * FULL_SCALE
    return through(scaled.round().clamp(-FULL_SCALE, FULL_SCALE - 1), scaled) / FULL_SCALE


def load(path: Path) -> PixInWav:
    """Read what was saved, in float32 and evaluation mode."""
    return storage.load(path, PixInWav, ModelConfig)
