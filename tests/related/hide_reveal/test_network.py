"""The shape of Hide-Net and Reveal-Net, and what goes from one to the other."""

from dataclasses import asdict

import pytest
import torch
from torch import nn

from stegolab.channel.rounding import to_bytes
from stegolab.related.hide_reveal.config import NetworkConfig
from stegolab.related.hide_reveal.network import HideNet, HideReveal, RevealNet

TINY = NetworkConfig(depth=2, width=8, widest=16, reveal_width=4)


def model(config=TINY):
    torch.manual_seed(0)
    return HideReveal(config).eval()


def some(side=32, seed=0, count=2):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def test_the_original_shapes_are_the_defaults():
    hide, reveal = HideNet(NetworkConfig()), RevealNet(NetworkConfig())
    down = [layer for layer in hide.down.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.in_channels for layer in down] == [6, 64, 128, 256, 512, 512, 512]
    assert {(layer.kernel_size, layer.stride) for layer in down} == {((4, 4), (2, 2))}
    convolutions = [layer for layer in reveal if isinstance(layer, nn.Conv2d)]
    assert [c.in_channels for c in convolutions] + [convolutions[-1].out_channels] == [3, 64, 128, 256, 128, 64, 3]
    assert {c.kernel_size for c in convolutions} == {(3, 3)}
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in reveal) == 5
    assert isinstance(reveal[-1], nn.Sigmoid)


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("residual", [False, True])
def test_pictures_keep_their_size_at_any_depth(depth, residual):
    networks = model(NetworkConfig(depth=depth, width=4, widest=8, reveal_width=2, residual=residual))
    cover = torch.rand(2, 3, 16, 48)
    container, revealed = networks(cover, cover, to_bytes)
    assert container.shape == revealed.shape == cover.shape
    assert revealed.min() >= 0 and revealed.max() <= 1


def test_the_plain_network_draws_within_range_and_the_residual_one_beside_the_cover():
    cover, secret = some(), some(seed=1)
    drawn = model().hide(cover, secret)
    assert drawn.min() > 0 and drawn.max() < 1
    added = model(NetworkConfig(**asdict(TINY) | {"residual": True})).hide(cover, secret) - cover
    torch.testing.assert_close(added, drawn - 0.5)  # the same weights: what was the container is now what is added


def test_skip_connections_hand_on_detail_that_the_bottleneck_cannot():
    """One pixel of the cover changes the container about it; without the levels' skips it would be spread out."""
    networks, cover = model(NetworkConfig(depth=4, width=8, widest=16, reveal_width=2)), some(64, count=1)
    changed = cover.clone()
    changed[..., 33, 33] += 0.5
    difference = (networks.hide(cover, cover) - networks.hide(changed, cover)).abs()[0].sum(0)
    near = difference[28:40, 28:40].mean()
    assert near > 20 * difference[:16, :16].mean()


def test_the_container_reaches_reveal_net_through_the_channel_only():
    cover, secret = some(), some(seed=1)
    networks, met = model(), []

    def channel(x):
        met.append(x)
        return torch.zeros_like(x)

    container, revealed = networks(cover, secret, channel)
    torch.testing.assert_close(met[0], 255 * container)
    torch.testing.assert_close(revealed, networks.reveal(torch.zeros_like(cover)))
