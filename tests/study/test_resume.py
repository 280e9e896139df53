"""Whatever kills a study, and however often: run again, it gives the table of one that was left in peace."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stegolab import study
from stegolab.errors import CannotWrite
from stegolab.study import journal

from .pictures import measured, text

ROOT = Path(__file__).parents[2]


def test_a_study_killed_three_times_gives_the_same_table(tmp_path, undisturbed):
    path = tmp_path / "journal.jsonl"
    for after in (1, 5, 9):  # trials; how many are done then is up to the machine
        program = [sys.executable, "-m", "tests.study.pictures", str(path)]
        with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            assert any(int(line) >= after for line in running.stdout or ())
            running.send_signal(signal.SIGKILL)
        assert running.returncode == -signal.SIGKILL
        with path.open("ab") as file:
            file.write(b'{"trial": "cut sh')  # and the machine lost power while it wrote
    seen = []
    rows = measured(path, progress=lambda done, total: seen.append(done))
    assert 9 <= seen[0] < seen[-1] == 16
    assert text(rows) == undisturbed
    assert text(measured(path)) == undisturbed


def test_damaged_and_doubled_lines_do_no_harm(tmp_path, undisturbed):
    path = tmp_path / "journal.jsonl"
    measured(path)
    lines = path.read_bytes().splitlines(keepends=True)
    first = json.loads(lines[0])
    doubled = json.dumps(first | {"cover": "an impostor"}).encode() + b"\n"
    path.write_bytes(b"".join([*lines[:3], b"\x00\xff nonsense\n", b'{"trial": 5}\n', b"[]\n", doubled, lines[4][:40]]))
    assert text(measured(path)) == undisturbed
    with journal.opened(path) as rows:
        assert len(rows) == 16


def test_a_study_of_other_arguments_takes_only_what_is_its_own(tmp_path, undisturbed):
    path = tmp_path / "journal.jsonl"
    measured(path, seed=5)
    assert text(measured(path)) == undisturbed


def test_two_studies_do_not_share_a_journal(tmp_path):
    with journal.opened(tmp_path / "journal.jsonl"), pytest.raises(CannotWrite, match="another study"):
        measured(tmp_path / "journal.jsonl")


def test_a_journal_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(CannotWrite, match="No such"):
        measured(tmp_path / "nowhere" / "journal.jsonl")


def test_a_full_disk_is_told():
    with Path("/dev/full").open("ab") as full, pytest.raises(CannotWrite, match="No space"):
        journal.Journal(full.fileno(), b"").append(
            [("x", study.Trial("c", 1, "", "", False, "a", "b", "c", "d", True, True, "exact"))]
        )
