"""Outputs appear whole or not at all: written beside their destination, then renamed into place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import CannotWrite


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; rename it to ``path`` when the block succeeds.

    The temporary file keeps the suffix of ``path`` (writers choose their format by it). It is removed
    when the block raises, and ``path`` is then what it was before.

    Raises:
        CannotWrite: the folder does not exist or is not writable, or the disk is full.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=".stegolab-", suffix=target.suffix, dir=target.parent)
    except OSError as error:
        raise CannotWrite(f"cannot write {target}: {error.strerror}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes private files; outputs are ordinary ones
        temporary.replace(target)
    except OSError as error:
        raise CannotWrite(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def folder(path: str | os.PathLike[str]) -> Path:
    """The folder ``path``, made when missing.

    Raises:
        CannotWrite: it cannot be made, or is a file.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"cannot make the folder {path}: {error.strerror}") from error
    return Path(path)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
