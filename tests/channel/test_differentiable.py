"""Each twin has the value of the real attack, but for a grey level here and there, and a downhill gradient."""

import math

import numpy as np
import pytest
import torch
from skimage import data

from stegolab.channel import differentiable
from stegolab.channel.attacks import KERNELS
from stegolab.channel.differentiable import TWINS, crop, real_attack, realigned_crop, twin
from stegolab.channel.spec import ATTACKS, parse
from stegolab.errors import BadSpec

torch.set_num_threads(1)

PICTURES = np.stack([data.coffee()[100:201, 100:235], data.astronaut()[20:121, 150:285]])  # odd sides
BATCH = torch.from_numpy(PICTURES).permute(0, 3, 1, 2).float()

# specification -> the least PSNR between twin and real attack, in dB; inf where they must be equal
BOUNDS = {
    "none": math.inf,
    "jpeg:30": 50,
    "jpeg:50": 50,
    "jpeg:75:444": 50,
    "jpeg:90:422:progressive": 50,
    "webp:80": math.inf,
    **{f"resize:0.6:{kernel}": 65 for kernel in KERNELS},
    "resize:0.5": 65,
    "resize:1.4:lanczos": 65,
    "resize:1:lanczos": math.inf,
    "cap:90": 65,
    "cap:500": math.inf,
    "crop:0.2": math.inf,
    "crop:0.3:0:0.7": math.inf,
    "blur:0": math.inf,
    "blur:1": 65,
    "blur:4.5": 65,
    "median": math.inf,
    "median:5": math.inf,
    "sharpen:2": 65,
    "brightness:1.3": 65,
    "brightness:0.7": 65,
    "contrast:1.4": 60,
    "contrast:0.6": 60,
    "gamma:0.5": 65,
    "gamma:2": 65,
    "noise:5:7": 65,
    "grey": 65,
    "avif:60": math.inf,
    "jpeg2000:20": math.inf,
    "palette:32": math.inf,
    "hue:30": 65,
    "shift:3:-5": math.inf,
    "flip": math.inf,
    "rotate:1": math.inf,
    "rotate:3": math.inf,
    "resize:0.5,jpeg:75": 45,
    "blur:1,jpeg:90": 45,
    "platform:telegram": 45,
}


def psnr(a, b):
    error = (a - b).square().mean().item()
    return 10 * math.log10(255**2 / error) if error else math.inf


@pytest.mark.parametrize(("spec", "least"), BOUNDS.items())
def test_a_twin_is_the_real_attack(spec, least):
    received = twin(spec)(BATCH)
    assert psnr(received, real_attack(parse(spec), BATCH)) >= least
    assert torch.equal(received, received.round().clamp(0, 255))


@pytest.mark.parametrize("spec", ["jpeg:60", "resize:0.5,jpeg:75", "jpeg:80,jpeg:60", "webp:70", "noise:3"])
def test_through_the_real_attack_the_value_is_its_own_and_the_gradient_the_twins(spec):
    gradients: list[torch.Tensor] = []
    for real in (True, False):
        leaf = BATCH.clone().requires_grad_()
        received = twin(spec, real=real)(leaf)
        if real:
            assert torch.equal(received, real_attack(parse(spec), BATCH))
        weights = torch.randn(received.shape, generator=torch.Generator().manual_seed(0))
        gradients += torch.autograd.grad((received * weights).sum(), leaf)
    torch.testing.assert_close(*gradients)
    assert gradients[0].abs().max() > 0


def test_every_attack_has_a_twin_with_its_arguments():
    assert list(TWINS) == list(ATTACKS)
    for name, attack in ATTACKS.items():
        theirs = attack.__code__.co_varnames[1 : attack.__code__.co_argcount]
        ours = TWINS[name].__code__.co_varnames[1 : TWINS[name].__code__.co_argcount]
        assert ours[: len(theirs)] == theirs
        extra = ("rounding",) if name == "jpeg" else ()
        assert ours[len(theirs) :] == extra
        defaults = TWINS[name].__defaults__ or ()
        assert defaults[: len(defaults) - len(extra)] == (attack.__defaults__ or ())


# Large moves against a coarse quantiser: the real attack's own slope, measured on the real attack.
SLOPES = {
    "blur:1": 0.999,
    "resize:0.5": 0.999,
    "resize:0.7:lanczos": 0.999,
    "brightness:0.8": 0.999,
    "contrast:1.2": 0.999,
    "gamma:1.5": 0.999,
    "sharpen:1.5": 0.999,
    "median": 0.85,
    "grey": 0.999,
    "crop:0.2": 0.999,
    "noise:2": 0.999,
    "jpeg:90": 0.9,
    "jpeg:75": 0.7,
}


