"""Attention stays between 0 and 1, starts as a constant, and looks near (space) and far (channels)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.carrier.networks.attention import Attended, Attention, compress

seeds = st.integers(0, 2**32 - 1)
sides = st.integers(1, 9)


def randomised(module, seed, spread=0.3):
    """The module in float64 with random weights, because untrained ones are constants, which break few laws."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double()
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(0, spread, generator=generator)
    return module


def coefficients(seed, *shape):
    """Heavy-tailed coefficients, like those of pictures."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64) ** 3 * 30


@settings(max_examples=25)
@given(seeds, sides, sides, st.floats(0.05, 0.95))
def test_it_starts_as_the_same_strength_everywhere(seed, rows, columns, start):
    attention = Attention(passive=4, carried=3, width=8, start=start).double()
    strength = attention(coefficients(seed, 2, 4, rows, columns)).sigmoid()
    assert strength.shape == (2, 3, rows, columns)
    torch.testing.assert_close(strength, torch.full_like(strength, start), atol=1e-6, rtol=0)


@settings(max_examples=25)
@given(seeds, sides, sides)
def test_any_weights_give_strengths_strictly_between_nothing_and_everything(seed, rows, columns):
    attention = randomised(Attention(passive=4, carried=3, width=8), seed)
    strength = attention(coefficients(seed, 2, 4, rows, columns)).sigmoid()
    assert torch.all((strength > 0) & (strength < 1))
    assert strength.std() > 1e-3  # and differ from place to place, or from frequency to frequency


def test_pictures_of_a_batch_do_not_see_one_another():
    attention = randomised(Attention(4, 3, 8), 1)
    pictures = coefficients(2, 3, 4, 6, 5)
    torch.testing.assert_close(attention(pictures)[1:2], attention(pictures[1:2]))


def touched(module, row, column):
    """(h, w): where the output changes when one block of the input does."""
    features = coefficients(3, 1, 6, 11, 11) / 30
    moved = features.clone()
    moved[..., row, column] += 1
    return (module(moved) - module(features)).abs().amax((0, 1)) > 1e-12


def test_spatial_attention_sees_two_blocks_far_and_channel_attention_the_whole_picture():
    module = randomised(Attended(6), 4)
    assert touched(module, 0, 0).all()
    with torch.no_grad():
        module.gate.weight.zero_()  # the whole picture's say
    near = torch.zeros(11, 11, dtype=torch.bool)
    near[:3, :3] = True
    assert torch.equal(touched(module, 0, 0), near)


def test_attended_adds_to_its_input():
    module = randomised(Attended(6), 5)
    with torch.no_grad():
        module.out.weight.zero_()
        assert module.out.bias is not None
        module.out.bias.zero_()
    features = coefficients(6, 2, 6, 4, 7)
    torch.testing.assert_close(module(features), features)


def test_every_weight_learns():
    attention = randomised(Attention(4, 3, 8), 7)
    attention(coefficients(8, 2, 4, 6, 6)).square().sum().backward()
    for name, weight in attention.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, name


def test_the_gradient_is_that_of_finite_differences():
    attention = randomised(Attention(3, 2, 4), 9)
    passive = coefficients(10, 1, 3, 3, 2).requires_grad_()
    assert torch.autograd.gradcheck(attention, (passive,), atol=1e-6)


@given(st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_compress_keeps_sign_and_order_and_what_it_returns_is_small(a, b):
    x = torch.tensor([a, b, -a, 0.0], dtype=torch.float64)
    small, other, mirrored, nothing = compress(x).tolist()
    assert nothing == 0
    assert mirrored == -small
    assert (small <= other) == (a <= b) or small == pytest.approx(other, abs=1e-15)
    assert abs(small) < 3
