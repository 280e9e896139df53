"""The command: every field is an option that says what it does; faults are one line; two processes learn as one."""

import json
import os
import re
import runpy
import subprocess
import sys
from dataclasses import asdict, fields
from itertools import pairwise

import pytest
import torch

from stegolab.carrier.training import config as carrier
from stegolab.detect import config as detect
from stegolab.related.audio_cnn import config as audio_cnn
from stegolab.related.hide_reveal import config as hide_reveal
from stegolab.related.pixinwav import config as pixinwav
from stegolab.related.wavinwav import config as wavinwav
from stegolab.speech import config as speech
from stegolab.training.command import Place, run
from tests.training import same
from tests.training.line import LineConfig, begin

COMMANDS = {
    "speech": speech.TrainConfig,
    "carrier.training": carrier.TrainConfig,
    "detect": detect.CommandConfig,
    "related.audio_cnn": audio_cnn.TrainConfig,
    "related.hide_reveal": hide_reveal.TrainConfig,
    "related.pixinwav": pixinwav.TrainConfig,
    "related.wavinwav": wavinwav.TrainConfig,
}


def helped(config, capsys):
    """What ``--help`` says of each option: by its name, in one line."""
    with pytest.raises(SystemExit) as left:
        run(config, begin, "Trains.", ["--help"])
    assert left.value.code == 0
    said = " ".join(line.strip("│ ") for line in capsys.readouterr().out.splitlines() if line.startswith("│"))
    said = re.sub(r"^.*?(?=--steps)", "", said)
    starts = [
        match.start() for match in re.finditer(r"--[a-z][\w-]* [A-Z]+ |--[a-z][\w-]* \{|--[a-z][\w-]*, --no-", said)
    ]
    parts = [said[i:j] for i, j in pairwise([*starts, len(said)])]
    return {part[2:].split()[0].strip(",").replace("-", "_"): part for part in parts}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_training_says_what_it_does(name, capsys):
    config = COMMANDS[name]()
    found = helped(config, capsys)
    assert set(found) == {field.name for field in (*fields(config), *fields(Place))}
    for option, text in found.items():
        explained = re.sub(r"^--\S+( --no-\S+)?( [A-Z]+| \{[^}]*\})?|\((default|required).*", "", text).strip()
        assert len(explained.split()) >= 3, f"--{option} says {explained!r}"
        assert re.search(r"\((default: .+|required)\)", text), option


HELP = """
import contextlib, io, json, runpy, sys
said, heavy = {}, {"torch", "lightning_fabric", "matplotlib", "scipy.signal"}
for name in sys.argv[1:]:
    sys.argv[1:] = ["--help"]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            code = runpy.run_module(f"stegolab.{name}", run_name="__main__")
        except SystemExit as left:
            code = left.code
    said[name] = [code == 0, out.getvalue(), "tyro" in sys.modules, sorted(heavy & set(sys.modules))]
print(json.dumps(said))
"""


def test_help_needs_no_torch():
    """Help is asked for to be read at once. One process asks every command: who imports what it need not is named."""
    ended = subprocess.run(
        [sys.executable, "-c", HELP, *COMMANDS], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "100"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = json.loads(ended.stdout)
    assert set(found) == set(COMMANDS)
    for name, (ended_well, said, asked_tyro, imported) in found.items():
        assert ended_well and "--learning-rate FLOAT" in said and "Train" in said, name
        assert asked_tyro and not imported, name


def test_the_command_trains_and_says_each_measurement(tmp_path, capsys):
    argv = ["--out", str(tmp_path / "run"), "--slope", "-1.5", "--steps", "8", "--accelerator", "cpu"]
    run(LineConfig(), begin, "Lines.", argv)
    said = capsys.readouterr().out.strip().splitlines()
    assert [line.split()[1] for line in said] == ["4", "8"]
    assert json.loads((tmp_path / "run" / "config.json").read_text()) == asdict(LineConfig(slope=-1.5, steps=8))
    with pytest.raises(SystemExit) as left:
        run(LineConfig(), begin, "Lines.", [*argv[:3], "4", *argv[4:]])
    assert str(left.value).startswith("stegolab: BadSpec: ") and "another slope" in str(left.value)


@pytest.fixture
def refused(monkeypatch, tmp_path):
    """Runs a training whose folder holds a ``config.json``, where there is no data; returns what it says."""

    def refusal(name, written):
        (tmp_path / "config.json").write_text(written)
        monkeypatch.setenv("STEGOLAB_DATA", str(tmp_path / "nowhere"))
        monkeypatch.setattr(sys, "argv", [name, "--out", str(tmp_path), "--accelerator", "cpu"])
        with pytest.raises(SystemExit) as left:
            runpy.run_module(f"stegolab.{name}", run_name="__main__")
        assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
        return str(left.value.code).replace(str(tmp_path), "RUN")

    return refusal


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_with_another_run_is_refused_before_data_are_read(name, refused):
    there = asdict(COMMANDS[name]())
    assert refused(name, json.dumps(there)).startswith("stegolab: BadData: ")  # the same run, but no data
    wanted = "stegolab: BadSpec: RUN holds a run with another seed, steps: choose another folder"
    assert refused(name, json.dumps(there | {"seed": 1, "steps": 7})) == wanted


@pytest.mark.parametrize("written", ["", "[]", "3", "\0", '{"steps": '])
def test_a_configuration_that_cannot_be_read_is_told(written, refused):
    wanted = "RUN/config.json is not the configuration of a run: choose another folder"
    assert refused("speech", written) == f"stegolab: BadSpec: {wanted}"


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["--out", "run", "--teacher", "plato"], "--teacher: invalid choice: 'plato' (choose from 'auto', 'wavlm'"),
        (["--out", "run", "--steps", "many"], "--steps"),
        (["--out", "run", "--rate", "1e-3"], "--rate; did you mean --learning-rate?"),
        (["--steps", "10"], "--out"),
        (["--out", "run", "--init-from", "nowhere.safetensors"], "--init-from nowhere.safetensors: no such file"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(argv, why, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        run(wavinwav.TrainConfig(), begin, "Trains.", argv)
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("stegolab: BadSpec: ") and why in line
    assert not list(tmp_path.iterdir())


def test_a_configuration_that_refuses_itself_is_one_line_too(capsys):
    with pytest.raises(SystemExit) as left:
        run(audio_cnn.TrainConfig(), begin, "Trains.", ["--out", "run", "--mode", "surreal"])
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "'real', 'legacy'" in line


PAIR = """
import sys, torch
from stegolab.training.command import run
from tests.training import line as here

def begin(config, fabric):
    trainer, _, valid = here.begin(config, fabric)
    validate = trainer.validate
    def watched(valid):
        torch.save(dict(trainer.learner.plain[1].state_dict()), f"{sys.argv[2]}_{fabric.global_rank}.pt")
        return validate(valid)
    trainer.validate = watched
    return trainer, 1.0 + fabric.global_rank, valid

if __name__ == "__main__":
    run(here.LineConfig(), begin, "", sys.argv[1:])
"""


def test_two_processes_learn_as_one(tmp_path):
    """Each draws its own batch; gradients are averaged, so their weights stay the same, and one of them writes."""
    script = tmp_path / "pair.py"
    script.write_text(PAIR)
    out = tmp_path / "run"
    said = subprocess.run(
        [sys.executable, script, "--out", out, "--steps", "4", "--devices", "2", "--accelerator", "cpu"],
        capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert len((out / "log.jsonl").read_text().splitlines()) == 1
    first, second = (torch.load(f"{out}_{rank}.pt") for rank in (0, 1))
    assert len(first) == 2
    assert same(first, second)
