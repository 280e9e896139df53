"""The shape of Hide-Net and Reveal-Net, the file they are kept in, and pictures hidden by networks or by low bits."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from stegolab.channel.rounding import to_bytes
from stegolab.data import sample_covers
from stegolab.errors import BadImage, BadSpec
from stegolab.images import psnr
from stegolab.related.hide_reveal import codec
from stegolab.related.hide_reveal.config import NetworkConfig
from stegolab.related.hide_reveal.lsb import LowBits
from stegolab.related.hide_reveal.network import HideNet, HideReveal, RevealNet
from stegolab.related.weights import shipped

TINY = NetworkConfig(depth=2, width=8, widest=16, reveal_width=4)


def model(config=TINY):
    torch.manual_seed(0)
    return HideReveal(config).eval()


def some(side=32, seed=0, count=2):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def squares():
    """Cover and secret, 64 x 64."""
    chelsea, coffee = (sample_covers()[name] for name in ("chelsea", "coffee"))
    return np.ascontiguousarray(chelsea[100:164, 150:214]), np.ascontiguousarray(coffee[100:164, 200:264])


# --- the networks ------------------------------------------------------------------------------------------------


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


# --- pictures in bytes -------------------------------------------------------------------------------------------


def test_bytes_are_what_the_tensors_round_to():
    hider, (cover, secret) = codec.Learned(model()), squares()
    container = hider.hide(cover, secret)
    tensors = [torch.from_numpy(x).permute(2, 0, 1)[None] / 255 for x in (cover, secret, container)]
    wanted = (255 * hider.model.hide(*tensors[:2])).detach().round()[0].permute(1, 2, 0)
    assert np.array_equal(container, wanted.numpy())
    wanted = (255 * hider.model.reveal(tensors[2])).detach().round()[0].permute(1, 2, 0)
    assert np.array_equal(hider.reveal(container), wanted.numpy())


def test_pictures_that_do_not_fit_are_refused():
    hider, (cover, secret) = codec.Learned(model()), squares()
    for either in (hider, LowBits()):
        with pytest.raises(BadImage, match="scale one"):
            either.hide(cover, secret[:32])
    with pytest.raises(BadImage, match="multiples of 4"):
        hider.hide(cover[:63], secret[:63])


@given(st.integers(1, 7), st.integers(0, 255), st.integers(0, 255))
def test_low_bits_change_the_cover_and_lose_of_the_secret_what_they_say(bits, one, other):
    cover, secret = (np.full((16, 16, 3), value, np.uint8) for value in (one, other))
    container = LowBits(bits).hide(cover, secret)
    revealed = LowBits(bits).reveal(container)
    assert container.dtype == revealed.dtype == np.uint8
    assert abs(int(container[0, 0, 0]) - one) < 2**bits
    assert abs(int(revealed[0, 0, 0]) - other) <= 2 ** (8 - bits) // 2
    assert container[0, 0, 0] >> bits == one >> bits
    assert container[0, 0, 0] & (2**bits - 1) == other >> (8 - bits)


def test_low_bits_of_no_number_are_refused():
    for bits in (0, 8):
        with pytest.raises(BadSpec):
            LowBits(bits)


# --- measuring ---------------------------------------------------------------------------------------------------


def test_measures_are_means_of_what_the_file_held():
    pair, hider = squares(), LowBits(4)
    container = hider.hide(*pair)
    found = codec.measure(hider, [pair, pair[::-1]])
    other = codec.measure(hider, [pair[::-1]])["container_psnr_db"]
    assert found["container_psnr_db"] == pytest.approx((psnr(pair[0], container) + other) / 2)
    assert codec.measure(hider, [pair])["revealed_psnr_db"] == pytest.approx(psnr(pair[1], hider.reveal(container)))
    assert 0.8 < found["container_ssim"] < 1


def test_an_attack_meets_the_container_before_it_is_revealed():
    pair, hider = squares(), LowBits(4)
    clean, attacked = codec.measure(hider, [pair]), codec.measure(hider, [pair], "jpeg:90")
    assert attacked["revealed_psnr_db"] < clean["revealed_psnr_db"] - 10
    assert attacked["container_psnr_db"] == clean["container_psnr_db"]


def test_there_must_be_something_to_measure():
    with pytest.raises(BadSpec):
        codec.measure(LowBits(), [])


# --- what ships --------------------------------------------------------------------------------------------------


def test_the_weights_that_ship_hide_and_reveal_and_are_small():
    found = codec.measure(codec.Learned(), [squares(), squares()[::-1]])
    assert found["container_psnr_db"] > 30
    assert found["revealed_psnr_db"] > 24
    assert shipped("hide_reveal").stat().st_size < 2 << 20


def test_the_model_card_tells_the_shape_that_ships():
    card = shipped("hide_reveal").with_suffix(".md").read_text()
    config = codec.Learned().model.config
    for name, value in asdict(config).items():
        assert f"--{name.replace('_', '-')} {json.dumps(value)}" in card, name
