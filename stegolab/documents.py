"""Published figures in Markdown: tables and single values come from ``results/*.json`` and are never typed.

Comments, which readers of the page do not see, say what belongs where::

    <!-- table: attack_study families -->
    (the table and, below it, the command that measures it again)
    <!-- end -->

    <!-- value: attack_study {exact:,} of {trials:,} -->7,417 of 7,424<!-- end -->

A value is a format string of :meth:`str.format` over the metrics of that file; an entry of a list is chosen by its
number or by values in it, as in ``{rows[carrier=inn/share=1.0][psnr_db]:.1f}``. ``stegolab results`` brings all
documents up to date; ``tests/test_documents.py`` fails when one is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from . import files, results
from .errors import BadData, CannotWrite
from .tables import TABLES

PROJECT = results.FOLDER.parent
#: kind (table or value), name of the result, what of it, and the content that is filled in
MARKED = re.compile(r"<!-- (table|value): (\w+) (.+?) -->(.*?)<!-- end -->", re.DOTALL)


def fill(text: str, folder: Path = results.FOLDER) -> str:
    """``text`` with everything between its comments updated from ``folder``, the published results.

    Raises:
        BadData: a result is not published, a table is unknown, or the metrics do not have a value.
    """

    def written(match: re.Match[str]) -> str:
        kind, name, what, _ = match.groups()
        found = results.read(name, folder)
        try:
            if kind == "value":
                content = what.format(**_findable(found["metrics"]))
            else:
                table = "\n".join(TABLES[what](found["metrics"]))
                content = f"\n{table}\n\n{_source(name, found['command'], found['date'])}\n"
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            raise BadData(f"results/{name}.json has no {kind} {what!r}: {error!r}") from error
        return f"<!-- {kind}: {name} {what} -->{content}<!-- end -->"

    return MARKED.sub(written, text)


def all_documents(project: Path = PROJECT) -> list[Path]:
    """The README and every page of docs in the project's folder."""
    return [project / "README.md", *sorted((project / "docs").rglob("*.md"))]


def outdated(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """The documents that differ from what is published, each with the text that it should have.

    Raises:
        BadData: see :func:`fill`; the message names the document. CannotWrite: it cannot be read.
    """
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CannotWrite(f"cannot bring {path} up to date, it cannot be read: {error}") from error
        try:
            wanted = fill(text)
        except BadData as error:
            raise BadData(f"{path}: {error}") from error
        if wanted != text:
            yield path, wanted


def update(paths: Iterable[Path]) -> list[Path]:
    """Update the outdated documents among ``paths`` and return them.

    Raises:
        BadData, CannotWrite: see :func:`outdated`.
    """
    written = []
    for path, text in outdated(paths):
        with files.replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        written.append(path)
    return written


class _Entries(list[Any]):
    """A list whose entries can be chosen by values that only one of them has: ``carrier=inn/share=1.0``."""

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        wanted = {part.strip() for part in key.split("/")}  # in a document the conditions may be broken into lines
        found = [entry for entry in self if wanted <= {f"{name}={value}" for name, value in dict(entry).items()}]
        if len(found) != 1:
            raise KeyError(f"{key}: {len(found)} entries hold that")
        return found[0]


def _findable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _findable(inner) for key, inner in value.items()}
    return _Entries(map(_findable, value)) if isinstance(value, list) else value


def _source(name: str, command: str, date: str) -> str:
    commands = " and ".join(f"`{part.strip()}`" for part in command.split(";"))
    return f"Measured on {date[:10]} by {commands} (`results/{name}.json`)."
