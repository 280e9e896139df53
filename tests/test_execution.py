"""Judging a run: everything that papermill overlooks is detected."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio
from jupyter_client.session import Session
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from stegolab import execution
from stegolab.errors import NotebookFailed


def test_a_cell_that_was_never_executed_is_seen() -> None:
    cells = [
        new_markdown_cell("x"),
        new_code_cell("1", execution_count=1),
        new_code_cell(" \n"),
        new_code_cell("x = 2"),
    ]
    notebook = new_notebook(cells=cells)
    assert execution.check_executed(notebook) == "cell `x = 2` was never executed"
    notebook.cells[3].execution_count = 2
    assert execution.check_executed(notebook) is None


def test_an_error_is_seen_even_where_it_was_expected() -> None:
    error = new_output("error", ename="ValueError", evalue="a\nb", traceback=[])
    cell = new_code_cell("\nx = 1", execution_count=3, outputs=[error], metadata={"tags": ["raises-exception"]})
    assert execution.check_executed(new_notebook(cells=[cell])) == "In [3] `x = 1`: ValueError: a"


def test_an_error_in_a_widget_is_seen() -> None:
    output = {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": []}

    def holding(*outputs: dict) -> NotebookNode:
        state = {"1": {"state": {}}, "2": {"state": {"outputs": [{"output_type": "stream"}, *outputs]}}}
        return new_notebook(metadata={"widgets": {"application/vnd.jupyter.widget-state+json": {"state": state}}})

    assert execution.check_executed(holding(output)) == "in a widget: KeyError: 'x'"
    assert execution.check_executed(holding()) is None


def test_parameters_must_be_declared_in_their_cell() -> None:
    cell = new_code_cell('profile: str = "smoke"\nsteps = 0', metadata={"tags": ["parameters"]})
    notebook = new_notebook(cells=[new_code_cell("elsewhere = 1"), cell])
    execution.require_parameters(notebook, {"profile": "cpu", "steps": 3})
    with pytest.raises(NotebookFailed, match="declares no elsewhere, stepz"):
        execution.require_parameters(notebook, {"stepz": 3, "elsewhere": 2, "steps": 1})
    cell.source = "steps = "
    with pytest.raises(NotebookFailed, match="not Python"):
        execution.require_parameters(notebook, {"steps": 3})


@pytest.mark.parametrize("content", [b"Dear reader,", b"[]", b"{}", b'{"nbformat": 4}', b"\xff\xfe"])
def test_what_is_no_notebook_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_bytes(content)
    with pytest.raises(NotebookFailed, match="not a notebook"):
        execution.read(tmp_path / "x.ipynb")


def test_a_reply_whose_notice_was_taken_by_a_sending_is_seen() -> None:
    async def reply_seen() -> dict[str, Any]:
        context, session = zmq.asyncio.Context(), Session(key=b"")
        theirs: zmq.Socket[bytes] = zmq.Socket.shadow(context.socket(zmq.ROUTER))
        ours = context.socket(zmq.DEALER)
        port = theirs.bind_to_random_port("tcp://127.0.0.1")
        ours.connect(f"tcp://127.0.0.1:{port}")
        channel = execution._asking_again()(ours, session)
        channel.send(session.msg("execute_request"))
        client, *_ = theirs.recv_multipart()
        waiting = asyncio.ensure_future(channel.get_msg())
        await asyncio.sleep(0.1)  # it waits for the notice
        session.send(theirs, session.msg("execute_reply"), ident=client)
        # Until the reply is there; no other task runs meanwhile, and looking takes the notice as a sending would.
        assert zmq.Socket.shadow(ours).poll(60_000)
        channel.send(session.msg("comm_msg"))
        try:
            return await asyncio.wait_for(waiting, 600)
        finally:
            context.destroy(linger=0)

    assert asyncio.run(reply_seen())["msg_type"] == "execute_reply"
