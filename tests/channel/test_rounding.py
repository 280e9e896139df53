"""Each substitute for rounding is close to it, and has the derivative that its docstring promises."""

import math

import pytest
import torch

from stegolab.channel.rounding import HALF, ROUNDINGS, fourier, nearest, rounding, through, to_bytes
from stegolab.errors import BadSpec

X = torch.linspace(-4, 4, 4001, dtype=torch.float64)


def derivative(function, x):
    leaf = x.clone().requires_grad_()
    function(leaf).sum().backward()
    return leaf.grad


def at(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_nearest_takes_halves_away_from_zero():
    assert nearest(at(-2.5, -0.5, -0.49, 0.49, 0.5, 1.5, 2.5)).tolist() == [-3, -1, 0, 0, 1, 2, 3]
    assert nearest(torch.tensor([0.49995])).item() == 1  # a half less float noise
    assert HALF - 0.5 < 1e-3


def test_through_has_the_value_of_one_and_the_gradient_of_the_other():
    leaf = at(0.1, 0.7).requires_grad_()
    value = through(leaf.round() * 3, leaf**2)
    value.sum().backward()
    assert value.tolist() == [0, 3]
    assert torch.equal(leaf.grad, 2 * leaf.detach())


@pytest.mark.parametrize(("name", "furthest"), [("straight-through", 0), ("cubic", 1 / 8), ("fourier", 0.5)])
def test_a_stand_in_stays_near_the_integers(name, furthest):
    assert (ROUNDINGS[name](X) - nearest(X)).abs().max() <= furthest + 1e-9
    far_from_halves = ((X - nearest(X)).abs() - 0.5).abs() > 0.1
    assert (ROUNDINGS[name](X) - nearest(X))[far_from_halves].abs().max() < 0.07


@pytest.mark.parametrize(
    ("name", "at_integers", "near_halves"),
    [("straight-through", 1, 1), ("cubic", 0, 3 * 0.499**2), ("fourier", 1, 21), ("none", 1, 1)],
)
def test_the_derivative_is_the_one_promised(name, at_integers, near_halves):
    slopes = derivative(ROUNDINGS[name], at(-3, 0, 2, -1.499, 0.499, 2.501))
    torch.testing.assert_close(slopes[:3], torch.full_like(slopes[:3], at_integers))
    torch.testing.assert_close(slopes[3:], torch.full_like(slopes[3:], near_halves), rtol=0.02, atol=0)


def test_the_derivatives_of_cubic_and_fourier_are_those_of_their_values():
    inside = at(0.03, 0.2, 0.45, -1.3, 2.4).requires_grad_()
    assert torch.autograd.gradcheck(ROUNDINGS["cubic"], (inside,))
    assert torch.autograd.gradcheck(ROUNDINGS["fourier"], (inside,))


def test_more_terms_come_nearer_to_rounding():
    errors = [(fourier(X, terms) - nearest(X)).abs().mean().item() for terms in (1, 3, 10, 30)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.02


def test_fourier_keeps_its_digits_far_from_zero():
    torch.testing.assert_close(fourier(torch.tensor([1000.25])), torch.tensor([1000.0]), atol=0.05, rtol=0)


def test_bytes_are_whole_clipped_and_still_teach():
    leaf = at(-3.2, 0.5, 99.49, 300).requires_grad_()
    value = to_bytes(leaf)
    value.sum().backward()
    assert value.tolist() == [0, 1, 99, 255]
    assert leaf.grad.tolist() == [1, 1, 1, 1]


def test_an_unknown_rounding_is_refused_by_name():
    with pytest.raises(BadSpec, match=r"^rounding must be one of straight-through, cubic, fourier, none, not floor$"):
        rounding("floor")
    assert all(math.isfinite(function(X).sum()) and rounding(name) is function for name, function in ROUNDINGS.items())
