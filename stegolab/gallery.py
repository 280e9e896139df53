"""Run the notebooks and lay out what they found as web pages: ``stegolab notebooks`` is this module.

One that fails does not stop the others, and none can pass on the results of an earlier run.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import execution, files, pages
from .errors import BadSpec, CannotWrite, NotebookFailed
from .lab import PROFILES

if TYPE_CHECKING:
    from tqdm import tqdm

#: profile -> seconds allowed for (one cell, the whole notebook)
TIMEOUTS = {"smoke": (120, 600), "cpu": (1800, 7200), "gpu": (6 * 3600, 24 * 3600)}


@dataclass(frozen=True)
class Outcome:
    """What became of one notebook: its results, or the error that says which cell failed and how."""

    name: str
    title: str
    seconds: float
    metrics: dict[str, Any] = field(default_factory=dict)
    error: NotebookFailed | None = None


def run_notebooks(
    names: Sequence[str],
    profile: str,
    out_dir: str | os.PathLike[str],
    jobs: int = 1,
    folder: Path = Path("notebooks"),
    data: str | os.PathLike[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    timeouts: tuple[float, float] | None = None,
) -> list[Outcome]:
    """Execute notebooks in reading order and write the gallery.

    ``out_dir`` receives, for every notebook, ``NAME.ipynb`` (executed), ``NAME.html`` and what the notebook itself
    writes into ``NAME/``; and ``index.html`` and ``summary.json`` for all. One that fails does not stop the others.

    Args:
        names: notebooks of ``folder``, with or without suffix; none means all.
        profile: smoke, cpu or gpu.
        out_dir: made when missing. The kernels run in it, and nothing else is written but the cache.
        jobs: notebooks at a time; the cores are shared between their kernels.
        folder: where the notebooks are.
        data: the real data sets, handed to the notebooks as STEGOLAB_DATA.
        parameters: further parameters for every notebook.
        timeouts: seconds for (one cell, the whole notebook); by profile when None.

    Returns:
        One outcome a notebook, in reading order; see :func:`raise_failures`.

    Raises:
        BadSpec: an unknown notebook, one named twice, an unknown profile, no jobs, a missing data folder, or a
            ``python3`` kernel that is not this interpreter.
        CannotWrite: ``out_dir`` cannot be written.
    """
    from tqdm import tqdm

    if profile not in PROFILES:
        raise BadSpec(f"profile {profile!r}: choose one of {', '.join(PROFILES)}")
    if jobs < 1:
        raise BadSpec(f"jobs {jobs}: run at least one notebook at a time")
    sources = find_notebooks(names, folder)
    if data is not None and not Path(data).is_dir():
        raise BadSpec(f"data folder {data}: there is no such folder")
    execution.require_own_kernel()
    out = Path(out_dir).resolve()
    try:
        out.mkdir(parents=True, exist_ok=True)
        private = tempfile.TemporaryDirectory(prefix=".jupyter-", dir=out)
    except OSError as error:
        raise CannotWrite(f"cannot write {out_dir}: {error.strerror}") from error
    # The kernels' cwd is out_dir: no path of this machine gets into the executed notebooks.
    values = {"profile": profile, "out_dir": ".", **(parameters or {})}
    with (
        private,
        execution.kernel_environment(Path(private.name), max(1, (os.cpu_count() or 1) // jobs), data),
        tqdm(total=len(sources), unit="notebook") as bar,
        ThreadPoolExecutor(jobs) as pool,
    ):

        def run(source: Path) -> Outcome:
            return _run_one(source, out, values, timeouts or TIMEOUTS[profile], bar)

        outcomes = list(pool.map(run, sources))
    _write_gallery(outcomes, profile, out)
    return outcomes


def find_notebooks(names: Sequence[str], folder: Path) -> list[Path]:
    """The notebooks called ``names`` in ``folder`` (all of them for none), in reading order.

    Raises:
        BadSpec: no notebook there, an unknown name, or one given twice.
    """
    present = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    if not present:
        raise BadSpec(f"no notebooks in {folder}: run this in the project's folder")
    stems = [Path(name).name.removesuffix(".ipynb") for name in names] or list(present)
    for stem in stems:
        if stem not in present:
            raise BadSpec(f"no notebook {stem!r}: choose from {', '.join(present)}")
        if stems.count(stem) > 1:
            raise BadSpec(f"notebook {stem!r} is named twice: both would write the same output")
    return [path for stem, path in present.items() if stem in stems]


def raise_failures(outcomes: Sequence[Outcome]) -> None:
    """Raise one NotebookFailed that tells every failure among ``outcomes``; return when there is none."""
    failed = [str(outcome.error) for outcome in outcomes if outcome.error]
    if failed:
        raise NotebookFailed(f"{len(failed)} of {len(outcomes)} notebooks failed: {'; '.join(failed)}")


def _run_one(source: Path, out: Path, values: dict[str, Any], timeouts: tuple[float, float], bar: tqdm[Any]) -> Outcome:
    """Execute ``source``, write its notebook and its page into ``out``, and tell what became of it."""
    name, title, began = source.stem, source.stem, time.monotonic()
    problem: str | None = None
    metrics: dict[str, Any] = {}
    try:
        results, target, page = out / name / "results.json", out / f"{name}.ipynb", out / f"{name}.html"
        for earlier in (results, target, page):
            earlier.unlink(missing_ok=True)  # what is there afterwards is fresh
        title = pages.title_of(execution.read(source)) or name
        executed, problem = execution.execute(
            source, target, values, timeouts, lambda line: bar.set_postfix_str(f"{name}: {line:.50}")
        )
        with files.replacing(page) as temporary:
            temporary.write_text(pages.notebook_page(executed, title), encoding="utf-8")
        if not problem:
            metrics = _recorded(results)
    except NotebookFailed as error:
        problem = str(error)
    seconds = round(time.monotonic() - began, 1)
    bar.write(f"{name}: {'failed' if problem else 'passed'} after {seconds} s", file=sys.stderr)
    bar.update()
    return Outcome(name, title, seconds, metrics, NotebookFailed(f"{name}: {problem}") if problem else None)


def _recorded(results: Path) -> dict[str, Any]:
    """The metrics that ``run.finish`` wrote."""
    try:
        metrics = json.loads(results.read_text(encoding="utf-8"))["metrics"]
    except (OSError, ValueError, KeyError, TypeError):
        metrics = None
    if not metrics:
        raise NotebookFailed("no fresh results.json: its last code cell must call run.finish(metrics)")
    return metrics


def _write_gallery(outcomes: Sequence[Outcome], profile: str, out: Path) -> None:
    """Write ``summary.json`` and ``index.html``."""
    summary = {
        "profile": profile,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "passed": sum(outcome.error is None for outcome in outcomes),
        "failed": sum(outcome.error is not None for outcome in outcomes),
        "notebooks": [
            {
                "name": outcome.name,
                "title": outcome.title,
                "seconds": outcome.seconds,
                "metrics": outcome.metrics,
                "error": str(outcome.error) if outcome.error else None,
            }
            for outcome in outcomes
        ],
    }
    with files.replacing(out / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    cards = []
    for outcome in outcomes:
        executed = out / f"{outcome.name}.ipynb"
        ran = executed.exists()  # else it was refused before its first cell, and has no page
        picture = pages.first_picture(execution.read(executed)) if ran else None
        error = str(outcome.error) if outcome.error else None
        cards.append(pages.Card(outcome.name, outcome.title, outcome.metrics, outcome.seconds, error, picture, ran))
    with files.replacing(out / "index.html") as temporary:
        temporary.write_text(pages.index_page(cards, profile), encoding="utf-8")
