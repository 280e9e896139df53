"""What a file is, according to its first bytes, where Pillow does not say or would use only a thumbnail."""

from __future__ import annotations

from pathlib import PurePath

from PIL import Image

from .errors import BadImage
from .extras import remedy

_EXPORT = "export it as PNG, TIFF or JPEG"
_RAW = f"a camera's raw file, of which only the thumbnail could be read: develop it and {_EXPORT}"
_JPEG_XL = f"a JPEG XL file, which cannot be read here: {_EXPORT}"
_SOUND = "a sound file: the speech comes first, then the picture"
_BEGINNINGS = (
    (b"\xff\x0a", _JPEG_XL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", _JPEG_XL),
    (b"FUJIFILMCCD-RAW", _RAW),
    (b"IIRO", _RAW),
    (b"IIRS", _RAW),
    (b"IIU\0", _RAW),
    (b"FOVb", _RAW),
    (b"%PDF", f"a PDF document: {_EXPORT}"),
    (b"8BPS", f"a Photoshop document: {_EXPORT}"),
    (b"gimp xcf", f"a GIMP project: {_EXPORT}"),
    (b"<svg", f"a vector drawing (SVG): {_EXPORT}"),
    (b"fLaC", _SOUND),
    (b"OggS", _SOUND),
    (b"ID3", _SOUND),
)
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif"}
_AVIF = {b"avif", b"avis"}
_RAW_SUFFIXES = {
    *(".3fr", ".arw", ".cr2", ".cr3", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc", ".mef", ".mos", ".nef"),
    *(".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
}
_DNG_VERSION, _SUBFILE, _PHOTOMETRIC = 50706, 254, 262  # TIFF tags
_SENSOR = (32803, 34892)  # photometric interpretations: colour filter array, linear raw


def is_heif(beginning: bytes) -> bool:
    """Whether a file with this beginning is HEIC, or another HEIF that is not AVIF."""
    brands = _brands(beginning)
    return bool(brands & _HEIF) and not brands & _AVIF


def name_of_kind(beginning: bytes) -> str | None:
    """What a file with this beginning is, and what to do with it; None if nothing helpful is known."""
    if is_heif(beginning):
        return f"a HEIC picture: {remedy('heif')} to read it, or {_EXPORT}"
    if b"crx " in _brands(beginning):
        return _RAW
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WAVE":
        return _SOUND
    if beginning[4:8] == b"ftyp" and not _brands(beginning) & _AVIF:
        return f"a film or a sound track: {_EXPORT.replace('it', 'a frame', 1)}"
    if beginning[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return f"a TIFF of a kind that cannot be read here, perhaps a camera's raw file: {_EXPORT}"
    return next((kind for start, kind in _BEGINNINGS if beginning.startswith(start)), None)


def refuse_raw(image: Image.Image, beginning: bytes = b"", name: str = "") -> None:
    """Refuse a TIFF whose first picture is the thumbnail of a camera's raw data.

    Raises:
        BadImage: it is one.
    """
    tags = getattr(image, "tag_v2", None)
    if image.format != "TIFF" or tags is None:
        return
    first_is_thumbnail = tags.get(_SUBFILE, 0) == 1
    named_so = PurePath(name).suffix.lower() in _RAW_SUFFIXES
    sensor = _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _SENSOR
    if sensor or first_is_thumbnail or named_so or beginning[8:10] == b"CR":
        raise BadImage(_RAW)


def _brands(beginning: bytes) -> set[bytes]:
    if beginning[4:8] != b"ftyp":
        return set()
    size = min(int.from_bytes(beginning[:4], "big"), len(beginning))
    return {beginning[8:12], *(beginning[k : k + 4] for k in range(16, size - 3, 4))}
