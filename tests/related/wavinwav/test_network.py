"""The network inverts for any weights; scrambling is orthonormal, keyed, and noise without the key."""

import copy
import math
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stegolab.related.levels import LEVEL
from stegolab.related.wavinwav import losses
from stegolab.related.wavinwav.config import NetworkConfig
from stegolab.related.wavinwav.network import (
    START,
    AffineCoupling,
    InvertibleNetwork,
    cosines,
)
from stegolab.related.wavinwav.scrambling import FRAME, Scrambler, analyse, synthesise

KEY, NONCE = bytes(range(32)), b"one"
SMALL = NetworkConfig(channels=8, couplings=2, growth=8, layers=3, kernel=3)


def noise(seed, *shape):
    return LEVEL * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@cache
def network(scale=1.0):
    """Weights far from where training starts, so that every coupling does something."""
    torch.manual_seed(0)
    made = InvertibleNetwork(SMALL)
    with torch.no_grad():
        for p in made.parameters():
            p.add_(0.1 * scale * torch.randn_like(p))
    return made.eval().requires_grad_(False)


# --- the network -------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**31), st.integers(1, 40), st.floats(0, 1))
def test_the_inverse_is_exact_for_any_weights_and_length(seed, frames, scale):
    cover, secret = (noise(seed + i, 2, 8 * frames).double() for i in range(2))
    made = copy.deepcopy(network(scale)).double()  # wild weights magnify float32's rounding
    stego, lost = made(cover, secret)
    back = made.inverse(stego, lost)
    torch.testing.assert_close(back, (cover, secret), rtol=0, atol=1e-5)
    assert stego.shape == lost.shape == cover.shape


def test_both_branches_are_changed_by_both():
    cover, secret, other = (noise(i, 1, 512) for i in range(3))
    stego, lost = network()(cover, secret)
    assert not torch.allclose(network()(cover, other)[0], stego, atol=1e-4)
    assert not torch.allclose(network()(other, secret)[1], lost, atol=1e-4)


def test_training_starts_from_a_scheme_that_works():
    """The secret's lower half, attenuated, in place of the cover's upper half."""
    torch.manual_seed(0)
    made = InvertibleNetwork().eval().requires_grad_(False)
    t = torch.arange(16_000) / 16_000
    cover, secret = (LEVEL * 2**0.5 * torch.sin(2 * torch.pi * f * t)[None] for f in (300.0, 700.0))
    stego, _ = made(cover, secret)
    assert losses.snr_db(stego, cover).item() == pytest.approx(-20 * math.log10(START), abs=0.5)
    assert losses.snr_db(made.inverse(stego)[1], secret) > 20
    upper = made.split(stego)[:, 8:]
    torch.testing.assert_close(upper, START * made.split(secret)[:, :8].flip(1), atol=0.02, rtol=0)


def test_without_the_lost_branch_the_receiver_takes_zero():
    stego = noise(3, 1, 512)
    torch.testing.assert_close(network().inverse(stego), network().inverse(stego, torch.zeros_like(stego)))


def test_the_scale_of_a_coupling_is_bounded():
    coupling = AffineCoupling(SMALL)
    for p in coupling.rho_eta.parameters():
        torch.nn.init.constant_(p, 5.0)
    x, y = torch.ones(1, 8, 30), torch.ones(1, 8, 30)
    rho, _ = coupling._affine(x)
    assert rho.abs().max() <= SMALL.clamp
    assert torch.isfinite(coupling(x, y)[1]).all()


def test_squeezing_is_orthonormal_and_sorts_by_frequency():
    made = network()
    waveform = noise(1, 2, 800)
    bands = made.split(waveform)
    assert bands.shape == (2, 8, 100)
    torch.testing.assert_close(made.join(bands), waveform)
    torch.testing.assert_close(bands.square().sum(), (waveform / LEVEL).square().sum())
    torch.testing.assert_close(cosines(8) @ cosines(8).T, torch.eye(8), atol=1e-6, rtol=0)
    for band in (0, 3, 7):
        tone = torch.cos(torch.pi * (band + 0.5) / 8 * torch.arange(800))[None]
        energy = made.split(tone).square().sum((0, 2))
        assert energy[max(0, band - 1) : band + 2].sum() > 0.8 * energy.sum()


def test_gradients_reach_every_weight_through_sender_and_receiver():
    torch.manual_seed(1)
    made = InvertibleNetwork(SMALL)
    cover, secret = noise(0, 1, 2048), noise(1, 1, 2048)
    stego, _ = made(cover, secret)
    recovered, revealed = made.inverse(stego)
    (losses.shared_error(stego, cover, revealed, secret) + losses.SpectralDistance()(recovered, cover)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.parameters())


