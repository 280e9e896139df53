"""A notebook's checked cells, compared with what is stored in it: as numbers, each within its stated tolerance.

nbval executes the notebooks; it would compare their outputs as text, and on another processor the same sum has other
last digits. A plugin for pytest, loaded by ``conftest.py`` in the project's folder. ``stegolab.lab.within`` writes what
is read here: ``psnr_db = 40.12 +- 0.05``, ``mse = 0.000115 +- 20 %``. Whatever has no tolerance must be equal.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, coalesce_streams

NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
TOLERATED = re.compile(rf"({NUMBER}) \+- ({NUMBER})( %)?")


def differences(stored: str, found: str) -> list[str]:
    """What is wrong with the printed text ``found``: name, both values, tolerance, one line each; empty if nothing.

    Decimal arithmetic, so that a value exactly as far away as the tolerance allows is within it.
    """
    pairs = zip_longest(stored.splitlines(), found.splitlines())
    return [text for pair in pairs for text in _of_line(*pair)]


def _of_line(stored: str | None, found: str | None) -> Iterator[str]:
    if stored is None:
        yield f"found, and not stored: {found}"
    elif found is None:
        yield f"stored, and not found: {stored}"
    elif _frame(stored) != _frame(found):  # names, exact values and tolerances
        yield f"stored: {stored}\n found: {found}"
    else:
        name = stored.partition(" = ")[0].strip()
        for (old, tolerance, percent), (new, *_) in zip(
            TOLERATED.findall(stored), TOLERATED.findall(found), strict=True
        ):
            allowed = Decimal(tolerance) * (abs(Decimal(old)) / 100 if percent else 1)
            if abs(Decimal(new) - Decimal(old)) > allowed:
                yield f"{name}: stored {old}, found {new}, tolerance {tolerance}{percent}"


def _frame(line: str) -> str:
    """The line without the numbers that may differ."""
    return TOLERATED.sub(r"# +- \2\3", line)


def printed(outputs: Sequence[Any]) -> tuple[str, list[str]]:
    """All that a cell printed, and the kinds of its other outputs."""
    streams = [output for output in outputs if output.output_type == "stream" and output.name == "stdout"]
    others = [output.output_type for output in outputs if output not in streams]
    return "".join(output.text for output in coalesce_streams(streams)), others


class NotebookCell(IPyNbCell):
    """nbval's cell, with another comparison."""

    def compare_outputs(self, test: Sequence[Any], ref: Sequence[Any], skip_compare: Any = None) -> bool:
        """Whether the outputs ``test`` are those stored, ``ref``; what differs is left where nbval looks for it."""
        (found, others), (stored, stored_others) = printed(test), printed(ref)
        self.comparison_traceback = differences(stored, found)
        if others != stored_others:
            self.comparison_traceback.append(f"stored: {stored_others} beside the text\n found: {others}")
        return not self.comparison_traceback


class Notebook(IPyNbFile):
    """nbval's notebook, made of such cells."""

    def collect(self) -> Iterator[NotebookCell]:
        """One test a code cell."""
        for cell in super().collect():
            yield NotebookCell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Generator[None, list[Any], list[Any]]:
    """Wherever nbval would collect a notebook, collect ours."""
    collected = yield
    return [
        Notebook.from_parent(parent, path=file_path) if type(collector) is IPyNbFile else collector
        for collector in collected
    ]
