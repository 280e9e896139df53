"""The model moves only its carrying coefficients, and its file restores what was saved."""

import numpy as np
import pytest
import torch

from stegolab.carrier import blockdct
from stegolab.carrier.networks import inn
from stegolab.carrier.networks.config import BLURS, ModelConfig
from stegolab.carrier.networks.model import CarrierModel, load, save
from stegolab.carrier.strengths import JPEG, SOCIAL
from stegolab.images import luma
from tests import covers

STRENGTHS = pytest.mark.parametrize("strength", [JPEG, SOCIAL], ids=lambda s: s.name)


def model(strength, seed=0, **changes):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return CarrierModel(ModelConfig.start(strength, **changes)).requires_grad_(False).eval()


def plane(height=67, width=93, seed=0):
    """A picture of odd sides, in which some rows and columns do not fill a block."""
    return 255 * torch.rand((2, height, width), generator=torch.Generator().manual_seed(seed))


def randomised(net, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for name, weight in net.named_parameters():
        if not name.endswith("log_step"):
            weight += 0.05 * torch.randn(weight.shape, generator=generator)
    return net


@STRENGTHS
def test_the_start_is_a_lattice_inside_a_band(strength):
    config = ModelConfig.start(strength)
    assert set(config.frequencies) < set(config.band)
    assert len(set(config.frequencies)) == len(config.frequencies) == len(config.steps)
    assert set(strength.frequencies) <= set(config.frequencies)
    assert config.block == strength.block
    assert (0, 0) not in config.frequencies  # the mean of a block: the eye sees it, and the networks need it
    net = model(strength)
    torch.testing.assert_close(net.network.modulo.step.flatten(), torch.tensor(config.steps))
    assert sorted(net.carried + net.passive) == list(range(len(config.band)))


@STRENGTHS
def test_analyse_takes_the_band_of_the_block_transform(strength):
    net, picture = model(strength), plane()
    whole = blockdct.forward(picture, strength.block)
    found = net.analyse(picture)
    assert found.shape == (2, len(net.config.band), 67 // strength.block, 93 // strength.block)
    for number, (u, v) in enumerate(net.config.band):
        torch.testing.assert_close(found[:, number], whole[..., u, v])


@STRENGTHS
def test_analysis_undoes_synthesis(strength):
    net, picture = model(strength), plane()
    rows, columns = 67 // strength.block, 93 // strength.block
    change = torch.randn((2, len(net.carried), rows, columns), generator=torch.Generator().manual_seed(2))
    made = net.synthesise(change, (67, 93))
    assert made.shape == picture.shape
    found = net.analyse(made)
    torch.testing.assert_close(found[:, net.carried], change, atol=1e-4, rtol=0)
    assert found[:, net.passive].abs().max() < 1e-4
    assert not made[:, rows * strength.block :].any() and not made[:, :, columns * strength.block :].any()


@STRENGTHS
def test_synthesis_undoes_analysis_of_what_lies_in_the_carried_band(strength):
    net = model(strength)
    carried = net.analyse(plane(64, 96))[:, net.carried]
    within = net.synthesise(carried, (64, 96))
    again = net.synthesise(net.analyse(within)[:, net.carried], (64, 96))
    torch.testing.assert_close(again, within, atol=1e-3, rtol=0)


@STRENGTHS
def test_what_embed_changes_is_what_the_receiving_half_reads(strength):
    net, cover = model(strength), torch.from_numpy(luma(covers.photographs()["coffee, odd"]))[None]
    shape = net.analyse(cover)[:, net.carried].shape
    bits = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(3)).float()
    change = net.embed(cover, inn.points(bits))
    assert change.shape == cover.shape
    assert torch.equal(net(cover + change) > 0, bits == 1)
    assert torch.equal(net(cover + change, torch.zeros(1)) > 0, bits == 1)


@STRENGTHS
def test_a_gaussian_blur_leaves_what_gain_says(strength):
    """All coefficients of a picture of one wave shrink by the same factor, whatever the phase."""
    net = model(strength)
    assert torch.equal(net.gain(torch.zeros(2)), torch.ones(2, len(net.config.band), 1, 1))
    gains = net.gain(torch.tensor(BLURS))[..., 0, 0].numpy()
    assert np.all(np.diff(gains, axis=0) <= 0)  # more blur, less left
    for (u, v), left in zip(net.config.band, net.gain(torch.tensor([0.8]))[0, :, 0, 0], strict=True):
        # the transfer function of the kernel exp(-(x^2 + y^2) / (2 * 0.8)), summed
        x = np.arange(-12, 13)
        kernel = np.exp(-(x**2) / 1.6) / np.exp(-(x**2) / 1.6).sum()
        wave = [kernel @ np.cos(np.pi * f * x / strength.block) for f in (u, v)]
        assert float(left) == pytest.approx(wave[0] * wave[1], abs=4e-3)


@STRENGTHS
def test_a_blur_is_undone_before_anything_is_read(strength):
    net, picture = model(strength), plane()
    blur = torch.tensor([0.4, 1.2])
    direct = net.reception(net.analyse(picture) / net.gain(blur), net.network)
    torch.testing.assert_close(net(picture, blur), direct)


@STRENGTHS
@pytest.mark.parametrize("changes", [{}, {"attention": False}, {"restoration": False}])
def test_a_saved_model_comes_back_bit_for_bit(strength, changes, tmp_path):
    net = randomised(model(strength, **changes))
    save(net, tmp_path / "weights.safetensors")
    found = load(tmp_path / "weights.safetensors")
    assert found.config == net.config
    assert not found.training
    assert found.state_dict().keys() == net.state_dict().keys()
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in found.state_dict().items())
    with torch.no_grad():
        assert torch.equal(found(plane()), net(plane()))


def test_a_model_without_restoration_is_smaller():
    sizes = [sum(w.numel() for w in model(JPEG, restoration=r).parameters()) for r in (True, False)]
    assert sizes[0] > sizes[1]


@STRENGTHS
def test_the_weights_fit_into_what_ships(strength, tmp_path):
    save(model(strength), tmp_path / "weights.safetensors")
    assert (tmp_path / "weights.safetensors").stat().st_size < 16 * 2**20


@pytest.mark.parametrize("network", ["invertible", "plain"])
def test_the_parameters_of_the_lattice_are_those_that_scale_what_is_moved(network):
    """One number per frequency; only these have their own learning rate."""
    model = CarrierModel(ModelConfig.start(JPEG, network=network))
    lattice = model.lattice_parameters()
    assert {tuple(parameter.shape) for parameter in lattice} == {(len(model.carried), 1, 1)}
    names = {name for name, parameter in model.named_parameters() if any(parameter is one for one in lattice)}
    wanted = {"invertible": {"network.modulo.log_step", "network.attention.level"}}
    wanted["plain"] = {f"network.couplings.{number}.log_step" for number in range(3)}
    assert names == wanted[network] and len(lattice) == len(names)
