"""The journal of a study: every finished trial, safe if the program is killed (notebook 08)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

from .. import journal
from .trial import COLUMNS, Trial


class Journal(Mapping[str, Trial]):
    """Finished trials by their identity, on disk. Rows of versions with other columns are ignored."""

    def __init__(self, kept: journal.Journal) -> None:
        self._kept = kept
        self._trials = {name: Trial(**row) for name, row in kept.rows.items() if row.keys() == set(COLUMNS)}

    def append(self, finished: Iterable[tuple[str, Trial]]) -> None:
        """Write trials, and return when they are on disk.

        Raises:
            CannotWrite: the disk is full.
        """
        new = list(finished)
        self._kept.append((name, asdict(row)) for name, row in new)
        for name, _ in new:
            self._trials.setdefault(name, Trial(**self._kept.rows[name]))

    def __getitem__(self, name: str) -> Trial:
        return self._trials[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._trials)

    def __len__(self) -> int:
        return len(self._trials)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Journal]:
    """Read the journal at ``path``, created if missing, and lock it: only one study writes there at a time.

    Raises:
        CannotWrite: see :func:`stegolab.journal.opened`.
    """
    with journal.opened(path) as kept:
        yield Journal(kept)
