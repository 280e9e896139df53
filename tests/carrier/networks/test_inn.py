"""The network is invertible for every weight; what it drops does not matter; dither modulation is a special case."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.carrier import qim
from stegolab.carrier.networks import inn
from stegolab.carrier.networks.inn import AffineCoupling, InvertibleNetwork, ModuloCoupling

PASSIVE = 6
# What "inverse" may miss in a float type: coefficients reach some hundreds, payloads a few steps.
EXACT = {torch.float32: 1e-4, torch.float64: 1e-9}

seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from(list(EXACT))
shapes = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 7), st.integers(1, 7))  # B, carried, h, w
everywhere = given(seeds, shapes, dtypes)


class Drawn:
    """Coefficients, payload, attention and networks with random weights, all from one seed."""

    def __init__(self, seed, shape, dtype=torch.float64):
        self.generator, self.shape, self.dtype = torch.Generator().manual_seed(seed), shape, dtype
        batch, carried, *blocks = shape
        self.x = (self.normal(*shape) ** 3 * 25).clamp(-500, 500)
        self.passive = (self.normal(batch, PASSIVE, *blocks) ** 3 * 25).clamp(-500, 500)
        self.payload = self.normal(*shape)  # any number of steps, not only the points
        self.logits = 3 * self.normal(*shape)
        self.bits = (torch.rand(shape, generator=self.generator) < 0.5).to(dtype)
        self.steps = 4 + 60 * torch.rand(carried, generator=self.generator).to(dtype)

    def normal(self, *shape):
        return torch.randn(shape, generator=self.generator, dtype=torch.float64).to(self.dtype)

    def randomised(self, module, spread=0.4):
        module = module.to(self.dtype)
        with torch.no_grad():
            for name, weight in module.named_parameters():
                if not name.endswith("log_step"):
                    weight.copy_(spread * self.normal(*weight.shape))
        return module.requires_grad_(False)

    def place(self):
        return self.randomised(AffineCoupling(PASSIVE, self.shape[1], width=5))

    def modulo(self):
        return ModuloCoupling(self.steps).requires_grad_(False)

    def network(self):
        return self.randomised(InvertibleNetwork(self.steps, PASSIVE, width=6))


def close(found, wanted, **tolerance):
    torch.testing.assert_close(found, wanted, **(tolerance or {"atol": EXACT[wanted.dtype], "rtol": 0}))


def turns(difference):
    """The distance from whole numbers."""
    return (difference - difference.round()).abs().max()


# --- inverses ---------------------------------------------------------------------------------------------------


@everywhere
def test_the_affine_coupling_is_undone(seed, shape, dtype):
    drawn = Drawn(seed, shape, dtype)
    place = drawn.place()
    close(place.inverse(place(drawn.payload, drawn.passive), drawn.passive), drawn.payload)
    close(place(place.inverse(drawn.payload, drawn.passive), drawn.passive), drawn.payload)


@everywhere
def test_the_modulo_coupling_is_undone_for_every_attention(seed, shape, dtype):
    drawn = Drawn(seed, shape, dtype)
    modulo = drawn.modulo()
    x, payload = modulo.inverse(*modulo(drawn.x, drawn.payload, drawn.logits), drawn.logits)
    close(x, drawn.x)
    close(payload, drawn.payload)


@everywhere
def test_the_network_is_undone_for_every_weight(seed, shape, dtype):
    drawn = Drawn(seed, shape, dtype)
    network = drawn.network()
    stego, dropped = network(drawn.x, drawn.payload, drawn.passive)
    x, payload = network.inverse(stego, dropped, drawn.passive)
    close(x, drawn.x)
    close(payload, drawn.payload)
    assert stego.shape == dropped.shape == shape


def test_the_law_is_not_empty():
    """Random weights embed differently from untrained ones, so the inverse has something to undo."""
    drawn = Drawn(0, (2, 4, 6, 6))
    fresh = InvertibleNetwork(drawn.steps, PASSIVE, width=6).double().requires_grad_(False)
    moved = [net(drawn.x, drawn.payload, drawn.passive)[0] - drawn.x for net in (drawn.network(), fresh)]
    assert min(float(m.abs().mean()) for m in moved) > 0.5
    assert float((moved[0] - moved[1]).abs().mean()) > 0.5


# --- what the receiver gets without what the sender drops --------------------------------------------------------


def saturated(network):
    """The same network, moving all the way everywhere."""
    with torch.no_grad():
        network.attention.head.weight.zero_()
        network.attention.level.fill_(100)
    return network


@given(seeds, shapes)
def test_without_what_was_dropped_the_payload_comes_out_whatever_the_cover_was(seed, shape):
    """The payload modulo one step, exact where attention is 1."""
    drawn = Drawn(seed, shape)
    network = saturated(drawn.network())
    payload = drawn.payload.clamp(-0.4, 0.4)
    for x in (drawn.x, drawn.x + 100, -3 * drawn.x):
        close(network.read(network(x, payload, drawn.passive)[0], drawn.passive), payload)


@given(seeds, shapes)
def test_reading_is_the_inverse_with_nothing_dropped_modulo_one_step(seed, shape):
    drawn = Drawn(seed, shape)
    network = drawn.network()
    scale = network.place._scale_and_shift(drawn.passive)[0]
    read, inverse = network.read(drawn.x, drawn.passive), network.inverse(drawn.x, 0 * drawn.x, drawn.passive)[1]
    assert turns((read - inverse) * scale) < 1e-9  # a step, as the affine coupling scales it
    assert torch.all((read * scale).abs() <= 0.5 + 1e-9)


@given(seeds, shapes)
def test_attention_bounds_how_far_from_its_point_a_coefficient_may_stay(seed, shape):
    drawn = Drawn(seed, shape)
    modulo = drawn.modulo()
    stego, _ = modulo(drawn.x, drawn.payload, drawn.logits)
    off = stego / modulo.step - drawn.payload
    off = (off - off.round()).abs()
    assert torch.all(off <= torch.sigmoid(-drawn.logits) / 2 + 1e-9)


@given(seeds, shapes)
def test_a_fresh_network_gives_every_bit_back(seed, shape):
    drawn = Drawn(seed, shape)
    network = InvertibleNetwork(drawn.steps, PASSIVE, width=6).double()
    stego = network(drawn.x, inn.points(drawn.bits), drawn.passive)[0]
    said = inn.angle(network.read(stego, drawn.passive)).sin()
    assert torch.equal(said > 0, drawn.bits > 0)
    assert said.abs().min() > np.sin(np.pi / 2 - 2 * np.pi * 0.2) - 1e-6  # 0.2 of a step: what 0.6 of attention leaves


@given(seeds, shapes)
def test_points_say_their_bits_and_bit_0_lies_on_jpegs_own_lattice(seed, shape):
    drawn = Drawn(seed, shape)
    close(inn.angle(inn.points(drawn.bits)).sin(), 2 * drawn.bits - 1)
    place = AffineCoupling(PASSIVE, shape[1]).double()
    assert turns(place(inn.points(torch.zeros(shape, dtype=torch.float64)), drawn.passive)) < 1e-9


# --- the special case: quantisation index modulation --------------------------------------------------------------


@settings(max_examples=25)
@given(seeds, shapes, st.floats(0.5, 0.999))
def test_quantisation_index_modulation_is_the_network_with_nothing_learned(seed, shape, strength):
    """Zero nets, the lattice placed at zero. Saturated attention embeds; any other projects, as ``qim`` has it."""
    drawn = Drawn(seed, shape)
    network = InvertibleNetwork(drawn.steps, PASSIVE, width=6).double().requires_grad_(False)
    network.place.place = 0.0
    network.attention.level.fill_(np.log(strength / (1 - strength)))
    step = drawn.steps[:, None, None].numpy()
    x, point = drawn.x.numpy(), qim.lattice_point(drawn.bits.numpy(), step, np.zeros(1, np.float32))

    def embedded():
        return network(drawn.x, inn.points(drawn.bits), drawn.passive)[0].numpy()

    np.testing.assert_allclose(embedded(), qim.project(x, point, step, strength), atol=1e-4)
    network.attention.level.fill_(100)
    np.testing.assert_allclose(embedded(), qim.embed(x, point, step, 1.0), atol=1e-4)


@given(seeds, shapes)
def test_embedding_is_a_projection(seed, shape):
    drawn = Drawn(seed, shape)
    modulo = drawn.modulo()
    once, _ = modulo(drawn.x, drawn.payload, drawn.logits)
    close(modulo(once, drawn.payload, drawn.logits)[0], once)
    move = (once - drawn.x).abs()
    assert torch.all(move <= torch.sigmoid(drawn.logits) * modulo.step / 2 + 1e-9)
    assert float(move.max()) > 0 or move.numel() < 16  # so few may all lie near enough already


@settings(max_examples=25)
@given(seeds, shapes)
def test_more_attention_moves_further_never_back(seed, shape):
    drawn = Drawn(seed, shape)
    modulo = drawn.modulo()
    weak, strong = (modulo(drawn.x, drawn.payload, drawn.logits + more)[0] - drawn.x for more in (0, 1))
    assert torch.all(strong.abs() >= weak.abs() - 1e-12)
    assert torch.all(strong * weak >= 0)


# --- gradients ---------------------------------------------------------------------------------------------------


def away_from_kinks(drawn, modulo, margin=1e-2):
    """The slots that a small change moves neither across a rounding border nor across the edge of the slack."""
    u = (drawn.payload - drawn.x / modulo.step).remainder(1)
    offset = torch.minimum(u, 1 - u)
    return ((offset - torch.sigmoid(-drawn.logits) / 2).abs() > margin) & ((offset - 0.5).abs() > margin)


def test_where_it_embeds_the_stego_no_longer_depends_on_the_cover():
    """d x' / d x: 0 where the coefficient moves to its point, 1 where it does not move."""
    drawn = Drawn(3, (1, 3, 8, 8))
    modulo = drawn.modulo()
    x = drawn.x.clone().requires_grad_()
    stego, dropped = modulo(x, drawn.payload, drawn.logits)
    moved = (stego - x).abs() > 1e-12
    slope = torch.autograd.grad(stego.sum(), x, retain_graph=True)[0]
    assert 0.1 < moved.double().mean() < 0.9
    close(slope, (~moved).double())
    close(torch.autograd.grad(dropped.sum(), x)[0], torch.full_like(x, -1))


