"""What happens first to an uploaded picture: colours become sRGB, and transparency is laid onto a background.

A JPEG has no transparency, so a program that writes one lays the picture onto a colour: mostly white, and black where
the programmer did not think of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..colour import to_srgb
from ..errors import BadSpec
from ..picture import RGB, Picture

BACKGROUNDS = {"white": 255, "black": 0}


def check_background(background: str) -> None:
    """Raise BadSpec unless ``background`` is one of :data:`BACKGROUNDS`."""
    if background not in BACKGROUNDS:
        raise BadSpec(f"no background {background!r}: choose one of {', '.join(BACKGROUNDS)}")


def uploaded(picture: Picture, background: str = "white") -> RGB:
    """The samples (H, W, 3) with which a platform continues: in sRGB, and flattened.

    Raises:
        BadSpec: no such background.
    """
    check_background(background)
    picture = to_srgb(picture)
    return flattened(picture.rgb, picture.alpha, background)


def flattened(rgb: RGB, alpha: NDArray[np.uint8] | None, background: str = "white") -> RGB:
    """Lay (H, W, 3) onto a colour of :data:`BACKGROUNDS`; the very same array where nothing is transparent.

    ``alpha`` (H, W): 255 is opaque; None is opaque everywhere.
    """
    if alpha is None or alpha.min() == 255:
        return rgb
    cover = alpha[..., None].astype(np.uint32)
    return ((rgb * cover + BACKGROUNDS[background] * (255 - cover) + 127) // 255).astype(np.uint8)
