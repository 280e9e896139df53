"""The network without a lattice is invertible, of the same size, and has the same interface."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.carrier.learned import LearnedCarrier, learned_carrier
from stegolab.carrier.networks import inn
from stegolab.carrier.networks.config import QUARTER, ModelConfig
from stegolab.carrier.networks.model import CarrierModel, load, save
from stegolab.carrier.networks.plain import PlainNetwork
from stegolab.carrier.strengths import JPEG, SOCIAL
from stegolab.carrier.sync import template
from stegolab.errors import NotTrained
from stegolab.images import luma
from tests.covers import random_bits

STRENGTHS = pytest.mark.parametrize("strength", [JPEG, SOCIAL], ids=lambda s: s.name)
CARRIED, PASSIVE = 3, 4


def network(seed, spread=0.2):
    """A network with random weights, because at its start it does not look at the cover."""
    generator = torch.Generator().manual_seed(seed)
    net = PlainNetwork(torch.tensor([20.0, 30.0, 25.0]), PASSIVE, width=6).requires_grad_(False)
    for weight in net.parameters():
        weight.add_(spread * torch.randn(weight.shape, generator=generator))
    return net


def drawn(seed, rows, columns):
    generator = torch.Generator().manual_seed(seed)
    x, passive = (60 * torch.randn((2, c, rows, columns), generator=generator) for c in (CARRIED, PASSIVE))
    bits = torch.randint(0, 2, x.shape, generator=generator).float()
    return x, inn.points(bits), passive


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 6))
def test_the_inverse_undoes_the_forward_pass(seed, rows, columns):
    net, (x, payload, passive) = network(seed), drawn(seed, rows, columns)
    for kind, tolerance in ((torch.float32, 1e-4), (torch.float64, 1e-9)):
        net = net.to(kind)
        stego, dropped = net(x.to(kind), payload.to(kind), passive.to(kind))
        assert (stego - x).abs().max() > 0.1
        found = net.inverse(stego, dropped, passive.to(kind))
        scale = 100  # of the cover's coefficients, 8-bit luma
        assert (found[0] - x).abs().max() <= tolerance * scale
        assert (found[1] - payload).abs().max() <= tolerance


def test_the_receiver_reads_what_the_mirror_images_give_for_zeros():
    net, (x, payload, passive) = network(1), drawn(1, 4, 5)
    stego, dropped = net(x, payload, passive)
    _, exact = net.inverse(stego, dropped, passive)
    torch.testing.assert_close(exact, payload, atol=1e-4, rtol=0)
    said = net.read(stego, passive)
    assert said.abs().max() <= QUARTER  # as an angle it never wraps
    expected = QUARTER * torch.tanh(net.inverse(stego, torch.zeros_like(x), passive)[1] / QUARTER)
    torch.testing.assert_close(said, expected)


def test_at_the_start_it_adds_a_quarter_step_up_or_down():
    net, (x, payload, passive) = PlainNetwork(torch.tensor([20.0, 30.0, 25.0]), PASSIVE), drawn(2, 3, 3)
    moved = net(x, payload, passive)[0] - x
    wanted = torch.tensor([20.0, 30.0, 25.0])[:, None, None] * payload
    torch.testing.assert_close(moved, wanted, atol=1e-4, rtol=0)


def plain(strength, **changes):
    return CarrierModel(ModelConfig.start(strength, network="plain", **changes)).eval()


@STRENGTHS
def test_it_is_as_large_as_what_it_is_compared_with_and_receives_alike(strength):
    ablation, lattice = plain(strength), CarrierModel(ModelConfig.start(strength))
    sizes = [sum(weight.numel() for weight in model.parameters()) for model in (ablation, lattice)]
    assert abs(sizes[0] / sizes[1] - 1) < 0.2
    assert ablation.reception.state_dict().keys() == lattice.reception.state_dict().keys()


@STRENGTHS
def test_a_saved_model_comes_back_bit_for_bit(strength, tmp_path):
    model = plain(strength, restoration=False)
    save(model, tmp_path / "weights.safetensors")
    found = load(tmp_path / "weights.safetensors")
    assert isinstance(found.network, PlainNetwork)
    assert (found.config, found.training) == (model.config, False)
    luma = 255 * torch.rand((1, 64, 96), generator=torch.Generator().manual_seed(3))
    assert torch.equal(found(luma), model(luma))


@STRENGTHS
@pytest.mark.parametrize("grey", [128, 3])
def test_as_a_carrier_it_adds_its_payload_once_even_where_colours_clip(strength, grey):
    carrier = LearnedCarrier(strength, plain(strength))
    assert carrier.name == "plain"
    cover = np.full((256, 256, 3), grey, np.uint8)
    header, body, used = random_bits(carrier, cover)
    stego = carrier.embed(cover, header, body, used)
    difference = torch.from_numpy(luma(stego) - luma(cover))[None]
    moved = carrier.model.analyse(difference)[:, carrier.model.carried] / carrier.model.network.step
    free = moved[:, [f not in template.FREQUENCIES for f in carrier.model.config.frequencies]]
    assert free.abs().quantile(0.9) < 0.35  # a quarter of a step, up or down
    assert free.abs().median() > (0.2 if grey == 128 else 0.05)
    reading = carrier.read(stego, cover.shape[:2])  # untrained, it hears nothing yet
    assert reading.body_llr(header).shape == body.shape
    assert np.isfinite(reading.body_llr(header)).all() and np.isfinite(reading.header_llr).all()


@STRENGTHS
def test_without_weights_that_ship_it_says_so(strength, tmp_path, monkeypatch):
    monkeypatch.setattr("stegolab.carrier.learned.weights_of", lambda _: tmp_path / "carrier_x.safetensors")
    with pytest.raises(NotTrained, match="plain"):
        learned_carrier.__wrapped__(strength, network="plain")
    save(plain(strength), tmp_path / "carrier_plain_x.safetensors")
    assert learned_carrier.__wrapped__(strength, network="plain").name == "plain"


def test_every_weight_learns():
    net, (x, payload, passive) = network(4).requires_grad_(True), drawn(4, 6, 6)
    stego = net(x, payload, passive)[0]
    (net.read(stego, passive).sum() + (stego - x).square().mean()).backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, name
