"""What a network of complex layers costs: parameters, and multiply-accumulates per second of sound (notebook 02).

It counts the real multiplications of the layers of :mod:`stegolab.speech.complexnn`; STFT, normalisation, activation
and mask, together less than one per cent, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from .complexnn import ComplexConv2d, ComplexConvTranspose2d, ComplexLinear, ComplexLSTM

_COUNTED = (ComplexConv2d, ComplexConvTranspose2d, ComplexLSTM, ComplexLinear)


@dataclass(frozen=True)
class Layer:
    """One layer as it ran: its name, the shape it returned, its parameters and real multiply-accumulates."""

    name: str
    shape: tuple[int, ...]
    parameters: int
    macs: int


def parameters(model: nn.Module) -> int:
    """Real numbers that training adjusts: a complex weight counts twice."""
    return sum(p.numel() for p in model.parameters())


def macs_per_second(model: nn.Module, rate: int = 16_000) -> int:
    """Real multiply-accumulates for one second of sound."""
    ten = torch.zeros(1, 10 * rate)  # the frames at the edges count less in ten seconds
    return sum(layer.macs for layer in layers(model, ten)) // 10


def layers(model: nn.Module, waveform: Tensor) -> list[Layer]:
    """The layers that ``model(waveform)`` runs, in order. The model is not changed."""
    found: list[Layer] = []
    hooks = [
        module.register_forward_hook(partial(_note, found, name))
        for name, module in model.named_modules()
        if isinstance(module, _COUNTED)
    ]
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(waveform)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return found


def _note(found: list[Layer], name: str, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
    found.append(Layer(name, tuple(output.shape), parameters(module), _macs(module, inputs[0], output)))


def _macs(module: nn.Module, x: Tensor, y: Tensor) -> int:
    if isinstance(module, ComplexLSTM):
        weights = sum(p.numel() for name, p in module.named_parameters() if "weight" in name)
        return 2 * weights * x.shape[0] * x.shape[1]  # each LSTM processes the real and the imaginary part
    assert isinstance(module, ComplexConv2d | ComplexConvTranspose2d | ComplexLinear)
    block = 4 * module.real.numel()
    if isinstance(module, ComplexLinear):
        return block * x.shape[:-1].numel()
    side = x if isinstance(module, ComplexConvTranspose2d) else y  # the number of positions of the kernel
    return block * y.shape[0] * side.shape[2] * y.shape[3]
