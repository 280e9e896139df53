"""benchmarks/unchanged.py: two versions are the same where every line of both is, and only there."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks import unchanged

LINES = ["stego picture, inn jpeg\tab12", "report, inn jpeg\tcd34"]


def test_equal_lines_have_no_difference_in_whatever_order():
    assert unchanged.differences(LINES, list(LINES)) == []
    assert unchanged.differences(LINES, LINES[::-1]) == []


def test_each_difference_is_named():
    assert unchanged.differences(LINES, [LINES[0], "report, inn jpeg\tffff"]) == ["report, inn jpeg: differs"]
    assert unchanged.differences(LINES, LINES[:1]) == ["report, inn jpeg: only here"]
    assert unchanged.differences(LINES[1:], LINES) == ["stego picture, inn jpeg: only there"]


@pytest.mark.parametrize("sides", [([], []), (LINES, []), ([], LINES)])
def test_nothing_is_not_the_same_as_nothing(sides):
    assert unchanged.differences(*sides) == ["nothing was compared"]


def test_a_digest_tells_one_bit_one_shape_and_one_type_from_another():
    picture = np.zeros((2, 3, 3), np.uint8)
    touched = picture.copy()
    touched[0, 0, 0] = 1
    others = [touched, picture.reshape(3, 2, 3), picture.view(np.int8)]
    assert unchanged.digest(picture) == unchanged.digest(picture.copy())
    assert len({unchanged.digest(value) for value in (picture, *others)}) == 4
    assert unchanged.digest({"a": 0.1, "b": 1}) == unchanged.digest({"b": 1, "a": 0.1})
    assert unchanged.digest({"a": 0.1}) != unchanged.digest({"a": 0.1000000000000001})


def test_every_carrier_strength_and_way_of_sealing_is_among_the_cases():
    from stegolab.carrier.strengths import STRENGTHS, weights_of

    learned = {("inn", name) for name, strength in STRENGTHS.items() if weights_of(strength).exists()}
    cases = {(case.carrier, case.strength) for case in unchanged.CASES}
    assert cases == {("lattice", name) for name in STRENGTHS} | learned
    sealed = {(case.strength, case.options.get("encrypt", True)) for case in unchanged.CASES}
    assert sealed == {(name, encrypt) for name in STRENGTHS for encrypt in (True, False)}
    assert len({case.name for case in unchanged.CASES}) == len(unchanged.CASES)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Anybody", "-c", "user.email=anybody@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """One whose first commit says a, and whose second says b; the script prints what its package says."""
    git(tmp_path, "init")
    for word in "ab":
        (tmp_path / "package.py").write_text(f"WORD = {word!r}")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-m", word)
    script = tmp_path / "script.py"
    script.write_text("import package\nprint(f'word\\t{package.WORD}')")
    monkeypatch.setattr(unchanged, "ROOT", tmp_path)
    monkeypatch.setattr(unchanged, "__file__", str(script))
    return tmp_path


def test_the_same_file_runs_with_the_package_of_the_other_commit(repository, monkeypatch):
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # a script's own folder comes before PYTHONPATH
    assert unchanged.lines_of("HEAD") == ["word\tb"]
    assert unchanged.lines_of("HEAD~1") == ["word\ta"]
    assert not list(repository.glob(".git/worktrees/*"))


def test_a_commit_that_is_not_there_is_told(repository):
    with pytest.raises(SystemExit, match="nonsense cannot be checked out"):
        unchanged.lines_of("nonsense")
