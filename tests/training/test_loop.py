"""A folder is a run: what it holds, and that a resumed run is the uninterrupted one."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from stegolab.errors import BadSpec
from stegolab.training.loop import fit
from tests.training import cpu, same, weights
from tests.training.line import VALID, LineConfig, LineTrainer


def run(out, config=None, **options):
    trainer = LineTrainer(config or LineConfig(), cpu())
    return trainer, fit(trainer, 1.0, VALID, out, **options)


def test_fit_keeps_a_folder(tmp_path):
    trainer, steps = run(tmp_path / "run")
    records = list(steps)
    assert [record["step"] for record in records] == [4, 8, 12]
    assert json.loads((tmp_path / "run" / "config.json").read_text()) == asdict(trainer.config)
    assert [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()] == records
    assert list((tmp_path / "run").glob("events.out.tfevents.*"))
    scores = [record["valid"]["score"] for record in records]
    assert scores[-1] == max(scores)
    assert same(torch.load(tmp_path / "run" / "best.safetensors"), trainer.learner.averaged)
    assert not list((tmp_path / "run").glob(".stegolab-*"))


def test_a_run_that_is_killed_and_resumed_is_the_uninterrupted_one(tmp_path):
    whole, steps = run(tmp_path / "whole")
    records = list(steps)
    _, begun = run(tmp_path / "cut")
    next(begun)
    begun.close()
    resumed, rest = run(tmp_path / "cut")
    again = list(rest)
    assert [{**one, "minutes": 0} for one in again] == [{**one, "minutes": 0} for one in records[1:]]
    assert same(weights(resumed.learner), weights(whole.learner))
    assert same(resumed.learner.averaged, whole.learner.averaged)
    assert list(run(tmp_path / "cut")[1]) == []  # nothing left to do


def test_worse_weights_do_not_replace_the_best_not_after_a_resume_either(tmp_path, monkeypatch):
    scores = iter([-1.0, -2.0, -1.5])
    monkeypatch.setattr(LineTrainer, "validate", lambda *_: {"score": next(scores)})
    _, begun = run(tmp_path)
    next(begun)
    best = (tmp_path / "best.safetensors").read_bytes()
    begun.close()
    assert len(list(run(tmp_path)[1])) == 2
    assert (tmp_path / "best.safetensors").read_bytes() == best


def test_a_folder_holds_one_run(tmp_path):
    list(run(tmp_path, replace(LineConfig(), steps=4))[1])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BadSpec, match="another slope"):
        list(run(tmp_path, replace(LineConfig(), steps=4, slope=2.0))[1])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_time_can_be_limited(tmp_path):
    assert list(run(tmp_path, minutes=0)[1]) == []
