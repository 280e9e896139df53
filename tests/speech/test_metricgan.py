"""The discriminator: bounded, independent of level, with a useful gradient; it learns, and no clip affects another."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from stegolab.speech.metricgan import MetricDiscriminator, discriminator_loss, generator_loss
from stegolab.speech.true_scores import TrueScores

from ..voice import speak

torch.set_num_threads(1)
N = 8_000


def voices(seeds, n: int = N) -> torch.Tensor:
    return torch.stack([torch.from_numpy(speak(n / 16_000, seed=seed).samples) for seed in seeds])


def noise_like(clean: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def clean() -> torch.Tensor:
    return voices(range(4))


@pytest.fixture(scope="module")
def noisy(clean) -> torch.Tensor:
    return clean + 0.03 * noise_like(clean)


@pytest.fixture
def discriminator() -> MetricDiscriminator:
    torch.manual_seed(0)
    return MetricDiscriminator(width=4).eval()


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]


def test_two_scores_a_clip(discriminator, clean, noisy):
    predicted = discriminator(clean, noisy)
    assert predicted.shape == (4, 2) and predicted.dtype == torch.float32
    assert ((predicted > 0) & (predicted < 1)).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_hardly_changes_it(discriminator, clean, noisy, dtype):
    tone = torch.sin(torch.arange(N) * 0.4).expand(4, N)  # all its power in one band
    for estimate in (noisy, tone):
        with torch.autocast("cpu", dtype):
            predicted = discriminator(clean, estimate)
        assert predicted.dtype == torch.float32
        torch.testing.assert_close(predicted, discriminator(clean, estimate), rtol=0, atol=0.02)


def test_a_fifth_of_a_second_is_enough(discriminator, clean, noisy):
    assert torch.isfinite(discriminator.train()(clean[:, :3200], noisy[:, :3200])).all()


def test_it_is_as_it_was_ordered():
    """Four convolutions, 4x4, stride 2, spectral norm on each; small enough for a CPU."""
    layers = convolutions(MetricDiscriminator())
    assert [(c.kernel_size, c.stride) for c in layers] == [((4, 4), (2, 2))] * 4
    assert all(nn.utils.parametrize.is_parametrized(c, "weight") for c in layers)
    assert sum(p.numel() for p in MetricDiscriminator().parameters()) < 300_000


def test_each_clip_is_judged_by_itself(discriminator, clean, noisy):
    for k in range(4):
        torch.testing.assert_close(
            discriminator(clean[k : k + 1], noisy[k : k + 1]), discriminator(clean, noisy)[k : k + 1]
        )


@pytest.mark.parametrize("level", [0.03, 10.0])
def test_the_level_of_either_does_not_matter(discriminator, clean, noisy, level):
    torch.testing.assert_close(discriminator(level * clean, noisy), discriminator(clean, noisy), rtol=0, atol=1e-4)
    torch.testing.assert_close(discriminator(clean, level * noisy), discriminator(clean, noisy), rtol=0, atol=1e-4)


@pytest.mark.parametrize("make", [torch.clone, torch.zeros_like, lambda clean: clean + 0.1 * noise_like(clean)])
def test_the_gradient_reaches_every_estimate(discriminator, clean, make):
    """A perfect one too, and it is finite where there is silence."""
    estimate = make(clean).requires_grad_()
    generator_loss(discriminator(clean, estimate), clean).backward()
    assert estimate.grad is not None and torch.isfinite(estimate.grad).all()
    if estimate.detach().any():
        assert (estimate.grad.norm(dim=-1) > 0).all()


def test_convolutions_are_bounded(clean, noisy):
    """Spectral norm: no weight matrix stretches anything, so a 4x4 kernel of stride 2 at most doubles a picture."""
    torch.manual_seed(0)
    network = MetricDiscriminator(width=4)
    with torch.no_grad():
        for layer in convolutions(network):
            layer.get_parameter("parametrizations.weight.original").mul_(30)
    for _ in range(40):
        network(clean, noisy)
    network.eval()
    for layer in convolutions(network):
        assert torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2).item() == pytest.approx(1, abs=0.02)
        a, b = torch.randn(2, 1, layer.in_channels, 32, 32)
        assert (layer(a) - layer(b)).norm() <= 2.05 * (a - b).norm()


@pytest.mark.parametrize("which", ["reference", "estimate"])
@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_spoilt_clip_spoils_no_other(discriminator, clean, noisy, which, value):
    reference, estimate = clean.clone(), noisy.clone()
    {"reference": reference, "estimate": estimate}[which][1] = value
    predicted = discriminator(reference, estimate)
    others = [0, 2, 3]
    torch.testing.assert_close(predicted[others], discriminator(clean, noisy)[others])
    true = torch.rand(4, 2, generator=torch.Generator().manual_seed(0))
    true[1] = torch.nan
    loss = discriminator_loss(predicted, true)
    torch.testing.assert_close(loss, discriminator_loss(predicted[others], true[others]))
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in discriminator.parameters())


def test_scores_that_are_missing_are_left_out_one_by_one():
    predicted = torch.tensor([[0.5, 0.5], [0.2, 0.9]], requires_grad=True)
    true = torch.tensor([[0.4, torch.nan], [torch.nan, torch.nan]])
    loss = discriminator_loss(predicted, true)
    assert loss.item() == pytest.approx(0.01)
    (slope,) = torch.autograd.grad(loss, predicted)
    assert slope.nonzero().tolist() == [[0, 0]]
    nothing = discriminator_loss(predicted, torch.full((2, 2), torch.nan))
    assert nothing.item() == 0 and nothing.requires_grad


def test_the_generator_wants_both_scores_high(clean):
    scores = torch.tensor([0.2, 0.6, 1.0])
    table = {
        pair: generator_loss(torch.stack(pair).expand(4, 2), clean).item() for pair in itertools.product(scores, scores)
    }
    for (pesq, stoi), loss in table.items():
        assert loss == pytest.approx((1 - pesq) ** 2 + (1 - stoi) ** 2)


def test_the_generator_is_not_asked_to_please_with_silence(clean):
    predicted = torch.rand(4, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    silent = clean.clone()
    silent[2] = 0
    loss = generator_loss(predicted, silent)
    torch.testing.assert_close(loss, generator_loss(predicted[[0, 1, 3]], clean[[0, 1, 3]]))
    (slope,) = torch.autograd.grad(loss, predicted)
    assert (slope != 0).any(1).tolist() == [True, True, False, True]
    assert generator_loss(predicted, torch.zeros_like(clean)).item() == 0


def test_a_few_steps_teach_it_to_tell_better_from_worse():
    """It learns for unseen voices and noise, and its gradient then leads to less noise."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)

    def clips(seeds):
        reference = voices(seeds, n=16_000)
        level = torch.from_numpy(10 ** random.uniform(-3, -0.7, (len(seeds), 1))).float()
        estimate = reference + level * noise_like(reference, seeds[0])
        return reference, estimate, torch.from_numpy(TrueScores()(reference, estimate))

    train, held_out = clips(range(36)), clips(range(100, 120))
    network = MetricDiscriminator(width=4)
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3)
    for _ in range(40):
        rows = torch.from_numpy(random.permutation(36)[:12])
        reference, estimate, true = (part[rows] for part in train)
        loss = discriminator_loss(network(reference, estimate), true)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    reference, estimate, true = held_out
    estimate.requires_grad_()
    predicted = network(reference, estimate)
    for score in range(2):
        assert np.corrcoef(predicted[:, score].detach(), true[:, score])[0, 1] > 0.8
    (gradient,) = torch.autograd.grad(predicted.sum(), estimate)
    noise = (estimate - reference).detach()
    towards_noise = (gradient * noise).sum(-1)[noise.std(-1) > 0.01]
    assert (towards_noise < 0).float().mean() > 0.8
