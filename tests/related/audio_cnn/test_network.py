"""Prepare, Hiding, Reveal: the shape that the original describes, and a gradient all the way through."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from stegolab.channel.differentiable import twin
from stegolab.errors import BadSpec
from stegolab.related.audio_cnn.config import NetworkConfig
from stegolab.related.audio_cnn.network import REACH, AudioCNN, Branches

SMALL = NetworkConfig(width=4, prepared=2, side=16)
LEGACY = replace(SMALL, copies=3, residual=False, modulated=False, side=24)


def batch(config, count=2):
    random = np.random.default_rng(0)
    cover = torch.from_numpy(random.random((count, 3, config.side, config.side), np.float32))
    secret = random.normal(size=(count, config.layout.planes, config.side, config.side)).astype(np.float32)
    return cover, torch.from_numpy(secret)


def model(config=SMALL, seed=0):
    torch.manual_seed(seed)
    return AudioCNN(config)


def test_each_network_has_three_branches_of_two_convolutions():
    default = model(NetworkConfig())
    for network in (default.prepare, default.hiding, default.revealing):
        layers = [[layer for layer in branch if isinstance(layer, nn.Conv2d)] for branch in network.branches]
        assert [[layer.kernel_size for layer in branch] for branch in layers] == [[(n, n)] * 2 for n in (3, 4, 5)]
        assert {layer.out_channels for branch in layers for layer in branch} == {32}
        assert network.head.in_channels == 96


def test_branches_are_parallel_and_see_as_far_as_their_kernels():
    network = Branches(1, 4, 1)
    x = torch.zeros(1, 1, 21, 21, requires_grad=True)
    network.eval()
    for branch, reach in zip(network.branches, ((2, 2), (2, 4), (4, 4)), strict=True):
        for parameter in branch.parameters():
            nn.init.constant_(parameter, 1.0)
        (gradient,) = torch.autograd.grad(branch(x)[0, :, 10, 10].sum(), x)
        seen = gradient[0, 0].nonzero()
        before, after = reach
        assert seen.min(0).values.tolist() == [10 - before] * 2
        assert seen.max(0).values.tolist() == [10 + after] * 2


@pytest.mark.parametrize("config", [SMALL, LEGACY, replace(SMALL, payload="stft")])
def test_containers_are_pictures_and_payloads_come_back_in_their_shape(config):
    cover, secret = batch(config)
    container, revealed = model(config)(cover, secret, twin("none"))
    assert container.shape == cover.shape
    assert revealed.shape == secret.shape
    assert torch.allclose(255 * container, (255 * container).round(), atol=1e-3)


def test_a_residual_of_nothing_leaves_the_cover():
    cover, secret = batch(SMALL)
    silent = model()
    nn.init.zeros_(silent.hiding.head.weight)
    nn.init.constant_(silent.hiding.head.bias, 0.5)
    assert torch.allclose(silent.hide(cover, secret), cover + 0.5 * REACH)


def test_the_original_draws_anew_and_knows_no_bounds():
    cover, secret = batch(LEGACY)
    container, _ = model(LEGACY)(cover, 100 * secret)
    assert container.abs().max() > 1
    drawn = model(LEGACY)
    nn.init.zeros_(drawn.hiding.head.weight)
    nn.init.zeros_(drawn.hiding.head.bias)
    assert not drawn.hide(cover, secret).any()


def test_modulation_turns_the_smooth_into_a_chessboard():
    """Modulated, a constant payload goes in as a chessboard and comes out constant; else it is unchanged."""
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    board = (-1.0) ** (rows + columns)
    cover, secret = batch(SMALL)
    on, off = model(), model(replace(SMALL, modulated=False))
    assert torch.allclose(on.hide(cover, secret), off.hide(cover, secret * board))
    assert torch.allclose(on.reveal(cover), off.reveal(cover) * board)


def test_copies_are_averaged():
    network = model(LEGACY)
    cover, _ = batch(LEGACY)
    assert torch.allclose(network.reveal(cover), network.revealing(cover).mean(1, keepdim=True))


@pytest.mark.parametrize("attack", ["none", "jpeg:90"])
def test_the_receivers_error_reaches_every_weight(attack):
    network = model()
    _, revealed = network(*batch(SMALL), twin(attack))
    revealed.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("wrong", [{"width": 0}, {"prepared": 0}, {"copies": 0}, {"payload": "mp3"}, {"side": 4}])
def test_what_has_no_shape_is_refused(wrong):
    with pytest.raises(BadSpec):
        replace(SMALL, **wrong)
