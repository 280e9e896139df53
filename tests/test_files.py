"""Outputs appear completely or not at all."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stegolab import files
from stegolab.errors import CannotWrite


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_when_the_block_succeeds(tmp_path):
    target = tmp_path / "a.png"
    with files.replacing(target) as temporary:
        temporary.write_bytes(b"new")
        assert temporary.suffix == ".png"
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["a.png"]


def test_a_failing_block_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyError), files.replacing(target) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    with pytest.raises(CannotWrite, match="No space left"), files.replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert names(tmp_path) == []


@pytest.mark.parametrize("place", ["missing/a.txt", "file/a.txt"])
def test_an_impossible_place_is_refused(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match=r"a\.txt"), files.replacing(tmp_path / place):
        pytest.fail("the block must not run")


def test_outputs_are_ordinary_files(tmp_path):
    before = os.umask(0o027)
    try:
        with files.replacing(tmp_path / "a"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_folder_is_made_or_refused(tmp_path):
    assert files.folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="file"):
        files.folder(tmp_path / "file")


def test_a_link_stays_a_link_and_its_target_keeps_its_mode(tmp_path):
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to("target.txt")
    with files.replacing(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink() and target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_link_that_leads_nowhere_makes_its_target(tmp_path):
    link = tmp_path / "link.txt"
    link.symlink_to("target.txt")
    with files.replacing(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink() and (tmp_path / "target.txt").read_text() == "new"


def test_a_fifo_is_written_into_and_stays(tmp_path):
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    with files.replacing(pipe, ".wav") as temporary:
        assert temporary.suffix == ".wav"
        temporary.write_bytes(b"new")
    reader.join()
    assert heard == [b"new"] and pipe.is_fifo()


def test_a_device_is_written_into_and_stays():
    with files.replacing(os.devnull) as temporary:
        temporary.write_bytes(b"new")
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_standard_output_is_written_where_it_was_redirected_to(tmp_path, name):
    code = f"""
from stegolab import files
print("before", flush=False)
with files.replacing({name!r}, ".txt") as temporary:
    temporary.write_text("inside")
assert files.is_standard_output({name!r})
"""
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert (tmp_path / "out").read_text() == "before\ninside"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("a\0b.png", "NUL"),
        ("a" * 300, "too long"),
        ("missing/a.png", "No such file or directory"),
        (".", "it is a folder"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_work(tmp_path, monkeypatch, name, why):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CannotWrite, match=why) as caught:
        files.check(name)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)
    assert names(tmp_path) == []
