"""Colour profiles: converting a picture to sRGB, as platforms on the web do.

A platform converts a picture that has its own profile (a telephone's Display P3, a camera's Adobe RGB) to sRGB. That
destroys an embedded payload, so a cover is converted before embedding.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .picture import Picture, PictureWarning

_ALIKE = 3  # grey levels: manufacturers round the sRGB curve differently
_SIDES = 9  # colours tried along each side of the cube


def to_srgb(picture: Picture) -> Picture:
    """The picture in sRGB and without profile; the same object if it is in sRGB already.

    Samples are converted by LittleCMS with perceptual intent, which for the profiles of cameras and screens equals the
    relative colorimetric one. A profile that cannot be used stays in the picture.
    """
    if picture.icc is None or is_srgb(picture.icc, picture.grey):
        return picture
    samples = picture.rgb[..., 0] if picture.grey else picture.rgb
    converted = _converted(samples, picture.icc)
    assert converted is not None  # otherwise it would be taken for sRGB
    grey = picture.grey and int(np.ptp(converted, axis=-1).max()) <= 1
    if grey:
        converted = np.repeat(converted[..., 1:2], 3, axis=2)
    note = f"its colours were converted from {profile_name(picture.icc)} to sRGB"
    return replace(picture, rgb=converted, grey=grey, icc=None, notes=(*picture.notes, note))


def cover_in_srgb(picture: Picture) -> Picture:
    """:func:`to_srgb`, with a warning if that changes the samples."""
    converted = to_srgb(picture)
    if converted is not picture:
        remedy = "as platforms would and lose the message (keep_profile, --keep-profile leaves them)"
        warnings.warn(f"the cover: {converted.notes[-1]}, {remedy}", PictureWarning, stacklevel=3)
    return converted


@lru_cache(maxsize=16)
def is_srgb(icc: bytes, grey: bool = False) -> bool:
    """Whether a profile, whoever made it, has the same samples as sRGB; also true if the profile cannot be used."""
    if grey:
        tried: NDArray[np.uint8] = np.arange(256, dtype=np.uint8)[None]
    else:
        levels = np.linspace(0, 255, _SIDES).astype(np.uint8)
        tried = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(_SIDES, -1, 3)
    converted = _converted(tried, icc)
    if converted is None:
        return True
    wanted = tried[..., None] if grey else tried
    return int(np.abs(converted.astype(int) - wanted).max()) <= _ALIKE


def profile_name(icc: bytes) -> str:
    """The profile's own name, on one line."""
    from PIL import ImageCms

    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(icc)))
    except (ImageCms.PyCMSError, OSError):
        name = ""
    return " ".join(word for word in name.split() if word.isprintable())[:60] or "its own profile"


def _converted(samples: NDArray[np.uint8], icc: bytes) -> NDArray[np.uint8] | None:
    """(H, W) or (H, W, 3) in that profile -> (H, W, 3) in sRGB; None if the profile cannot be used."""
    from PIL import ImageCms

    try:
        # the table that LittleCMS makes of a grey curve is off by six levels near black
        flags = ImageCms.Flags.NOOPTIMIZE if samples.ndim == 2 else ImageCms.Flags.NONE
        converted = ImageCms.profileToProfile(
            Image.fromarray(samples), BytesIO(icc), ImageCms.createProfile("sRGB"), outputMode="RGB", flags=flags
        )
    except (ImageCms.PyCMSError, OSError):
        return None
    return None if converted is None else np.array(converted)
