"""The network: shapes, sizes, masks, what it may hear, and a stream that equals the whole."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.errors import BadSpec
from stegolab.speech.complexnn import pack, unpack
from stegolab.speech.cost import parameters
from stegolab.speech.dccrn import Dccrn, DccrnConfig, apply_mask
from stegolab.speech.frontend import StftConfig
from stegolab.speech.losses import si_sdr

torch.set_num_threads(1)


def tiny(seed: int = 0, **config) -> Dccrn:
    """Three stages of few channels; statistics of noise, so that evaluation mode means something."""
    torch.manual_seed(seed)
    model = Dccrn(DccrnConfig(channels=(4, 8, 8), hidden=6, **config))
    model.train()
    with torch.no_grad():
        for _ in range(5):
            model(0.1 * torch.randn(2, 4000))
    return model.eval()


def noise(*shape: int) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("name", "millions"), [("small", 0.32), ("base", 1.02), ("full", 3.67)])
def test_sizes_have_the_parameters_they_promise(name, millions):
    assert parameters(Dccrn.from_size(name)) / 1e6 == pytest.approx(millions, abs=0.01)


@settings(max_examples=15)
@given(st.integers(1, 3000), st.sampled_from([100, 160, 200]), st.booleans())
def test_as_many_samples_come_out_as_went_in(n, hop, causal):
    model = tiny(causal=causal, stft=StftConfig(hop=hop))
    with torch.no_grad():
        assert model(noise(2, n)).shape == (2, n)


@pytest.mark.parametrize("hop", [100, 200])
@settings(max_examples=10)
@given(n=st.integers(1, 6000), sizes=st.lists(st.integers(0, 2000), max_size=8))
def test_a_stream_is_the_whole(hop, n, sizes):
    model, x = tiny(stft=StftConfig(hop=hop)), noise(2, n)
    stream = model.stream(batch=2)
    cuts = torch.tensor(sizes, dtype=torch.long).cumsum(0).clamp_max(n)
    pieces = [stream.push(piece) for piece in x.tensor_split(cuts, -1)]
    with torch.no_grad():
        whole = model(x)
    torch.testing.assert_close(torch.cat([*pieces, stream.flush()], -1), whole, rtol=0, atol=1e-4)


def test_the_small_size_streams_too():
    torch.manual_seed(0)
    model, x = Dccrn.from_size("small").eval(), noise(1, 8000)
    stream = model.stream()
    pieces = [stream.push(piece) for piece in x.split(320, -1)]
    late = 8000 - sum(piece.shape[-1] for piece in pieces)
    assert late <= 16_000 * model.latency
    with torch.no_grad():
        torch.testing.assert_close(torch.cat([*pieces, stream.flush()], -1), model(x), rtol=0, atol=1e-4)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("hop", [100, 200])
def test_latency_is_as_far_as_it_looks_ahead(causal, hop):
    model = tiny(causal=causal, stft=StftConfig(hop=hop))
    x, reach = noise(1, 6000), []
    for sample in (3000, 3001):  # the first of a hop; the second, because a window's first sample weighs nothing
        x = x.detach().requires_grad_()
        model(x)[0, sample].backward()
        assert x.grad is not None
        reach.append(int(x.grad[0].nonzero().max()) - sample)
    assert max(reach) < 16_000 * model.latency <= max(reach) + 2


@pytest.mark.parametrize("mask", ["E", "C", "R"])
@pytest.mark.parametrize("causal", [True, False])
def test_every_parameter_learns(mask, causal):
    model = tiny(mask=mask, causal=causal).train()
    model(noise(2, 3000)).square().sum().backward()
    for name, p in model.named_parameters():
        assert p.grad is not None and torch.isfinite(p.grad).all(), name
        assert "bias" in name or p.grad.abs().max() > 0, name  # whitening takes the convolutions' biases out again


def test_the_network_is_its_layers_in_order():
    """The network written out again, with torch's complex numbers between the layers."""
    model = tiny()
    noisy = model.stft(noise(2, 3000))
    seen = (noisy.abs().pow(0.3) * noisy / (noisy.abs() + 1e-9))[:, None, 1:]  # (B, C, F, T)
    skips = []
    with torch.no_grad():
        for stage in model.encoder:
            for layer in stage.children():
                seen = unpack(layer(pack(seen)))
            skips.append(seen)
        memory = seen.permute(0, 3, 1, 2).flatten(2)  # (B, T, CF)
        for layer in (*model.recurrent, model.project):
            memory = unpack(layer(pack(memory, -1)), -1)
        seen = memory.unflatten(2, seen.shape[1:3]).permute(0, 2, 3, 1)
        for stage, skip in zip(model.decoder, reversed(skips), strict=True):
            seen = unpack(stage(pack(torch.cat([seen, skip], 1))))
        mask = torch.cat([seen[:, 0, :1], seen[:, 0]], 1)
        torch.testing.assert_close(model.mask(noisy), mask, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(model(noise(2, 3000)), model.stft.synthesise(apply_mask(noisy, mask, "E"), 3000))


def test_an_untrained_network_lets_the_sound_through():
    torch.manual_seed(0)
    with torch.no_grad():
        through = Dccrn.from_size("small")(noise(2, 8000))
    assert si_sdr(through, noise(2, 8000)).min() > 0
    assert (through * noise(2, 8000)).sum() > 0


def test_mask_e_is_the_polar_one():
    x, m = torch.randn(2, 100, dtype=torch.complex64)
    by_angles = torch.polar(x.abs() * torch.tanh(m.abs()), x.angle() + m.angle())
    torch.testing.assert_close(apply_mask(x, m, "E"), by_angles)


def test_masks_c_and_r_multiply():
    x, m = torch.randn(2, 100, dtype=torch.complex64)
    assert torch.equal(apply_mask(x, m, "C"), x * m)
    assert torch.equal(torch.view_as_real(apply_mask(x, m, "R")), torch.view_as_real(x) * torch.view_as_real(m))


def test_mask_e_never_amplifies_and_has_a_gradient_at_zero():
    x = torch.randn(50, dtype=torch.complex64)
    m = torch.zeros(50, dtype=torch.complex64, requires_grad=True)
    apply_mask(x, m, "E").real.sum().backward()
    assert m.grad is not None
    torch.testing.assert_close(m.grad.abs(), x.abs())  # d(tanh(m) x) / dm = x at m = 0
    assert (apply_mask(x, 100 * torch.randn(50, dtype=torch.complex64), "E").abs() <= x.abs() * (1 + 1e-5)).all()


def test_a_mask_of_one_gives_back_the_input():
    model = tiny(mask="C")
    with torch.no_grad():
        for name, p in model.decoder[-1].named_parameters():
            p.copy_(torch.tensor([1.0, 0.0]) if name == "bias" else torch.zeros_like(p))
        torch.testing.assert_close(model(noise(2, 3000)), noise(2, 3000), rtol=0, atol=1e-5)


def test_silence_stays_silence():
    with torch.no_grad():
        assert not tiny()(torch.zeros(1, 3000)).any()


def test_clips_of_a_batch_do_not_meet():
    model, x = tiny(), noise(3, 3000)
    with torch.no_grad():
        torch.testing.assert_close(model(x)[1:2], model(x[1:2]), rtol=0, atol=1e-5)


def test_half_precision_says_the_same():
    model, x = tiny(), noise(1, 4000)
    with torch.no_grad():
        exact = model(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = model(x)
    assert rough.dtype == torch.float32
    assert (rough - exact).square().mean() < 1e-3 * exact.square().mean()


def test_a_stream_of_a_network_that_looks_ahead_is_refused():
    with pytest.raises(BadSpec, match="causal=True"):
        tiny(causal=False).stream()


def test_a_stream_in_training_mode_is_refused():
    with pytest.raises(BadSpec, match="eval"):
        tiny().train().stream()


def test_what_cannot_be_built_is_refused():
    with pytest.raises(BadSpec, match="small, base, full"):
        Dccrn.from_size("huge")
    with pytest.raises(BadSpec, match="E, C, R"):
        Dccrn.from_size("small", mask="X")
    with pytest.raises(BadSpec, match="E, C, R"):
        apply_mask(torch.ones(1), torch.ones(1), "X")
    with pytest.raises(BadSpec, match="even"):
        DccrnConfig(channels=(4, 5))
    with pytest.raises(BadSpec, match="halved 9 times"):
        DccrnConfig(channels=(2,) * 9)
