"""Execute one notebook without a browser, with papermill, but by stricter rules than papermill's.

Some things that papermill accepts are errors here: unknown parameters, cells that never ran (``sys.exit(0)`` ends a run
with success), errors that a widget swallowed, the kernel of another environment. Used by :mod:`stegolab.gallery`.
"""

from __future__ import annotations

import ast
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from . import files
from .errors import NotebookFailed
from .kernels import Limits, Stop, Watch, watching

if TYPE_CHECKING:
    from jupyter_client import AsyncKernelManager
    from jupyter_client.channels import AsyncZMQSocketChannel
    from nbformat import NotebookNode

NEVER = 365 * 24 * 3600  # seconds, for limits that cannot be disabled
ASK_AGAIN = 0.5  # seconds between two checks for a reply whose notification may be lost


def execute(
    source: Path,
    target: Path,
    parameters: Mapping[str, Any],
    limits: Limits,
    watch: Callable[[str], object],
    stop: Stop | None = None,
) -> tuple[NotebookNode, str | None]:
    """Run the notebook ``source`` in the folder of ``target`` and write the executed notebook there, even if it fails.

    Args:
        source: the notebook; it is only read.
        target: the executed notebook.
        parameters: values that replace those in its cell tagged ``parameters``.
        limits: when a kernel that hangs is ended.
        watch: called with the first line of each code cell when it begins.
        stop: ends the kernel on request.

    Returns:
        The executed notebook, and what went wrong in one line, or None: see :func:`check_executed`.

    Raises:
        NotebookFailed: the file is not a notebook, or it does not declare one of ``parameters``.
        CannotWrite: the folder of ``target`` cannot be written.
    """
    notebook = read(source)
    require_parameters(notebook, parameters)
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError

    logging.getLogger("papermill").addHandler(logging.NullHandler())  # we report what went wrong ourselves
    problem = None
    # papermill formats and records file names: one that is not text, or has braces, would make it fail
    private = tempfile.TemporaryDirectory(prefix="stegolab-")
    with files.replacing(target) as executed, private as place, watching(limits, stop or Stop()) as kernel:
        saved = Path(place) / "executed.ipynb"

        def begin(cell: NotebookNode, cell_index: int) -> None:
            kernel.begin_cell(_first_line(cell.source))
            watch(kernel.cell)

        try:
            papermill.execute_notebook(
                notebook,
                saved,
                dict(parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                resources={"metadata": {"path": str(target.parent)}},
                kernel_manager_class=_manager_followed_by(kernel),
                on_cell_execute=begin,
                on_cell_executed=lambda **_: kernel.end_cell(),
                # ``kernel`` ends whatever hangs, because nbclient's own limits count wall-clock seconds.
                start_timeout=NEVER,
                iopub_timeout=NEVER,
                shell_timeout_interval=1,
                extra_arguments=["--log-level=CRITICAL"],
            )
        except papermill.PapermillExecutionError:
            problem = kernel.verdict  # otherwise check_executed says where and why
        except (DeadKernelError, RuntimeError) as error:
            where = f"cell `{kernel.cell}`" if kernel.cell else "the kernel did not start"
            problem = kernel.verdict or f"{where}: {_first_line(str(error))}: the kernel was killed, out of memory?"
        notebook = nbformat.read(saved, as_version=4)
        notebook.metadata.pop("papermill", None)  # absolute paths of this machine
        nbformat.write(notebook, executed)
    # What was interrupted did not pass, though its cells may have ended well, with what a killed child had done so far.
    return notebook, kernel.verdict or problem or check_executed(notebook)


def check_executed(notebook: NotebookNode) -> str | None:
    """The first thing wrong with an executed notebook, or None: an error output, a cell not run, an error in a widget.

    A notebook can end with exit code 0 in spite of any of these.
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
        NotebookFailed: it is not a notebook.
    """
    # If this package is there, jsonschema, which nbformat imports, builds a grammar of addresses. That takes 3 seconds
    # in every process that opens a notebook, and no notebook needs it. jsonschema works without it.
    sys.modules.setdefault("rfc3987_syntax", cast(ModuleType, None))
    import nbformat

    if sys.modules["rfc3987_syntax"] is None:
        del sys.modules["rfc3987_syntax"]
    try:
        return nbformat.read(source, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, UnicodeDecodeError, AttributeError) as error:
        raise NotebookFailed(f"not a notebook: {_first_line(str(error))}") from error


def require_parameters(notebook: NotebookNode, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that the cell tagged ``parameters`` does not declare; papermill would only warn.

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


def _manager_followed_by(watch: Watch) -> type[AsyncKernelManager]:
    """A manager of one kernel that tells ``watch`` the kernel's process."""
    from jupyter_client import AsyncKernelClient, AsyncKernelManager

    class Client(AsyncKernelClient):
        shell_channel_class = _asking_again()

    class Followed(AsyncKernelManager):
        client_factory = Client
        shutdown_wait_time = 30.0  # seconds to shut down; a loaded machine needs more than Jupyter's 5 s

        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            await super().start_kernel(**options)
            watch.follow(getattr(self.provisioner, "pid"))  # noqa: B009  the base class declares none

    return Followed


def _asking_again() -> type[AsyncZMQSocketChannel]:
    """A channel that cannot miss a reply.

    ZeroMQ announces a message only once, to the next user of the socket. If nbclient sends a widget's state while it
    waits for the end of the cell, the sending can consume the notification, and the waiting never ends (nbclient, issue
    312).
    """
    from jupyter_client.channels import AsyncZMQSocketChannel

    class AskingAgain(AsyncZMQSocketChannel):
        async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # type: ignore[override]
            while timeout is None:
                with suppress(Empty):
                    return await super().get_msg(ASK_AGAIN)
            return await super().get_msg(timeout)

    return AskingAgain


def _error(output: Mapping[str, Any]) -> str:
    return _first_line(f"{output['ename']}: {output['evalue']}")


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
