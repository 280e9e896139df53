"""A step is safe: the gradient is clipped, what is not finite moves nothing, and the average follows the weights."""

import math

import pytest
import torch
from torch import nn

from stegolab.training.learner import Diverged, Learner
from tests.training import cpu, same, weights
from tests.training.line import LineConfig, LineTrainer


def learner(**options):
    torch.manual_seed(0)
    return Learner(nn.Linear(2, 1), cpu(), **options)


def test_groups_learn_at_their_own_rate():
    torch.manual_seed(0)
    network = nn.Linear(2, 1)
    groups = [{"params": [network.weight], "scale": 1.0}, {"params": [network.bias], "scale": 3.0}]
    moved = Learner(network, cpu(), groups=groups, weight_decay=0.0)
    before = weights(moved)
    moved.descend(moved.network(torch.ones(1, 2)).sum(), 0.01)
    after = weights(moved)
    torch.testing.assert_close(before["weight"] - after["weight"], torch.full((1, 2), 0.01))  # Adam's first step
    torch.testing.assert_close(before["bias"] - after["bias"], torch.full((1,), 0.03))


def test_the_gradient_is_cut_at_the_norm():
    steep = learner(max_norm=1.0)
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
    with pytest.raises(Diverged, match=f"step 2: the .*{poison}.*--learning-rate"):
        frail.descend(loss(), 0.1)


def test_patience_is_for_steps_in_a_row():
    frail = learner(patience=1)
    for _ in range(3):
        frail.descend(frail.network(torch.ones(1, 2)).sum() * math.nan, 0.1)
        assert math.isfinite(frail.descend(frail.network(torch.ones(1, 2)).sum(), 0.1))


def test_the_average_is_that_of_the_weights_that_were_passed():
    """Starts as the plain mean, weighted to the recent, and becomes the moving average of the share asked for."""
    followed = learner(ema_decay=0.5)
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
