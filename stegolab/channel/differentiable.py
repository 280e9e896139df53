"""Every attack of :mod:`.attacks` again, with a gradient: the channel to train through (notebook 05).

The twins of attacks by real software are in :mod:`.software_twins`.

Pictures are tensors (B, 3, H, W) in 8-bit units, 0 to 255. A twin rounds and clips its result as a file does, with a
straight-through derivative; its value is that of the real attack, except for a grey level here and there. The functions
have the names and arguments of the attacks, so one specification describes both::

    attack = twin("resize:0.5,jpeg:75")
    received = attack(stego)  # (B, 3, H/2, W/2)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import diffjpeg, resampling
from .attacks import HUE
from .rounding import rounding as rounding_called
from .rounding import through, to_bytes
from .software_twins import JPEGS, twin_of
from .spec import Attack, Chain, parse

Twin = Callable[[Tensor], Tensor]


def twin(chain: Chain | str, rounding: str = "straight-through", real: bool = False) -> Twin:
    """The differentiable twin of a chain of attacks, as a function (B, 3, H, W) -> (B, 3, H', W').

    The pictures that go in are rounded and clipped first (straight through): a file holds bytes.

    Args:
        chain: the chain, or its specification.
        rounding: how JPEG rounds; see :mod:`.rounding`.
        real: run the real attacks, picture by picture on the CPU, and use the twins for the gradient only.

    Raises:
        BadSpec: the specification or the rounding is malformed, or an attack has no twin.
    """
    steps = (parse(chain) if isinstance(chain, str) else chain).attacks
    twins = [TWINS[step.name] if step.name in TWINS else twin_of(step.name, step.arguments) for step in steps]
    rounding_called(rounding)  # refuse an unknown one here, not in the first step of training

    def attack(rgb: Tensor) -> Tensor:
        with torch.autocast(rgb.device.type, enabled=False):  # half precision cannot represent 0..255 in sixteenths
            rgb = to_bytes(rgb.to(torch.promote_types(rgb.dtype, torch.float32)))
            for step, differentiable in zip(steps, twins, strict=True):
                options = {"rounding": rounding} if step.name in JPEGS else {}
                attacked = differentiable(rgb, *step.arguments, **options)
                rgb = through(real_attack(step, rgb), attacked) if real else attacked
        return rgb

    return attack


def real_attack(attack: Attack | Chain, rgb: Tensor) -> Tensor:
    """The real attack on each picture of a batch of whole numbers (B, 3, H, W), without a gradient."""
    pictures = rgb.detach().permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()
    attacked = np.stack([attack(picture) for picture in pictures])
    return torch.from_numpy(attacked).permute(0, 3, 1, 2).to(rgb)


def jpeg(
    rgb: Tensor,
    quality: int,
    subsampling: str = "4:2:0",
    progressive: bool = False,
    rounding: str = "straight-through",
) -> Tensor:
    """JPEG of ``quality`` 1 to 100; ``progressive`` orders the file and changes no pixel."""
    return to_bytes(diffjpeg.jpeg(rgb, quality, subsampling, rounding))


def webp(rgb: Tensor, quality: int) -> Tensor:
    """The real WebP with the derivative of the identity, because its prediction between blocks has no simple twin."""
    return through(real_attack(Attack("webp", (quality,)), rgb), rgb)


def resize(rgb: Tensor, factor: float, kernel: str = "bicubic") -> Tensor:
    """Scale both sides by ``factor`` with one of Pillow's kernels."""
    height, width = (max(1, int(side * factor + 0.5)) for side in rgb.shape[-2:])
    return resampling.resize_to(rgb, height, width, kernel)


def cap(rgb: Tensor, side: int, kernel: str = "bicubic") -> Tensor:
    """Shrink so that the longer side has at most ``side`` pixels."""
    return resize(rgb, min(1.0, side / max(rgb.shape[-2:])), kernel)


def crop(rgb: Tensor, fraction: float, y: float = 0.5, x: float = 0.5) -> Tensor:
    """Remove ``fraction`` of the area; ``y`` and ``x`` place what is kept."""
    rows, columns = _window(rgb, fraction, y, x)
    return rgb[..., rows, columns]


def realigned_crop(
    rgb: Tensor, fraction: float, y: float = 0.5, x: float = 0.5, fill: float = 128
) -> tuple[Tensor, Tensor]:
    """:func:`crop`, with the rest put back in its place, as by a receiver that found the place.

    Returns:
        The pictures in their old size, with ``fill`` where nothing was received, and the mask of what was: bool (1, 1,
        H, W).
    """
    rows, columns = _window(rgb, fraction, y, x)
    kept = torch.zeros(1, 1, *rgb.shape[-2:], dtype=torch.bool, device=rgb.device)
    kept[..., rows, columns] = True
    return torch.where(kept, rgb, fill), kept


def blur(rgb: Tensor, sigma: float) -> Tensor:
    """Convolve with a Gaussian of ``sigma`` pixels."""
    return to_bytes(resampling.gaussian(rgb, sigma) if sigma else rgb)


def median(rgb: Tensor, size: int = 3) -> Tensor:
    """The median of a square of ``size`` pixels; only the median pixel receives the gradient."""
    margin = size // 2
    padded = F.pad(rgb, (margin, margin, margin, margin), mode="replicate")
    windows = padded.unfold(-2, size, 1).unfold(-2, size, 1)  # (B, 3, H, W, size, size)
    return windows.flatten(-2).median(-1).values


