"""The shared loop: steps are safe, a folder is a run, and a resumed run is the uninterrupted one."""

import json
import math
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace

import pytest
import torch
from torch import nn

from stegolab import training_command
from stegolab.errors import BadSpec
from stegolab.training import Diverged, Learner, LearnerTrainer, RunConfig, cosine, fit
from tests.training import assert_resumes, assert_seeded, cpu, same, weights


@dataclass(frozen=True)
class LineConfig(RunConfig):
    """Fit a line."""

    steps: int = 12
    rate: float = 0.05
    validate_every: int = 4
    average: float = 0.5
    slope: float = 3.0


class LineTrainer(LearnerTrainer[LineConfig, nn.Sequential]):
    """The smallest trainer there is: y = slope * x, with batch statistics and everything drawn from (seed, step)."""

    def __init__(self, config, fabric):
        super().__init__(config, fabric, lambda network, path: torch.save(network.state_dict(), path))
        self.learner = Learner(nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1)), fabric, average=config.average)

    def advance(self, train):
        x = torch.from_numpy(self.random().normal(size=(self.config.batch, 1))).float() * train
        loss = (self.learner.network(x) - self.config.slope * x).square().mean()
        norm = self.learner.descend(loss, cosine(self.step, self.config, warmup=2))
        self.step += 1
        return {"loss": float(loss.detach()), "gradient": norm}

    def validate(self, valid):
        with self.learner.averaging() as network:
            return {"score": -float((network(valid).detach() - self.config.slope * valid).square().mean())}

    def look(self, valid):
        return {"picture": torch.zeros(3, 8, 8), "sound": torch.zeros(160)}


def learner(**options):
    torch.manual_seed(0)
    return Learner(nn.Linear(2, 1), cpu(), **options)


def run(out, config=None, **options):
    trainer = LineTrainer(config or LineConfig(), cpu())
    return trainer, fit(trainer, 1.0, torch.linspace(-1, 1, 9)[:, None], out, **options)


# --- a step ------------------------------------------------------------------------------------------------------


def test_groups_learn_at_their_own_rate():
    torch.manual_seed(0)
    network = nn.Linear(2, 1)
    groups = [{"params": [network.weight], "scale": 1.0}, {"params": [network.bias], "scale": 3.0}]
    moved = Learner(network, cpu(), groups=groups, decay=0.0)
    before = weights(moved)
    moved.descend(moved.network(torch.ones(1, 2)).sum(), 0.01)
    after = weights(moved)
    torch.testing.assert_close(before["weight"] - after["weight"], torch.full((1, 2), 0.01))  # Adam's first step
    torch.testing.assert_close(before["bias"] - after["bias"], torch.full((1,), 0.03))


def test_the_gradient_is_cut_at_the_norm():
    steep = learner(clip=1.0)
    assert steep.descend(1e3 * steep.network(torch.ones(1, 2)).sum(), 0.0) == pytest.approx(1e3 * math.sqrt(3))
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in steep.plain.parameters()))
    assert norm == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("poison", ["loss", "gradient"])
def test_a_step_that_is_not_finite_moves_nothing(poison):
    frail = learner(patience=2)
    before = weights(frail), {name: value.clone() for name, value in frail.averaged.items()}

    def loss():
        value = frail.network(torch.ones(1, 2)).sum()
        if poison == "loss":
            return value * math.nan
        return torch.where(
            torch.tensor(True), value * 0, value.sqrt() * math.inf
        )  # finite, with a gradient that is not

    for _ in range(2):
        assert math.isnan(frail.descend(loss(), 0.1))
    assert same(weights(frail), before[0])
    assert same(frail.averaged, before[1])
    with pytest.raises(Diverged, match=f"step 2: the .*{poison}.*--rate"):
        frail.descend(loss(), 0.1)


def test_patience_is_for_steps_in_a_row():
    frail = learner(patience=1)
    for _ in range(3):
        frail.descend(frail.network(torch.ones(1, 2)).sum() * math.nan, 0.1)
        assert math.isfinite(frail.descend(frail.network(torch.ones(1, 2)).sum(), 0.1))


