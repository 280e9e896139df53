"""File names are bytes: names that are not text, span lines or look alike are read, written and distinguished."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from pyarrow import parquet

from stegolab import data, errors, files
from stegolab.audio import read_audio
from stegolab.cli import main
from stegolab.errors import BadSpec
from stegolab.message.keys import KeyFile
from stegolab.pipeline import hide

from .voice import speak

NAMES = [os.fsdecode(name) for name in (b"caf\xe9", b"a\nb", rb"caf\udce9", "é {0}".encode())]
COVER = np.ascontiguousarray(data.sample_covers()["astronaut"][100:356, 100:356])


@pytest.fixture(params=NAMES, ids=[*map(files.printable, NAMES)])
def name(request):
    return request.param


@pytest.fixture
def here(tmp_path, name):
    """A folder of such a name, with a cover, speech and a key of such names."""
    folder = tmp_path / f"{name} folder"
    folder.mkdir()
    Image.fromarray(COVER).save(folder / f"{name}.png")
    soundfile.write((folder / f"{name}.wav").open("wb"), speak(0.5).samples, 16_000, format="WAV")
    return folder


def run(capsys, *words):
    """What a command that must succeed prints."""
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    return said.out


def test_a_message_goes_through_files_of_such_names(capsys, here, name):
    key, stego, received, heard = (here / f"{name} {what}" for what in ("key", "stego.png", "received.jpg", "out.wav"))
    assert run(capsys, "keygen", key).startswith(files.printable(key))
    words = ("--key-file", key, "--strength", "jpeg", "--carrier", "lattice", "--no-enhance")
    assert run(capsys, "hide", here / f"{name}.wav", here / f"{name}.png", stego, *words).count("\n") == 1
    assert run(capsys, "attack", stego, received, "--spec", "jpeg:80") == f"{files.printable(received)}: jpeg:80\n"
    said = json.loads(run(capsys, "attack", stego, received, "--spec", "jpeg:80", "--json"))
    assert said["output"] == files.printable(received)
    assert run(capsys, "reveal", received, heard, "--key-file", key).startswith(files.printable(heard))
    assert soundfile.info(heard.open("rb")).duration == pytest.approx(0.5, abs=0.001)
    assert "bits" in run(capsys, "capacity", here / f"{name}.png", "--strength", "file")
    assert run(capsys, "enhance", here / f"{name}.wav", here / f"{name} clean.flac") == ""
    assert soundfile.info((here / f"{name} clean.flac").open("rb")).frames == 8000


STUDY = ("--strength", "jpeg", "--carrier", "lattice", "--no-enhance", "--engine", "serial")


@pytest.fixture
def many(tmp_path):
    """Covers and clips of all the names, and a file with one attack."""
    (tmp_path / "attacks").write_text("jpeg:75\n")
    for folder in ("covers", "speech"):
        (tmp_path / folder).mkdir()
    for name in NAMES:
        Image.fromarray(COVER).save(tmp_path / "covers" / f"{name}.png")
        soundfile.write((tmp_path / "speech" / f"{name}.wav").open("wb"), speak(0.5).samples, 16_000, format="WAV")
    (tmp_path / "speech" / f"{NAMES[1]}.txt").write_text("no sound")
    return tmp_path


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


NEEDS_ASCII = pytest.mark.skipif(not sys.prefix.isascii(), reason="such an interpreter cannot load modules from here")


@pytest.mark.parametrize(
    ("variables", "spoken"), [({}, True), pytest.param(ASCII, False, marks=NEEDS_ASCII)], ids=["usual", "ASCII"]
)
def test_a_study_of_such_names_has_a_row_for_each(many, variables, spoken):
    out = many / f"{NAMES[0]} out"
    covers = sorted((many / "covers").iterdir())
    words = ["study", *covers, "--attacks", "attacks", *STUDY, "--out", out]
    words += ["--speech", "speech", "--turns"] if spoken else []
    command = [sys.executable, "-m", "stegolab", *words]
    done = subprocess.run(command, cwd=many, env=os.environ | variables, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    if spoken:
        skipped = (
            rb"stegolab: SkippedWarning: --speech speech: skipped a\nb.txt (it is not a sound file that can be read"
        )
        assert done.stderr.startswith(skipped) and done.stderr.count(b"\n") == 1
    else:
        assert done.stderr == b""
    written = ["journal.sqlite", "results.json", "summary.md", "trials.csv", "trials.parquet"]
    assert sorted(path.name for path in out.iterdir()) == written
    expected = sorted([r"caf\udce9", r"a\nb", r"caf\\udce9", "é {0}"])
    with (out / "trials.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    with (out / "trials.parquet").open("rb") as file:
        table = parquet.read_table(file)
    for column in ("cover", "speech") if spoken else ("cover",):
        assert sorted(row[column] for row in rows) == sorted(table[column].to_pylist()) == expected
    assert {row["exact"] for row in rows} == {"True"}
    command = json.loads((out / "results.json").read_text())["command"]
    assert command.isprintable() and r"caf\udce9.png" in command


def test_a_command_that_is_text_is_kept_as_it_was_typed(many):
    covers = many / "covers" / f"{NAMES[3]}.png"
    words = ["study", str(covers), "--attacks", str(many / "attacks"), *STUDY, "--out", str(many / "out")]
    assert main(words) == 0
    command = json.loads((many / "out" / "results.json").read_text())["command"]
    assert f"'{covers}'" in command


@pytest.mark.parametrize(
    "words",
    [
        *(["enhance", "BAD", "out.wav"], ["enhance", "in.wav", "BAD"], ["hide", "BAD", "c.png", "o.png"]),
        *(["hide", "in.wav", "c.png", "BAD", "--no-encrypt"], ["hide", "in.wav", "BAD", "o.png", "--no-encrypt"]),
        *(["reveal", "BAD", "out.wav"], ["reveal", "c.png", "BAD"], ["reveal", "c.png", "o.wav", "--key-file", "BAD"]),
        *(["attack", "BAD", "o.png", "--spec", "none"], ["attack", "c.png", "BAD", "--spec", "none"]),
        *(["capacity", "BAD"], ["keygen", "BAD"], ["notebooks", "--out", "BAD"], ["notebooks", "BAD", "--out", "o"]),
        *(["notebooks", "--folder", "BAD", "--out", "o"], ["study", "BAD", "--out", "o"]),
        *(["study", "c.png", "--out", "BAD"], ["study", "c.png", "--attacks", "BAD", "--out", "o"]),
        *(["study", "c.png", "--speech", "BAD", "--out", "o"], ["study", "--data", "BAD", "--out", "o"]),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("bad", ["a\0b", "\ud800", "a\nb/c\udce9.png"], ids=["NUL", "no name", "missing"])
def test_names_that_lead_nowhere_are_one_line(capsys, monkeypatch, tmp_path, words, bad):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(COVER).save("c.png")
    soundfile.write("in.wav", speak(0.5).samples, 16_000)
    before = sorted(tmp_path.iterdir())
    if words[-1] == "BAD" and words[-2] == "--out" and bad.startswith("a\n"):
        pytest.skip("a folder of this name can be made")
    assert main([bad if word == "BAD" else word for word in words]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("stegolab: ") and said.err.count("\n") == 1
    assert issubclass(getattr(errors, said.err.split(": ")[1]), errors.StegolabError)
    assert sorted(tmp_path.iterdir()) == before


def test_messages_of_python_hold_names_in_one_line_of_text(tmp_path):
    bad = tmp_path / "a\nb\udce9"
    for kind, attempt in {
        "BadAudio": lambda: read_audio(bad),
        "BadImage": lambda: hide(speak(0.5), bad, bytes(32)),
        "BadKey": lambda: KeyFile(bad),
        "CannotWrite": lambda: files.check(bad / "c"),
    }.items():
        with pytest.raises(Exception, match=r"a\\nb\\udce9") as caught:
            attempt()
        assert type(caught.value).__name__ == kind and str(caught.value).isprintable()


def test_two_names_never_become_one():
    texts = ["a\\", "a\\\\", "\n", "\\n", "\udce9", "\\udce9", "é", "\x7f", "\\x7f", "\xad", "\u2028"]
    assert len({files.printable(text) for text in texts}) == len(texts)
    assert all(files.printable(text).isprintable() for text in texts)
    assert files.printable("plain name, é.png") == "plain name, é.png"


def test_the_same_file_has_one_name_in_every_locale():
    script = "import sys; from stegolab.files import printable; print(ascii(printable(sys.argv[1])))"
    said = {
        subprocess.check_output([sys.executable, "-c", script, "é".encode() + b"\xe9"], env=os.environ | variables)
        for variables in ({}, ASCII)
    }
    assert said == {b"'\\xe9\\\\udce9'\n"}


def test_two_covers_of_one_name_are_refused_still(tmp_path):
    from stegolab.cli.batch import _by_name

    with pytest.raises(BadSpec, match="same name"):
        _by_name([tmp_path / "a.png", Path("b") / "a.png"])
