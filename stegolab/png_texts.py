"""PNGs with megabytes of text or a huge colour profile, which Pillow refuses to open.

Pillow unpacks every text and rightly refuses one that unpacks to more than a megabyte, because a few kilobytes may
unpack to gigabytes. We do not need the texts, so they are removed first; the profile is unpacked up to a separate
limit.
"""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import BinaryIO

LONGEST_PROFILE = 1 << 26  # bytes: a printer's profile has a few million
_LONGEST = 1 << 20  # most unpacked bytes that Pillow accepts
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_ORIENTED = (b"XML:com.adobe.xmp", b"Raw profile type exif")  # texts from which Pillow learns the orientation


def without_texts(file: BinaryIO) -> tuple[BinaryIO, bytes | None]:
    """The PNG in a seekable ``file`` without its texts, and its colour profile if that is too long for Pillow.

    Texts that may tell the orientation stay, and a file of another format comes back as it is, at its beginning.
    """
    file.seek(0)
    kept: list[tuple[int, int]] = []  # (first byte, length)
    left_out, icc, place = False, None, len(_SIGNATURE)
    if file.read(len(_SIGNATURE)) == _SIGNATURE:
        kept.append((0, place))
        while len(head := file.read(8)) == 8:
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            body = file.read(length) if kind in (*_TEXTS, b"iCCP") else b""
            if _stays(kind, body):
                kept.append((place, length + 12))
            else:
                left_out = True
                icc = _unpacked(body, LONGEST_PROFILE) if kind == b"iCCP" else icc
            place += length + 12
            file.seek(place)
    file.seek(0)
    return (BytesIO(b"".join(_parts(file, kept))), icc) if left_out else (file, None)


def _parts(file: BinaryIO, ranges: list[tuple[int, int]]) -> list[bytes]:
    parts = []
    for start, length in ranges:
        file.seek(start)
        parts.append(file.read(length))
    return parts


def _stays(kind: bytes, body: bytes) -> bool:
    if kind == b"iCCP":
        return _unpacked(body, _LONGEST) is not None
    keyword, _, text = body.partition(b"\0")
    if kind not in _TEXTS:
        return True
    packed = kind == b"zTXt" or (kind == b"iTXt" and text[:1] == b"\1")
    short = _unpacked(body, _LONGEST) is not None if packed else len(body) <= _LONGEST
    return keyword in _ORIENTED and short


def _unpacked(chunk: bytes, most: int) -> bytes | None:
    """The unpacked content of a chunk; None if it is more than ``most`` bytes, empty if it is damaged."""
    _, _, rest = chunk.partition(b"\0")
    # after the keyword: the method, or in iTXt a flag, the method, a language and a translated keyword
    packed = rest.split(b"\0", 3)[3] if rest[:2] == b"\1\0" and rest.count(b"\0") >= 3 else rest[1:]
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(packed, most)
    except zlib.error:
        return b""
    return None if unpacker.unconsumed_tail else found
