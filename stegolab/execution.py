"""One notebook executed without a browser, by papermill, and judged by stricter rules than papermill's.

What papermill lets pass is refused here: unknown parameters, cells that never ran (``sys.exit(0)`` ends a run with
success), errors that a widget swallowed, the kernel of another environment. Used by :mod:`stegolab.gallery`.
"""

from __future__ import annotations

import ast
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files
from .errors import BadSpec, NotebookFailed

if TYPE_CHECKING:
    from nbformat import NotebookNode


def execute(
    source: Path,
    target: Path,
    parameters: Mapping[str, Any],
    timeouts: tuple[float, float],
    watch: Callable[[str], object],
) -> tuple[NotebookNode, str | None]:
    """Run the notebook ``source`` in the folder of ``target``, where it is written as executed, also when it fails.

    Args:
        source: the notebook; it is only read.
        target: the executed notebook.
        parameters: replace those in its cell tagged ``parameters``.
        timeouts: seconds for (one cell, the whole notebook).
        watch: called with the first line of each cell when it begins.

    Returns:
        The executed notebook, and what went wrong in one line, or None: see :func:`check_executed`.

    Raises:
        NotebookFailed: the file is no notebook, or it does not declare one of ``parameters``.
        CannotWrite: the folder of ``target`` cannot be written.
    """
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    require_parameters(read(source), parameters)
    per_cell, whole = timeouts
    deadline = time.monotonic() + whole
    running = ""

    def seconds_left(cell: NotebookNode) -> int:  # nbclient asks as each cell begins: so we also know which one runs
        nonlocal running
        running = _first_line(cell.source)
        watch(running)
        return max(1, round(min(per_cell, deadline - time.monotonic())))

    problem = None
    with files.replacing(target) as executed:
        try:
            papermill.execute_notebook(
                source,
                executed,
                dict(parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                resources={"metadata": {"path": str(target.parent)}},
                timeout_func=seconds_left,
                shell_timeout_interval=1,
                extra_arguments=["--log-level=CRITICAL"],
            )
        except papermill.PapermillExecutionError:
            pass  # check_executed says where and why
        except CellTimeoutError:
            problem = f"cell `{running}` ran out of time ({per_cell:g} s for a cell, {whole:g} s for the notebook)"
        except (DeadKernelError, RuntimeError) as error:
            problem = f"cell `{running}`: {_first_line(str(error))}: the kernel was killed, out of memory?"
        notebook = nbformat.read(executed, as_version=4)
        notebook.metadata.pop("papermill", None)  # absolute paths of this machine
        nbformat.write(notebook, executed)
    return notebook, problem or check_executed(notebook)


def check_executed(notebook: NotebookNode) -> str | None:
    """The first thing wrong with an executed notebook, or None: an error output, a cell not run, an error in a widget.

    A notebook can end with exit code 0 and still have any of these.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return f"In [{cell.execution_count}] `{_first_line(cell.source)}`: {_error(output)}"
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            return f"cell `{_first_line(cell.source)}` was never executed"
    widgets = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    for model in widgets.get("state", {}).values():
        for output in model.get("state", {}).get("outputs", []):
            if output["output_type"] == "error":
                return f"in a widget: {_error(output)}"
    return None


def read(source: Path) -> NotebookNode:
    """The notebook in the file ``source``.

    Raises:
        NotebookFailed: it is not one.
    """
    import nbformat

    try:
        return nbformat.read(source, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, UnicodeDecodeError, AttributeError) as error:
        raise NotebookFailed(f"not a notebook: {_first_line(str(error))}") from error


def require_parameters(notebook: NotebookNode, parameters: Mapping[str, Any]) -> None:
    """Refuse what the cell tagged ``parameters`` does not declare: papermill only warns, and the default would run.

    Raises:
        NotebookFailed: naming every parameter that is not declared.
    """
    cells = [cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    try:
        nodes = [node for source in cells for node in ast.walk(ast.parse(source))]
    except SyntaxError as error:
        raise NotebookFailed(f"its cell tagged `parameters` is not Python: {error.msg}") from error
    declared = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    unknown = sorted(parameters.keys() - declared)
    if unknown:
        raise NotebookFailed(f"its cell tagged `parameters` declares no {', '.join(unknown)}")


def require_own_kernel() -> None:
    """Check that the kernel ``python3`` is the interpreter that runs this, where the package is installed.

    Raises:
        BadSpec: it is another one; the message says how to make it this one.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    # jupyter_client replaces a bare python by its own sys.executable
    if not command.startswith("python") and Path(command).absolute() != Path(sys.executable).absolute():
        remedy = f"{sys.executable} -m ipykernel install --sys-prefix"
        raise BadSpec(f"the kernel python3 is {command}, not this interpreter: run {remedy}")


@contextmanager
def kernel_environment(private: Path, threads: int, data: str | os.PathLike[str] | None) -> Iterator[None]:
    """What kernels started in this block inherit: no widgets, no windows, nothing from or to the user's Jupyter.

    Args:
        private: a folder that receives Jupyter's and IPython's own files.
        threads: for each kernel's numerical libraries, unless OMP_NUM_THREADS says otherwise.
        data: what STEGOLAB_DATA points to; when None, what it points to already.
    """
    wanted = {
        "STEGOLAB_HEADLESS": "1",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
    }
    folders = {
        "STEGOLAB_DATA": data or os.environ.get("STEGOLAB_DATA"),
        "STEGOLAB_CACHE": os.environ.get("STEGOLAB_CACHE"),
    }
    for name, folder in folders.items():
        if folder:
            wanted[name] = str(Path(folder).resolve())  # absolute, because the kernels work in another folder
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _error(output: Mapping[str, Any]) -> str:
    return _first_line(f"{output['ename']}: {output['evalue']}")


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
