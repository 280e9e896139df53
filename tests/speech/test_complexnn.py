"""Every complex layer does what torch's complex numbers do; whitening whitens; causal layers work on a stream."""

import pytest
import torch
import torch.nn.functional as F

from stegolab.errors import BadSpec
from stegolab.speech.complexnn import (
    ComplexBatchNorm2d,
    ComplexConv2d,
    ComplexConvTranspose2d,
    ComplexLinear,
    ComplexLSTM,
    ComplexPReLU,
    State,
    concatenate,
    pack,
    unpack,
)

torch.set_num_threads(1)

KERNELS = [((5, 2), 2), ((3, 1), 1), ((5, 3), 2), ((7, 2), 4)]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def complex_noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.complex64)


def weight(layer):
    """The complex weight and bias of a layer, the bias drawn so that it matters."""
    torch.nn.init.normal_(layer.bias)
    return torch.complex(layer.real, layer.imaginary), unpack(layer.bias, 0)


def correlated(*shape: int) -> torch.Tensor:
    """Packed noise (B, 2C, F, T) with a mean, unequal variances, and correlated parts in every channel."""
    z = complex_noise(*shape)
    return pack(torch.complex(3 * z.real + 2, 0.5 * z.imag + 2 * z.real - 1))


def covariance(x: torch.Tensor) -> torch.Tensor:
    """Packed (B, 2C, F, T) to the 2 x 2 covariance of each channel, (C, 2, 2)."""
    parts = x.double().unflatten(1, (2, -1)).permute(2, 1, 0, 3, 4).flatten(2)  # (C, 2, BFT)
    parts = parts - parts.mean(-1, keepdim=True)
    return parts @ parts.transpose(1, 2) / parts.shape[-1]


def test_pack_and_unpack_are_inverse():
    z = complex_noise(2, 3, 4, 5)
    assert torch.equal(unpack(pack(z)), z)
    assert torch.equal(unpack(pack(z, -1), -1), z)


def test_concatenate_joins_complex_channels():
    x, y = complex_noise(2, 3, 4, 5), complex_noise(2, 1, 4, 5)
    assert torch.equal(unpack(concatenate(pack(x), pack(y))), torch.cat([x, y], 1))


def test_linear_is_the_complex_one():
    layer, z = ComplexLinear(3, 4), complex_noise(2, 5, 3)
    w, b = weight(layer)
    torch.testing.assert_close(unpack(layer(pack(z, -1)), -1), F.linear(z, w, b))


