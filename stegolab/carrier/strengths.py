"""Three strengths, each a lattice and the channel that it promises to survive.

``file``    only lossless copies: every AC coefficient, small steps, hundreds of thousands of bits.
``jpeg``    JPEG of quality 50 and up at the same size: the frequencies that quality 50 quantises finest, with steps in
            proportion to its quantisation steps (ITU-T T.81 annex K): so the noise is the same share of every step.
``social``  also resizing to half the size or larger, cropping, quarter turns, flips, blur, WebP, several JPEGs in a
            row: the lowest frequencies of 16 x 16 blocks.

The steps were chosen on the training images of the project's data, to maximise the mutual information after the worst
declared attack at 40 dB PSNR.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..channel.jpeg_tables import LUMA
from ..errors import BadSpec
from .blockdct import zigzag


@dataclass(frozen=True)
class Strength:
    """What is embedded where, and the attacks (``channel.spec``) that the sender tries before it promises anything.

    name: as on the command line.
    block: size of the DCT in pixels.
    frequencies: (vertical, horizontal) pairs that carry.
    steps: one per frequency, in 8-bit luma.
    compensation: see ``qim``.
    attacks: what a stego picture has to survive.
    rescaled: whether the receiver tries other sizes and equalises.
    spread: whether a short message is coded to fill the picture, because the channel is uncertain, or uses only what it
        needs.
    dense: whether all slots of a carrying block change: with steps this small a single coefficient changes by less than
        half a grey level, and rounding to 8 bits would undo it.
    cropped_share: the share of the picture that may be cropped in addition to any of the attacks.
    """

    name: str
    block: int
    frequencies: tuple[tuple[int, int], ...]
    steps: tuple[float, ...]
    compensation: float
    attacks: tuple[str, ...]
    rescaled: bool = False
    spread: bool = True
    dense: bool = False
    cropped_share: float = 0.0

    @property
    def step(self) -> NDArray[np.float32]:
        """Steps as an array (frequencies,)."""
        return np.array(self.steps, np.float32)


#: The finest twelve of JPEG's luma quantisation steps at quality 50, but for the mean, by (vertical, horizontal)
JPEG_STEPS = {(u, v): q for u, row in enumerate(LUMA) for v, q in enumerate(row) if q <= 18 and (u, v) != (0, 0)}
_FINEST = {frequency: step for frequency, step in JPEG_STEPS.items() if step <= 16}  # ten, for the lattice

FILE = Strength(
    name="file",
    block=8,
    frequencies=tuple(zigzag(8)[1:]),
    steps=(3.0,) * 63,
    compensation=1.0,
    attacks=("none",),
    spread=False,
    dense=True,
)
JPEG = Strength(
    name="jpeg",
    block=8,
    frequencies=tuple(_FINEST),
    steps=tuple(2.05 * q for q in _FINEST.values()),
    compensation=0.8,
    attacks=("jpeg:50:420", "jpeg:50:444", "jpeg:75:420", "jpeg:75:444", "jpeg:90:420", "jpeg:90:444"),
)
SOCIAL = Strength(
    name="social",
    block=16,
    frequencies=tuple(zigzag(16)[1:21]),
    steps=(39.0,) * 20,
    compensation=0.8,
    attacks=("jpeg:50", "resize:0.5,jpeg:75", "resize:0.75,jpeg:75", "webp:75", "jpeg:80,jpeg:60", "blur:1,jpeg:90"),
    rescaled=True,
    cropped_share=0.1,
)

STRENGTHS = {s.name: s for s in (FILE, JPEG, SOCIAL)}


def weights_of(strength: Strength) -> Path:
    """The file of the learned carrier's weights for this strength, if they ship."""
    return Path(str(resources.files("stegolab"))) / "weights" / f"carrier_{strength.name}.safetensors"


def strength(name: str) -> Strength:
    """The strength called ``name``.

    Raises:
        BadSpec: no such strength.
    """
    if name not in STRENGTHS:
        raise BadSpec(f"no strength {name!r}: choose one of {', '.join(STRENGTHS)}")
    return STRENGTHS[name]
