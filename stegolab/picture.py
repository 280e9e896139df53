"""A picture in memory, made from a Pillow image or a NumPy array.

Every picture becomes 8-bit RGB here, so that carriers and attacks handle only one kind of array.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .errors import BadImage

RGB = NDArray[np.uint8]

MAX_PIXELS = 100_000_000
MIN_SIDE = 16

FIRST_FRAME = "it holds several pictures (an animation or pages), and only the first one is used"
NO_METADATA = "its metadata (EXIF and the like) does not go into the output"

_METADATA = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif", "comment")
_EXIF_IFD, _GPS_IFD = 34665, 34853  # TIFF tags
_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap height and width


class PictureWarning(UserWarning):
    """A part of a picture was left out or changed before it was used."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of any origin: ``rgb`` uint8 (H, W, 3), ``alpha`` uint8 (H, W) or None.

    ``grey`` says that the three channels are equal and that the picture is written back as one channel;
    ``icc`` is the colour profile that the samples refer to, None for sRGB; ``dpi`` is pixels an inch, across and down,
    None if unknown; ``notes`` has a sentence for everything that was left out or changed on reading.
    """

    rgb: RGB
    alpha: NDArray[np.uint8] | None = None
    grey: bool = False
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """Rows."""
        return self.rgb.shape[0]

    @property
    def width(self) -> int:
        """Columns."""
        return self.rgb.shape[1]


def from_pillow(image: Image.Image) -> Picture:
    """Convert a Pillow image of any mode, turned upright according to its EXIF orientation.

    16-bit grey is rounded to 8 bits (65535 is 255); 32-bit integers are read as 16-bit when any exceeds 255;
    floats are read as 0 to 1 when none exceeds 1, else as 0 to 255; CMYK goes through its colour profile, and so does
    CIE Lab, which has only one.

    Raises:
        BadImage: more than 100 megapixels, less than 16 pixels on a side, or not-a-number samples.
    """
    if image.width * image.height > MAX_PIXELS:
        raise BadImage(too_large(f"{image.width} x {image.height}"))
    if min(image.size) < MIN_SIDE:
        raise BadImage(f"{image.width} x {image.height} pixels is too small: at least {MIN_SIDE} on each side")
    info, notes = image.info, _notes(image)
    upright = ImageOps.exif_transpose(image)
    grey = upright.mode in ("1", "L", "LA", "La", "F") or upright.mode.startswith("I")
    alpha = None
    if upright.mode == "F" or upright.mode.startswith("I"):
        samples = np.asarray(upright)
        if isinstance(info.get("transparency"), int):
            alpha = np.where(samples == info["transparency"], 0, 255).astype(np.uint8)
        upright = Image.fromarray(_to_8_bits(samples))
    if upright.has_transparency_data:
        upright = upright.convert("LA") if upright.mode == "La" else upright
        upright = upright.convert("RGBA")
        alpha = np.array(upright.getchannel("A"))
    icc = info.get("icc_profile")
    if upright.mode == "CMYK" and icc:
        upright = _through(upright, BytesIO(icc)) or upright
    if upright.mode == "LAB":
        upright = _lab_to_srgb(upright)
    # A profile is kept only if it still describes the samples; its colour space is in bytes 16 to 19.
    kept = icc if icc and icc[16:20] == (b"GRAY" if grey else b"RGB ") else None
    return Picture(np.array(upright.convert("RGB")), alpha, grey, kept, _dpi(image), notes)


def from_array(array: NDArray[np.uint8]) -> Picture:
    """A picture of a uint8 array (H, W), grey, (H, W, 3), RGB, or (H, W, 4), RGB and alpha.

    Raises:
        BadImage: another shape or type, or a size that :func:`from_pillow` refuses.
    """
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise BadImage(
            f"an array picture is uint8 of shape (H, W), (H, W, 3) or (H, W, 4), not {array.dtype} {array.shape}"
        )
    if not array.size:
        raise BadImage(f"an array of shape {array.shape} is too small: at least {MIN_SIDE} pixels on each side")
    return from_pillow(Image.fromarray(array))


def to_pillow(picture: Picture) -> Image.Image:
    """The picture as a Pillow image of mode L, LA, RGB or RGBA, without metadata."""
    image = Image.fromarray(picture.rgb)
    if picture.grey:
        image = image.convert("L")  # exact: the weights of equal channels sum to one
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def too_large(what: str) -> str:
    """The reason for refusing ``what``."""
    return f"{what} is more than {MAX_PIXELS // 1_000_000} megapixels; scale it down first"


def _notes(image: Image.Image) -> tuple[str, ...]:
    # the further images in a JPEG (MPO) are its preview, its depth or its gain map, not frames
    several = getattr(image, "is_animated", False) and image.format != "MPO"
    tags = getattr(image, "tag_v2", {})
    metadata = any(image.info.get(key) for key in _METADATA) or _EXIF_IFD in tags or _GPS_IFD in tags
    converted = image.mode == "CMYK" and image.info.get("icc_profile")
    return (
        *((FIRST_FRAME,) if several else ()),
        *((NO_METADATA,) if metadata else ()),
        *(("its inks (CMYK) were converted to sRGB by their profile",) if converted else ()),
    )


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    """Pixels an inch, across and down, of the upright picture; None where they are missing or make no sense."""
    try:
        across, down = (float(side) for side in image.info.get("dpi", ()))
        if not (0 < across < 1e6 and 0 < down < 1e6):  # written so that nan fails too
            return None
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (down, across) if image.getexif().get(0x0112) in _TURNED else (across, down)


def _to_8_bits(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale grey samples of 16, 32 or float bits to 0..255, rounded."""
    if not np.isfinite(samples).all():
        raise BadImage("some samples are not numbers")
    if samples.dtype.kind == "f":
        scale = 255.0 if samples.max() <= 1 else 1.0
    else:
        scale = 1.0 if samples.dtype.itemsize > 2 and samples.max() <= 255 else 1 / 257
    return np.clip(np.rint(samples * scale), 0, 255).astype(np.uint8)


def _through(image: Image.Image, icc: BytesIO) -> Image.Image | None:
    """Convert with the profile to sRGB; None if it cannot be used, and Pillow's plain formula is needed."""
    from PIL import ImageCms

    try:
        return ImageCms.profileToProfile(image, icc, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return None


def _lab_to_srgb(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.applyTransform(image, ImageCms.buildTransform(*profiles, "LAB", "RGB"))
    assert converted is not None  # it is None only in place
    return converted