def test_the_average_is_that_of_the_weights_that_were_passed():
    """Starts as the plain mean, weighted to the recent, and becomes the moving average of the share asked for."""
    followed = learner(average=0.5)
    expected = weights(followed)["weight"]
    for step in range(8):
        followed.descend(followed.network(torch.randn(4, 2)).square().mean(), 0.1)
        share = min(0.5, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * weights(followed)["weight"]
    torch.testing.assert_close(followed.averaged["weight"], expected)


def test_averaging_lends_the_averaged_weights_in_evaluation_mode():
    trainer = run_here()
    live, training = weights(trainer.learner), trainer.learner.plain.training
    assert not same(live, trainer.learner.averaged)
    with trainer.learner.averaging() as network:
        assert same(network.state_dict(), trainer.learner.averaged)
        assert not network.training
    assert same(weights(trainer.learner), live)
    assert trainer.learner.plain.training == training is True
    assert int(trainer.learner.averaged["0.num_batches_tracked"]) == trainer.step  # counters are copied


def run_here():
    trainer = LineTrainer(LineConfig(), cpu())
    for _ in range(6):
        trainer.advance(1.0)
    return trainer


def test_a_trainer_of_one_network_is_seeded_and_resumes(tmp_path):
    assert_seeded(lambda seed: LineTrainer(LineConfig(seed=seed), cpu()), 1.0)
    resumed, whole = assert_resumes(lambda: LineTrainer(LineConfig(), cpu()), 1.0, 3, tmp_path)
    resumed.export(tmp_path / "weights.pt")
    assert same(torch.load(tmp_path / "weights.pt"), whole.learner.averaged)
    assert same(weights(resumed), weights(whole))  # lending the averaged ones has changed nothing


def test_the_rate_rises_then_falls_along_half_a_cosine():
    config = RunConfig(steps=1000, rate=2.0)
    assert cosine(0, config) == 0
    assert cosine(100, config, warmup=100) == pytest.approx(2.0 * (0.02 + 0.49 * (1 + math.cos(0.1 * math.pi))))
    assert cosine(1000, config) == cosine(5000, config) == pytest.approx(0.04)
    rates = [cosine(step, config) for step in range(200, 1001)]
    assert rates == sorted(rates, reverse=True)


# --- the folder of a run -----------------------------------------------------------------------------------------


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


# --- the command -------------------------------------------------------------------------------------------------


def begin(config, fabric):
    return LineTrainer(config, fabric), 1.0, torch.linspace(-1, 1, 9)[:, None]


def test_the_command_has_every_field_as_an_option_and_says_each_measurement(tmp_path, capsys):
    argv = ["--out", str(tmp_path / "run"), "--slope", "-1.5", "--steps", "8", "--accelerator", "cpu"]
    training_command.run(LineConfig(), begin, "Lines.", argv)
    said = capsys.readouterr().out.strip().splitlines()
    assert [line.split()[1] for line in said] == ["4", "8"]
    assert json.loads((tmp_path / "run" / "config.json").read_text()) == asdict(LineConfig(slope=-1.5, steps=8))
    with pytest.raises(SystemExit) as left:
        training_command.run(LineConfig(), begin, "Lines.", [*argv[:3], "4", *argv[4:]])
    assert "another slope" in str(left.value)
    with pytest.raises(SystemExit):
        training_command.run(LineConfig(), begin, "Lines.", ["--help"])
    helped = capsys.readouterr().out
    assert all("--" + name.replace("_", "-") in helped for name in asdict(LineConfig()))


PAIR = """
import sys, torch
from stegolab import training_command
from tests import test_training as here

def begin(config, fabric):
    trainer, _, valid = here.begin(config, fabric)
    validate = trainer.validate
    def watched(valid):
        torch.save(dict(trainer.learner.plain[1].state_dict()), f"{sys.argv[2]}_{fabric.global_rank}.pt")
        return validate(valid)
    trainer.validate = watched
    return trainer, 1.0 + fabric.global_rank, valid

if __name__ == "__main__":
    training_command.run(here.LineConfig(), begin, "", sys.argv[1:])
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
