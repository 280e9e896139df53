"""Ctrl-C and SIGTERM: one line, exit code 1, finished results written, and no process left running.

Each run is a process of its own, asked to end when a cell of its notebook has written a file. Waits end by what
happens; their limits are for faults.
"""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.small_notebooks import FINISH, START, lines, write

AMPLE = 600  # seconds
MARK = "from pathlib import Path\nPath(f'{name}.pid').write_text(str(__import__('os').getpid()))"
WAITS = "print('so far', flush=True)\nimport subprocess\nsubprocess.run(['sleep', '36000'])"
STUBBORN = """import time
while True:
    try:
        time.sleep(1)
    except KeyboardInterrupt:
        pass"""


def until(happened: Callable[[], object], process: subprocess.Popen[str]) -> None:
    pause = threading.Event()
    for _ in range(10 * AMPLE):
        if happened():
            return
        assert process.poll() is None, process.communicate()
        pause.wait(0.1)
    raise AssertionError("nothing happened")


def start(root: Path, *options: str) -> subprocess.Popen[str]:
    """``stegolab notebooks`` on the notebooks in ``root``, with a folder of its own for what is temporary."""
    (root / "tmp").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "stegolab", "notebooks", "--folder", str(root / "notebooks"), "--out", "out"]
    return subprocess.Popen(
        [*command, *options],
        cwd=root,
        env={**os.environ, "TMPDIR": str(root / "tmp"), "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_one_signal_ends_it_all(number: signal.Signals, tmp_path: Path) -> None:
    write(tmp_path / "notebooks", "00_done", [START, FINISH])
    write(tmp_path / "notebooks", "01_waits", [START, MARK.replace("{name}", "01"), WAITS, FINISH])
    write(tmp_path / "notebooks", "02_later", [START, FINISH])
    process = start(tmp_path)
    until((tmp_path / "out" / "01.pid").exists, process)
    until(lambda: any(one.name() == "sleep" for one in family_of(process)), process)
    family = family_of(process)
    process.send_signal(number)
    said, complained = process.communicate(timeout=AMPLE)
    assert process.returncode == 1 and said == ""
    told = lines(complained)
    assert told[-1] == "stegolab: interrupted"
    assert [line.split(" after ")[0] for line in told[:-1]] == ["00_done: passed", "01_waits: interrupted"]
    assert psutil.wait_procs(family, timeout=AMPLE)[1] == []
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [(entry["name"], bool(entry["error"])) for entry in summary["notebooks"]] == [
        ("00_done", False),
        ("01_waits", True),
    ]
    assert "interrupted in cell `print('so far', flush=True)`" in summary["notebooks"][1]["error"]
    assert "so far" in (tmp_path / "out" / "01_waits.html").read_text()
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name.startswith(".")]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_cell_that_catches_the_interruption_is_ended_too(tmp_path: Path) -> None:
    for name in ("00", "01"):
        write(tmp_path / "notebooks", f"{name}_stubborn", [MARK.replace("{name}", name), STUBBORN])
    process = start(tmp_path, "--jobs", "2")
    for name in ("00", "01"):
        until((tmp_path / "out" / f"{name}.pid").exists, process)
    family = family_of(process)
    process.send_signal(signal.SIGINT)
    assert lines(process.communicate(timeout=AMPLE)[1])[-1] == "stegolab: interrupted"
    assert process.returncode == 1
    assert psutil.wait_procs(family, timeout=AMPLE)[1] == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_an_interrupted_run_keeps_what_the_run_before_left(tmp_path: Path) -> None:
    for name in ("00_done", "02_later"):
        write(tmp_path / "notebooks", name, [START, FINISH])
    assert start(tmp_path).wait(AMPLE) == 0
    write(tmp_path / "notebooks", "01_waits", [START, MARK.replace("{name}", "01"), WAITS, FINISH])
    process = start(tmp_path, "01_waits", "02_later")
    until((tmp_path / "out" / "01.pid").exists, process)
    until(lambda: any(one.name() == "sleep" for one in family_of(process)), process)  # not between two cells
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=AMPLE)
    found = json.loads((tmp_path / "out" / "summary.json").read_text())["notebooks"]
    assert [(entry["name"], entry["executed_now"], bool(entry["error"])) for entry in found] == [
        ("00_done", False, False),
        ("01_waits", True, True),
        ("02_later", False, False),
    ]


def test_a_terminal_is_shown_the_cell_that_runs(tmp_path: Path) -> None:
    """Without a terminal there is no bar: see what the other runs here print."""
    write(tmp_path / "notebooks", "00_seen", [START, "shown = 1", FINISH])
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))
    command = [sys.executable, "-m", "stegolab", "notebooks", "--folder", "notebooks", "--out", "out"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=theirs, stdout=subprocess.DEVNULL, env=environment, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(AMPLE) == 0
    text = shown.decode()
    assert "00_seen: shown = 1" in text and "/5 " in text and "\r" in text
    assert "00_seen: passed after" in text


def test_a_notebook_whose_cells_end_well_all_the_same_was_interrupted(tmp_path: Path) -> None:
    """The interruption ends a child of the cell, and the cell itself takes no notice of it."""
    deaf = "import signal, subprocess\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + MARK.replace("{name}", "00")
    waits = "subprocess.run(['sleep', '36000'], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))"
    write(tmp_path / "notebooks", "00_deaf", [START, f"{deaf}\n{waits}\n" + FINISH])
    process = start(tmp_path)
    until(lambda: any(one.name() == "sleep" for one in family_of(process)), process)
    process.send_signal(signal.SIGINT)
    complained = lines(process.communicate(timeout=AMPLE)[1])
    assert complained[-1] == "stegolab: interrupted" and complained[-2].startswith("00_deaf: interrupted after")
    (found,) = json.loads((tmp_path / "out" / "summary.json").read_text())["notebooks"]
    assert found["metrics"] == {} and "interrupted in cell `import signal, subprocess`" in found["error"]
