"""The receiving half starts as dither modulation's own receiver; positive ratios say one, negative ones zero."""

import pytest
import torch

from stegolab.carrier.networks import inn
from stegolab.carrier.networks.extractor import Extractor, Restoration
from stegolab.carrier.networks.inn import InvertibleNetwork

CARRIED, PASSIVE = [1, 2, 4], [0, 3, 5, 6]  # indices into the band: interleaved, as frequencies are
BAND = len(CARRIED) + len(PASSIVE)
SHAPE = (2, len(CARRIED), 6, 5)


def randomised(module, seed=0, spread=0.3):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if not name.endswith("log_step"):
                weight.normal_(0, spread, generator=generator)
    return module


def band(seed=0, blocks=SHAPE[2:]):
    return (torch.randn((SHAPE[0], BAND, *blocks), generator=torch.Generator().manual_seed(seed)) ** 3 * 25).clamp(
        -500, 500
    )


def network():
    return InvertibleNetwork(torch.tensor([16.0, 24.0, 40.0]), len(PASSIVE), width=6).requires_grad_(False)


def reception(restore=True):
    return Extractor(CARRIED, PASSIVE, BAND, width=8, restore=restore).requires_grad_(False)


def carrying(bits, net, cover):
    """The band of ``cover`` with ``bits`` embedded in it."""
    stego = cover.clone()
    stego[:, CARRIED] = net(cover[:, CARRIED], inn.points(bits), cover[:, PASSIVE])[0]
    return stego


def random_bits(seed=1):
    return torch.randint(0, 2, SHAPE, generator=torch.Generator().manual_seed(seed)).float()


def test_restoration_starts_as_the_identity():
    torch.testing.assert_close(Restoration(BAND, width=8)(band()), band())


def test_restoration_corrects_by_a_bounded_amount():
    """The gain is limited to one half and the shift to its range, so content cannot be invented."""
    restoration, received = randomised(Restoration(BAND, width=8, reach=8.0), spread=5), band()
    with torch.no_grad():
        change = (restoration(received) - received).abs()
    assert torch.all(change <= 0.5 * received.abs() + 8.0 + 1e-3)
    assert change.max() > 8


@pytest.mark.parametrize("restore", [True, False])
def test_every_bit_on_its_point_gives_a_ratio_of_its_sign(restore):
    net, bits = network(), random_bits()
    llr = reception(restore)(carrying(bits, net, band()), net)
    assert llr.shape == SHAPE
    assert torch.equal(llr > 0, bits == 1)  # log p(1)/p(0)
    flipped = reception(restore)(carrying(1 - bits, net, band()), net)
    assert torch.equal(flipped > 0, bits == 0)


@pytest.mark.parametrize("restore", [True, False])
def test_it_starts_as_the_sine_of_the_angle_that_was_read(restore):
    """One concentration for all slots and pictures, like the receiver of dither modulation without a channel."""
    net, received = network(), band(2)
    llr = reception(restore)(received, net)
    said = inn.angle(net.read(received[:, CARRIED], received[:, PASSIVE])).sin()
    factor = llr / said
    torch.testing.assert_close(factor, factor.mean().expand_as(factor), rtol=1e-3, atol=1e-3)
    assert factor.mean() > 0


def test_between_the_points_it_does_not_know():
    net, received = network(), band(3)
    received[:, CARRIED] = net.modulo.step * net.place.place  # half way from one bit's point to the other's
    assert reception()(received, net).abs().max() < 1e-4


def test_moving_by_a_whole_step_changes_nothing_that_was_read():
    net, received = network(), band(4)
    further = received.clone()
    further[:, CARRIED] += net.modulo.step
    before, after = (inn.angle(net.read(b[:, CARRIED], b[:, PASSIVE])) for b in (received, further))
    torch.testing.assert_close(before.sin(), after.sin(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("blocks", [(1, 1), (1, 9), (4, 3)])
def test_pictures_of_any_size_give_finite_ratios(restore, blocks):
    llr = randomised(reception(restore))(band(5, blocks), network())
    assert llr.shape == (SHAPE[0], len(CARRIED), *blocks)
    assert torch.isfinite(llr).all()


def test_every_weight_learns_and_so_does_the_network_it_reads_with():
    """All parameters except those of the attention, which only the sender needs."""
    net = randomised(network()).requires_grad_(True)
    module = randomised(reception()).requires_grad_(True)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(module(band(6), net), random_bits())
    loss.backward()
    for name, weight in [*module.named_parameters(), *net.named_parameters()]:
        if not name.startswith("attention"):
            assert weight.grad is not None and weight.grad.abs().max() > 0, name


def test_without_restoration_there_is_none():
    assert reception(False).restoration is None
    assert not [name for name in reception(False).state_dict() if name.startswith("restoration")]