@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_those_of_finite_differences_away_from_the_wrap(seed):
    """With respect to steps, payload and attention."""
    drawn = Drawn(seed, (1, 2, 4, 5))
    modulo = drawn.modulo()
    smooth = away_from_kinks(drawn, modulo)
    assert smooth.double().mean() > 0.8

    def stego(log_step, payload, logits):
        return torch.func.functional_call(modulo, {"log_step": log_step}, (drawn.x, payload, logits))[0][smooth]

    inputs = [modulo.log_step.detach().clone(), drawn.payload.clone(), drawn.logits.clone()]
    assert torch.autograd.gradcheck(stego, [i.requires_grad_() for i in inputs], eps=1e-7, atol=1e-5)


def test_every_weight_of_the_network_learns():
    drawn = Drawn(5, (2, 4, 6, 6))
    network = drawn.network().requires_grad_(True)
    stego = network(drawn.x, drawn.payload, drawn.passive)[0]
    (stego - drawn.x).square().mean().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, name


# --- the groups --------------------------------------------------------------------------------------------------


def test_the_passive_group_is_left_alone():
    drawn = Drawn(6, (2, 3, 5, 5))
    network, before = drawn.network(), drawn.passive.clone()
    network.read(network(drawn.x, drawn.payload, drawn.passive)[0], drawn.passive)
    assert torch.equal(drawn.passive, before)


def test_what_the_lattice_is_shifted_and_scaled_by_is_bounded():
    drawn = Drawn(7, (2, 3, 5, 5))
    place = drawn.randomised(AffineCoupling(PASSIVE, 3, clamp=0.05), spread=30)
    scale, shift = place._scale_and_shift(drawn.passive)
    assert 0.04 < scale.log().abs().max() <= 0.05 + 1e-12
    assert 0.04 < (shift - place.place).abs().max() <= 0.05 + 1e-12


def test_without_attention_the_strength_is_one_number_a_frequency():
    drawn = Drawn(8, (2, 3, 5, 5))
    network = InvertibleNetwork(drawn.steps, PASSIVE, width=6, attention=False).double()
    logits = network.attention(drawn.passive)
    assert torch.equal(logits, logits[:1, :, :1, :1].expand_as(logits))
    learns = {name for name, weight in network.attention.named_parameters() if weight.requires_grad}
    assert "level" in learns
    assert not {name for name in learns if name.startswith("head")}
