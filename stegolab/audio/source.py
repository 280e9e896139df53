"""Sources of sound: a path, a pipe, bytes or a stream. Each becomes a binary file that can be read twice."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

from .. import files
from ..errors import BadAudio

SoundSource = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]

GIVE = "give a sound file such as WAV, FLAC, OGG, MP3 or M4A"
_BLOCK = 1 << 20  # bytes
_LARGEST = 4 << 30  # bytes that are read from a pipe at most; an hour of eight channels fits


def name_of(source: SoundSource) -> str:
    """The name of a source in messages, which never shows its content."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"the {len(source)} bytes of sound"
    if isinstance(source, (str, os.PathLike)):
        return "standard input" if os.fspath(source) == "-" else files.shown(source)
    name = getattr(source, "name", None)
    return files.shown(name) if isinstance(name, str) else "the stream of sound"


@contextmanager
def opened(source: SoundSource) -> Iterator[BinaryIO]:
    """Yield ``source`` as a binary file at its beginning that can seek. Pipes go through a temporary file.

    ``-`` is standard input. A stream is read from its current position and stays open.

    Raises:
        BadAudio: it cannot be opened or read, or is not a source of bytes.
    """
    try:
        if isinstance(source, (bytes, bytearray, memoryview)):
            yield io.BytesIO(source)
        elif isinstance(source, (str, os.PathLike)):
            if os.fspath(source) == "-":
                with _spooled(sys.stdin.buffer) as file:
                    yield file
            else:
                with open(source, "rb") as file:  # noqa: PTH123 - os.PathLike that is no Path
                    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                        yield file
                    else:
                        with _spooled(file) as copy:
                            yield copy
        elif hasattr(source, "read"):
            with _spooled(source) as copy:
                yield copy
        else:
            raise BadAudio(f"a {type(source).__name__} is not sound: give a Speech, a path, bytes or a binary stream")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name, a closed stream
        named = isinstance(error, OSError | UnicodeEncodeError) or "embedded null" in str(error)
        raise BadAudio(f"{files.reason(error) if named else error}: {GIVE}") from error


@contextmanager
def _spooled(stream: IO[bytes]) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as copy:
        size = 0
        while block := stream.read(_BLOCK):
            if not isinstance(block, bytes):
                raise BadAudio("the stream gives text, not bytes: open it in binary mode")
            size += copy.write(block)
            if size > _LARGEST:
                raise BadAudio("it is longer than 4 GiB: give a file of at most an hour")
        copy.seek(0)
        yield cast(BinaryIO, copy)
