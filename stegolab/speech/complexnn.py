"""Neural layers for complex numbers, built from real ones: the components of DCCRN (notebook 02).

A complex tensor of C channels is a real one of 2C: the C real parts first, then the C imaginary parts. A product with
W = A + iB is then one real operation with the block weight [[A, -B], [B, A]], which runs wherever real layers run: in
mixed precision, on any device, exported. Trabelsi et al. 2018, Deep Complex Networks; Hu et al. 2020, DCCRN.

Convolutions look at (B, 2C, F, T), stride along frequency only, and keep the number of frames. ``lookahead`` says how
many of the frames under the kernel lie in the future; 0 is causal. Causal layers also work on a stream: give each call
the same ``state``, a dictionary in which every layer keeps what the next call needs.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import BadSpec

#: What the layers of a causal network remember between chunks; start with an empty one.
State = dict[nn.Module, Any]


def pack(z: Tensor, dim: int = 1) -> Tensor:
    """A complex tensor as a real one of twice as many channels (real parts, then imaginary parts) along ``dim``."""
    return torch.cat([z.real, z.imag], dim)


def unpack(x: Tensor, dim: int = 1) -> Tensor:
    """The inverse of :func:`pack`."""
    real, imaginary = x.chunk(2, dim)
    return torch.complex(real, imaginary)


def concatenate(x: Tensor, y: Tensor) -> Tensor:
    """Join the channels of two complex tensors (B, 2C, ...) and (B, 2D, ...): (B, 2(C + D), ...)."""
    (x_real, x_imaginary), (y_real, y_imaginary) = x.chunk(2, 1), y.chunk(2, 1)
    return torch.cat([x_real, y_real, x_imaginary, y_imaginary], 1)


class _ComplexWeight(nn.Module):
    """A complex weight and bias. ``block(d)`` is the real weight that multiplies packed channels."""

    def __init__(self, shape: tuple[int, ...], fan_in: int, channels: int) -> None:
        super().__init__()
        std = (2 * fan_in) ** -0.5  # complex variance 1 / fan_in keeps the power
        self.real = nn.Parameter(std * torch.randn(shape))
        self.imaginary = nn.Parameter(std * torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(2 * channels))

    def block(self, outputs: int = 0) -> Tensor:
        """[[A, -B], [B, A]], where dimension ``outputs`` (0 or 1) of the weight counts output channels."""
        a, b = self.real, self.imaginary
        to_real, to_imaginary = torch.cat([a, -b], 1 - outputs), torch.cat([b, a], 1 - outputs)
        return torch.cat([to_real, to_imaginary], outputs)


class ComplexLinear(_ComplexWeight):
    """y = W x + b on the last dimension: (..., 2 inputs) to (..., 2 outputs)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__((outputs, inputs), inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(..., 2 inputs) to (..., 2 outputs)."""
        return F.linear(x, self.block(), self.bias)


class ComplexConv2d(_ComplexWeight):
    """Convolution over frequency and time: (B, 2 inputs, F, T) to (B, 2 outputs, F', T).

    ``inputs`` and ``outputs`` count complex channels; ``kernel`` is (frequency, time), the first odd. Zero padding
    of half a kernel along frequency, so F' = ceil(F / stride).
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int] = (5, 2), stride: int = 2, lookahead: int = 0
    ) -> None:
        super().__init__((outputs, inputs, *kernel), inputs * math.prod(kernel), outputs)
        self.kernel, self.stride, self.lookahead = kernel, stride, _lookahead(kernel, lookahead)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, 2 inputs, F, T) to (B, 2 outputs, F', T)."""
        x = _after(self, x, self.kernel[1] - 1 - self.lookahead, state)
        x = F.pad(x, (0, self.lookahead))
        return F.conv2d(x, self.block(), self.bias, (self.stride, 1), (self.kernel[0] // 2, 0))


class ComplexConvTranspose2d(_ComplexWeight):
    """Deconvolution, the way back from :class:`ComplexConv2d`: (B, 2 inputs, F, T) to (B, 2 outputs, F * stride, T).

    Frame t of the result hears frames ``t + lookahead - kernel[1] + 1`` to ``t + lookahead``.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int] = (5, 2), stride: int = 2, lookahead: int = 0
    ) -> None:
        fan_in = inputs * math.prod(kernel) // stride
        super().__init__((inputs, outputs, *kernel), fan_in, outputs)
        self.kernel, self.stride, self.lookahead = kernel, stride, _lookahead(kernel, lookahead)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, 2 inputs, F, T) to (B, 2 outputs, F * stride, T)."""
        t, first = x.shape[-1], self.lookahead
        if state is not None:
            x, first = _after(self, x, self.kernel[1] - 1, state), self.kernel[1] - 1
        padding = self.kernel[0] // 2
        missing = 2 * padding + self.stride - self.kernel[0]
        y = F.conv_transpose2d(x, self.block(1), self.bias, (self.stride, 1), (padding, 0), (missing, 0))
        return y[..., first : first + t]


class ComplexBatchNorm2d(nn.Module):
    """Whitening: afterwards real and imaginary part of each channel have zero mean, unit variance, no correlation.

    Scaling both parts alone would keep their correlation, and with it a preferred phase. So the 2 x 2 covariance V of
    each channel is taken over (B, F, T), and x - mean is multiplied by V^(-1/2); then by a learned symmetric matrix
    (at first the identity), and a learned mean is added. Running statistics are used in evaluation mode. The statistics
    are always float32, and the result has the type of the input. (B, 2C, F, T) to the same.
    """

    running_mean: Tensor
    running_covariance: Tensor

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        identity = torch.tensor([1.0, 0.0, 1.0])[:, None].repeat(1, channels)  # real-real, real-imaginary, imag.-imag.
        self.gain = nn.Parameter(identity.clone())
        self.bias = nn.Parameter(torch.zeros(2, channels))
        self.register_buffer("running_mean", torch.zeros(2, channels))
        self.register_buffer("running_covariance", identity)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2C, F, T) to the same shape and type."""
        with torch.autocast(x.device.type, enabled=False):
            parts = x.float().unflatten(1, (2, -1))  # (B, 2, C, F, T)
            mean, covariance = (
                self._statistics(parts) if self.training else (self.running_mean, self.running_covariance)
            )
            whitener = _product(self.gain, _inverse_root(covariance, self.eps))  # (2, 2, C)
            shift = self.bias - torch.einsum("ijc,jc->ic", whitener, mean)
            a, b = parts.unbind(1)
            rows = [
                w[0, :, None, None] * a + w[1, :, None, None] * b + s[:, None, None]
                for w, s in zip(whitener, shift, strict=True)
            ]
        return torch.cat(rows, 1).to(x.dtype)

    def _statistics(self, parts: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (2, C) and covariance (3, C) of this batch; the running ones move towards them."""
        mean = parts.mean((0, 3, 4))
        a, b = (parts - mean[:, :, None, None]).unbind(1)  # (B, C, F, T)
        covariance = torch.stack([(u * v).mean((0, 2, 3)) for u, v in ((a, a), (a, b), (b, b))])
        n = a.numel() // a.shape[1]
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_covariance.lerp_(covariance * n / max(n - 1, 1), self.momentum)  # unbiased, as torch's own
        return mean, covariance


class ComplexPReLU(nn.Module):
    """PReLU on real and imaginary parts separately, with a learned slope for each. (B, 2C, ...) to the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.full((2 * channels,), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2C, ...) to the same."""
        slope = self.slope.to(x.dtype).view(-1, *[1] * (x.ndim - 2))
        return slope * x + (1 - slope) * x.relu()  # F.prelu's gradient takes four times as long on a CPU


class ComplexLSTM(nn.Module):
    """One recurrent layer: (B, T, 2 inputs) to (B, T, 2 hidden).

    Two real LSTMs R and I make ``(R(a) - I(b)) + i (R(b) + I(a))`` of ``a + i b``, by the rule of the complex product.
    Real and imaginary parts are stacked on the batch, so that is two calls instead of four.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.real = nn.LSTM(inputs, hidden, batch_first=True)
        self.imaginary = nn.LSTM(inputs, hidden, batch_first=True)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, T, 2 inputs) to (B, T, 2 hidden)."""
        stacked = torch.cat(x.chunk(2, -1))  # (2B, T, inputs)
        memory = (state or {}).get(self, (None, None))
        by_real, real_memory = self.real(stacked, memory[0])
        by_imaginary, imaginary_memory = self.imaginary(stacked, memory[1])
        if state is not None:
            state[self] = (real_memory, imaginary_memory)
        (ra, rb), (ia, ib) = by_real.chunk(2), by_imaginary.chunk(2)
        return torch.cat([ra - ib, rb + ia], -1)


def _lookahead(kernel: tuple[int, int], lookahead: int) -> int:
    if not kernel[0] % 2:
        raise BadSpec(f"a kernel of {kernel[0]} frequencies has no middle: give an odd number")
    if not 0 <= lookahead < kernel[1]:
        raise BadSpec(f"a look-ahead of {lookahead} frames under a kernel of {kernel[1]}: give 0 to {kernel[1] - 1}")
    return lookahead


def _after(layer: ComplexConv2d | ComplexConvTranspose2d, x: Tensor, past: int, state: State | None) -> Tensor:
    """``x`` after the ``past`` frames before it: those of the last call on a stream, else silence."""
    if state is None:
        return F.pad(x, (past, 0))
    if layer.lookahead:
        raise BadSpec("a layer that looks ahead cannot work on a stream: build the network with causal=True")
    x = torch.cat([state.get(layer, x.new_zeros(*x.shape[:-1], past)), x], -1)
    state[layer] = x[..., x.shape[-1] - past :]
    return x


def _inverse_root(covariance: Tensor, eps: float) -> Tensor:
    """V^(-1/2) of symmetric 2 x 2 matrices, (3, C) to (3, C).

    With s = sqrt(det V) it is adj(V + s) / (s sqrt(tr V + 2 s)), by Cayley and Hamilton.
    """
    rr, ri, ii = covariance
    rr, ii = rr + eps, ii + eps
    s = (rr * ii - ri * ri).clamp_min(eps**2).sqrt()  # rounding can take a determinant below zero
    scale = 1 / (s * (rr + ii + 2 * s).sqrt())
    return torch.stack([(ii + s) * scale, -ri * scale, (rr + s) * scale])


def _product(p: Tensor, q: Tensor) -> Tensor:
    """The product of symmetric 2 x 2 matrices (3, C), as (2, 2, C)."""
    p, q = (torch.stack([torch.stack([m[0], m[1]]), torch.stack([m[1], m[2]])]) for m in (p, q))
    return torch.einsum("ijc,jkc->ikc", p, q)
