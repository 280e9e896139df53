"""The runner where things are as people have them: a path with spaces and letters beyond ASCII, another user than root,
a home that is read-only, the locale C; and twice in a row.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.small_notebooks import FINISH, START, lines, write

PROJECT = Path(__file__).parent.parent
NOBODY = 65534
FIGURE = """from matplotlib.figure import Figure
from stegolab import show
figure = Figure(figsize=(3, 2))
figure.subplots().set_title("naïve")
show.figure(figure, "An empty plot called naïve")"""
PRINTS = "print('Zoë, 照片')\nrun.path('Zoë.txt').write_text('照片', encoding='utf-8')"
INHERITED = {"PATH", "LD_LIBRARY_PATH", "OMP_NUM_THREADS"}


def ways_to_be_nobody() -> list[dict[str, Any]]:
    """How to start a command as a user without rights: ``before`` goes in front of it, the rest to subprocess."""
    if os.getuid() != 0:
        return [{"before": []}]
    ways: list[dict[str, Any]] = [{"before": [], "user": NOBODY, "group": NOBODY, "extra_groups": []}]
    if setpriv := shutil.which("setpriv"):  # where the interpreter is in root's home: may read all, and write nothing
        caps = [f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        ways.append({"before": [setpriv, *user, *caps]})
    return ways


def run(way: dict[str, Any], arguments: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    user = {name: value for name, value in way.items() if name != "before"}
    command = [*way["before"], sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, **user, **options)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can reach: pytest's own is for its owner only."""
    with tempfile.TemporaryDirectory(prefix="stegolab Zoë's 照片 ") as name:
        root = Path(name)
        root.chmod(0o755)
        for folder in ("work", "tmp", "home"):
            (root / folder).mkdir()
            if os.getuid() == 0 and folder != "home":
                os.chown(root / folder, NOBODY, NOBODY)
        (root / "home").chmod(0o555)
        yield root
        (root / "home").chmod(0o755)


def test_anywhere_as_anybody_twice(place: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if name in INHERITED},
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "tmp"),
        "LC_ALL": "C",
        "PYTHONPATH": str(PROJECT),
    }
    options = {"cwd": place / "work", "env": environment}
    for way in ways_to_be_nobody():
        try:
            probe = run(way, ["-c", "import os, stegolab, papermill; print(os.getuid())"], **options)
        except OSError:
            continue
        if probe.returncode == 0:
            break
    else:
        pytest.skip("no user without rights can start this interpreter here")
    assert probe.stdout.strip() != "0"
    write(place / "notebooks", "00_here", [START, FIGURE, PRINTS, FINISH])
    command = ["-m", "stegolab", "notebooks", "--folder", str(place / "notebooks"), "--out", "runs à moi"]
    for _ in range(2):
        found = run(way, command, **options)
        assert (found.returncode, found.stdout) == (0, "1 notebooks executed: runs à moi/index.html\n"), found.stderr
        [line] = lines(found.stderr)
        assert line.startswith("00_here: passed after ")
        out = place / "work" / "runs à moi"
        written = {str(path.relative_to(out)) for path in out.rglob("*")}
        files = {"00_here/results.json", "00_here/Zoë.txt", "00_here.html", "00_here.ipynb"}
        assert written == files | {"00_here", "index.html", "summary.json"}
        assert list((place / "home").iterdir()) == list((place / "tmp").iterdir()) == []
        outputs = [one for cell in nbformat.read(out / "00_here.ipynb", 4).cells for one in cell.get("outputs", [])]
        assert not [one for one in outputs if one.get("name") == "stderr"]
        assert "Zoë, 照片" in (out / "00_here.html").read_text(encoding="utf-8")
        assert "naïve" in (out / "index.html").read_text(encoding="utf-8")
    assert json.loads((out / "summary.json").read_text(encoding="utf-8"))["passed"] == 1
