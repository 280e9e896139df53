"""The steganalyst sees noise, not the picture; it learns to tell stego from cover, and the carrier learns from it."""

import pytest
import torch
from torch.nn import functional as F

from stegolab.carrier.training.discriminator import Discriminator
from stegolab.carrier.training.losses import adversarial_loss, discriminator_loss


def discriminator(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Discriminator()


def planes(count=4, side=64, seed=0):
    """Smooth pictures with a little noise, 8-bit units."""
    generator = torch.Generator().manual_seed(seed)
    coarse = 255 * torch.rand((count, 1, 5, 5), generator=generator)
    smooth = F.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=True)[:, 0]
    return smooth + torch.randn((count, side, side), generator=generator)


def test_it_is_small():
    assert sum(weight.numel() for weight in discriminator().parameters()) < 100_000


def test_its_filters_are_blind_to_brightness_and_the_high_orders_to_slopes():
    front = discriminator().front
    assert front.shape == (8, 1, 5, 5)
    assert front.sum((1, 2, 3)).abs().max() < 1e-5
    slope = torch.arange(5.0) - 2
    for axis in ((1, 5), (5, 1)):
        seen = (front * slope.reshape(axis)).sum((1, 2, 3)).abs()
        assert (seen < 1e-5).sum() == 7  # all but the first order along this axis
    net, luma = discriminator().eval(), planes()
    torch.testing.assert_close(net(luma + 40), net(luma), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("shape", [(32, 32), (65, 49), (192, 192)])
def test_it_judges_pictures_of_any_size_each_for_itself(shape):
    net, luma = discriminator().eval(), 255 * torch.rand((3, *shape), generator=torch.Generator().manual_seed(1))
    logits = net(luma)
    assert logits.shape == (3,)
    torch.testing.assert_close(net(luma[1:2]), logits[1:2], atol=1e-4, rtol=1e-4)


def test_it_learns_to_find_a_change_of_two_levels_and_not_what_is_not_there():
    """A checkerboard of +-2 in noise of 1: after fifty steps it tells pictures apart that it has never seen."""
    board = 2.0 * (-1) ** (torch.arange(64)[:, None] + torch.arange(64))
    net = discriminator()
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    for step in range(50):
        luma = planes(seed=step)
        loss = discriminator_loss(net(luma), net(luma + board))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    net.eval()
    unseen = planes(16, seed=1000)
    assert (net(unseen) < 0).float().mean() > 0.9
    assert (net(unseen + board) > 0).float().mean() > 0.9


def test_the_carrier_learns_from_it_which_way_a_picture_looks_like_a_cover():
    net, luma = discriminator().eval(), planes().requires_grad_()
    before = adversarial_loss(net(luma))
    (slope,) = torch.autograd.grad(before, luma)
    assert slope.abs().max() > 0
    after = adversarial_loss(net(luma - 0.5 * slope / slope.abs().max()))
    assert after < before


def test_layers_do_not_amplify():
    """Spectral norm: the gain of every learned convolution is about one whatever its weights; so is their gradient."""
    net = discriminator()
    with torch.no_grad():
        for layer in (net.first, *net.rest):
            layer.parametrizations.weight.original *= 100
    for _ in range(30):  # power iterations
        net(planes())
    for layer in (net.first, *net.rest):
        assert torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2).item() == pytest.approx(1, abs=0.05)
