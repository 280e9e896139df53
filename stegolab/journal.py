"""The finished part of long work, safe if the program is killed: an SQLite table, name -> values.

A row is on disk, completely or not at all, before the work continues. If a row is written twice, the first one counts.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from . import files
from .errors import CannotWrite

Values = Mapping[str, Any]


class Journal:
    """An open journal, made by :func:`opened`. ``rows``: name -> values, as in JSON, in order."""

    def __init__(self, name: str, connection: sqlite3.Connection) -> None:
        self._name, self._connection = name, connection
        connection.execute("CREATE TABLE IF NOT EXISTS finished (name TEXT PRIMARY KEY, row TEXT NOT NULL)")
        found = connection.execute("SELECT name, row FROM finished ORDER BY rowid").fetchall()
        self.rows: dict[str, Any] = {name: json.loads(row) for name, row in found}

    def append(self, finished: Iterable[tuple[str, Values]]) -> None:
        """Write rows, and return when they are on disk.

        Raises:
            CannotWrite: the disk is full.
        """
        new = [(name, json.dumps(values)) for name, values in finished]
        with _told(self._name), self._connection as transaction:
            transaction.execute("BEGIN")
            transaction.executemany("INSERT OR IGNORE INTO finished (name, row) VALUES (?, ?)", new)
        for name, row in new:
            self.rows.setdefault(name, json.loads(row))


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Journal]:
    """Read the journal at ``path``, created if missing, and lock it: only one program writes there at a time.

    Raises:
        CannotWrite: another program has locked it, it cannot be written, or it is not a journal.
    """
    files.check(path)
    name = files.shown(path)
    with _told(name):
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        with _told(name):
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # until the connection ends, in whatever way
            connection.execute("BEGIN EXCLUSIVE")
            journal = Journal(name, connection)
            connection.execute("COMMIT")
        yield journal
    finally:
        connection.close()


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            reason = "it is being written by another run: wait for it, or name another place"
        elif error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            reason = "the disk is full: make room and run again"
        else:
            reason = str(error)
        raise CannotWrite(f"cannot write {name}: {reason}") from error
    except (sqlite3.DatabaseError, ValueError) as error:
        raise CannotWrite(f"{name} is no journal, or is damaged ({error}): remove it, or name another place") from error
