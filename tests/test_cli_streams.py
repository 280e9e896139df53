"""Standard streams as shells hand them over: closed, full, a terminal, another encoding; and an early Ctrl-C."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stegolab.cli import main

STEGOLAB = [sys.executable, "-m", "stegolab"]


@pytest.fixture
def cover(tmp_path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (160, 160, 3), np.uint8)).save(tmp_path / "cover.png")
    return tmp_path / "cover.png"


def shell(command: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``command`` of a shell, in which ``"$@"`` is this command line with ``arguments``."""
    return subprocess.run(
        ["sh", "-c", command, "sh", *STEGOLAB, *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error_and_gets_into_no_file(cover, tmp_path, closed):
    done = shell(f'"$@" {closed}', "attack", cover, tmp_path / "out.jpg", "--spec", "jpeg:80")
    assert done.returncode == 0 and not done.stderr
    assert Image.open(tmp_path / "out.jpg").size == (160, 160)
    assert (tmp_path / "out.jpg").read_bytes().startswith(b"\xff\xd8\xff")  # and nothing that was said before it


def test_input_from_a_closed_stream_is_named(cover, tmp_path):
    done = shell('"$@" <&-', "attack", "-", tmp_path / "out.jpg", "--spec", "jpeg:80")
    assert done.returncode == 1 and done.stderr.startswith("stegolab: BadImage: ")
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "out.jpg").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_behind_standard_output_is_one_line(tmp_path):
    done = shell('"$@" >/dev/full', "keygen", tmp_path / "key")
    assert (done.returncode, done.stderr) == (1, "stegolab: OSError: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_a_name_that_is_no_text_is_written_and_printed(cover, tmp_path, locale):
    output = os.fsencode(tmp_path) + b"/caf\xe9.png"
    variables = [{}, {"PYTHONIOENCODING": "utf-8:strict"}]
    if sys.prefix.isascii():  # otherwise such an interpreter cannot load modules from there
        variables.append({"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    for variable in variables:
        done = shell('"$@"', "attack", cover, os.fsdecode(output), "--spec", "jpeg:80", LC_ALL=locale, **variable)
        assert done.returncode == 0 and not done.stderr
        assert done.stdout.endswith(".png: jpeg:80\n") and "/caf" in done.stdout
        Path(os.fsdecode(output)).unlink()


@pytest.mark.parametrize("module", ["stegolab.cli.parser", "stegolab.pipeline", "numpy"])
def test_an_interrupt_while_modules_load_is_one_line(module):
    script = f"""
import sys

class Interrupted:
    def find_spec(name, *_):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted)
from stegolab.cli import main
sys.exit(main(["capacity", "no such cover.png"]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "stegolab: interrupted\n")


def test_on_a_terminal_what_goes_on_stands_in_one_line_that_is_taken_back(cover):
    terminal, theirs = pty.openpty()
    command = [*STEGOLAB, "capacity", str(cover), "--strength", "jpeg", "--carrier", "lattice"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        shown = b""
        while block := _read(terminal):
            shown += block
        assert process.stdout
        table = process.stdout.read()
    os.close(terminal)
    assert process.returncode == 0 and table.startswith("seconds of speech")
    lines = shown.decode().split("\r\x1b[K")
    assert [line for line in lines if line.startswith("trying attacks on this cover: 0 of ")]
    assert "\n" not in shown.decode() and lines[-1] == ""


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end was closed
        return b""


def test_a_study_shows_how_many_trials_are_done(cover, tmp_path):
    terminal, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))  # a bar takes as many columns as there are
    attacks = tmp_path / "attacks.txt"
    attacks.write_text("none\njpeg:90\n")
    command = [*STEGOLAB, "study", str(cover), "--strength", "jpeg", "--carrier", "lattice", "--attacks", str(attacks)]
    command += ["--out", str(tmp_path / "out"), "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while block := _read(terminal):
            shown += block
    os.close(terminal)
    assert process.returncode == 0
    text = shown.decode()
    assert "rehearsing the covers" in text and "2/2 [" in text and "trial" in text


def test_elsewhere_nothing_is_said_of_it(cover, capsys):
    assert main(["capacity", str(cover), "--strength", "jpeg", "--carrier", "lattice"]) == 0
    said = capsys.readouterr()
    assert said.err == "" and said.out.startswith("seconds of speech")
