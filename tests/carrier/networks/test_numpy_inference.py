"""The networks in NumPy equal those in torch: each reads what the other hides, for any weights and any size."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.carrier.networks import inn, numpy_inference
from stegolab.carrier.networks.config import BLURS, ModelConfig
from stegolab.carrier.networks.model import CarrierModel, load
from stegolab.carrier.networks.numpy_inference import NumpyModel, points
from stegolab.carrier.networks.weights import Weights
from stegolab.carrier.strengths import JPEG, SOCIAL, weights_of
from stegolab.images import luma
from tests import covers

STRENGTHS = pytest.mark.parametrize("strength", [JPEG, SOCIAL], ids=lambda s: s.name)


def trained(strength):
    """The weights that ship."""
    return Weights.read(weights_of(strength))


def drawn(strength, seed, spread=0.05, **changes):
    """Weights that all differ from their starting values."""
    model = CarrierModel(ModelConfig.start(strength, **changes)).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        if not name.endswith("log_step"):
            weight.add_(spread * torch.randn(weight.shape, generator=generator))
    return model.weights


def seen(strength, seed, rows, columns):
    """A band that might have been received, and bits for its slots."""
    random = np.random.default_rng(seed)
    config = ModelConfig.start(strength)
    band = random.laplace(0, 25, (len(config.band), rows, columns)).astype(np.float32)
    return band, random.integers(0, 2, (len(config.frequencies), rows, columns)).astype(np.float32)


@torch.no_grad()
def compare(weights, band, bits):
    """Destinations and ratios of both networks."""
    ours, theirs = NumpyModel(weights), load(weights)
    x, passive = band[ours.carried], band[ours.passive]
    wanted = theirs.network.projection(*(torch.from_numpy(a)[None] for a in (x, points(bits), passive)))
    pairs = [(ours.network.projection(x, points(bits), passive)(x), wanted(torch.from_numpy(x)[None]))]
    pairs.append((ours.llr(band), theirs.reception(torch.from_numpy(band)[None], theirs.network)))
    return [(found, tensor[0].numpy()) for found, tensor in pairs]


def agree(weights, band, bits):
    (there, wanted), (ratios, expected) = compare(weights, band, bits)
    assert there.dtype == ratios.dtype == np.float32
    apart = np.abs(there - wanted)  # where two points are equally near, rounding may choose either
    assert np.mean(apart > 1e-3) <= 1e-4, apart.max()
    np.testing.assert_allclose(ratios, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).mean())


@STRENGTHS
@pytest.mark.parametrize("picture", covers.photographs().values(), ids=covers.photographs())
def test_the_weights_that_ship_give_what_they_give_in_torch(strength, picture):
    weights = trained(strength)
    band = NumpyModel(weights).analyse(luma(picture))
    bits = np.random.default_rng(0).integers(0, 2, (len(weights.config.frequencies), *band.shape[1:]))
    agree(weights, band, bits.astype(np.float32))


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([JPEG, SOCIAL]), st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40))
def test_so_do_any_weights_on_any_number_of_blocks(strength, seed, rows, columns):
    agree(drawn(strength, seed), *seen(strength, seed, rows, columns))


@STRENGTHS
@pytest.mark.parametrize("changes", [{"attention": False}, {"restoration": False}, {"network": "plain"}], ids=str)
def test_so_do_the_ablations(strength, changes):
    agree(drawn(strength, 7, **changes), *seen(strength, 7, 9, 13))


def test_pictures_larger_than_are_taken_at_a_time_are_no_different():
    agree(drawn(JPEG, 3), *seen(JPEG, 3, 61, 97))


@STRENGTHS
@pytest.mark.parametrize("shape", [(67, 93), (16, 16), (7, 40)])
def test_the_transforms_are_the_same_and_odd_edges_stay(strength, shape):
    weights = drawn(strength, 1)
    ours, theirs = NumpyModel(weights), load(weights)
    plane = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    band = ours.analyse(plane)
    np.testing.assert_allclose(band, theirs.analyse(torch.from_numpy(plane)[None])[0], atol=2e-3)
    change = band[ours.carried]
    made = theirs.synthesise(torch.from_numpy(change)[None], shape)[0]
    np.testing.assert_allclose(ours.synthesise(change, shape), made, atol=1e-3)
    for blur in BLURS:
        np.testing.assert_allclose(ours.gain(blur), theirs.gain(torch.tensor([blur]))[0], rtol=1e-5)


@STRENGTHS
def test_what_torch_hides_is_read(strength):
    model = load(trained(strength))
    cover = luma(covers.photographs()["camera"])
    ours = NumpyModel(model.weights)
    bits = np.random.default_rng(2).integers(0, 2, ours.analyse(cover)[ours.carried].shape).astype(np.float32)
    with torch.no_grad():
        change = model.embed(torch.from_numpy(cover)[None], inn.points(torch.from_numpy(bits)[None]))[0].numpy()
    assert np.mean((ours.llr(ours.analyse(cover + change)) > 0) != bits) < 1e-3
    band = ours.analyse(cover)
    x, passive = band[ours.carried], band[ours.passive]
    move = ours.network.projection(x, points(bits), passive)(x) - x
    hidden = torch.from_numpy(cover + ours.synthesise(move, cover.shape))[None]
    with torch.no_grad():
        assert np.mean((model(hidden)[0].numpy() > 0) != bits) < 1e-3


def test_the_error_function_is_near_enough():
    x = torch.linspace(-9, 9, 10_001)
    wanted = torch.nn.functional.gelu(x.double()).numpy()
    np.testing.assert_allclose(numpy_inference._gelu(x.numpy()), wanted, atol=1e-6)


def test_weights_are_the_same_from_a_file_and_from_training(tmp_path):
    from stegolab.carrier.networks.model import save

    weights = drawn(SOCIAL, 5)
    save(load(weights), tmp_path / "weights.safetensors")
    found = Weights.read(tmp_path / "weights.safetensors")
    assert found.config == weights.config
    assert found.arrays.keys() == weights.arrays.keys()
    assert all(np.array_equal(array, weights.arrays[name]) for name, array in found.arrays.items())


def test_hiding_and_reading_import_no_torch():
    """The order of imports does not change that; test_architecture checks the path through ``hide``."""
    code = """
import sys
import numpy as np
from stegolab.carrier.learned import learned_carrier
from stegolab.carrier.strengths import JPEG, SOCIAL
rgb = np.random.default_rng(0).integers(90, 160, (256, 256, 3), np.uint8)
for carrier in map(learned_carrier, (JPEG, SOCIAL)):
    slots = carrier.body_slots(rgb.shape)
    header, body = np.zeros(240, np.uint8), np.ones(slots, np.uint8)
    carrier.read(carrier.embed(rgb, header, body, np.ones(slots, bool)), rgb.shape).body_llr(header)
assert "torch" not in sys.modules and "scipy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
