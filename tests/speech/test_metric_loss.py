"""PESQ and STOI as a loss: less noise is lower, it agrees with the scores, and no clip spoils another."""

import numpy as np
import pytest
import torch

from stegolab.speech import scores
from stegolab.speech.metric_loss import METRIC_LOSSES, DifferentiableMetrics

from ..voice import speak

torch.set_num_threads(1)
N = 16_000


@pytest.fixture(scope="module")
def metrics() -> DifferentiableMetrics:
    return DifferentiableMetrics()


@pytest.fixture(scope="module")
def clean() -> torch.Tensor:
    return torch.stack([torch.from_numpy(speak(N / 16_000, seed=seed).samples) for seed in range(4)])


def noisy(clean: torch.Tensor, share: float) -> torch.Tensor:
    return clean + share * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))


def with_gradient(metrics, estimate, clean) -> tuple[torch.Tensor, torch.Tensor]:
    estimate = estimate.clone().requires_grad_()
    losses = metrics(estimate, clean)
    (gradient,) = torch.autograd.grad(losses.sum(), estimate)
    return losses.detach(), gradient


def test_the_choices():
    assert METRIC_LOSSES == ("gan", "differentiable", "both", "none")


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (0.2, 1.5)])
def test_less_noise_is_a_lower_loss_for_every_clip(clean, weights):
    metrics = DifferentiableMetrics(*weights)
    losses = torch.stack([metrics(noisy(clean, share), clean) for share in (0.3, 0.1, 0.03, 0.01, 0.0)])
    assert losses.shape == (5, 4) and losses.dtype == torch.float32
    assert (losses.diff(dim=0) < 0).all()
    torch.testing.assert_close(losses[-1], torch.zeros(4), rtol=0, atol=1e-4)


def test_stoi_is_that_of_the_scores(clean):
    estimate = noisy(clean, 0.05)
    theirs = [1 - scores.stoi(c.numpy(), e.numpy(), 16_000) for c, e in zip(clean, estimate, strict=True)]
    np.testing.assert_allclose(DifferentiableMetrics(0, 1)(estimate, clean).numpy(), theirs, atol=0.01)


def test_pesq_is_that_of_the_scores(clean):
    """After P.862.2's mapping to MOS-LQO."""
    for share in (0.003, 0.01, 0.03):
        estimate = noisy(clean, share)
        raw = 4.5 - DifferentiableMetrics(1, 0)(estimate, clean).numpy()
        ours = 0.999 + 4 / (1 + np.exp(-1.3669 * raw + 3.8224))
        theirs = [scores.pesq_wb(c.numpy(), e.numpy(), 16_000) for c, e in zip(clean, estimate, strict=True)]
        np.testing.assert_allclose(ours, theirs, atol=0.25)


def test_its_gradient_leads_to_less_noise(metrics, clean):
    estimate = noisy(clean, 0.03)
    losses, gradient = with_gradient(metrics, estimate, clean)
    step = 0.02 * estimate.norm(dim=-1, keepdim=True) * gradient / gradient.norm(dim=-1, keepdim=True)
    assert (metrics(estimate - step, clean) < losses).all()
    assert scores.pesq_wb(clean[0].numpy(), (estimate - step)[0].numpy(), 16_000) > scores.pesq_wb(
        clean[0].numpy(), estimate[0].numpy(), 16_000
    )


@pytest.mark.parametrize("level", [0.05, 20.0])
def test_the_level_of_either_does_not_matter(metrics, clean, level):
    estimate = noisy(clean, 0.03)
    torch.testing.assert_close(metrics(level * estimate, level * clean), metrics(estimate, clean), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(metrics(level * estimate, clean), metrics(estimate, clean), rtol=1e-3, atol=1e-4)


def spoil(estimate, clean, how):
    """The second clip, in several unusable forms."""
    estimate, clean = estimate.clone(), clean.clone()
    if how == "silent clean":
        clean[1] = 0
    if how == "silent estimate":
        estimate[1] = 0
    if how == "too little speech":
        clean[1, 4000:] = 0
    if how == "estimate not finite":
        estimate[1, 7] = torch.inf
    if how == "clean not a number":
        clean[1, 7] = torch.nan
    return estimate, clean


@pytest.mark.parametrize(
    "how", ["silent clean", "silent estimate", "too little speech", "estimate not finite", "clean not a number"]
)
def test_clips_are_masked_one_by_one(metrics, clean, how):
    estimate = noisy(clean, 0.03)
    losses, gradient = with_gradient(metrics, *spoil(estimate, clean, how))
    assert losses[1] == 0 and (gradient[1] == 0).all()
    expected, slope = with_gradient(metrics, estimate, clean)
    others = [0, 2, 3]
    torch.testing.assert_close(losses[others], expected[others])
    torch.testing.assert_close(gradient[others], slope[others])
    assert (losses[others] > 0.1).all()


@pytest.mark.parametrize("samples", [0, 1, 4000, 6399, 6400, 6700])
def test_clips_that_are_too_short_give_zero_and_no_gradient(metrics, clean, samples):
    losses, gradient = with_gradient(metrics, noisy(clean, 0.03)[:, :samples], clean[:, :samples])
    assert (losses == 0).all() and (gradient == 0).all() and losses.shape == (4,)


def test_gradients_are_finite_where_sound_is_perfect_or_absent(metrics, clean):
    pause = clean.clone()
    pause[:, :5000] = 0
    for estimate, reference in ((clean, clean), (pause, pause), (noisy(pause, 0.01) * (pause != 0), pause)):
        assert torch.isfinite(with_gradient(metrics, estimate, reference)[1]).all()


def test_autocast_does_not_change_it(metrics, clean):
    estimate = noisy(clean, 0.03)
    with torch.autocast("cpu", torch.bfloat16):
        losses = metrics(estimate, clean)
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses, metrics(estimate, clean))


def test_nothing_of_it_is_trained(metrics):
    assert not any(parameter.requires_grad for parameter in metrics.parameters())
