"""Whatever prevents an output is reported in one line before any work is done, and nothing is changed."""

import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from stegolab import gallery, kernels, study
from stegolab.cli import batch, main
from stegolab.errors import CannotWrite
from stegolab.study import journal
from stegolab.training.command import run as train
from stegolab.training.config import RunConfig

from .small_notebooks import FINISH, write
from .tiny_datasets import Tiny


@pytest.fixture(autouse=True)
def nothing_begins(monkeypatch):
    """Make the first step of each command fail."""

    def begun(*_, **__):
        pytest.fail("the work had begun")

    for module, names in {batch: ("cover_of", "read_audio", "eval_covers"), kernels: ("require_own_kernel",)}.items():
        for name in names:
            monkeypatch.setattr(module, name, begun)


@contextmanager
def full_disk():
    """Files can be created, but nothing can be written to them."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def refused(capsys, *words):
    """The line that a command is refused with."""
    assert main([*map(str, words)]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("stegolab: CannotWrite: ") and said.err.count("\n") == 1
    return said.err


def everything(folder):
    return sorted((str(path), path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*"))


STUDY = ("study", "cover.png", "--speech", "speech", "--out")
NOTEBOOKS = ("notebooks", "--folder", "source", "--out")
WRITTEN = {
    STUDY: ("journal.sqlite", "trials.csv", "trials.parquet", "summary.md", "results.json"),
    NOTEBOOKS: ("index.html", "summary.json", "00_a.ipynb", "00_a.html", "00_a/results.json"),
}


@pytest.fixture(params=[STUDY, NOTEBOOKS], ids=["study", "notebooks"])
def command(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "source", "00_a", [FINISH])
    return request.param


def test_a_place_where_nothing_can_be(capsys, tmp_path, command):
    (tmp_path / "file").write_text("mine")
    before = everything(tmp_path)
    for out, why in {
        "": "empty",
        "file": "file is not a folder",
        "file/below": "Not a directory",
        "/proc/nowhere/out": "No such file or directory",
        "/dev/null": "is not a folder",
        "x" * 300: "too long",
        "a\0b": "NUL",
    }.items():
        assert why in refused(capsys, *command, out)
    with full_disk():
        assert "File too large" in refused(capsys, *command, tmp_path / "out")
    assert everything(tmp_path) == before


def test_what_is_in_the_way_in_the_folder(capsys, tmp_path, command):
    for name in WRITTEN[command]:
        (tmp_path / name / "out" / name).mkdir(parents=True)
        before = everything(tmp_path)
        line = refused(capsys, *command, tmp_path / name / "out")
        assert f"out/{name}: it is a folder" in line
        assert everything(tmp_path) == before
    if command is NOTEBOOKS:
        (tmp_path / "last").mkdir()
        (tmp_path / "last" / "00_a").write_text("a file where a folder will be")
        assert "00_a is not a folder" in refused(capsys, *command, tmp_path / "last")


def test_another_study_in_the_folder(capsys, tmp_path):
    with journal.opened(tmp_path / "journal.sqlite"):
        assert "another run" in refused(capsys, *STUDY, tmp_path)


def test_what_can_be_written_is_left_as_it_is(tmp_path):
    study.check_output(tmp_path / "new" / "folder")
    (tmp_path / "trials.csv").write_text("an earlier table")
    with journal.opened(tmp_path / "journal.sqlite"):
        pass
    kept = (tmp_path / "journal.sqlite").read_bytes()
    study.check_output(tmp_path)
    assert everything(tmp_path) == [
        (str(tmp_path / "journal.sqlite"), kept),
        (str(tmp_path / "trials.csv"), b"an earlier table"),
    ]


def test_a_key_is_whole_or_not_there(capsys, tmp_path):
    (tmp_path / "file").write_text("mine")
    for name, why in {"missing/key": "No such file", "file/key": "Not a directory", "file": "exists"}.items():
        assert why in refused(capsys, "keygen", tmp_path / name)
    with full_disk():
        assert "File too large" in refused(capsys, "keygen", tmp_path / "key")
    assert everything(tmp_path) == [(str(tmp_path / "file"), b"mine")]


def test_a_training(tmp_path):
    def begin(config, fabric):
        pytest.fail("the data was read")

    (tmp_path / "run" / "best.safetensors").mkdir(parents=True)
    (tmp_path / "file").write_text("mine")
    for out, why in {"file": "is not a folder", "run": r"best\.safetensors: it is a folder"}.items():
        with pytest.raises(SystemExit, match=f"CannotWrite: .*{why}"):
            train(RunConfig(), begin, "A training.", ["--out", str(tmp_path / out)])


def test_a_data_set(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("fetching.obtain", lambda *_: pytest.fail("the archive was read"))
    monkeypatch.setattr("lpips_backbones.fetch", lambda *_: pytest.fail("the archive was read"))
    for name, file in {"esc50": "INDEX.csv", "lpips_backbones": "vgg.safetensors"}.items():
        script = Tiny(name, tmp_path, monkeypatch)
        script.out = tmp_path / name
        (script.out / file).mkdir(parents=True)
        assert script("--from", str(script.files)) == 1
        said = capsys.readouterr()
        assert f"{file}: it is a folder" in said.err and said.err.count("\n") == 1 and not said.out
        assert [path.name for path in script.out.iterdir()] == [file]


def test_python_is_told_the_same(tmp_path):
    write(tmp_path / "source", "00_a", [FINISH])
    (tmp_path / "out" / "index.html").mkdir(parents=True)
    with pytest.raises(CannotWrite, match=r"index\.html: it is a folder"):
        gallery.run_notebooks([], "smoke", tmp_path / "out", folder=Path(tmp_path / "source"))
