"""Run the notebooks and present their results as web pages; this is ``stegolab notebooks``.

A notebook that fails does not stop the others, and none can pass with the results of an earlier run. Results of other
notebooks from earlier runs into the same folder stay in the gallery, see :mod:`stegolab.outcomes`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from . import execution, files, kernels, lab, pages
from .errors import BadSpec, NotebookFailed
from .kernels import Limits, Stop
from .outcomes import Gallery, Outcome

#: profile -> limits that end a kernel that hangs
LIMITS = {
    "smoke": Limits(cell=1800, notebook=3600),
    "cpu": Limits(cell=2 * 3600, notebook=8 * 3600),
    "gpu": Limits(cell=24 * 3600, notebook=72 * 3600),
}


def run_notebooks(
    names: Sequence[str],
    profile: str,
    out_dir: str | os.PathLike[str],
    jobs: int = 1,
    folder: Path = Path("notebooks"),
    data: str | os.PathLike[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
) -> list[Outcome]:
    """Execute notebooks in reading order and write the gallery.

    ``out_dir`` receives, for every notebook, ``NAME.ipynb`` (executed), ``NAME.html`` and what the notebook itself
    writes into ``NAME/``; and ``index.html`` and ``summary.json`` for all, written anew as each notebook ends. One that
    fails does not stop the others.

    Args:
        names: notebooks of ``folder``, with or without suffix; none means all.
        profile: smoke, cpu or gpu.
        out_dir: made when missing. The kernels run in it, and nothing else is written but the cache.
        jobs: number of notebooks at a time; their kernels share the cores.
        folder: where the notebooks are.
        data: the real data sets, handed to the notebooks as STEGOLAB_DATA.
        parameters: further parameters for every notebook.
        limits: when a kernel that hangs is ended; None takes those of the profile.

    Returns:
        One outcome per notebook, in reading order; see :func:`raise_failures`.

    Raises:
        BadSpec: an unknown notebook, one named twice, an unknown profile, ``gpu`` without a GPU, no jobs, a missing
            data folder, or a ``python3`` kernel that is broken or not this interpreter.
        CannotWrite: ``out_dir`` cannot be written.
        KeyboardInterrupt: Ctrl-C or SIGTERM came. All kernels have ended, and the gallery holds the results so far.
    """
    if profile not in lab.PROFILES:
        raise BadSpec(f"profile {profile!r}: choose one of {', '.join(lab.PROFILES)}")
    if jobs < 1:
        raise BadSpec(f"jobs {jobs}: run at least one notebook at a time")
    sources = find_notebooks(names, folder)
    if data is not None and not Path(data).is_dir():
        raise BadSpec(f"data folder {files.shown(data)}: there is no such folder")
    files.check_folder(out_dir)
    out = Path(out_dir).resolve()
    _check_outputs(out, sources)
    if profile == "gpu":
        lab._require_gpu()  # once here instead of in every notebook
    # The kernels run in out_dir, so no path of this machine gets into the executed notebooks.
    values = {"profile": profile, "out_dir": ".", **(parameters or {})}
    with (
        kernels.stop_on_signals() as stop,
        tempfile.TemporaryDirectory(prefix="stegolab-kernels-", ignore_cleanup_errors=True) as private,
        kernels.kernel_environment(Path(private), max(1, (os.cpu_count() or 1) // jobs), data),
    ):
        kernels.require_own_kernel()
        gallery = Gallery(files.folder(out), profile)
        with _Progress(sources) as progress, ThreadPoolExecutor(jobs) as pool:

            def run(source: Path) -> Outcome | None:
                if stop.asked:
                    return None
                try:
                    outcome = _run_one(source, out, values, limits or LIMITS[profile], progress, stop)
                    gallery.add(outcome)
                except BaseException:
                    stop.ask()  # the output cannot be written, so the other notebooks need not continue
                    raise
                return outcome

            futures = [pool.submit(run, source) for source in sources]
            while wait(futures, timeout=1).not_done:
                progress.refresh()
        outcomes = [future.result() for future in futures]
    if stop.asked:
        raise KeyboardInterrupt
    return [outcome for outcome in outcomes if outcome]


def find_notebooks(names: Sequence[str], folder: Path) -> list[Path]:
    """The notebooks called ``names`` in ``folder`` (all of them for none), in reading order.

    Raises:
        BadSpec: there is no notebook, a name is unknown, or one is given twice.
    """
    present = {path.stem: path for path in (sorted(folder.glob("*.ipynb")) if folder.is_dir() else [])}
    if not present:
        raise BadSpec(f"no notebooks in {files.shown(folder)}: run this in the project's folder")
    stems = [Path(name).name.removesuffix(".ipynb") for name in names] or list(present)
    for stem in stems:
        if stem not in present:
            raise BadSpec(f"no notebook {stem!r}: choose from {', '.join(map(files.printable, present))}")
        if stems.count(stem) > 1:
            raise BadSpec(f"notebook {stem!r} is named twice: both would write the same output")
    return [path for stem, path in present.items() if stem in stems]


def _check_outputs(out: Path, sources: Sequence[Path]) -> None:
    """Check that everything that will be written into ``out`` can be written.

    Raises:
        CannotWrite: it cannot.
    """
    written = [f"{source.stem}{suffix}" for source in sources for suffix in (".ipynb", ".html")]
    files.check_folder(out, "summary.json", "index.html", *written)
    for source in sources:
        files.check_folder(out / source.stem, "results.json")


def raise_failures(outcomes: Sequence[Outcome]) -> None:
    """Raise one NotebookFailed that names every failure among ``outcomes``; return if there is none."""
    failed = [str(outcome.error) for outcome in outcomes if outcome.error]
    if failed:
        raise NotebookFailed(f"{len(failed)} of {len(outcomes)} notebooks failed: {'; '.join(failed)}")


def _run_one(
    source: Path, out: Path, values: dict[str, Any], limits: Limits, progress: _Progress, stop: Stop
) -> Outcome:
    """Execute ``source``, write its notebook and its page into ``out``, and return the outcome."""
    name, said, began = source.stem, files.printable(source.stem), time.monotonic()
    title = said
    problem: str | None = None
    metrics: dict[str, Any] = {}
    try:
        results, target, page = out / name / "results.json", out / f"{name}.ipynb", out / f"{name}.html"
        for earlier in (results, target, page):
            earlier.unlink(missing_ok=True)  # so what is there afterwards is new
        title = pages.title_of(execution.read(source)) or title
        executed, problem = execution.execute(
            source, target, values, limits, lambda line: progress.begin_cell(name, line), stop
        )
        with files.replacing(page) as temporary:
            temporary.write_text(pages.notebook_page(executed, title), encoding="utf-8")
        if not problem:
            metrics = _recorded(results)
    except NotebookFailed as error:
        problem = str(error)
    seconds = round(time.monotonic() - began, 1)
    fate = "interrupted" if problem and stop.asked else "failed" if problem else "passed"
    progress.end(name, f"{said}: {fate} after {seconds} s")
    return Outcome(name, title, seconds, metrics, NotebookFailed(f"{said}: {problem}") if problem else None)


def _recorded(results: Path) -> dict[str, Any]:
    """The metrics that ``run.finish`` wrote."""
    try:
        metrics = json.loads(results.read_text(encoding="utf-8"))["metrics"]
    except (OSError, ValueError, KeyError, TypeError):
        metrics = None
    if not metrics:
        raise NotebookFailed("no fresh results.json: its last code cell must call run.finish(metrics)")
    return metrics


class _Progress:
    """On a terminal a bar that moves with every cell and names those that run; elsewhere a line for each notebook."""

    def __init__(self, sources: Sequence[Path]):
        from tqdm import tqdm

        self._ahead = {source.stem: _code_cells(source) for source in sources}
        self._now: dict[str, str] = {}
        self._lock = threading.Lock()
        # None: no bar where there is no terminal
        self._bar = tqdm(total=sum(self._ahead.values()), unit="cell", disable=None, dynamic_ncols=True, leave=False)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def begin_cell(self, name: str, line: str) -> None:
        """Show that the notebook ``name`` has begun the cell with this first line."""
        with self._lock:
            self._now[name] = line
            self._advance(name, 1)

    def end(self, name: str, said: str) -> None:
        """Show that the notebook ``name`` has ended."""
        with self._lock:
            self._now.pop(name, None)
            self._bar.write(said, file=sys.stderr)
            self._advance(name, self._ahead[name])

    def refresh(self) -> None:
        """Update the clock of the bar."""
        with self._lock:
            self._bar.refresh()

    def _advance(self, name: str, cells: int) -> None:
        cells = min(cells, self._ahead[name])
        self._ahead[name] -= cells
        self._bar.set_postfix_str(
            "; ".join(f"{files.printable(name)}: {line:.40}" for name, line in self._now.items()), refresh=False
        )
        self._bar.update(cells)
        self._bar.refresh()


def _code_cells(source: Path) -> int:
    """How many cells will be executed; papermill adds one with the parameters."""
    try:
        return 1 + sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in execution.read(source).cells)
    except NotebookFailed:
        return 0
