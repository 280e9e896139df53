"""Refinement gains information at the same distortion, does not change what does not carry, and is deterministic."""

import numpy as np
import pytest
import torch

from stegolab.carrier.learned import learned_carrier
from stegolab.carrier.networks import inn
from stegolab.carrier.networks.config import BLURS
from stegolab.carrier.refine import Refinement, _channel, measured_blur
from stegolab.carrier.strengths import JPEG, SOCIAL
from stegolab.channel import spec
from stegolab.images import luma, psnr
from stegolab.probe import information
from tests import covers
from tests.covers import random_bits

STRENGTHS = pytest.mark.parametrize("strength", [JPEG, SOCIAL], ids=lambda s: s.name)


def sent(strength, cover, refine, attacks):
    """PSNR, and the information that arrives after each attack."""
    carrier = learned_carrier(strength, refine)
    header, body, used = random_bits(carrier, cover)
    stego = carrier.embed(cover, header, body, used)
    arrived = []
    for attack in attacks:
        llr = carrier.read(spec.parse(attack)(stego), cover.shape[:2]).body_llr(header)
        arrived.append(information(llr * (2.0 * body.astype(np.float32) - 1)))
    return psnr(cover, stego), arrived


def test_more_arrives_at_no_less_quality():
    cover, attacks = covers.photographs()["astronaut"], ("jpeg:50", "jpeg:75", "jpeg:90:444")
    before, after = (sent(JPEG, cover, steps, attacks) for steps in (0, 9))
    assert after[0] > before[0] - 0.15
    assert min(after[1]) > 1.015 * min(before[1])


def start(strength, seed=0):
    """(model, plane, move, bits) of a small picture."""
    model = learned_carrier(strength).model
    plane = torch.from_numpy(luma(covers.photographs()["coffee, odd"]))[None]
    with torch.no_grad():
        band = model.analyse(plane)
        x, passive = band[:, model.carried], band[:, model.passive]
        bits = torch.randint(0, 2, x.shape, generator=torch.Generator().manual_seed(seed)).float()
        return model, plane, model.network(x, inn.points(bits), passive)[0] - x, bits


@STRENGTHS
def test_slots_that_do_not_carry_stay_and_the_rest_moves_the_same_way_each_time(strength):
    model, plane, move, bits = start(strength)
    used = (torch.rand(bits.shape, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    found = [Refinement(2)(model, plane, move * used, bits, used, strength.attacks[:2]) for _ in range(2)]
    assert torch.equal(*found)
    assert torch.equal(found[0][used == 0], torch.zeros_like(found[0])[used == 0])
    assert (found[0] - move)[used == 1].abs().max() > 0.1
    assert torch.equal(Refinement(0)(model, plane, move, bits, used, strength.attacks), move)


def test_a_high_price_takes_the_change_back():
    model, plane, move, bits = start(JPEG)
    used = torch.ones_like(bits)
    energies = [
        float(Refinement(4, price=price)(model, plane, move, bits, used, JPEG.attacks).square().mean())
        for price in (0.0, 0.02, 0.1)
    ]
    assert energies == sorted(energies, reverse=True)


@pytest.mark.parametrize("quality", [50, 75, 90])
def test_requantising_the_band_is_what_jpeg_does_to_it(quality):
    """Compared with Pillow, except for its rounding to bytes: nearly the same coefficients come back."""
    model, plane, move, _ = start(JPEG)
    attack = f"jpeg:{quality}:444"
    with torch.no_grad():
        found = _channel(model, attack, plane, model.analyse(plane))(move)
        changed = (plane + model.synthesise(move, plane.shape[1:])).round().clamp(0, 255)[0]
        picture = changed.to(torch.uint8).numpy()[..., None].repeat(3, axis=2)
        real = model.analyse(torch.from_numpy(luma(spec.parse(attack)(picture)))[None])
    assert ((found - real).abs() < 2.5).float().mean() > 0.9


@pytest.mark.parametrize("blur", BLURS[::4])
def test_the_blur_is_measured_that_was_done(blur):
    model, plane, move, bits = start(SOCIAL)
    with torch.no_grad():
        band = model.analyse(plane + model.synthesise(move, plane.shape[1:]))
        smoothed = band * model.gain(torch.tensor([blur]))
    assert float(measured_blur(model, smoothed, bits)) == pytest.approx(blur)
