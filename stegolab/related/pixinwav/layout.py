"""Where a picture's values lie in a spectrogram (notebook 11).

``stretched``: RGB and a zero, pixel shuffled to one plane of twice the side and stretched over the spectrogram, as in
PixInWav (Geleta et al. 2021). ``luma``: the fourth value is the brightness, which is then sent twice. ``replicated``:
the spectrogram is cut into bands, and each receives the whole plane. ``multichannel``: the bands and neighbouring
frames are stacked as channels, so that every pixel has a coefficient in every band, loud or quiet.

So a network sees a stack of planes: :meth:`Embedding.lay` makes it from a picture, :meth:`Embedding.fold` from a
spectrogram; :meth:`Embedding.unfold` and :meth:`Embedding.read` are the inverses.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import BadSpec
from ..pictures import luma
from .config import EMBEDDINGS


@dataclass(frozen=True)
class Embedding:
    """How a picture (colours, side, side) lies over planes (C, F, T).

    Raises:
        BadSpec: no such embedding, or colours that are neither 1 (grey) nor 3 (RGB).
    """

    name: str = "multichannel"
    colours: int = 3
    side: int = 64

    def __post_init__(self) -> None:
        if self.name not in EMBEDDINGS:
            raise BadSpec(f"embedding {self.name!r}: choose one of {', '.join(EMBEDDINGS)}")
        if self.colours not in (1, 3):
            raise BadSpec(f"pictures of {self.colours} colours: 1 (grey) or 3 (RGB)")

    @property
    def bands(self) -> int:
        """Into how many bands the spectrogram is cut."""
        return 3 if self.name in ("replicated", "multichannel") else 1

    @property
    def steps(self) -> int:
        """How many neighbouring frames are stacked."""
        return 2 if self.name == "multichannel" else 1

    @property
    def shuffled(self) -> bool:
        """Whether the colours are interleaved in one plane; grey needs no interleaving."""
        return self.colours == 3 and self.name != "multichannel"

    @property
    def channels(self) -> int:
        """Planes that a picture becomes."""
        return 1 if self.shuffled else self.colours

    def stack(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """What :meth:`fold` makes of planes (C, F, T)."""
        channels, rows, frames = shape
        return channels * self.bands * self.steps, -(-rows // self.bands), -(-frames // self.steps)

    def lay(self, picture: Tensor, size: tuple[int, int]) -> Tensor:
        """A picture (B, colours, side, side) in [0, 1] to (B, channels, *size), around zero."""
        planes = picture
        if self.shuffled:
            brightness = luma(picture)[:, None]
            fourth = torch.full_like(brightness, 0.5) if self.name == "stretched" else brightness
            planes = F.pixel_shuffle(torch.cat([picture, fourth], 1), 2)
        return _resized(planes, size) - 0.5

    def read(self, planes: Tensor) -> Tensor:
        """The inverse of :meth:`lay`, except for smoothing by stretching; brightness that was sent twice is
        averaged."""
        size = 2 * self.side if self.shuffled else self.side
        planes = _resized(planes, (size, size)) + 0.5
        if not self.shuffled:
            return planes
        picture, fourth = F.pixel_unshuffle(planes, 2).split([3, 1], dim=1)
        if self.name == "stretched":
            return picture
        brightness = luma(picture)[:, None]
        return picture + (fourth - brightness) / 2

    def fold(self, planes: Tensor) -> Tensor:
        """(B, C, F, T) to (B, C * bands * steps, F / bands, T / steps), filled with zeros where it does not divide."""
        rows, frames = planes.shape[-2:]
        planes = F.pad(planes, (0, -frames % self.steps, 0, -rows % self.bands))
        planes = planes.unflatten(2, (self.bands, -1)).unflatten(4, (-1, self.steps))  # (B, C, b, F/b, T/s, s)
        return planes.permute(0, 1, 2, 5, 3, 4).flatten(1, 3)

    def unfold(self, stack: Tensor, shape: tuple[int, int, int]) -> Tensor:
        """The inverse of :meth:`fold`, to planes of ``shape`` (C, F, T)."""
        channels, rows, frames = shape
        stack = stack.unflatten(1, (channels, self.bands, self.steps)).permute(0, 1, 2, 4, 5, 3)
        return stack.flatten(4, 5).flatten(2, 3)[..., :rows, :frames]


def _resized(planes: Tensor, size: tuple[int, int]) -> Tensor:
    if planes.shape[-2:] == tuple(size):
        return planes
    return F.interpolate(planes, size, mode="bilinear", align_corners=False)
