"""The study's memory: a line for every finished trial, safe from whatever kills the program (notebook 08).

An append-only file of JSON lines, forced to the disk before the study goes on. A line that a crash cut short is
dropped, and its trial runs again; a trial that is there twice counts once, the first time.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from .. import files
from ..errors import CannotWrite
from .trial import COLUMNS, Trial


class Journal(Mapping[str, Trial]):
    """Finished trials by their identity, on disk."""

    def __init__(self, descriptor: int, contents: bytes) -> None:
        self._descriptor = descriptor
        self._rows: dict[str, Trial] = {}
        for line in contents.splitlines():
            self._remember(line)

    def append(self, finished: Iterable[tuple[str, Trial]]) -> None:
        """Write trials, and return when they are on the disk.

        Raises:
            CannotWrite: the disk is full.
        """
        lines = [json.dumps({"trial": name, **asdict(row)}).encode() + b"\n" for name, row in finished]
        try:
            rest = memoryview(b"".join(lines))
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise CannotWrite(f"cannot write the study's journal: {error.strerror}; make room and run again") from error
        for line in lines:
            self._remember(line)

    def _remember(self, line: bytes) -> None:
        try:
            values = json.loads(line)
            name, row = values["trial"], Trial(**{column: values[column] for column in COLUMNS})
        except (ValueError, KeyError, TypeError):  # cut short, or of another version
            return
        self._rows.setdefault(name, row)

    def __getitem__(self, name: str) -> Trial:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@contextmanager
def opened(path: Path) -> Iterator[Journal]:
    """Read the journal at ``path``, made when missing, and hold it: one study writes there at a time.

    Raises:
        CannotWrite: another study holds it, or it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    except (OSError, ValueError) as error:
        raise CannotWrite(f"cannot write {files.shown(path)}: {files.reason(error)}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotWrite(
                f"{files.shown(path)} is being written by another study: wait for it, or name another folder"
            ) from error
        contents = path.read_bytes()
        whole = contents.rfind(b"\n") + 1
        os.ftruncate(descriptor, whole)  # what follows must not be glued to half a line
        yield Journal(descriptor, contents[:whole])
    finally:
        os.close(descriptor)
