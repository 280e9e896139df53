"""The noise layer: as strong as it says, with a gradient, drawn from its generator only."""

import numpy as np
import pytest
import torch

from stegolab.audio import RATE, Speech, from_pcm16, to_pcm16
from stegolab.errors import BadSpec
from stegolab.related.levels import LEVEL
from stegolab.related.wavinwav import noise
from stegolab.related.wavinwav.losses import snr_db


def waves(seed=0):
    return LEVEL * torch.randn(2, 4096, generator=torch.Generator().manual_seed(seed))


def test_sixteen_bits_are_those_of_a_file():
    waveform = 5 * waves()[:1] / LEVEL
    wanted = from_pcm16(to_pcm16(Speech(waveform[0].numpy(), RATE)), RATE)
    np.testing.assert_array_equal(noise.requantise(waveform)[0].numpy(), wanted.samples)


@pytest.mark.parametrize("kind", noise.DISTURBANCES)
def test_a_disturbance_is_as_strong_as_it_says_and_lets_a_gradient_through(kind):
    disturbance, strengths = noise.DISTURBANCES[kind]
    found = []
    for strength in (strengths[0], strengths[-1]):
        waveform = waves().requires_grad_()
        after = disturbance(waveform, strength, torch.Generator().manual_seed(1))
        assert after.shape == waveform.shape
        after.square().sum().backward()
        assert (waveform.grad != 0).float().mean() > 0.9
        found.append(float(snr_db(after, waveform).mean().detach()))
    assert found[0] > found[1]
    if kind in ("gaussian", "speckle"):
        assert found == pytest.approx([strengths[0], strengths[-1]], abs=0.5)


def test_the_layer_draws_from_its_generator_only_and_always_rounds():
    layer = noise.NoiseLayer(0.5)
    drawn = [[layer(waves(), np.random.default_rng(seed)) for seed in range(12)] for _ in range(2)]
    assert all(torch.equal(one, other) for one, other in zip(*drawn, strict=True))
    assert all(torch.equal(noise.requantise(x), x) for x in drawn[0])
    untouched = sum(torch.equal(x, noise.requantise(waves())) for x in drawn[0])
    assert 0 < untouched < 12
    assert torch.equal(noise.NoiseLayer(0.0)(waves(), np.random.default_rng(0)), noise.requantise(waves()))
    with pytest.raises(BadSpec, match="thunder"):
        noise.NoiseLayer(1.0, ("thunder",))
