"""The outcome of each notebook, kept over several runs into one folder, as ``summary.json`` and ``index.html``.

A run may execute only some of the notebooks, or end half way. The gallery then still shows the results of the others
from earlier runs, each with its profile and date.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import execution, files, pages
from .errors import NotebookFailed


@dataclass(frozen=True)
class Outcome:
    """The outcome of one notebook: its results, or the error that says which cell failed and how."""

    name: str
    title: str
    seconds: float
    metrics: dict[str, Any] = field(default_factory=dict)
    error: NotebookFailed | None = None
    profile: str = ""  # of an earlier run, like the date (UTC, ISO 8601)
    date: str = ""


class Gallery:
    """The outcomes in the folder ``out``, where notebooks are being executed with ``profile``."""

    def __init__(self, out: Path, profile: str):
        self._out = out
        self._profile = profile
        self._now: dict[str, Outcome] = {}
        self._dates: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, outcome: Outcome) -> None:
        """Add an executed notebook: write the summary and the index again, each completely or not at all.

        Raises:
            CannotWrite: the folder is not writable, or the disk is full.
        """
        with self._lock:
            self._now[outcome.name] = outcome
            self._dates[outcome.name] = datetime.now(UTC).isoformat(timespec="seconds")
            together = earlier_outcomes(self._out) | self._now
            outcomes = [together[name] for name in sorted(together)]
            self._write_summary(outcomes)
            self._write_index(outcomes)

    def _write_summary(self, outcomes: list[Outcome]) -> None:
        entries = [
            {
                "name": outcome.name,
                "title": outcome.title,
                "seconds": outcome.seconds,
                "metrics": outcome.metrics,
                "error": str(outcome.error) if outcome.error else None,
                "executed_now": outcome.name in self._now,
                "profile": outcome.profile or self._profile,
                "date": outcome.date or self._dates[outcome.name],
            }
            for outcome in outcomes
        ]
        summary = {
            "profile": self._profile,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "passed": sum(outcome.error is None for outcome in outcomes),
            "failed": sum(outcome.error is not None for outcome in outcomes),
            "notebooks": entries,
        }
        with files.replacing(self._out / "summary.json") as temporary:
            temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")

    def _write_index(self, outcomes: list[Outcome]) -> None:
        cards = []
        for outcome in outcomes:
            executed = self._out / f"{outcome.name}.ipynb"
            cards.append(
                pages.Card(
                    outcome.name,
                    outcome.title,
                    outcome.metrics,
                    outcome.seconds,
                    str(outcome.error) if outcome.error else None,
                    _picture(executed, executed.stat().st_mtime_ns) if executed.exists() else None,
                    # otherwise it was refused before its first cell
                    (self._out / f"{outcome.name}.html").exists(),
                    "" if outcome.name in self._now else f"earlier run: {outcome.profile}, {outcome.date[:10]}",
                )
            )
        with files.replacing(self._out / "index.html") as temporary:
            temporary.write_text(pages.index_page(cards, self._profile), encoding="utf-8")


def earlier_outcomes(out: Path) -> dict[str, Outcome]:
    """The outcomes of earlier runs into ``out``, by name: from summary.json, else from the executed notebooks.

    Outcomes that can no longer be read, or whose page is missing, are left out.
    """
    found = {path.parent.name: _executed(path) for path in sorted(out.glob("*/results.json"))}
    try:
        summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        entries = [{"profile": summary["profile"], "date": summary["date"], **one} for one in summary["notebooks"]]
    except (OSError, ValueError, KeyError, TypeError):
        entries = []
    found |= {str(entry.get("name")): _entry(entry, out) for entry in entries}
    return {name: outcome for name, outcome in found.items() if outcome}


def _executed(results: Path) -> Outcome | None:
    """The outcome of the notebook that wrote ``results`` (``NAME/results.json``), if its page is beside it."""
    name, out = results.parent.name, results.parent.parent
    try:
        notebook = execution.read(out / f"{name}.ipynb")
        found = json.loads(results.read_text(encoding="utf-8"))
        problem = execution.check_executed(notebook)
        title = pages.title_of(notebook) or files.printable(name)
        error = f"{files.printable(name)}: {problem}" if problem else None
        return _entry({**found, "name": name, "title": title, "error": error}, out)
    except (NotebookFailed, OSError, ValueError, TypeError):
        return None


def _entry(entry: dict[str, Any], out: Path) -> Outcome | None:
    """One entry of the summary if it is complete."""
    try:
        name, title, metrics, error = entry["name"], entry["title"], entry["metrics"], entry["error"]
        profile, date, seconds = str(entry["profile"]), str(entry["date"]), float(entry["seconds"])
    except (KeyError, TypeError, ValueError):
        return None
    named = isinstance(name, str) and isinstance(title, str) and Path(name).name == name
    if not named or not isinstance(metrics, dict) or not (error or metrics):
        return None
    if not error and not (out / f"{name}.html").exists():
        return None
    return Outcome(name, title, seconds, metrics, NotebookFailed(str(error)) if error else None, profile, date)


@lru_cache(maxsize=128)
def _picture(executed: Path, modified: int) -> tuple[str, str] | None:
    """The first picture of an executed notebook, for its card; ``modified`` distinguishes versions."""
    try:
        return pages.first_picture(execution.read(executed))
    except NotebookFailed:
        return None