# --- scrambling --------------------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=20), st.integers(1, 30))
def test_scrambling_is_orthonormal(key, nonce, frames):
    waveform = noise(frames, 2, frames * FRAME)
    scrambler = Scrambler.from_key(key, nonce, frames * FRAME)
    scrambled = scrambler.scramble(waveform)
    torch.testing.assert_close(scrambler.invert(scrambled), waveform, rtol=0, atol=1e-6)
    torch.testing.assert_close(scrambler.scramble(scrambler.invert(waveform)), waveform, rtol=0, atol=1e-6)
    torch.testing.assert_close(scrambled.norm(), waveform.norm(), rtol=1e-5, atol=0)
    torch.testing.assert_close(scrambler.scramble(3 * waveform), 3 * scrambled, rtol=0, atol=1e-5)  # linear


def test_the_transform_is_orthonormal():
    eye = torch.eye(4 * FRAME)
    matrix = analyse(eye).flatten(1)
    torch.testing.assert_close(matrix @ matrix.T, eye, rtol=0, atol=1e-5)
    torch.testing.assert_close(synthesise(analyse(eye)), eye, rtol=0, atol=1e-5)


def test_a_frequency_stays_itself_and_time_does_not():
    """The long-term spectrum is kept; a click is smeared over the whole clip."""
    waveform = torch.zeros(1, 40 * FRAME)
    waveform[0, 20 * FRAME] = 1
    scrambled = Scrambler.from_key(KEY, NONCE, 40 * FRAME).scramble(waveform)
    torch.testing.assert_close(
        analyse(scrambled).square().sum(1), analyse(waveform).square().sum(1), rtol=1e-4, atol=1e-9
    )
    energy = scrambled.square().unflatten(-1, (40, FRAME)).sum(-1)[0]
    assert energy.max() < 0.2


def test_another_key_or_nonce_is_noise():
    waveform = noise(7, 1, 60 * FRAME)
    scrambled = Scrambler.from_key(KEY, NONCE, 60 * FRAME).scramble(waveform)
    for key, nonce in ((bytes(32), NONCE), (KEY, b"two"), (bytes([1, *range(1, 32)]), NONCE)):
        opened = Scrambler.from_key(key, nonce, 60 * FRAME).invert(scrambled)
        assert losses.snr_db(opened, waveform) < -2
        assert abs(np.corrcoef(opened[0], waveform[0])[0, 1]) < 0.05


def test_the_keystream_never_changes():
    """Old stegos must stay readable: the first numbers for one key, as they were when this was written."""
    scrambler = Scrambler.from_key(KEY, NONCE, 8 * FRAME)
    assert scrambler.order[:, 0].tolist() == GOLDEN_ORDER
    assert scrambler.signs[:, 0].tolist() == GOLDEN_SIGNS
    assert set(scrambler.signs.unique().tolist()) == {-1.0, 1.0}
    assert abs(float(scrambler.signs.mean())) < 0.1
    assert (scrambler.order.sort(0).values == torch.arange(8)[:, None]).all()


GOLDEN_ORDER = [4, 2, 5, 1, 7, 0, 6, 3]
GOLDEN_SIGNS = [1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0]


# --- losses ------------------------------------------------------------------------------------------------------


def test_the_spectral_distance_is_zero_for_equals_and_has_a_gradient():
    distance = losses.SpectralDistance()
    reference, other = noise(0, 2, 4000), noise(1, 2, 4000)
    assert distance(reference, reference) == 0
    near, far = (distance(reference + share * other, reference) for share in (0.1, 0.5))
    assert 0 < near < far
    estimate = other.clone().requires_grad_()
    (slope,) = torch.autograd.grad(distance(estimate, reference), estimate)
    assert torch.isfinite(slope).all() and (slope != 0).any(dim=1).all()
    silent = torch.zeros(1, 4000, requires_grad=True)
    (slope,) = torch.autograd.grad(distance(silent, reference[:1]), silent)
    assert torch.isfinite(slope).all()


def test_the_larger_of_two_errors_counts_for_more():
    cover, secret, off = noise(0, 1, 1000), noise(1, 1, 1000), noise(2, 1, 1000)

    def loss(a, b):
        return float(losses.shared_error(cover + a * off, cover, secret + b * off, secret))

    assert loss(0.1, 0.2) == pytest.approx(loss(0.2, 0.1), abs=0.3)
    assert loss(0.1, 0.1) < loss(0.05, 0.2) < loss(0.1, 0.2)
    assert loss(0, 0) == pytest.approx(-40, abs=0.1)


@pytest.mark.parametrize("db", [0, 14, 60])
def test_snr_is_in_decibels_and_hears_the_level(db):
    reference, off = noise(0, 1, 2000), noise(1, 1, 2000)
    off = off * reference.norm() / off.norm() * 10 ** (-db / 20)
    assert losses.snr_db(reference + off, reference).item() == pytest.approx(db, abs=1e-3)
    assert losses.snr_db(torch.zeros_like(reference), reference).item() == pytest.approx(0, abs=1e-4)


def test_the_lost_energy_is_one_at_the_level_of_speech():
    assert losses.lost_energy(noise(0, 1, 20_000)) == pytest.approx(1, abs=0.03)
    assert losses.lost_energy(torch.zeros(1, 100)) == 0