@pytest.mark.parametrize(("spec", "least"), SLOPES.items())
def test_the_gradient_agrees_with_finite_differences_of_the_real_attack(spec, least):
    """Correlation, over random directions, of the twin's slope with that of the real attack between moves of 8 levels.

    The loss is the projection of what is received on what another picture would give.
    """
    mild = 64 + BATCH[:1] // 2  # away from black and white, where real attacks clip
    leaf = mild.clone().requires_grad_()
    received = twin(spec)(leaf)
    generator = torch.Generator().manual_seed(1)
    weights = torch.nn.functional.avg_pool2d(torch.randn(received.shape, generator=generator), 5, 1, 2)
    (gradient,) = torch.autograd.grad((received * weights).sum(), leaf)
    real, expected = [], []
    for _ in range(24):
        noise = torch.randn(mild.shape, generator=generator)
        direction = (24 * torch.nn.functional.avg_pool2d(noise, 3, 1, 1)).round()
        ahead, behind = (real_attack(parse(spec), mild + sign * direction) for sign in (1, -1))
        real.append(((ahead - behind) * weights).sum().item() / 2)
        expected.append((gradient * direction).sum().item())
    cosine = np.dot(real, expected) / np.linalg.norm(real) / np.linalg.norm(expected)
    assert cosine > least


def test_a_few_gradient_steps_bring_a_picture_through_jpeg():
    """What refinement does: move the cover until the received picture is nearer to a target."""
    attack = twin("resize:0.5,jpeg:75")
    wish = attack(BATCH[:1]) + 20 * torch.sign(torch.randn(1, 3, 1, 1, generator=torch.Generator().manual_seed(0)))
    stego = BATCH[:1].clone().requires_grad_()
    losses = []
    for _ in range(5):
        loss = (attack(stego) - wish).square().mean()
        losses.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, stego)
        stego = (stego - 0.4 * stego.numel() / 2 * gradient).detach().requires_grad_()
    assert losses[-1] < 0.3 * losses[0]


def test_a_crop_in_its_place_is_the_picture_where_it_came_through():
    canvas, kept = realigned_crop(BATCH, 0.3, 0.2, 0.9)
    assert canvas.shape == BATCH.shape
    assert kept.shape == (1, 1, *BATCH.shape[-2:])
    assert torch.equal(canvas[kept.expand_as(canvas)], BATCH[kept.expand_as(BATCH)])
    assert torch.equal(canvas[:, :, kept[0, 0]].flatten(), crop(BATCH, 0.3, 0.2, 0.9).flatten())
    assert (canvas[~kept.expand_as(canvas)] == 128).all()
    assert kept.float().mean().item() == pytest.approx(0.7, abs=0.02)


def test_no_gradient_comes_from_what_was_lost():
    leaf = BATCH.clone().requires_grad_()
    canvas, kept = realigned_crop(leaf, 0.3)
    (gradient,) = torch.autograd.grad(canvas.sum(), leaf)
    assert torch.equal(gradient, kept.expand_as(leaf).float())


def test_what_goes_in_is_rounded_and_clipped_as_a_file_is():
    leaf = torch.tensor([-5.0, 0.4, 99.6, 300.0]).reshape(1, 1, 2, 2).repeat(1, 3, 1, 1).requires_grad_()
    received = twin("none")(leaf)
    (gradient,) = torch.autograd.grad(received.sum(), leaf)
    assert received[0, 0].flatten().tolist() == [0, 0, 100, 255]
    assert torch.equal(gradient, torch.ones_like(gradient))


@pytest.mark.parametrize("name", [name for name in TWINS if name != "noise"])
def test_gradients_are_finite_at_black_and_white(name):
    arguments = {"median": "", "grey": "", "jpeg": ":50", "webp": ":50", "cap": ":16", "sharpen": ":2"}
    arguments |= {"avif": ":50", "jpeg2000": ":20", "palette": ":16", "shift": ":2", "flip": "", "rotate": ":1"}
    picture = torch.zeros(1, 3, 24, 24)
    picture[..., 12:] = 255
    leaf = picture.requires_grad_()
    received = twin(name + arguments.get(name, ":0.5"))(leaf)
    (gradient,) = torch.autograd.grad(received.square().sum(), leaf)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_any_precision_is_computed_in_floats_that_hold_bytes(dtype):
    whole = BATCH.to(dtype)  # bytes are exact in bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        received = twin("resize:0.5,jpeg:75")(whole)
    assert received.dtype == torch.promote_types(dtype, torch.float32)
    assert psnr(received.float(), twin("resize:0.5,jpeg:75")(BATCH)) > 45


def test_rounding_is_passed_on_to_jpeg():
    smooth, hard = (twin("jpeg:30", rounding)(BATCH) for rounding in ("none", "straight-through"))
    assert psnr(smooth, BATCH) > psnr(hard, BATCH) + 3
    assert torch.equal(differentiable.jpeg(BATCH, 30, rounding="none"), smooth)


@pytest.mark.parametrize(("arguments", "hint"), [(("jepg:50",), "jepg"), (("jpeg:50", "floor"), "rounding must be")])
def test_bad_specifications_are_told_before_training(arguments, hint):
    with pytest.raises(BadSpec, match=hint):
        twin(*arguments)
