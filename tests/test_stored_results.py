"""Stored results are compared as numbers: just inside the tolerance passes, just outside fails and says why."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from stegolab.lab import within

from .stored_results import differences

STORED = """results.json: 4 metrics
  psnr_db = 40.12 +- 0.05
  mse = 0.000115 +- 20 %
  curve = [0.989 +- 0.01, -0.96 +- 0.01]
  bits = 12345
"""

#: what is found in the place of what, and what is told; "" where nothing is
CASES = {
    "the same": ("40.12", "40.12", ""),
    "at the upper end": ("40.12", "40.17", ""),
    "at the lower end": ("40.12", "40.07", ""),
    "just above": ("40.12", "40.18", "psnr_db: stored 40.12, found 40.18, tolerance 0.05"),
    "just below": ("40.12", "40.06", "psnr_db: stored 40.12, found 40.06, tolerance 0.05"),
    "share inside": ("0.000115", "0.000138", ""),
    "share outside": ("0.000115", "0.000139", "mse: stored 0.000115, found 0.000139, tolerance 20 %"),
    "in a list, inside": ("-0.96", "-0.97", ""),
    "in a list, outside": ("-0.96", "-0.971", "curve: stored -0.96, found -0.971, tolerance 0.01"),
    "another sign": ("-0.96", "0.96", "curve: stored -0.96, found 0.96, tolerance 0.01"),
    "not a number": ("40.12", "nan", "found:   psnr_db = nan"),
    "infinite": ("40.12", "inf", "found:   psnr_db = inf"),
    "exact and not equal": ("12345", "12346", "found:   bits = 12346"),
    "another tolerance": ("+- 0.05", "+- 0.5", "found:   psnr_db = 40.12 +- 0.5"),
    "a share made absolute": ("20 %", "20", "found:   mse = 0.000115 +- 20"),
    "no tolerance any more": (" +- 0.05", "", "found:   psnr_db = 40.12"),
    "another name": ("psnr_db", "psnr", "found:   psnr = 40.12"),
    "one missing": ("  bits = 12345\n", "", "stored, and not found:   bits = 12345"),
    "one more": ("12345\n", "12345\n  new = 1\n", "found, and not stored:   new = 1"),
    "a shorter list": (", -0.96 +- 0.01", "", "found:   curve = [0.989 +- 0.01]"),
    "another order": ("0.989 +- 0.01, -0.96", "-0.96 +- 0.01, 0.989", "curve: stored 0.989, found -0.96"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_difference_is_told_and_a_tolerated_one_is_not(case: str) -> None:
    old, new, told = CASES[case]
    assert old in STORED
    found = differences(STORED, STORED.replace(old, new, 1))
    assert bool(found) == bool(told) and told in "\n".join(found)


@given(
    value=st.floats(-1e6, 1e6),
    tolerance=st.floats(1e-6, 1e3),
    share=st.floats(-3, 3).filter(lambda x: not 0.8 < abs(x) < 1.2),
)
def test_what_is_printed_is_compared_as_the_values_are(value: float, tolerance: float, share: float) -> None:
    """Each of the two is rounded by a tenth of the tolerance at most."""
    found = differences(f"x = {within(value, tolerance)}", f"x = {within(value + share * tolerance, tolerance)}")
    assert bool(found) == (abs(share) > 1)


@pytest.mark.parametrize("value", [1.5, np.float32(0.25), [1.5, 2.5], {"a": 1.5, "b": {"c": [0.1]}}, 0.0, -3e-7])
@pytest.mark.parametrize("tolerance", [0, 0.05, 1, "2 %", "0.5 %"])
def test_nothing_differs_from_itself(value: object, tolerance: object) -> None:
    assert differences(within(value, tolerance), within(value, tolerance)) == []


def test_what_is_exact_differs_by_the_last_digit() -> None:
    assert differences(f"x = {within(0.1 + 0.2, 0)}", f"x = {within(0.3, 0)}")
    assert differences(f"x = {within(0.1 + 0.2)}", f"x = {within(0.3)}")


def checked(source: str, stored: str, count: int) -> NotebookNode:
    cell = new_code_cell(source, outputs=[new_output("stream", text=stored)], execution_count=count)
    cell.metadata["tags"] = ["nbval-check-output"]
    return cell


def test_nbval_judges_by_it(tmp_path: Path) -> None:
    """The whole of it: a notebook that pytest collects and nbval executes; one cell is within its tolerance."""
    cells = [
        checked("print('db = 40.16 +- 0.03')", "db = 40.12 +- 0.03\n", 1),
        checked("print('db = 40.16 +- 0.05')", "db = 40.12 +- 0.05\n", 2),
        checked("display(1)\nprint('n = 1')", "n = 1\n", 3),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), tmp_path / "judged.ipynb")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = ["-m", "pytest", "-p", "nbval.plugin", "-p", "tests.stored_results", "--nbval-lax", "--color=no"]
    command += ["--nbval-current-env", "-rA"]
    ended = subprocess.run(
        [sys.executable, *command, tmp_path], capture_output=True, text=True,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    said = ended.stdout + ended.stderr
    assert "1 passed" in ended.stdout and "2 failed" in ended.stdout, said
    assert re.search(r"^PASSED \S*judged\.ipynb::Cell 1$", ended.stdout, re.MULTILINE), said
    assert "db: stored 40.12, found 40.16, tolerance 0.03" in ended.stdout
    assert "found: ['display_data']" in ended.stdout


def test_every_run_of_the_notebooks_is_judged_by_it(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.hasplugin("tests.stored_results")
