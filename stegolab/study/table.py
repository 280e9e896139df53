"""The study's table on disk: one line a trial, as CSV for people and as parquet for programs (notebook 08)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .. import files
from .trial import COLUMNS, Trial


def write_csv(path: Path, rows: Sequence[Trial]) -> None:
    """Columns as in :class:`Trial`.

    Raises:
        CannotWrite: no such folder, no permission, disk full.
    """
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def write_parquet(path: Path, rows: Sequence[Trial]) -> None:
    """Columns and types as in :class:`Trial`: ``pandas.read_parquet`` gives the table.

    Raises:
        CannotWrite: no such folder, no permission, disk full.
    """
    import pyarrow
    from pyarrow import parquet

    kinds = {"str": pyarrow.string(), "int": pyarrow.int64(), "float": pyarrow.float64(), "bool": pyarrow.bool_()}
    schema = pyarrow.schema([(name, kinds[str(Trial.__annotations__[name])]) for name in COLUMNS])
    with files.replacing(path) as temporary:
        parquet.write_table(pyarrow.Table.from_pylist([asdict(row) for row in rows], schema), temporary)
