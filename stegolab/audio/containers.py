"""What the bytes of a sound file say about its length, which decoders do not always report.

Crashed recorders, streams and broken downloads leave files that end early, or whose header was never completed.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

_UNTOLD = 0x7FFF_0000  # bytes of a streamed WAV: programs write values above this when they do not know the length
_TAIL = 1 << 16  # bytes; an Ogg page takes at most 65,307
_LAST_PAGE = 0x04  # bit of an Ogg page's header


@dataclass(frozen=True)
class Container:
    """``ends_early``: bytes are missing; ``untold``: a WAV whose header gives no length; ``mpeg``: an MP3."""

    ends_early: bool = False
    untold: bool = False
    mpeg: bool = False


def inspect(file: BinaryIO) -> Container:
    """Look at a sound file without decoding it; ``file`` is at its beginning afterwards."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    try:
        if head[:4] in (b"RIFF", b"RIFX") and head[8:] == b"WAVE":
            return _wav(file, size, ">" if head[:4] == b"RIFX" else "<")
        if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
            return Container(ends_early=8 + int.from_bytes(head[4:8], "big") > size + 1)
        if head[:4] == b"OggS":
            return Container(ends_early=not _ogg_ends(file, size))
        mpeg = head[:3] == b"ID3" or (len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6))
        return Container(mpeg=mpeg)
    finally:
        file.seek(0)


def _wav(file: BinaryIO, size: int, order: str) -> Container:
    at = 12
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        rest = size - at - 8
        if name == b"data":
            if length == 0:
                return Container(untold=rest > 0 and not _chunk_follows(file.read(8), rest, order))
            return Container(untold=length >= _UNTOLD, ends_early=rest < length < _UNTOLD)
        at += 8 + length + length % 2
    return Container()


def _chunk_follows(head: bytes, rest: int, order: str) -> bool:
    """Whether the sound really is empty and is followed by another chunk."""
    if len(head) < 8 or not all(0x20 <= byte < 0x7F for byte in head[:4]):
        return False
    return 8 + struct.unpack(f"{order}I", head[4:])[0] <= rest


def _ogg_ends(file: BinaryIO, size: int) -> bool:
    """Whether the last page is complete and marked as the last one."""
    file.seek(max(size - _TAIL, 0))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        return False
    segments = tail[at + 27 : at + 27 + tail[at + 26]]
    return (
        bool(tail[at + 5] & _LAST_PAGE)
        and len(segments) == tail[at + 26]
        and at + 27 + tail[at + 26] + sum(segments) <= len(tail)
    )
