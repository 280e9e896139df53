"""Covers with transparent parts: only opaque blocks carry, because it is unknown what will be behind the others.

A program that flattens the picture puts white or black there. Another drops the transparency, and shows the colours
that the file has there. In each case those blocks carry nothing, as if they had been cut away, and the
error-correcting code compensates for it. The sender tries all three before it promises anything.

Colours that come to light are the worst of the three: they look as if they carried, and the receiver believes what it
reads there. At strengths that are also read at other sizes so little is left that no code rate is safe with it, and
there this is neither tried nor promised.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..channel.uploading import BACKGROUNDS, flattened
from ..picture import RGB
from .interface import Carrier
from .strengths import Strength

Alpha = NDArray[np.uint8] | None

DROPPED = "dropped"  # the name of the view without transparency

_OPAQUE = 250  # of 255: some programs export this as opaque; it lowers the contrast by 2 %, which is tried as well


def embed(
    carrier: Carrier,
    rgb: RGB,
    alpha: Alpha,
    header: NDArray[np.uint8],
    body: NDArray[np.uint8],
    used: NDArray[np.bool_],
    share: float = 1.0,
) -> RGB:
    """:meth:`.Carrier.embed`, but pixels outside opaque blocks do not change. ``alpha`` (H, W), None if opaque."""
    if opaque_share(alpha, carrier.strength.block) == 1:
        return carrier.embed(rgb, header, body, used, share)
    assert alpha is not None
    seen = flattened(rgb, alpha)
    change = carrier.embed(seen, header, body, used, share).astype(np.int16) - seen
    change[~_opaque_pixels(alpha, carrier.strength.block)] = 0
    return np.clip(rgb + change, 0, 255).astype(np.uint8)


def views(rgb: RGB, alpha: Alpha, strength: Strength) -> Iterator[tuple[str, RGB]]:
    """What programs make of the picture, with a name: on each background, and :data:`DROPPED` with what was behind it.

    An opaque picture has one view, itself. Where ``strength`` is read at other sizes, nothing is dropped.
    """
    if alpha is None or alpha.min() == 255:
        yield "", rgb
        return
    yield from ((background, flattened(rgb, alpha, background)) for background in BACKGROUNDS)
    if not strength.rescaled:
        yield DROPPED, rgb


def opaque_share(alpha: Alpha, block: int) -> float:
    """The share, 0 to 1, of the blocks of ``block`` pixels a side that are completely opaque."""
    return 1.0 if alpha is None else float(_opaque_blocks(alpha, block).mean())


def _opaque_blocks(alpha: NDArray[np.uint8], block: int) -> NDArray[np.bool_]:
    rows, columns = alpha.shape[0] // block, alpha.shape[1] // block
    whole = alpha[: rows * block, : columns * block].reshape(rows, block, columns, block)
    return whole.min(axis=(1, 3)) >= _OPAQUE  # (rows, columns)


def _opaque_pixels(alpha: NDArray[np.uint8], block: int) -> NDArray[np.bool_]:
    pixels = np.zeros(alpha.shape, bool)
    blocks = _opaque_blocks(alpha, block).repeat(block, 0).repeat(block, 1)  # (rows * block, columns * block)
    pixels[: blocks.shape[0], : blocks.shape[1]] = blocks
    return pixels
