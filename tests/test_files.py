"""Outputs appear whole or not at all."""

import errno
import os

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
