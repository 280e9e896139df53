"""A study that was killed, in any way and however often, gives the table of an uninterrupted one."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stegolab import journal as kept
from stegolab.errors import CannotWrite
from stegolab.study import journal

from .pictures import measured, text

ROOT = Path(__file__).parents[2]


def test_a_study_killed_three_times_gives_the_same_table(tmp_path, undisturbed):
    path = tmp_path / "journal.sqlite"
    for after in (1, 5, 9):  # trials; how many are done then is up to the machine
        program = [sys.executable, "-m", "tests.study.pictures", str(path)]
        with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
            assert any(int(line) >= after for line in running.stdout or ())
            running.send_signal(signal.SIGKILL)
        assert running.returncode == -signal.SIGKILL
    seen = []
    rows = measured(path, progress=lambda done, total: seen.append(done))
    assert 9 <= seen[0] < seen[-1] == 16
    assert text(rows) == undisturbed
    assert text(measured(path)) == undisturbed


def test_rows_of_another_version_are_passed_over(tmp_path, undisturbed):
    path = tmp_path / "journal.sqlite"
    measured(path)
    with kept.opened(path) as rows:
        rows.append([("other columns", {"trial": 5})])
    with journal.opened(path) as rows:
        assert len(rows) == 16
    assert text(measured(path)) == undisturbed


def test_a_study_of_other_arguments_takes_only_what_is_its_own(tmp_path, undisturbed):
    path = tmp_path / "journal.sqlite"
    measured(path, seed=5)
    assert text(measured(path)) == undisturbed


def test_two_studies_do_not_share_a_journal(tmp_path):
    with journal.opened(tmp_path / "journal.sqlite"), pytest.raises(CannotWrite, match="another run"):
        measured(tmp_path / "journal.sqlite")


def test_a_journal_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(CannotWrite, match="No such"):
        measured(tmp_path / "nowhere" / "journal.sqlite")
