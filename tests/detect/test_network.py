"""The network and one step of its training; whether it learns anything, and goes on as if nothing had happened."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from stegolab.detect.config import TrainConfig
from stegolab.detect.lsb import lsb_matching
from stegolab.detect.network import Detector
from stegolab.detect.trainer import Trainer, best
from stegolab.errors import BadData
from stegolab.training.loop import fit
from tests.detect.material import crops
from tests.training import cpu, same, weights

CONFIG = TrainConfig(steps=6, batch_size=2, validate_every=3, side=32, width=4)


def pairs(few=12):
    covers = crops()[0][:few]
    return covers, lsb_matching(covers)


def trainer(config=CONFIG):
    return Trainer(config, cpu())


def test_a_picture_in_a_log_odds_out_whatever_its_size():
    torch.manual_seed(0)
    network = Detector(4).eval()
    for shape in ((2, 32, 32), (3, 40, 57)):
        assert network(torch.rand(shape) * 255).shape == shape[:1]


def test_brightness_does_not_matter_at_the_start():
    """The filters begin as the rich model's: a constant leaves no residual."""
    torch.manual_seed(0)
    network = Detector(4).eval()
    noise = torch.randn(1, 48, 48)
    torch.testing.assert_close(network(noise + 200), network(noise), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(network(2 * noise), network(noise), atol=1e-2)


def test_every_weight_learns():
    network = Detector(4)
    network(torch.rand(4, 32, 32) * 255).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_a_few_steps_find_lsb_matching_in_flat_pictures():
    """Easy on purpose: smooth covers, whose noise is the payload."""
    random = np.random.default_rng(0)
    rows, columns = np.indices((48, 48))
    slopes = random.uniform(-1, 1, (24, 2, 1, 1))
    covers = (128 + slopes[:, 0] * rows + slopes[:, 1] * columns).astype(np.uint8)
    config = TrainConfig(steps=40, batch_size=8, validate_every=40, side=32, width=4, ema_decay=0.8, learning_rate=1e-2)
    learning = trainer(config)
    for _ in range(config.steps):
        logged = learning.advance((covers[:16], lsb_matching(covers[:16])))
    assert logged["loss"] < 0.3 and logged["accuracy"] > 0.9
    assert learning.validate((covers[16:], lsb_matching(covers[16:], seed=1)))["p_e"] == 0


def test_cover_and_stego_are_cut_and_turned_alike(monkeypatch):
    learning = trainer(replace(CONFIG, batch_size=8))
    tensor = Mock(wraps=learning._tensor)
    monkeypatch.setattr(learning, "_tensor", tensor)
    covers, _ = pairs()
    learning.advance((covers, covers ^ 1))
    of_cover, of_stego = np.split(tensor.call_args.args[0], 2)
    np.testing.assert_array_equal(of_cover ^ 1, of_stego)
    assert len({crop.tobytes() for crop in of_cover}) == 8
    with pytest.raises(BadData, match="smaller"):
        trainer(replace(CONFIG, side=128)).advance((covers, covers))


def test_a_run_that_is_cut_off_goes_on_as_if_nothing_had_happened(tmp_path):
    whole = trainer()
    records = list(fit(whole, pairs(), pairs(3), tmp_path / "whole"))
    begun = fit(trainer(), pairs(), pairs(3), tmp_path / "cut")
    next(begun)
    begun.close()
    resumed = trainer()
    again = list(fit(resumed, pairs(), pairs(3), tmp_path / "cut"))
    assert [{**record, "minutes": 0} for record in again] == [{**record, "minutes": 0} for record in records[1:]]
    assert same(weights(resumed.learner), weights(whole.learner))


def test_the_best_weights_score_as_they_did_in_training(tmp_path):
    learning = trainer(replace(CONFIG, steps=3))
    list(fit(learning, pairs(), pairs(3), tmp_path))
    read = best(CONFIG, tmp_path / "best.safetensors", learning.fabric)
    np.testing.assert_array_equal(read.scores(pairs(3)[1]), learning.scores(pairs(3)[1]))