def sharpen(rgb: Tensor, factor: float) -> Tensor:
    """Move away from a smoothed copy by ``factor``; the outermost pixels stay."""
    height, width = rgb.shape[-2:]
    around = sum(rgb[..., y : height - 2 + y, x : width - 2 + x] for y in range(3) for x in range(3))
    smoothed = rgb.clone()
    smoothed[..., 1:-1, 1:-1] = to_bytes((around + 4 * rgb[..., 1:-1, 1:-1]) / 13)
    return _blend(smoothed, rgb, factor)


def brightness(rgb: Tensor, factor: float) -> Tensor:
    """Multiply by ``factor`` and clip."""
    return _blend(torch.zeros_like(rgb), rgb, factor)


def contrast(rgb: Tensor, factor: float) -> Tensor:
    """Stretch about the mean brightness by ``factor`` and clip."""
    return _blend(to_bytes(_luma(rgb).mean((-2, -1), keepdim=True)), rgb, factor)


def gamma(rgb: Tensor, exponent: float) -> Tensor:
    """Raise samples, as parts of 255, to ``exponent``; near black, where it is steepest, the slope is taken at 1."""
    share = rgb / 255
    smooth = 255 * through(share.clamp(min=1 / 255), share) ** exponent
    return through(to_bytes(255 * share**exponent), smooth)


def noise(rgb: Tensor, sigma: float, seed: int = 0) -> Tensor:
    """Add exactly the noise that the real attack adds for this ``seed``, the same to each picture."""
    height, width = rgb.shape[-2:]
    added = np.random.default_rng(seed).normal(0, sigma, (height, width, 3)).transpose(2, 0, 1)
    return to_bytes(rgb + torch.from_numpy(added).to(rgb))


def grey(rgb: Tensor) -> Tensor:
    """All three channels become the BT.601 luma."""
    return _luma(rgb).expand_as(rgb)


def avif(rgb: Tensor, quality: int) -> Tensor:
    """The real AVIF with the derivative of the identity, like :func:`webp`."""
    return through(real_attack(Attack("avif", (quality,)), rgb), rgb)


def jpeg2000(rgb: Tensor, ratio: float) -> Tensor:
    """The real JPEG 2000 with the derivative of the identity, because its rate control has no simple twin."""
    return through(real_attack(Attack("jpeg2000", (ratio,)), rgb), rgb)


def palette(rgb: Tensor, colours: int) -> Tensor:
    """The real palette with the derivative of the identity, because dithering keeps the mean."""
    return through(real_attack(Attack("palette", (colours,)), rgb), rgb)


def hue(rgb: Tensor, degrees: float) -> Tensor:
    """Turn the colour circle by ``degrees``."""
    angle = math.radians(degrees)
    matrix = rgb.new_tensor(HUE @ (1, math.cos(angle), math.sin(angle)))
    return to_bytes(torch.einsum("oi,bihw->bohw", matrix, rgb))


def shift(rgb: Tensor, rows: int, columns: int = 0) -> Tensor:
    """Move down by ``rows`` and right by ``columns``; the edge fills what they leave."""
    height, width = rgb.shape[-2:]
    y = torch.arange(height, device=rgb.device).sub(rows).clamp(0, height - 1)
    x = torch.arange(width, device=rgb.device).sub(columns).clamp(0, width - 1)
    return rgb[..., y, :][..., x]


def flip(rgb: Tensor) -> Tensor:
    """Mirror left and right."""
    return rgb.flip(-1)


def rotate(rgb: Tensor, quarters: int) -> Tensor:
    """Rotate by ``quarters`` of a full turn, counter-clockwise."""
    return rgb.rot90(quarters, (-2, -1))


TWINS: dict[str, Callable[..., Tensor]] = {
    "jpeg": jpeg,
    "webp": webp,
    "resize": resize,
    "cap": cap,
    "crop": crop,
    "blur": blur,
    "median": median,
    "sharpen": sharpen,
    "brightness": brightness,
    "contrast": contrast,
    "gamma": gamma,
    "noise": noise,
    "grey": grey,
    "avif": avif,
    "jpeg2000": jpeg2000,
    "palette": palette,
    "hue": hue,
    "shift": shift,
    "flip": flip,
    "rotate": rotate,
}


def _window(rgb: Tensor, fraction: float, y: float, x: float) -> tuple[slice, slice]:
    height, width = (max(1, int(side * math.sqrt(1 - fraction) + 0.5)) for side in rgb.shape[-2:])
    top, left = int((rgb.shape[-2] - height) * y), int((rgb.shape[-1] - width) * x)
    return slice(top, top + height), slice(left, left + width)


def _luma(rgb: Tensor) -> Tensor:
    """(B, 1, H, W), rounded straight through as Pillow's mode L is."""
    return to_bytes(torch.einsum("c,bchw->bhw", rgb.new_tensor(diffjpeg.RGB_TO_YCC[0]), rgb)[:, None])


def _blend(base: Tensor, rgb: Tensor, factor: float) -> Tensor:
    """Pillow's blend, which truncates instead of rounding; straight-through."""
    smooth = base + factor * (rgb - base)
    return through(smooth.floor().clamp(0, 255), smooth)