@pytest.mark.parametrize(("kernel", "stride"), KERNELS)
def test_convolution_is_the_complex_one(kernel, stride):
    layer, z = ComplexConv2d(3, 4, kernel, stride), complex_noise(2, 3, 16, 7)
    w, b = weight(layer)
    theirs = F.conv2d(F.pad(z, (kernel[1] - 1, 0)), w, b, (stride, 1), (kernel[0] // 2, 0))
    ours = unpack(layer(pack(z)))
    assert ours.shape == (2, 4, 16 // stride, 7)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kernel", "stride"), KERNELS)
def test_deconvolution_is_the_complex_one(kernel, stride):
    layer, z = ComplexConvTranspose2d(3, 4, kernel, stride), complex_noise(2, 3, 8, 7)
    w, b = weight(layer)
    padding = kernel[0] // 2
    missing = 2 * padding + stride - kernel[0]
    theirs = F.conv_transpose2d(z, w, b, (stride, 1), (padding, 0), (missing, 0))[..., :7]
    ours = unpack(layer(pack(z)))
    assert ours.shape == (2, 4, 8 * stride, 7)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [ComplexConv2d, ComplexConvTranspose2d, ComplexLinear])
def test_a_fresh_layer_is_as_loud_out_as_in(kind):
    dim = -1 if kind is ComplexLinear else 1
    z = complex_noise(200, 64) if dim == -1 else complex_noise(2, 64, 64, 40)
    out = unpack(kind(64, 64)(pack(z, dim)), dim)
    assert out.abs().square().mean().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("layer", [ComplexConv2d(2, 3), ComplexConvTranspose2d(2, 3), ComplexLinear(2, 3)])
def test_without_bias_a_turned_input_turns_the_output(layer):
    """A property that a real layer of twice the size does not have: e^(i a) in, e^(i a) out."""
    turn = torch.exp(torch.tensor(0.7j))
    dim = -1 if isinstance(layer, ComplexLinear) else 1
    z = complex_noise(1, 4, 2) if dim == -1 else complex_noise(1, 2, 8, 5)
    there = unpack(layer(pack(z * turn, dim)), dim)
    torch.testing.assert_close(there, unpack(layer(pack(z, dim)), dim) * turn, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [ComplexConv2d, ComplexConvTranspose2d])
@pytest.mark.parametrize("lookahead", [0, 1, 2])
def test_a_frame_hears_what_the_lookahead_allows(kind, lookahead):
    layer = kind(1, 1, (5, 3), 2, lookahead)
    x = torch.randn(1, 2, 8, 12, requires_grad=True)
    layer(x)[..., 6].square().sum().backward()
    assert x.grad is not None
    heard = x.grad.abs().sum((0, 1, 2)).nonzero().flatten().tolist()
    assert heard == list(range(6 + lookahead - 2, 6 + lookahead + 1))


@pytest.mark.parametrize("kind", [ComplexConv2d, ComplexConvTranspose2d])
def test_a_kernel_without_a_middle_is_refused(kind):
    with pytest.raises(BadSpec, match="odd"):
        kind(1, 1, (4, 2))


@pytest.mark.parametrize("kind", [ComplexConv2d, ComplexConvTranspose2d])
def test_a_lookahead_beyond_the_kernel_is_refused(kind):
    with pytest.raises(BadSpec, match="give 0 to 1"):
        kind(1, 1, (5, 2), 2, 2)


@pytest.mark.parametrize("kind", [ComplexConv2d, ComplexConvTranspose2d])
def test_a_layer_that_looks_ahead_refuses_a_stream(kind):
    with pytest.raises(BadSpec, match="causal"):
        kind(1, 1, lookahead=1)(torch.zeros(1, 2, 8, 3), State())


@pytest.mark.parametrize("layer", [ComplexConv2d(2, 3), ComplexConvTranspose2d(2, 3), ComplexConv2d(2, 3, (3, 1), 1)])
@pytest.mark.parametrize("sizes", [[1] * 9, [4, 5], [2, 6, 1]])
def test_convolutions_of_a_stream_are_those_of_the_whole(layer, sizes):
    x, state = torch.randn(2, 4, 8, 9), State()
    pieces = torch.cat([layer(piece, state) for piece in x.split(sizes, -1)], -1)
    torch.testing.assert_close(pieces, layer(x), rtol=1e-4, atol=1e-5)


def test_the_lstm_follows_the_rule_of_the_complex_product():
    layer, z = ComplexLSTM(3, 5), complex_noise(2, 7, 3)

    def both(lstm, z):
        return torch.complex(lstm(z.real.contiguous())[0], lstm(z.imag.contiguous())[0])

    theirs = both(layer.real, z) + 1j * both(layer.imaginary, z)
    torch.testing.assert_close(unpack(layer(pack(z, -1)), -1), theirs)


def test_the_lstm_of_a_stream_is_that_of_the_whole():
    layer, x, state = ComplexLSTM(3, 5), torch.randn(2, 9, 6), State()
    pieces = torch.cat([layer(piece, state) for piece in x.split([1, 3, 5], 1)], 1)
    torch.testing.assert_close(pieces, layer(x))


def test_prelu_is_torchs_own_on_each_part():
    layer, z = ComplexPReLU(3), complex_noise(2, 3, 4, 5)
    torch.nn.init.normal_(layer.slope)
    slope_real, slope_imaginary = layer.slope.chunk(2)
    theirs = torch.complex(F.prelu(z.real, slope_real), F.prelu(z.imag, slope_imaginary))
    torch.testing.assert_close(unpack(layer(pack(z))), theirs)


def test_whitening_makes_the_covariance_the_identity():
    x = correlated(4, 3, 10, 50)
    assert (covariance(x)[:, 0, 1] > 1).all()  # there is something to remove
    y = ComplexBatchNorm2d(3)(x)
    torch.testing.assert_close(covariance(y), torch.eye(2, dtype=torch.float64).repeat(3, 1, 1), rtol=0, atol=1e-4)
    assert y.mean((0, 2, 3)).abs().max() < 1e-4


def test_whitening_is_the_inverse_root_of_the_covariance_then_gain_and_bias():
    """Against an eigendecomposition, in double precision."""
    layer, x = ComplexBatchNorm2d(3), correlated(4, 3, 10, 50)
    torch.nn.init.normal_(layer.gain)
    torch.nn.init.normal_(layer.bias)
    values, vectors = torch.linalg.eigh(covariance(x))
    root = vectors @ torch.diag_embed(values**-0.5) @ vectors.transpose(1, 2)  # (C, 2, 2)
    gain = layer.gain.double()[[0, 1, 1, 2]].T.reshape(3, 2, 2)
    parts = x.double().unflatten(1, (2, -1))
    centred = parts - parts.mean((0, 3, 4), keepdim=True)
    theirs = torch.einsum("cij,cjk,bkcft->bicft", gain, root, centred) + layer.bias.double()[:, :, None, None]
    torch.testing.assert_close(layer(x), theirs.flatten(1, 2).float(), rtol=1e-3, atol=1e-3)


def test_without_correlation_whitening_is_plain_batch_norm():
    z = complex_noise(2, 3, 8, 40)
    even = torch.cat([z, z.conj()], 0)  # real and imaginary parts exactly uncorrelated
    even = torch.complex(3 * even.real + 1, 0.2 * even.imag)
    plain = torch.nn.BatchNorm2d(6)
    torch.testing.assert_close(ComplexBatchNorm2d(3)(pack(even)), plain(pack(even)), rtol=1e-4, atol=1e-4)


def test_running_statistics_take_over_in_evaluation():
    layer, x = ComplexBatchNorm2d(3, momentum=1.0), correlated(4, 3, 10, 50)
    trained = layer(x)
    torch.testing.assert_close(layer.eval()(x), trained, rtol=1e-2, atol=2e-3)
    alone = layer(x[:1])  # no statistics of its own: a clip's result does not depend on its batch
    torch.testing.assert_close(alone, layer(x)[:1])
    assert not torch.allclose(ComplexBatchNorm2d(3).eval()(x), trained, atol=0.1)


def test_running_statistics_move_by_their_momentum():
    layer, x = ComplexBatchNorm2d(2, momentum=0.25), correlated(4, 2, 10, 50)
    layer(x)
    rr, ri, ii = covariance(x)[:, [0, 0, 1], [0, 1, 1]].T * 2000 / 1999
    moved = torch.stack([0.75 + 0.25 * rr, 0.25 * ri, 0.75 + 0.25 * ii]).float()
    torch.testing.assert_close(layer.running_covariance, moved, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(layer.running_mean.flatten(), 0.25 * x.mean((0, 2, 3)), rtol=1e-4, atol=1e-4)


def test_statistics_are_float32_under_autocast():
    x = correlated(4, 3, 10, 50).bfloat16()
    layer, exact = ComplexBatchNorm2d(3), ComplexBatchNorm2d(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    exact(x.float())
    torch.testing.assert_close(layer.running_covariance, exact.running_covariance, rtol=1e-6, atol=0)
    torch.testing.assert_close(y.float(), exact(x.float()), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("part", [lambda x: x, lambda x: 1e4 * x, torch.zeros_like])
def test_a_degenerate_covariance_stays_finite(part):
    """Equal real and imaginary parts, or zeros: the determinant is zero, and rounding makes it negative."""
    real = part(torch.randn(4, 3, 10, 50))
    x = torch.cat([real, real], 1).requires_grad_()
    y = ComplexBatchNorm2d(3)(x)
    y.square().sum().backward()
    assert torch.isfinite(y).all() and x.grad is not None and torch.isfinite(x.grad).all()
