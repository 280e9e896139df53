"""Noise is as strong as it says, and drawn from its generator only."""

import pytest
import torch

from stegolab.errors import BadSpec
from stegolab.related.pixinwav.config import NOISES
from stegolab.related.pixinwav.noise import noisy
from tests.related.pixinwav.small import batch, clip


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def test_noise_is_of_the_strength_that_it_says():
    sound = batch(clip(length=12_000))
    level = sound.square().mean().sqrt()
    gaussian = noisy(sound, "gaussian", 0.1, random()) - sound
    assert float(gaussian.square().mean().sqrt() / level) == pytest.approx(0.1, rel=0.05)
    speckle = noisy(sound, "speckle", 0.1, random()) - sound
    assert float(speckle.square().mean().sqrt() / level) == pytest.approx(0.1, rel=0.1)
    assert torch.equal(speckle[sound == 0], sound[sound == 0])
    salt, pepper = (noisy(sound, kind, 0.05, random()) for kind in ("salt", "pepper"))
    for befallen, values in ((salt != sound, salt), (pepper != sound, pepper)):
        assert float(befallen.float().mean()) == pytest.approx(0.05, abs=0.02)
        assert len(values[befallen].unique()) <= 2
    assert float(salt.abs().max()) == float(sound.abs().max())
    assert set(salt[salt != sound].sign().tolist()) == {-1.0, 1.0}
    assert not pepper[pepper != sound].any()
    assert noisy(sound, "none", 0.3) is sound


@pytest.mark.parametrize("kind", NOISES[1:])
def test_noise_is_drawn_from_its_generator(kind):
    sound = batch(clip())
    first, again, other = (noisy(sound, kind, 0.1, random(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_unknown_noise_is_refused():
    with pytest.raises(BadSpec, match="pepper"):
        noisy(torch.zeros(1, 4), "sugar", 0.1)
