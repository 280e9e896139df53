"""Stage one: the sign matters, the level does not, closer is lower, silence is no accident."""

import numpy as np
import pytest
import torch

from stegolab.errors import BadSpec
from stegolab.speech import scores
from stegolab.speech.frontend import Stft
from stegolab.speech.losses import RecipeLoss, RecipeWeights, StageOneLoss, si_sdr

from ..voice import speak

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def clean() -> torch.Tensor:
    return torch.stack([torch.from_numpy(speak(1.0, seed=seed).samples) for seed in range(2)])


def noisy(clean: torch.Tensor, share: float) -> torch.Tensor:
    return clean + share * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))


def test_the_inverted_estimate_loses(clean):
    """SI-SDR alone cannot tell the two apart."""
    estimate = noisy(clean, 0.02)
    torch.testing.assert_close(si_sdr(estimate, clean), si_sdr(-estimate, clean))
    assert StageOneLoss()(-estimate, clean) > StageOneLoss()(estimate, clean) + 0.5


def test_there_is_no_valley_on_the_side_of_the_wrong_sign(clean):
    """From the inverted waveform it is downhill all the way to the right one."""
    gains = [-2, -1, -0.5, -0.2, -0.05, -0.01, 0.01, 0.05, 0.2, 0.5, 1]
    losses = [StageOneLoss()(gain * clean, clean).item() for gain in gains]
    assert losses == sorted(losses, reverse=True)
    assert StageOneLoss()(1.5 * clean, clean) > losses[-1]


@pytest.mark.parametrize("level", [0.01, 0.5, 3.0])
def test_the_level_of_both_does_not_matter(clean, level):
    loss, estimate = StageOneLoss(), noisy(clean, 0.05)
    assert loss(level * estimate, level * clean).item() == pytest.approx(loss(estimate, clean).item(), rel=1e-3)


def test_but_the_level_of_one_does(clean):
    loss = StageOneLoss()
    assert loss(0.5 * clean, clean) > loss(clean, clean) + 0.01


def test_less_noise_is_a_lower_loss(clean):
    losses = [StageOneLoss()(noisy(clean, share), clean).item() for share in (0.3, 0.1, 0.03, 0.01, 0.0)]
    assert losses == sorted(losses, reverse=True) and len(set(losses)) == 5


def test_a_silent_clip_is_left_out_of_the_sdr_alone(clean):
    estimate = noisy(clean, 0.05)
    estimates, cleans = torch.cat([estimate, estimate[:1]]), torch.cat([clean, torch.zeros(1, clean.shape[1])])
    only_sdr = StageOneLoss(spectrum_weight=0)
    assert only_sdr(estimates, cleans).item() == pytest.approx(only_sdr(estimate, clean).item(), rel=1e-4)
    only_spectra = StageOneLoss(sdr_weight=0)
    quieter = torch.cat([estimate, 0.1 * estimate[:1]])
    assert only_spectra(quieter, cleans) < only_spectra(estimates, cleans)


@pytest.mark.parametrize("make", [torch.zeros_like, torch.clone, torch.neg])
@pytest.mark.parametrize("silent", [False, True])
def test_gradients_are_finite_everywhere(clean, make, silent):
    target = torch.zeros_like(clean) if silent else clean
    estimate = make(target).requires_grad_()
    StageOneLoss()(estimate, target).backward()
    assert estimate.grad is not None and torch.isfinite(estimate.grad).all()


def test_si_sdr_is_that_of_the_scores(clean):
    estimate = noisy(clean, 0.05)
    theirs = [scores.si_sdr(c.numpy(), e.numpy(), 16_000) for c, e in zip(clean, estimate, strict=True)]
    np.testing.assert_allclose(si_sdr(estimate, clean, ceiling=100).numpy(), theirs, atol=0.01)


def test_si_sdr_does_not_hear_a_constant_offset(clean):
    estimate = noisy(clean, 0.05)
    torch.testing.assert_close(si_sdr(estimate + 0.1, clean), si_sdr(estimate, clean), rtol=0, atol=1e-3)


def test_si_sdr_levels_off_at_its_ceiling(clean):
    values = si_sdr(clean, clean, ceiling=30)
    torch.testing.assert_close(values, torch.full((2,), 30.0), rtol=0, atol=0.05)


# --- the terms of FastEnhancer -----------------------------------------------------------------------------------

ALL = RecipeWeights(magnitude=0.3, spectrum=0.2, consistency=0.3, waveform=0.2, pesq=0.001)


def recipe(weights: RecipeWeights, estimate: torch.Tensor, clean: torch.Tensor) -> dict[str, float]:
    terms = RecipeLoss(weights)(estimate, Stft()(estimate), clean)
    return {name: term.item() for name, term in terms.items()}


@pytest.mark.parametrize("name", ["magnitude", "spectrum", "consistency", "waveform", "pesq"])
def test_each_term_comes_alone_and_in_proportion_to_its_weight(clean, name):
    estimate, spectrogram = noisy(clean, 0.1), torch.randn(2, 257, 81, dtype=torch.complex64)
    one, two = (RecipeLoss(RecipeWeights(**{name: weight}))(estimate, spectrogram, clean) for weight in (1.0, 2.0))
    assert set(one) == set(two) == {name}
    assert two[name].item() == pytest.approx(2 * one[name].item(), rel=1e-4) and one[name] > 0


def test_all_terms_but_consistency_vanish_for_the_clean_speech_and_grow_with_noise(clean):
    perfect, good, bad = (recipe(ALL, noisy(clean, share), clean) for share in (0.0, 0.02, 0.2))
    for name in ("magnitude", "spectrum", "waveform", "pesq"):
        assert perfect[name] == pytest.approx(0, abs=1e-5)
        assert perfect[name] < good[name] < bad[name]
    assert max(found["consistency"] for found in (perfect, good, bad)) < 1e-6  # each is the spectrogram of a waveform


def test_a_spectrogram_of_no_waveform_is_inconsistent(clean):
    stft = Stft()
    turned = stft(clean) * torch.exp(2j * torch.pi * torch.rand(stft(clean).shape))
    back = stft.synthesise(turned, clean.shape[-1])
    weights = RecipeWeights(consistency=1.0)
    assert RecipeLoss(weights)(back, turned, clean)["consistency"] > 0.01
    assert RecipeLoss(weights)(back, stft(back), clean)["consistency"] < 1e-6


@pytest.mark.parametrize("level", [0.01, 3.0])
def test_no_term_depends_on_the_level_of_both(clean, level):
    wanted = recipe(ALL, noisy(clean, 0.05), clean)
    assert recipe(ALL, level * noisy(clean, 0.05), level * clean) == pytest.approx(wanted, rel=2e-2, abs=1e-6)


@pytest.mark.parametrize("silent", [False, True])
def test_gradients_of_all_terms_are_finite(clean, silent):
    target = torch.zeros_like(clean) if silent else clean
    estimate = target.clone().requires_grad_()
    sum(RecipeLoss(ALL)(estimate, Stft()(estimate), target).values()).backward()
    assert estimate.grad is not None and torch.isfinite(estimate.grad).all()


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_weights_that_reward_a_distance_are_refused(weight):
    with pytest.raises(BadSpec, match="waveform_weight"):
        RecipeWeights(waveform=weight)
