"""Notebooks of a few cells for the tests of what executes them."""

import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = 'profile: str = "smoke"\nseed: int = 0\nout_dir: str = "runs"'
START = 'from stegolab import lab\nrun = lab.start("{name}", profile, seed, out_dir)'
FINISH = 'run.finish({"psnr_db": 41.2345, "bits": 3})'


def lines(stderr: str) -> list[str]:
    """The runner's messages, without those of kernels on the same standard error (ZeroMQ complains at their end)."""
    return [line for line in stderr.splitlines() if re.match(r"\d\d\w*: |stegolab: ", line)]


def write(folder: Path, name: str, codes: list[str], parameters: str = PARAMETERS) -> None:
    """Write ``NAME.ipynb`` into ``folder``: a title, the cell of parameters, and ``codes``, in which {name} is NAME."""
    cells = [new_markdown_cell(f"# {name} & its <title>\n\nLaw: $a<b$"), new_code_cell(parameters)]
    cells[1].metadata["tags"] = ["parameters"]
    cells += (new_code_cell(code.replace("{name}", name)) for code in codes)
    folder.mkdir(exist_ok=True)
    nbformat.write(
        new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}),
        folder / f"{name}.ipynb",
    )
