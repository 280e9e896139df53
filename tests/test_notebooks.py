"""Every notebook keeps the contract, and the contract notices every way of breaking it."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from .notebook_contract import violations

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
OPENING = """# A title

You will learn something. What came before: nothing. Minutes: smoke 1, cpu 2, gpu 3.

References: Shannon 1948."""


PRINTED = "results.json: 2 metrics\n  db = 40.12 +- 0.1\n  n = 1\n"


def text(printed: str) -> NotebookNode:
    return new_output("stream", text=printed)


def exemplary() -> NotebookNode:
    """The smallest notebook that keeps every rule: cells 0-3 as everywhere, 4-6 one section, 7 the record."""
    figure = new_output("display_data", {"image/png": PIXEL}, metadata={"image/png": {"alt": "A grey pixel"}})
    cells = [
        new_markdown_cell(OPENING),
        new_code_cell('profile: str = "smoke"\nseed: int = 0\nout_dir: str = "runs"\nsteps: int = 0'),
        new_code_cell('from stegolab import lab\n\nrun = lab.start("00_example", profile, seed, out_dir)'),
        new_markdown_cell("## A section"),
        new_code_cell("1 + 1", outputs=[figure]),
        new_code_cell("assert seed < 1"),
        new_markdown_cell("![a grey pixel](pixel.png)"),
        new_code_cell("run.finish({'db': db, 'n': 1}, tolerance={'db': 0.1})", outputs=[text(PRINTED)]),
    ]
    cells[1].metadata["tags"] = ["parameters"]
    cells[7].metadata["tags"] = ["nbval-check-output"]
    for count, index in enumerate((1, 2, 4, 5, 7), start=1):
        cells[index].execution_count = count
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def judge(notebook: NotebookNode, folder: Path, name: str = "00_example") -> list[str]:
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return violations(folder / f"{name}.ipynb")


def source(index: int, text: str) -> Callable[[NotebookNode], object]:
    return lambda notebook: notebook.cells[index].update(source=text)


def tagged(index: int, *tags: str) -> Callable[[NotebookNode], object]:
    return lambda notebook: notebook.cells[index].metadata.update(tags=list(tags))


def outputs(index: int, *shown: NotebookNode) -> Callable[[NotebookNode], object]:
    return lambda notebook: notebook.cells[index].update(outputs=list(shown))


PARAMETERS = exemplary().cells[1].source
BREAKAGES: dict[str, tuple[Callable[[NotebookNode], object], str]] = {
    "no title": (source(0, OPENING.lstrip("# ")), "title"),
    "no goal": (source(0, OPENING.replace("You will learn", "There is")), "you will learn"),
    "no predecessor": (source(0, OPENING.replace("came before", "comes")), "came before"),
    "no minutes": (source(0, OPENING.replace("Minutes", "Time")), "minutes"),
    "no gpu minutes": (source(0, OPENING.replace("gpu", "")), "'gpu'"),
    "no references": (source(0, OPENING.replace("References", "See")), "references"),
    "title in code": (lambda notebook: notebook.cells.pop(0), "title"),
    "parameters untagged": (tagged(1), "not tagged parameters"),
    "parameter unannotated": (source(1, PARAMETERS + "\nsize = 0"), "annotated scalars"),
    "parameter computed": (source(1, PARAMETERS + "\nsize: int = 2 * 3"), "annotated scalars"),
    "parameter list": (source(1, PARAMETERS + "\nsize: list = []"), "annotated scalars"),
    "no seed": (source(1, PARAMETERS.replace("seed: int = 0", "")), "lacks seed"),
    "profile gpu stored": (source(1, PARAMETERS.replace("smoke", "gpu")), "lacks profile"),
    "no out_dir": (source(1, PARAMETERS.replace("out_dir", "folder")), "lacks out_dir"),
    "started as another": (source(2, 'run = lab.start("01_other", profile, seed, out_dir)'), "third cell"),
    "started by hand": (source(2, 'run = lab.start("00_example")'), "third cell"),
    "long cell": (source(4, "1\n" * 41), "41 lines"),
    "long cells": (lambda notebook: [source(index, "1\n" * 16)(notebook) for index in (2, 4, 5)], "typical"),
    "no assertion": (source(5, "1 + 1"), "'A section' does not end with"),
    "assertion that cannot fail": (source(5, "assert True"), "'A section' does not end with"),
    "no finish": (source(7, "1"), "run.finish"),
    "finished twice": (source(4, 'run.finish({"one": 1})'), "run.finish"),
    "finish commented out": (source(7, "# run.finish({})"), "run.finish"),
    "finish unchecked": (tagged(7), "not tagged nbval-check-output"),
    "kernel": (lambda notebook: notebook.metadata.kernelspec.update(name="my-venv"), "python3"),
    "count missing": (lambda notebook: notebook.cells[4].update(execution_count=None), "execution counts"),
    "count out of order": (lambda notebook: notebook.cells[4].update(execution_count=9), "execution counts"),
    "nothing stored": (outputs(7), "no output is stored"),
    "float without tolerance": (outputs(7, text("results.json: 1 metric\n  db = 40.12\n")), "without its tolerance"),
    "share without tolerance": (outputs(7, text("  bpp = {a: 0.1 +- 0.01, b: 2e-05}\n")), "without its tolerance"),
    "too large": (source(3, "x" * (1 << 20)), "1 MiB"),
    "misspelt tag": (tagged(4, "nbval-check-outputs"), "nbval-check-outputs"),
    "injected parameters": (tagged(4, "injected-parameters"), "injected-parameters"),
    "pip": (source(4, "!pip install numpy"), "plain Python"),
    "magic": (source(4, "%matplotlib inline"), "plain Python"),
    "absolute path in code": (source(4, 'open("/home/me/x.png")'), "absolute path"),
    "absolute path on Windows": (source(4, r'open(r"C:\me\x.png")'), "absolute path"),
    "absolute path in output": (outputs(4, new_output("stream", text="in /tmp/x.py\n")), "absolute path"),
    "absolute path in metadata": (lambda notebook: notebook.metadata.update(papermill={"in": "/root/x"}), "absolute"),
    "error": (outputs(4, new_output("error", ename="E", evalue="", traceback=[])), "an error is stored: E"),
    "warning": (outputs(4, new_output("stream", name="stderr", text="careful\n")), "stderr"),
    "figure without alt": (outputs(4, new_output("display_data", {"image/png": PIXEL})), "alternative text"),
    "html without alt": (outputs(4, new_output("display_data", {"text/html": "<img src=x>"})), "alternative text"),
    "html with empty alt": (outputs(4, new_output("display_data", {"text/html": '<img alt="">'})), "alternative"),
    "markdown without alt": (source(6, "![](pixel.png)"), "alternative text"),
    "picture from the network": (source(6, "![a pixel](https://example.org/x.png)"), "network"),
    "widget": (
        outputs(4, new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}})),
        "widget",
    ),
    "widget state": (lambda notebook: notebook.metadata.update(widgets={}), "widget state"),
    "nearly empty": (lambda notebook: notebook.update(cells=notebook.cells[:3]), "four cells"),
}


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS, "notebooks/ is empty: the contract below would pass without having looked at anything"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_keeps_the_contract(path: Path) -> None:
    assert violations(path) == []


def test_an_exemplary_notebook_passes(tmp_path: Path) -> None:
    assert judge(exemplary(), tmp_path) == []


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_rule_is_told(breakage: str, tmp_path: Path) -> None:
    breaks, told = BREAKAGES[breakage]
    notebook = exemplary()
    breaks(notebook)
    assert any(told in violation for violation in judge(notebook, tmp_path))


def test_a_section_must_end_with_its_assertion(tmp_path: Path) -> None:
    notebook = exemplary()
    notebook.cells[4], notebook.cells[5] = notebook.cells[5], notebook.cells[4]
    notebook.cells[4].execution_count, notebook.cells[5].execution_count = 3, 4
    assert judge(notebook, tmp_path) == ["the section 'A section' does not end with an assertion that could fail"]


def test_the_file_name_gives_the_order(tmp_path: Path) -> None:
    notebook = exemplary()
    source(2, 'run = lab.start("Intro", profile, seed, out_dir)')(notebook)
    assert any("two digits" in violation for violation in judge(notebook, tmp_path, "Intro"))
