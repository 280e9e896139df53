"""Model 1's training: seeded, resumable to the bit in every phase, and what it learns is speech of the right sign.

The golden log is made anew with ``STEGOLAB_REGENERATE=1 python -m pytest tests/speech/test_trainer.py -k golden``.
"""

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from stegolab.errors import BadSpec
from stegolab.speech import dccrn_weights, metricgan
from stegolab.speech.config import TrainConfig
from stegolab.speech.dccrn import Dccrn, DccrnConfig
from stegolab.speech.metric_loss import METRIC_LOSSES
from stegolab.speech.mixing import MixConfig, Mixer
from stegolab.speech.trainer import Trainer, mixtures
from tests.training import assert_resumes, assert_seeded, cpu, run, same, weights

GOLDEN = Path(__file__).with_name("golden_training.json")


@cache
def mixer():
    return Mixer.from_data("samples", MixConfig(seconds=1.0))


@cache
def pairs():
    return mixer().draw(4, np.random.default_rng(7))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The weights of the smallest possible network."""
    path = tmp_path_factory.mktemp("start") / "tiny.safetensors"
    torch.manual_seed(0)
    dccrn_weights.save(Dccrn(DccrnConfig(channels=(4, 8), hidden=4)), path, torch.float32)
    return str(path)


def config(start, **options):
    defaults = {"steps": 200, "batch_size": 2, "learning_rate": 5e-3, "ema_decay": 0.9, "discriminator_warmup": 2}
    return TrainConfig(init_from=start, **(defaults | options))


def trainer(config):
    return Trainer(config, cpu(), mixer().samples)


def test_ten_steps_are_those_of_the_golden_log(start):
    found = run(trainer(config(start, metric_loss="both", ema_decay=0.999)), mixer(), 10)
    if os.environ.get("STEGOLAB_REGENERATE"):
        rounded = [{name: float(f"{value:.6g}") for name, value in record.items()} for record in found]
        GOLDEN.write_text(json.dumps(rounded, indent=1, sort_keys=True) + "\n")
    for number, (record, wanted) in enumerate(zip(found, json.loads(GOLDEN.read_text()), strict=True)):
        assert record == pytest.approx(wanted, rel=2e-2, abs=2e-3), f"step {number}"


def test_all_that_is_random_is_drawn_from_seed_and_step(start):
    assert_seeded(lambda seed: trainer(config(start, seed=seed)), mixer())


@pytest.mark.parametrize("metric_loss", METRIC_LOSSES)
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(start, metric_loss, tmp_path):
    settings = config(start, metric_loss=metric_loss)
    resumed, whole = assert_resumes(lambda: trainer(settings), mixer(), 3, tmp_path)
    if whole.discriminator is not None:
        assert same(weights(resumed.discriminator), weights(whole.discriminator))


def test_each_metric_loss_adds_its_own_term(start):
    terms = {}
    for name in METRIC_LOSSES:
        terms[name] = set(run(trainer(config(start, metric_loss=name, discriminator_warmup=0)), mixer(), 1)[0])
    added = {name: found - terms["none"] for name, found in terms.items()}
    assert added["gan"] == {"gan", "discriminator"}
    assert added["differentiable"] == {"differentiable"}
    assert added["both"] == {"gan", "discriminator", "differentiable"}


@pytest.mark.parametrize("name", ["magnitude", "spectrum", "consistency", "waveform", "pesq"])
def test_each_weight_of_the_recipe_adds_its_term(start, name):
    without = set(run(trainer(config(start)), mixer(), 1)[0])
    added = run(trainer(config(start, **{f"{name}_weight": 0.1})), mixer(), 1)[0]
    assert set(added) - without == {name}
    assert np.isfinite(added[name])


def test_the_weight_of_si_sdr_counts(start):
    one, two = (run(trainer(config(start, sdr_weight=weight)), mixer(), 1)[0]["stage one"] for weight in (0.05, 0.5))
    assert one != pytest.approx(two, rel=0.05)


def test_options_of_a_run_are_those_of_its_mixtures(start):
    chances = {"noise": 0.1, "voice": 0.2, "room": 0.3, "second_noise": 0.4, "turn": 0.5}
    faults = {"jump": 0.6, "rumble": 0.7, "thump": 0.8, "offset": 0.9, "clip": 1.0}
    found = mixtures(config(start, **chances, **faults, conditioned=False))
    assert {name: getattr(found, name) for name in chances} == chances
    assert {name: getattr(found.faults, name) for name in faults} == faults
    assert not found.heard and mixtures(TrainConfig()).heard


def test_while_it_listens_only_the_discriminator_learns(start):
    trained = trainer(config(start, metric_loss="gan", discriminator_warmup=2))
    speaks, judges = weights(trained.learner), weights(trained.discriminator)
    learned = [name for name, _ in trained.plain.named_parameters()]
    run(trained, mixer(), 2)
    assert all(torch.equal(weights(trained.learner)[name], speaks[name]) for name in learned)
    assert not same(weights(trained.discriminator), judges)
    run(trained, mixer(), 1)
    assert not all(torch.equal(weights(trained.learner)[name], speaks[name]) for name in learned)


def test_the_discriminator_is_not_moved_by_the_network_that_wants_to_please_it(start):
    """The gradient of the other network's loss is discarded."""
    trained = trainer(
        replace(config(start, metric_loss="gan", discriminator_warmup=0), discriminator_learning_rate=0.0)
    )
    learned = {name: value.detach().clone() for name, value in trained.discriminator.plain.named_parameters()}
    run(trained, mixer(), 2)
    assert all(torch.equal(value, learned[name]) for name, value in trained.discriminator.plain.named_parameters())


