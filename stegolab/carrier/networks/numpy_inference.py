"""A trained carrier model in NumPy: the arithmetic of :mod:`~.model`, without torch (notebook 06).

Importing torch takes longer than hiding and revealing together. Here a convolution is nine matrix products, one for
each position in its kernel: the maps are flattened with a margin of zeros, so that the input of each position is a
slice. Arrays are (C, h, w), as in ``model`` but without the batch. The networks are explained in the modules that build
them for training: ``inn``, ``attention``, ``extractor``.

onnxruntime would read 512 x 512 pixels in 39 ms instead of 63 (strength ``jpeg``), but it starts .1 s later and takes
73 MB and a second file of weights, and its last digits differ (by 1e-6 at ``jpeg``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .. import blockdct, qim
from .config import CLAMP, QUARTER, REACH, ModelConfig
from .weights import Weights

Array = NDArray[np.float32]
Layer = Callable[[Array], Array]

# Multiplications in one matrix product. A BLAS splits larger ones among threads, which then wait for one another if a
# core is busy; smaller ones have more overhead per call.
_PRODUCT = 1 << 18
# Number of such products at a time: few enough that their data stays in the core's cache.
_STRIPS = 16


class Network(Protocol):
    """A network that hides and reads, as :class:`~.inn.InvertibleNetwork` does. Arrays are (frequencies, h, w)."""

    @property
    def step(self) -> Array:
        """(carried, 1, 1), 8-bit luma."""
        ...

    def projection(self, x: Array, payload: Array, passive: Array) -> Layer:
        """A function from coefficients to the nearest ones that carry ``payload``, which is in steps."""
        ...

    def read(self, x: Array, passive: Array) -> Array:
        """The payload in steps, modulo one."""
        ...


class NumpyModel:
    """Sender's and receiver's networks; equal to :class:`~.model.CarrierModel` within rounding.

    Luma planes are (H, W) in 8-bit units. The plain network, used only in measurements, runs in torch.
    """

    def __init__(self, weights: Weights) -> None:
        self.config = config = weights.config
        self.identity = weights.identity  # see there
        self.carried, self.passive = config.carried, config.passive
        self.network: Network
        if config.network == "plain":
            from .model import InTorch

            self.network = InTorch(weights)
        else:
            self.network = _InvertibleNetwork(weights.arrays, config)
        self._restore = _restoration(weights.arrays) if config.restoration else None
        self._decide = _head(weights.arrays)

    def analyse(self, luma: Array) -> Array:
        """Luma -> its band (band, h, w)."""
        return np.ascontiguousarray(np.moveaxis(blockdct.analyse(luma, self.config.block, self.config.band), -1, 0))

    def synthesise(self, change: Array, shape: tuple[int, ...]) -> Array:
        """A change of the carrying coefficients (carried, h, w) -> a change of the luma (H, W)."""
        return blockdct.synthesise(np.moveaxis(change, 0, -1), self.config.block, self.config.frequencies, shape)

    def gain(self, blur: float) -> Array:
        """The share of the band that a Gaussian blur of variance ``blur`` in square pixels leaves: (band, 1, 1)."""
        return blockdct.blur_gain(self.config.band, self.config.block, blur)[:, None, None]  # (band, 1, 1)

    def read(self, band: Array) -> Array:
        """Received band (band, h, w) -> the payload that the reverse pass reads, as an angle: (carried, h, w)."""
        return self.network.read(band[self.carried], band[self.passive]) * np.float32(2 * np.pi)

    def llr(self, band: Array) -> Array:
        """Received band (band, h, w) -> LLRs (carried, h, w): restored, read, and turned into ratios by the head."""
        if self._restore is not None:
            band = self._restore(band)
        return self._decide(band, self.read(band))


def points(bits: Array) -> Array:
    """The payload that says ``bits``: a quarter step up for 1, down for 0."""
    return (bits - np.float32(0.5)) * np.float32(2 * QUARTER)


class _InvertibleNetwork:
    """:class:`~.inn.InvertibleNetwork` from its weights by name."""

    def __init__(self, w: dict[str, Array], config: ModelConfig) -> None:
        self.step: Array = np.exp(w["network.modulo.log_step"])
        self._floor = config.floor
        inner, outer = _convolution(w, "network.place.net.0", _gelu), _convolution(w, "network.place.net.2")
        self._place: Layer = lambda seen: np.float32(CLAMP) * np.tanh(outer(inner(seen)))
        attended = _attended(w, "network.attention.body.1", _convolution(w, "network.attention.body.0"))
        head, level = _convolution(w, "network.attention.head"), w["network.attention.level"]
        self._logits: Layer = lambda seen: level + head(_gelu(attended(seen)))

    def projection(self, x: Array, payload: Array, passive: Array) -> Layer:
        seen = _compress(passive)
        scale, shift = self._scale_and_shift(seen)
        point = self.step * (payload * scale + shift)
        slack = np.float32((1 - self._floor) / 2) * self.step * _sigmoid(-self._logits(seen))

        def onto_payload(x: Array) -> Array:
            offset = qim.wrap(point - x, self.step)
            return x + offset - np.clip(offset, -slack, slack)

        return onto_payload

    def read(self, x: Array, passive: Array) -> Array:
        scale, shift = self._scale_and_shift(_compress(passive))
        offset = x / self.step - shift
        return (offset - np.rint(offset)) / scale

    def _scale_and_shift(self, seen: Array) -> tuple[Array, Array]:
        s, t = np.split(self._place(seen), 2)  # (carried, h, w) each
        return np.exp(s), np.float32(QUARTER) + t


def _restoration(w: dict[str, Array]) -> Layer:
    body = _attended(w, "reception.restoration.body.1", _convolution(w, "reception.restoration.body.0"))
    matrix, bias = w["reception.restoration.gain.weight"], w["reception.restoration.gain.bias"]
    shift = _convolution(w, "reception.restoration.shift")

    def restore(band: Array) -> Array:
        h = _gelu(body(_compress(band)))
        gain = np.float32(0.5) * np.tanh(matrix @ _whole(h) + bias)
        return band * (1 + gain)[:, None, None] + np.float32(REACH) * np.tanh(shift(h))  # (band, h, w)

    return restore


def _head(w: dict[str, Array]) -> Callable[[Array, Array], Array]:
    """LLRs from the restored band and the angle of its payload."""
    body = _convolution(w, "reception.body.0")
    for name in ("reception.body.1", "reception.body.2"):
        body = _attended(w, name, body)
    kappa, correction = (_convolution(w, f"reception.{name}") for name in ("kappa", "correction"))
    mix = _convolution(w, "reception.mix", _gelu)

    def decide(band: Array, theta: Array) -> Array:
        sine, cosine = np.sin(theta), np.cos(theta)
        seen = np.concatenate([sine, cosine, 2 * sine * cosine, 1 - 2 * sine * sine])  # (4 carried, h, w)
        h = body(np.concatenate([_compress(band), seen]))  # (width, h, w)
        return 2 * _softplus(kappa(h)) * sine + correction(mix(np.concatenate([h, seen])))  # (carried, h, w)

    return decide


def _attended(w: dict[str, Array], name: str, before: Layer) -> Layer:
    """``attention.Attended`` applied to the result of ``before``."""
    near, out = _convolution(w, f"{name}.near", _gelu), _convolution(w, f"{name}.out")
    matrix, bias = w[f"{name}.gate.weight"], w[f"{name}.gate.bias"]

    def layer(x: Array) -> Array:
        features = before(x)
        h = near(features)
        return features + out(h * _sigmoid(matrix @ _whole(h) + bias)[:, None, None])  # (width, h, w)

    return layer


def _convolution(w: dict[str, Array], name: str, after: Layer = lambda y: y) -> Layer:
    """1 x 1, or 3 x 3 with a margin of zeros; then ``after``, slot by slot."""
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"][:, None]  # (outputs, 1)
    outputs, inputs, side, _ = weight.shape
    taps = np.ascontiguousarray(weight.transpose(2, 3, 0, 1)).reshape(-1, outputs, inputs)  # (places, outputs, inputs)
    margin, strip = side // 2, max(16, _PRODUCT // (outputs * inputs) // 16 * 16)  # whole vectors

    def layer(x: Array) -> Array:
        _, rows, columns = x.shape
        width, height = columns + 2 * margin, rows + 2 * margin
        strips = -(-rows * width // strip)
        flat = np.zeros((inputs, strips * strip + 2 * margin * (width + 1)), np.float32)  # row by row
        padded = flat[:, : height * width].reshape(inputs, height, width)  # a view of flat
        padded[:, margin : margin + rows, margin : margin + columns] = x
        places = [down * width + right for down in range(side) for right in range(side)]
        y = np.empty((strips, outputs, strip), np.float32)
        for first in range(0, strips, _STRIPS):
            some = min(_STRIPS, strips - first)
            total = np.empty((some, outputs, strip), np.float32)
            total[:] = bias
            for tap, under in zip(taps, places, strict=True):
                start = first * strip + under
                under_tap = flat[:, start : start + some * strip].reshape(inputs, some, strip)  # (inputs, some, strip)
                total += tap @ under_tap.swapaxes(0, 1)  # (some, outputs, strip)
            y[first : first + some] = after(total)
        whole = y.swapaxes(0, 1).reshape(outputs, -1)  # (outputs, strips * strip)
        return whole[:, : rows * width].reshape(outputs, rows, width)[..., :columns]  # (outputs, rows, columns)

    return layer


def _compress(coefficients: Array) -> Array:
    return np.copysign(np.log1p(np.abs(coefficients)) / np.float32(3), coefficients)


def _whole(h: Array) -> Array:
    """Mean and peak of every map over the whole picture: (C, h, w) -> (2 C,)."""
    return np.concatenate([h.mean((1, 2)), h.max((1, 2))])  # (2 C,)


def _sigmoid(x: Array) -> Array:
    return np.float32(0.5) + np.float32(0.5) * np.tanh(x / 2)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _gelu(x: Array) -> Array:
    """x times the normal distribution's share below x; the error function to 2e-7 (Abramowitz & Stegun 7.1.26)."""
    size = np.abs(x)
    t = 1 / (1 + np.float32(0.3275911 * 0.5**0.5) * size)
    series: Any = np.float32(1.061405429)
    for term in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = series * t + np.float32(term)
    tail = series * t * np.exp(size * size * np.float32(-0.5))  # 1 - erf(size / sqrt(2))
    return np.maximum(x, 0) - np.float32(0.5) * size * tail
