"""Read pictures from files, streams, bytes, arrays and Pillow images, and write them to lossless files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from . import files
from .errors import BadImage, CannotWrite
from .picture import FIRST_FRAME, Picture, PictureWarning, from_array, from_pillow, to_pillow, too_large
from .picture_kinds import is_heif, name_of_kind, refuse_raw
from .png_texts import without_texts

Source = Picture | Image.Image | NDArray[np.uint8] | bytes | bytearray | memoryview | BinaryIO | str | os.PathLike[str]

# Only formats of photographs: Pillow would also pass an EPS file to an external interpreter.
_READABLE = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "PPM", "TIFF", "JPEG2000", "AVIF")

# Measured at 1600 x 1200: PNG level 4 takes half the time of Pillow's default 6 and 3 % more bytes.
_LOSSLESS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG", "compress_level": 4},
    ".webp": {"format": "WEBP", "lossless": True, "exact": True, "quality": 20, "method": 1},
    ".bmp": {"format": "BMP"},
    ".tif": {"format": "TIFF", "compression": "tiff_adobe_deflate"},
    ".tiff": {"format": "TIFF", "compression": "tiff_adobe_deflate"},
}
_WEBP_MAX_SIDE = 16383
_MAX_BYTES = 1 << 30  # most bytes read from a pipe, which does not say how many will come
_BEGINNING = 512  # bytes that identify the kind of a file


def read_image(source: Source) -> Picture:
    """Read the first frame of a PNG, JPEG, WebP, BMP, GIF, PPM, TIFF, JPEG 2000 or AVIF file, upright.

    HEIC files too, if the extra ``heif`` is installed.

    Args:
        source: a path (a pipe will do), the bytes of a file, a stream open in binary mode, which is read from its
            beginning where it has one, a Pillow image, a uint8 array (H, W), (H, W, 3) or (H, W, 4), or a Picture.

    Raises:
        BadImage: no such file, not an image, damaged or truncated, the thumbnail of a camera's raw file, more than 100
            megapixels (according to the header, before anything is decoded), or less than 16 pixels on a side.
    """
    name = name_of(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bombs have their own limit here; odd metadata is harmless
            picture = _read(source)
    except BadImage as error:
        raise BadImage(f"{name}: {error}") from None
    except Image.DecompressionBombError:
        raise BadImage(f"{name}: {too_large('the picture')}") from None
    except FileNotFoundError as error:
        raise BadImage(f"{name}: no such file") from error
    except Exception as error:  # a decoder may raise anything on damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadImage(f"{name}: cannot be read, is the file damaged or truncated? ({reason[:200]})") from error
    if FIRST_FRAME in picture.notes and not isinstance(source, Picture):
        warnings.warn(f"{name}: {FIRST_FRAME}", PictureWarning, stacklevel=2)
    return picture


def check_output(path: str | os.PathLike[str]) -> None:
    """Refuse an output of :func:`write_image` before the work that produces it.

    Raises:
        BadImage: the suffix is of a lossy or unknown format. CannotWrite: see :func:`stegolab.files.check`.
    """
    files.check(path)
    _suffix_of(path)


def _suffix_of(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    if not suffix and files.is_stream(path):
        return ".png"
    if suffix not in _LOSSLESS:
        raise BadImage(
            f"{files.shown(path)}: only lossless formats keep the picture as it is; use .png, .webp, .bmp or .tif"
        )
    return suffix


def write_image(path: str | os.PathLike[str], picture: Picture | Image.Image | NDArray[np.uint8]) -> None:
    """Write a lossless .png, .webp, .bmp or .tif file; WebP stores grey as RGB, and no resolution.

    Streams get a PNG: a device, a FIFO, ``/dev/stdout`` or ``-``, which is standard output.

    Raises:
        BadImage: the suffix is of a lossy or unknown format, or the format cannot hold this picture.
        CannotWrite: no permission, no such folder, no such name, or the disk is full.
    """
    if not isinstance(path, str | os.PathLike):
        raise CannotWrite(f"a {type(path).__name__} is not a file name: the path comes first, then the picture")
    if "\0" in os.fspath(path):
        raise CannotWrite(f"cannot write {name_of(path)}: it is not a possible file name")
    if not isinstance(picture, Picture):
        if not isinstance(picture, Image.Image | np.ndarray):
            kinds = "a Picture, a Pillow image or a uint8 array"
            raise BadImage(f"a {type(picture).__name__} is not a picture: give {kinds}")
        picture = read_image(picture)
    suffix = _suffix_of(path)
    if suffix == ".bmp" and picture.alpha is not None:
        raise BadImage(f"{files.shown(path)}: BMP has no transparency; use .png, .webp or .tif")
    if suffix == ".webp" and max(picture.height, picture.width) > _WEBP_MAX_SIDE:
        raise BadImage(f"{files.shown(path)}: WebP holds at most {_WEBP_MAX_SIDE} pixels on a side; use .png or .tif")
    more: dict[str, Any] = {"icc_profile": picture.icc} if picture.icc else {}
    if picture.dpi:
        more["dpi"] = picture.dpi
    with files.replacing(path, suffix) as temporary:
        to_pillow(picture).save(temporary, **_LOSSLESS[suffix], **more)


def name_of(source: object) -> str:
    """The name of a source in messages, on one line; never its contents."""
    if isinstance(source, bytes | bytearray | memoryview):
        return f"the picture given as {memoryview(source).nbytes} bytes"
    if isinstance(source, np.ndarray):
        return "the array"
    if not isinstance(source, str | os.PathLike):
        source = getattr(source, "filename", None) or getattr(source, "name", None) or f"the {type(source).__name__}"
    return files.shown(source) if isinstance(source, str | os.PathLike) else type(source).__name__


def _read(source: Source) -> Picture:
    if isinstance(source, Picture):
        return source
    if isinstance(source, np.ndarray):
        return from_array(source)
    if isinstance(source, Image.Image):
        refuse_raw(source)
        return from_pillow(source)
    with _opened(source) as file:
        file.seek(0)
        beginning = file.read(_BEGINNING)
        file, icc = without_texts(file)
        try:
            image = _open(file, beginning)
        except UnidentifiedImageError as error:
            kind = name_of_kind(beginning) or "not an image of a known format; use PNG, JPEG, WebP, BMP or TIFF"
            raise BadImage(kind) from error
        with image:
            refuse_raw(image, beginning, name_of(source))
            if icc:
                image.info["icc_profile"] = icc
            return from_pillow(image)


def _open(file: BinaryIO, beginning: bytes) -> Image.Image:
    if is_heif(beginning):
        try:
            from pillow_heif import HeifImageFile
        except ImportError:
            pass  # without it the kind of the file is unknown
        else:
            return HeifImageFile(file)
    return Image.open(file, formats=_READABLE)


@contextmanager
def _opened(source: object) -> Iterator[BinaryIO]:
    """The contents of a source as a seekable file."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield BytesIO(source)
    elif isinstance(source, str | os.PathLike):
        if "\0" in os.fspath(source):
            raise FileNotFoundError
        if Path(source).is_dir():
            raise BadImage("a folder, not a picture")
        with Path(source).open("rb") as file:
            yield _seekable(file)
    elif hasattr(source, "read"):
        yield _seekable(source)
    else:
        kinds = "a path, bytes, a binary stream, a Pillow image or a uint8 array"
        raise BadImage(f"a {type(source).__name__} is not a picture: give {kinds}")


def _seekable(stream: Any) -> BinaryIO:
    if getattr(stream, "seekable", lambda: False)():
        if not isinstance(stream.read(0), bytes):
            raise BadImage("a stream of text: open it in binary mode")
        return stream
    contents = stream.read(_MAX_BYTES + 1)
    if not isinstance(contents, bytes):
        raise BadImage("a stream of text: open it in binary mode")
    if len(contents) > _MAX_BYTES:
        raise BadImage(f"more than {_MAX_BYTES >> 30} GiB came out of it: write it to a file first")
    return BytesIO(contents)