def test_stage_one_learns_and_keeps_the_sign(start):
    trained = trainer(config(start, batch_size=4, learning_rate=2e-2))
    first = trained.validate(pairs())
    run(trained, mixer(), 60)
    last = trained.validate(pairs())
    assert last["loss"] < 0.9 * first["loss"]
    noisy, clean = map(torch.from_numpy, pairs())
    with trained.learner.averaging() as network, torch.no_grad():
        estimate = network(noisy)
    assert torch.all((estimate * clean).sum(-1) > 0)  # SI-SDR alone would be content with -estimate


def test_a_clip_of_silence_costs_that_clip_only(start):
    class Silence:
        samples = mixer().samples

        def draw(self, count, random):
            noisy, clean = mixer().draw(count, random)
            clean[0] = 0
            return noisy, clean

    trained = trainer(config(start, metric_loss="both", discriminator_warmup=1))
    logs = [trained.advance(Silence()) for _ in range(3)]
    assert all(np.isfinite(value) for record in logs for value in record.values())


def test_validating_leaves_the_run_alone_and_repeats_itself(start):
    trained = trainer(config(start, metric_loss="gan", discriminator_warmup=1))
    run(trained, mixer(), 2)
    live = weights(trained.learner)
    found = trained.validate(pairs())
    assert found == trained.validate(pairs())
    assert same(weights(trained.learner), live)
    assert 1 <= found["pesq_wb"] <= 4.65
    assert {"correlation pesq", "correlation stoi"} <= found.keys()
    shown = trained.look(pairs())
    assert {name: tuple(sound.shape) for name, sound in shown.items()} == dict.fromkeys(
        ("noisy", "enhanced", "clean"), (mixer().samples,)
    )


def test_the_exported_weights_are_the_averaged_ones(start, tmp_path):
    trained = trainer(config(start, metric_loss="gan", discriminator_warmup=1))
    run(trained, mixer(), 2)
    trained.export(tmp_path / "weights.safetensors")
    exported = dccrn_weights.load(tmp_path / "weights.safetensors").state_dict()
    for name, value in trained.learner.averaged.items():
        torch.testing.assert_close(exported[name], value, rtol=1e-3, atol=1e-3)  # float16
    discriminator = metricgan.load(tmp_path / "discriminator.safetensors")
    assert same(discriminator.state_dict(), trained.discriminator.averaged)
    assert not discriminator.training


def test_unknown_settings_are_refused(start):
    with pytest.raises(BadSpec, match="gan, differentiable"):
        trainer(config(start, metric_loss="pesq"))
    with pytest.raises(BadSpec, match="small"):
        trainer(TrainConfig(size="large"))  # type: ignore[arg-type]
