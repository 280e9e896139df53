"""Transforms invert; what counts is which of them keep what is added between analysis and synthesis."""

import numpy as np
import pytest
import torch

from stegolab.errors import BadSpec
from stegolab.related.pixinwav.transforms import TRANSFORMS, Mdct, Stdct, surviving, transform

N = 6_000


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("n", [N, 24_384])
def test_synthesis_inverts_analysis(name, n):
    if name == "stdct-4096" and n < 10_000:
        pytest.skip("shorter than its windows would show")
    kind, waveform = transform(name), noise(2, n)
    planes = kind.analyse(waveform)
    carrying = planes[:, kind.part]
    assert tuple(carrying.shape[1:]) == kind.shape(n)
    torch.testing.assert_close(kind.synthesise(planes, n), waveform, atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", [n for n in TRANSFORMS if "stdct" not in n])
def test_noise_of_level_one_has_coefficients_near_one(name):
    planes = transform(name).analyse(noise(1, 24_384))
    assert float(planes[:, :1].square().mean()) == pytest.approx(1, abs=0.05)


def test_the_mdct_is_its_definition():
    kind, x = Mdct(8), noise(1, 64)
    frame = np.concatenate([np.zeros(8), x[0].numpy()])[16:32]  # the third frame
    k, j = np.arange(8)[:, None], np.arange(16)
    window = np.sin(np.pi * (j + 0.5) / 16)
    wanted = np.sqrt(2 / 8) * (window * frame * np.cos(np.pi / 8 * (j + 0.5 + 4) * (k + 0.5))).sum(1)
    np.testing.assert_allclose(kind.analyse(x)[0, 0, :, 2], wanted, atol=1e-5)


def test_the_mdct_keeps_energy_and_every_residual():
    """Except at the ends, whose outer halves belong to no sample."""
    kind, x = Mdct(64), noise(1, 640)
    assert float(kind.analyse(x).square().sum()) == pytest.approx(float(x.square().sum()), rel=1e-4)
    residual = noise(1, 1, 64, 11)
    residual[..., [0, -1]] = 0
    returned = kind.analyse(kind.synthesise(residual, 640))
    torch.testing.assert_close(returned[..., 2:-2], residual[..., 2:-2], atol=1e-4, rtol=0)
    assert surviving(kind, residual, 640) > 0.85


def test_the_stdct_is_scipys_dct_of_hamming_windows():
    scipy_fft = pytest.importorskip("scipy.fft")
    kind, x = Stdct(64, 10), noise(1, 164)
    frames = np.lib.stride_tricks.sliding_window_view(x[0].numpy(), 64)[::10] * torch.hamming_window(64).numpy()
    wanted = scipy_fft.dct(frames, norm="ortho").T
    np.testing.assert_allclose(kind.analyse(x)[0, 0, :, : wanted.shape[1]], wanted, atol=1e-4)


def test_an_overlapping_transform_loses_what_belongs_to_no_waveform():
    kept = {}
    for name in ("mdct", "stdct-1024", "stdct-4096"):
        kind = transform(name)
        kept[name] = surviving(kind, noise(1, *kind.shape(24_384)), 24_384)
    assert kept["mdct"] > 0.99
    assert 0.1 < kept["stdct-1024"] < 0.25
    assert 0.01 < kept["stdct-4096"] < 0.04
    assert surviving(transform("stdct-1024"), transform("stdct-1024").analyse(noise(1, 6000)), 6000) > 0.999


@pytest.mark.parametrize("name", TRANSFORMS)
def test_gradients_reach_the_waveform_through_both_ways_even_where_it_is_silent(name):
    kind = transform(name)
    x = noise(1, 5_000)
    x[:, :2_500] = 0
    x.requires_grad_()
    kind.synthesise(kind.analyse(x) * 1.01, 5_000).square().sum().backward()
    assert torch.isfinite(x.grad).all()
    assert x.grad[:, 2_500:].abs().max() > 0.1


def test_an_unknown_transform_is_refused():
    with pytest.raises(BadSpec, match="mdct"):
        transform("wavelet")
