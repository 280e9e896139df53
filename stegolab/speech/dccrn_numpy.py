"""A trained DCCRN in NumPy: the arithmetic of :mod:`~stegolab.speech.dccrn`, without torch.

Importing torch takes longer than enhancing ten seconds of sound, and more memory than all the rest of ``stegolab
hide``. After training, whitening is fixed and linear, so it is folded into the weights of the convolution before it; a
convolution is one matrix product with the unfolded input. Arrays are (2C, F, T) as in ``dccrn``, without the batch.
Sound is processed in chunks, so the memory for the network does not grow with time.

onnxruntime would also work, but starts .1 s later and takes 73 MB and a second file of weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSpec
from .conditioning import whole

Array = NDArray[np.float32]
State = dict[int, Any]  # what each layer, by number, keeps for the next chunk
Layer = Callable[[Array, State], Array]

_CHUNK = 80  # frames; a second
_FREQUENCIES = 5  # the kernel's extent in frequency, with stride 2; in time it is 2 frames
_POWER, _FAINT = 0.3, 1e-8  # of the compressed spectrum, as in dccrn and frontend
_EPSILON = 1e-5  # of the whitening


class NumpyDccrn:
    """A causal network in evaluation mode, made from the content of a ``.safetensors`` file.

    Called with mono samples (n,) at 16 kHz it returns as many enhanced ones, equal to those of
    :class:`~stegolab.speech.dccrn.Dccrn` within rounding.

    Raises:
        BadSpec: the network looks ahead.
    """

    def __init__(self, config: dict[str, Any], weights: dict[str, NDArray[Any]]) -> None:
        if not config["causal"]:
            raise BadSpec("this network looks ahead and cannot work on a stream: train it with causal=True")
        self.config, self.parameters = config, sum(w.size for name, w in weights.items() if ".running_" not in name)
        w = {name: value.astype(np.float32) for name, value in weights.items()}
        stages = range(len(config["channels"]))
        self._encoder = [_convolution(*_stage(w, f"encoder.{n}", outputs=0), 10 + n) for n in stages]
        self._recurrent = [_lstm(w, f"recurrent.{n}", 20 + n) for n in range(2)]
        self._project = _block(w, "project", outputs=0), w["project.bias"]
        self._decoder = [_deconvolution(*_stage(w, f"decoder.{n}", outputs=1), 30 + n) for n in stages]
        self._window, self._dual = _windows(**config["stft"])

    @classmethod
    def load(cls, path: Path) -> NumpyDccrn:
        """Read what :func:`stegolab.speech.dccrn_weights.save` wrote."""
        from safetensors import safe_open

        with safe_open(path, framework="numpy") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return cls(json.loads(file.metadata()["config"]), weights)

    def __call__(self, samples: Array) -> Array:
        """(n,) to (n,)."""
        return whole(self.stream(), samples)

    def stream(self) -> NumpyDccrnStream:
        """Begin a sound that comes in blocks; the result does not depend on the division into blocks."""
        return NumpyDccrnStream(self)

    def enhance(self, windows: Array, state: State) -> Array:
        """Enhance windows of samples (T, window), one hop apart, to windows that are to be overlapped and added."""
        spectra = np.fft.rfft(windows * self._window, self.config["stft"]["fft"]).T  # (bins, T)
        masked = _masked(spectra, self._mask(spectra.astype(np.complex64), state), self.config["mask"])
        said = np.fft.irfft(masked.T, self.config["stft"]["fft"])[:, : windows.shape[1]] * self._dual
        return said.astype(np.float32)

    def _mask(self, spectra: NDArray[np.complex64], state: State) -> NDArray[np.complex64]:
        seen = spectra * (np.square(spectra.real) + np.square(spectra.imag) + _FAINT) ** ((_POWER - 1) / 2)
        x = np.stack([seen.real, seen.imag])[:, 1:]
        skips = []
        for stage in self._encoder:
            x = stage(x, state)
            skips.append(x)
        x = self._remember(x, state)
        for stage in self._decoder:
            parts = zip(np.split(x, 2), np.split(skips.pop(), 2), strict=True)  # real parts, then imaginary ones
            x = stage(np.concatenate([part for pair in parts for part in pair]), state)
        mask: NDArray[np.complex64] = x[0] + 1j * x[1]
        return np.concatenate([mask[:1], mask])

    def _remember(self, x: Array, state: State) -> Array:
        y = x.reshape(-1, x.shape[-1]).T  # (T, 2CF)
        for layer in self._recurrent:
            y = layer(y, state)
        matrix, bias = self._project
        return (y @ matrix.T + bias).T.reshape(x.shape)


class NumpyDccrnStream:
    """A :class:`~stegolab.speech.conditioning.Stage`: mono at 16 kHz; it computes a second of frames at a time."""

    def __init__(self, network: NumpyDccrn) -> None:
        stft = network.config["stft"]
        self._network, self._state = network, dict[int, Any]()
        self._window, self._hop = stft["window"], stft["hop"]
        self._overlap = self._window - self._hop
        self._held: Array = np.zeros(self._overlap, np.float32)  # from the beginning of the next frame on
        self._tail: Array = np.zeros(self._overlap, np.float32)  # output for samples that later frames cover too
        self._heard, self._frames = 0, 0

    def push(self, samples: Array) -> Array:
        """As in :class:`~stegolab.speech.conditioning.Stage`."""
        self._heard += len(samples)
        self._held = np.concatenate([self._held, samples])
        ready = (len(self._held) - self._overlap) // self._hop
        return self._advance([_CHUNK] * (ready // _CHUNK))

    def flush(self) -> Array:
        """As in :class:`~stegolab.speech.conditioning.Stage`."""
        frames = -(-(self._heard + self._overlap) // self._hop) - self._frames if self._heard else 0
        self._held = np.pad(self._held, (0, max(self._overlap + frames * self._hop - len(self._held), 0)))
        given = max(self._frames * self._hop - self._overlap, 0)
        return self._advance([min(_CHUNK, frames - start) for start in range(0, frames, _CHUNK)])[: self._heard - given]

    def _advance(self, counts: list[int]) -> Array:
        """The samples that this many more frames complete, without those before the beginning of the sound."""
        lead = max(self._overlap - self._frames * self._hop, 0)
        return np.concatenate([np.zeros(0, np.float32), *map(self._complete, counts)])[lead:]

    def _complete(self, count: int) -> Array:
        windows = np.lib.stride_tricks.sliding_window_view(self._held, self._window)[:: self._hop][:count]
        said = np.zeros((count - 1) * self._hop + self._window, np.float32)
        said[: self._overlap] = self._tail
        for t, frame in enumerate(self._network.enhance(windows, self._state)):
            said[t * self._hop : t * self._hop + self._window] += frame
        self._held, self._frames = self._held[count * self._hop :], self._frames + count
        complete, self._tail = np.split(said, [count * self._hop])
        return complete


def _convolution(weight: Array, bias: Array, slope: Array | None, number: int) -> Layer:
    matrix = weight.reshape(len(weight), -1)  # (2 outputs, 2 inputs * kernel)

    def layer(x: Array, state: State) -> Array:
        t, f = x.shape[-1], -(-x.shape[1] // 2)
        x = np.pad(_after(x, state, number), ((0, 0), (_FREQUENCIES // 2, _FREQUENCIES // 2), (0, 0)))
        under = [x[:, k : k + 2 * f - 1 : 2, j : j + t] for k in range(_FREQUENCIES) for j in range(2)]
        y = matrix @ np.stack(under, 1).reshape(matrix.shape[1], f * t)
        return _prelu(y + bias[:, None], slope).reshape(-1, f, t)

    return layer


def _deconvolution(weight: Array, bias: Array, slope: Array | None, number: int) -> Layer:
    outputs = weight.shape[1]
    matrix = weight.transpose(1, 2, 0, 3).reshape(outputs * _FREQUENCIES, -1)  # from (2 inputs, 2 outputs, 5, 2)

    def layer(x: Array, state: State) -> Array:
        _, f, t = x.shape
        x = _after(x, state, number)
        both = np.stack([x[..., 1:], x[..., :-1]], 1).reshape(-1, f * t)  # this frame and the one before
        laid = (matrix @ both).reshape(outputs, _FREQUENCIES, f, t)
        y = np.zeros((outputs, 2 * f + 3, t), np.float32)
        for k in range(_FREQUENCIES):
            y[:, k : k + 2 * f - 1 : 2] += laid[:, k]
        y = y[:, 2 : 2 + 2 * f].reshape(outputs, -1) + bias[:, None]
        return _prelu(y, slope).reshape(outputs, 2 * f, t)

    return layer


def _lstm(w: dict[str, Array], name: str, number: int) -> Layer:
    """R and I on the real and the imaginary part, all four at once: then (R(a) - I(b)) + i (R(b) + I(a))."""

    def both(what: str) -> Array:
        return np.stack([w[f"{name}.{part}.{what}_l0"] for part in ("real", "imaginary")])

    inward, across = both("weight_ih"), both("weight_hh").transpose(0, 2, 1)
    bias = (both("bias_ih") + both("bias_hh"))[:, None, None]
    hidden = across.shape[1]

    def layer(x: Array, state: State) -> Array:
        parts = np.stack(np.split(x, 2, axis=1))  # (2 parts, T, inputs)
        driven = np.einsum("pti,ngi->tnpg", parts, inward, optimize=True) + bias.transpose(1, 0, 2, 3)
        y = np.empty((len(x), 2, 2, hidden), np.float32)
        h, c = state.get(number, (np.zeros((2, 2, hidden), np.float32),) * 2)
        for t, push in enumerate(driven):
            gates = push + h @ across  # (2 networks, 2 parts, 4 hidden)
            keep = 0.5 + 0.5 * np.tanh(0.5 * gates)
            new = np.tanh(gates[..., 2 * hidden : 3 * hidden])
            c = keep[..., hidden : 2 * hidden] * c + keep[..., :hidden] * new
            y[t] = h = keep[..., 3 * hidden :] * np.tanh(c)
        state[number] = h, c
        return np.concatenate([y[:, 0, 0] - y[:, 1, 1], y[:, 0, 1] + y[:, 1, 0]], axis=1)

    return layer


def _after(x: Array, state: State, number: int) -> Array:
    """``x`` after the frame before it, which is silence at first."""
    before = state.get(number, np.zeros_like(x[..., :1]))
    state[number] = x[..., -1:]
    return np.concatenate([before, x], axis=-1)


def _prelu(x: Array, slope: Array | None) -> Array:
    return x if slope is None else np.where(x > 0, x, slope[:, None] * x)


def _masked(x: NDArray[Any], mask: NDArray[np.complex64], mode: str) -> NDArray[Any]:
    """As :func:`stegolab.speech.dccrn.apply_mask`."""
    if mode == "R":
        return x.real * mask.real + 1j * (x.imag * mask.imag)
    if mode == "C":
        return x * mask
    size = np.sqrt(np.square(mask.real) + np.square(mask.imag) + 1e-12)
    return x * mask * (np.tanh(size) / size)


def _windows(window: int, hop: int, fft: int, shape: str, rate: int) -> tuple[Array, Array]:
    """The analysis window, and its canonical dual for the way back."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    analysis = np.sqrt(hann) if shape == "sqrt_hann" else hann
    power = np.pad(np.square(analysis), (0, -window % hop)).reshape(-1, hop).sum(0)
    return analysis.astype(np.float32), (analysis / np.tile(power, -(-window // hop))[:window]).astype(np.float32)


def _stage(w: dict[str, Array], name: str, outputs: int) -> tuple[Array, Array, Array | None]:
    """Weight, bias and slope of a stage with its whitening folded in; the last stage is only a deconvolution."""
    if f"{name}.activate.slope" not in w:
        return _block(w, name, outputs), w[f"{name}.bias"], None
    weight, bias = _block(w, f"{name}.convolution", outputs), w[f"{name}.convolution.bias"]
    parts = (w[f"{name}.normalise.{part}"] for part in ("gain", "running_covariance", "running_mean", "bias"))
    gain, covariance, mean, shift = parts
    rr, ri, ii = covariance[0] + _EPSILON, covariance[1], covariance[2] + _EPSILON
    s = np.sqrt(np.maximum(rr * ii - ri * ri, _EPSILON**2))
    root = np.array([[ii + s, -ri], [-ri, rr + s]]) / (s * np.sqrt(rr + ii + 2 * s))  # (2, 2, C), V^(-1/2)
    whiten = np.einsum("ijc,jkc->ikc", np.array([[gain[0], gain[1]], [gain[1], gain[2]]]), root)
    rows = np.stack(np.split(np.moveaxis(weight, outputs, 0), 2))  # (2, C, ...)
    weight = np.moveaxis(np.einsum("ijc,jc...->ic...", whiten, rows).reshape(-1, *rows.shape[2:]), 0, outputs)
    bias = np.einsum("ijc,jc->ic", whiten, bias.reshape(2, -1) - mean) + shift
    return weight.astype(np.float32), bias.astype(np.float32).ravel(), w[f"{name}.activate.slope"]


def _block(w: dict[str, Array], name: str, outputs: int) -> Array:
    """[[A, -B], [B, A]], where dimension ``outputs`` of the weight A + iB counts output channels."""
    a, b = w[f"{name}.real"], w[f"{name}.imaginary"]
    return np.concatenate([np.concatenate([a, -b], 1 - outputs), np.concatenate([b, a], 1 - outputs)], outputs)
