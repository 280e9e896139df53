"""A journal holds each row once, complete and in order, however the program ends, and has one writer."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab import journal
from stegolab.errors import CannotWrite

VALUES = st.dictionaries(st.text(max_size=3), st.none() | st.booleans() | st.integers() | st.floats() | st.text())


@given(rows=st.lists(st.tuples(st.sampled_from("abcdef"), VALUES), max_size=9), cut=st.integers(0, 9))
def test_each_row_is_there_once_the_first_time_and_in_order(tmp_path_factory, rows, cut):
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    with journal.opened(path) as first:
        first.append(rows[:cut])
    with journal.opened(path) as second:
        second.append(rows[cut:])
        inside = second.rows
    wanted: dict[str, object] = {}
    for name, values in rows:
        wanted.setdefault(name, values)
    with journal.opened(path) as third:
        assert repr(list(third.rows.items())) == repr(list(inside.items())) == repr(list(wanted.items()))  # NaN too


def test_reading_it_does_not_change_it(tmp_path):
    path = tmp_path / "journal.sqlite"
    with journal.opened(path) as rows:
        rows.append([("a", {"x": 1})])
    before = path.read_bytes()
    with journal.opened(path) as rows:
        assert rows.rows == {"a": {"x": 1}}
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["journal.sqlite"]


def test_rows_outlive_a_program_that_is_killed_and_what_it_had_half_written_does_not(tmp_path):
    program = (
        "import os, signal, sys\n"
        "from stegolab import journal\n"
        "with journal.opened(sys.argv[1]) as rows:\n"
        "    rows.append([('a', {'x': 1})])\n"
        "    rows._connection.execute('BEGIN')\n"
        "    rows._connection.execute('PRAGMA cache_size = 1')\n"  # so that it goes to the file before it is whole
        "    values = [(str(n), 'x' * 1000) for n in range(3000)]\n"
        "    rows._connection.executemany('INSERT INTO finished VALUES (?, ?)', values)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    path = tmp_path / "journal.sqlite"
    done = subprocess.run([sys.executable, "-c", program, path], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.stat().st_size > 1_000_000  # half-written it was
    with journal.opened(path) as rows:
        assert rows.rows == {"a": {"x": 1}}


def test_two_programs_do_not_share_one(tmp_path):
    path = tmp_path / "journal.sqlite"
    with journal.opened(path):
        with pytest.raises(CannotWrite, match="by another run"), journal.opened(path):
            pass
        program = f"from stegolab import journal\nwith journal.opened({str(path)!r}): pass"
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        other = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert "CannotWrite" in other.stderr and "by another run" in other.stderr
    with journal.opened(path) as rows:
        assert rows.rows == {}


def test_a_full_disk_is_told_and_nothing_is_half_kept(tmp_path):
    path = tmp_path / "journal.sqlite"
    with journal.opened(path) as rows:
        rows.append([("a", {})])
        rows._connection.execute("PRAGMA max_page_count = 4")
        with pytest.raises(CannotWrite, match="the disk is full"):
            rows.append([("b", {}), ("c", {"long": "x" * 100_000})])
        assert rows.rows == {"a": {}}
    with journal.opened(path) as rows:
        assert rows.rows == {"a": {}}


@pytest.mark.parametrize("content", [b"{}\n" * 400, os.urandom(5000), b"SQLite format 3\0" + bytes(4080)])
def test_what_is_no_journal_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    with pytest.raises(CannotWrite, match=r"journal\.sqlite is no journal, or is damaged"), journal.opened(path):
        pass
    assert path.read_bytes() == content


def test_where_none_can_be_is_told(tmp_path):
    with pytest.raises(CannotWrite, match="No such file"), journal.opened(tmp_path / "nowhere" / "journal.sqlite"):
        pass
    with pytest.raises(CannotWrite, match="it is a folder"), journal.opened(tmp_path):
        pass


def test_a_name_that_is_no_text_will_do(tmp_path):
    path = tmp_path / os.fsdecode(b"tri\xffals?mode=ro.sqlite")
    with journal.opened(path) as rows:
        rows.append([("a", {})])
    assert [os.fsencode(p.name) for p in tmp_path.iterdir()] == [b"tri\xffals?mode=ro.sqlite"]
