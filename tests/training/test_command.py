"""The command: every field is an option that says what it does; faults are one line; two processes learn as one."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest
import torch

from stegolab.training.command import run
from tests.training import same
from tests.training.line import LineConfig, begin


def test_the_command_has_every_field_as_an_option_and_says_each_measurement(tmp_path, capsys):
    argv = ["--out", str(tmp_path / "run"), "--slope", "-1.5", "--steps", "8", "--accelerator", "cpu"]
    run(LineConfig(), begin, "Lines.", argv)
    said = capsys.readouterr().out.strip().splitlines()
    assert [line.split()[1] for line in said] == ["4", "8"]
    assert json.loads((tmp_path / "run" / "config.json").read_text()) == asdict(LineConfig(slope=-1.5, steps=8))
    with pytest.raises(SystemExit) as left:
        run(LineConfig(), begin, "Lines.", [*argv[:3], "4", *argv[4:]])
    assert "another slope" in str(left.value)
    with pytest.raises(SystemExit):
        run(LineConfig(), begin, "Lines.", ["--help"])
    helped = capsys.readouterr().out
    assert all("--" + name.replace("_", "-") in helped for name in asdict(LineConfig()))


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
