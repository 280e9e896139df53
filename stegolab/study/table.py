"""The study's table on disk: one line per trial, as CSV for people and as parquet for programs (notebook 08).

Names of covers and clips are made with :func:`stegolab.files.printable`, because a file name need not be text.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import files
from . import journal
from .trial import COLUMNS, Trial

#: what ``stegolab study`` writes into its folder
JOURNAL, CSV, PARQUET, SUMMARY, RESULTS = "journal.sqlite", "trials.csv", "trials.parquet", "summary.md", "results.json"


def check_output(folder: str | os.PathLike[str]) -> None:
    """Check, before anything is measured, that all files of a study can be written into ``folder``.

    Raises:
        CannotWrite: it cannot, see :func:`stegolab.files.check_folder`; or another study is writing there.
    """
    files.check_folder(folder, JOURNAL, CSV, PARQUET, SUMMARY, RESULTS)
    if (memory := Path(folder) / JOURNAL).exists():
        with journal.opened(memory):
            pass


def write_csv(path: Path, rows: Sequence[Trial]) -> None:
    """Columns as in :class:`Trial`.

    Raises:
        CannotWrite: no such folder, no permission, disk full.
    """
    with files.replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(map(_written, rows))


def write_parquet(path: Path, rows: Sequence[Trial]) -> None:
    """Columns and types as in :class:`Trial`: ``pandas.read_parquet`` gives the table.

    Raises:
        CannotWrite: no such folder, no permission, disk full.
    """
    import pyarrow
    from pyarrow import parquet

    kinds = {"str": pyarrow.string(), "int": pyarrow.int64(), "float": pyarrow.float64(), "bool": pyarrow.bool_()}
    schema = pyarrow.schema([(name, kinds[str(Trial.__annotations__[name])]) for name in COLUMNS])
    table = pyarrow.Table.from_pylist([_written(row) for row in rows], schema)
    with files.replacing(path) as temporary, temporary.open("wb") as file:  # pyarrow itself opens only UTF-8 names
        parquet.write_table(table, file)


def _written(row: Trial) -> dict[str, Any]:
    return asdict(row) | {"cover": files.printable(row.cover), "speech": files.printable(row.speech)}
