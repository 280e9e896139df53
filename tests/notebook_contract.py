"""The rules every notebook keeps, as one function: ``violations(path)`` lists what a notebook breaks, in plain words.

CONTRIBUTING.md tells authors the same. ``test_notebooks.py`` applies this to the notebooks, and to one deliberately
broken notebook for each rule.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
from nbformat import NotebookNode

from .stored_results import TOLERATED, printed

TAGS = {"parameters", "nbval-check-output", "nbval-ignore-output", "nbval-skip", "hide-input"}
PARAMETERS = {"profile": ("str", "smoke"), "seed": ("int", 0), "out_dir": ("str", "runs")}
OPENING = ("you will learn", "came before", "minutes", "references", "smoke", "cpu", "gpu")
LARGEST = 1 << 20  # bytes
LONGEST, TYPICAL = 40, 15  # lines of a code cell
FRACTION = re.compile(r"(?<![\w.:])-?\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+)(?![\w.:])")
ABSOLUTE = re.compile(r"(?<![\w.:/])(/(home|root|work|tmp|usr|opt|mnt|var|data|private|Users)/|[A-Z]:\\\\?\w)")


def violations(path: Path) -> list[str]:
    """Everything in the notebook at ``path`` that breaks a rule; empty when it keeps them all."""
    if path.stat().st_size >= LARGEST:
        return [f"the file has {path.stat().st_size} bytes: keep it under 1 MiB"]
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    try:
        trees = [ast.parse(cell.source) for cell in code]
    except SyntaxError as error:
        return [f"a cell is not plain Python (no !commands, no %magics): {error.text!r}"]
    if len(code) < 3 or len(notebook.cells) < 4:
        return ["there are fewer than the four cells that every notebook has"]
    return [
        *_form(path, notebook),
        *_opening(notebook.cells[0]),
        *_parameters(notebook.cells[1]),
        *_start(notebook.cells[2], path.stem),
        *_length(code),
        *_sections(notebook),
        *_finish(code, trees),
        *_execution(code),
        *_tolerances(code),
        *_outputs(code),
        *_alternative_text(notebook),
        *_paths(notebook),
    ]


def _form(path: Path, notebook: NotebookNode) -> Iterator[str]:
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem):
        yield "the file name is not two digits, an underscore, and lower-case words"
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernelspec is not python3"
    if "widgets" in notebook.metadata:
        yield "widget state is stored: execute it with STEGOLAB_HEADLESS=1"
    for index, cell in enumerate(notebook.cells):
        for tag in set(cell.metadata.get("tags", [])) - TAGS:
            yield f"cell {index} has the unknown tag {tag!r}"


def _opening(cell: NotebookNode) -> Iterator[str]:
    if cell.cell_type != "markdown" or not cell.source.startswith("# "):
        yield "the first cell does not begin with a title"
    for phrase in OPENING:
        if phrase not in cell.source.lower():
            yield f"the first cell does not say {phrase!r}"


def _parameters(cell: NotebookNode) -> Iterator[str]:
    if "parameters" not in cell.metadata.get("tags", []):
        yield "the second cell is not tagged parameters"
        return
    found = {}
    for statement in ast.parse(cell.source).body:
        match statement:
            case ast.AnnAssign(ast.Name(name), ast.Name("str" | "int" | "float" | "bool" as kind), ast.Constant(value)):
                found[name] = (kind, value)
            case _:
                yield f"the parameters cell holds more than annotated scalars: {ast.unparse(statement)}"
    for name, wanted in PARAMETERS.items():
        if found.get(name) != wanted:
            yield f"the parameters cell lacks {name}: {wanted[0]} = {wanted[1]!r}"


def _start(cell: NotebookNode, name: str) -> Iterator[str]:
    wanted = f'run = lab.start("{name}", profile, seed, out_dir)'
    if cell.cell_type != "code" or wanted not in cell.source.splitlines():
        yield f"the third cell lacks the line {wanted}"


def _length(code: list[NotebookNode]) -> Iterator[str]:
    lines = [len(cell.source.splitlines()) for cell in code]
    if max(lines) > LONGEST:
        yield f"a cell has {max(lines)} lines: {LONGEST} at most"
    if median(lines) > TYPICAL:
        yield f"the typical cell has {median(lines):g} lines: {TYPICAL} at most"


def _sections(notebook: NotebookNode) -> Iterator[str]:
    """The last code cell of each section asserts; run.finish may stand after it."""
    heading, last = "", None
    for cell in [*notebook.cells, nbformat.v4.new_markdown_cell("## end")]:
        if cell.cell_type == "code" and "run.finish(" not in cell.source:
            last = cell
        title = re.search(r"^## (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        if title:
            if heading and last is not None and not _asserts(ast.parse(last.source)):
                yield f"the section {heading!r} does not end with an assertion that could fail"
            heading, last = title[1], None


def _asserts(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1].startswith("assert_"):
            return True
    return False


def _finish(code: list[NotebookNode], trees: list[ast.Module]) -> Iterator[str]:
    calls = [
        [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)].count("run.finish")
        for tree in trees
    ]
    if calls[-1] != 1 or sum(calls) != 1:
        yield "run.finish(metrics) is not called once, in the last code cell"
    if "nbval-check-output" not in code[-1].metadata.get("tags", []):
        yield "the last code cell is not tagged nbval-check-output"


def _execution(code: list[NotebookNode]) -> Iterator[str]:
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield f"the execution counts are not 1 to {len(code)}: restart, run all, save"
    for cell in code:
        if "nbval-check-output" in cell.metadata.get("tags", []) and not cell.outputs:
            yield f"no output is stored to check: {cell.source.splitlines()[0]}"


def _tolerances(code: list[NotebookNode]) -> Iterator[str]:
    """Arithmetic differs between processors, so every checked number that is not whole needs a tolerance."""
    for cell in code:
        if "nbval-check-output" in cell.metadata.get("tags", []):
            for line in printed(cell.outputs)[0].splitlines():
                if FRACTION.search(TOLERATED.sub("", line)):
                    yield f"a number without its tolerance (0 where it is exact): {line.strip()}"


def _outputs(code: list[NotebookNode]) -> Iterator[str]:
    for cell in code:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"an error is stored: {output.ename}"
            if output.get("name") == "stderr":
                yield f"stderr is stored: {output.text.splitlines()[0]}"
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                yield "a widget is stored: execute it with STEGOLAB_HEADLESS=1"


def _alternative_text(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data: dict[str, Any] = output.get("data", {})
            for kind in data:
                if kind.startswith("image/") and not output.metadata.get(kind, {}).get("alt"):
                    yield f"a figure has no alternative text: show it with show.figure(alt=...): {cell.source[:40]!r}"
            yield from _pictures(data.get("text/html", ""))
        if cell.cell_type == "markdown":
            yield from _pictures(cell.source)


def _pictures(text: str) -> Iterator[str]:
    for tag in re.findall(r"<img\b[^>]*>", text):
        if not re.search(r"\balt=[\"'][^\"']", tag):
            yield f"a picture has no alternative text: {tag[:40]}"
    for alt, address in re.findall(r"!\[(.*?)\]\((.*?)\)", text):
        if not alt.strip():
            yield f"a picture has no alternative text: {address}"
        if "://" in address:
            yield f"a picture needs the network: {address}"


def _paths(notebook: NotebookNode) -> Iterator[str]:
    texts = [cell.source for cell in notebook.cells] + [json.dumps(notebook.metadata)]
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    for text in texts:
        found = ABSOLUTE.search(text)
        if found:
            yield f"an absolute path: {text[found.start() : found.start() + 40]!r}"
