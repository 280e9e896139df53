"""The learned carrier's networks as one module with its configuration, and their file (notebook 06)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...errors import BadSpec
from .. import blockdct
from .config import NETWORKS, ModelConfig
from .extractor import Extractor
from .inn import InvertibleNetwork
from .plain import PlainNetwork
from .weights import Weights


class CarrierModel(nn.Module):
    """Sender's and receiver's networks. Luma planes are (B, H, W) in 8-bit units.

    Raises:
        BadSpec: no such network.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        if config.network not in NETWORKS:
            raise BadSpec(f"network must be one of {', '.join(NETWORKS)}, not {config.network}")
        self.config = config
        self.carried, self.passive = config.carried, config.passive
        steps = torch.tensor(config.steps)
        if config.network == "plain":  # it has all methods of the other network that are used
            self.network: InvertibleNetwork = PlainNetwork(steps, len(self.passive))  # type: ignore[assignment]
        else:
            self.network = InvertibleNetwork(steps, len(self.passive), config.width, config.attention, config.floor)
        self.reception = Extractor(self.carried, self.passive, len(config.band), config.width + 16, config.restoration)

    def analyse(self, luma: Tensor) -> Tensor:
        """Luma -> its band (B, band, h, w), in float32 even under autocast.

        In bfloat16, the rounding of coefficients of several hundred would be larger than steps of a few grey levels.
        What follows is elementwise, and autocast does not change its precision.
        """
        with torch.autocast(luma.device.type, enabled=False):
            exact = luma.to(torch.promote_types(luma.dtype, torch.float32))
            return blockdct.analyse(exact, self.config.block, self.config.band).movedim(-1, 1)  # (B, band, h, w)

    def lattice_parameters(self) -> list[nn.Parameter]:
        """The few parameters that determine how far a coefficient moves: steps and overall embedding strength."""
        return self.network.lattice_parameters()

    def synthesise(self, change: Tensor, shape: Sequence[int]) -> Tensor:
        """A change of the carrying coefficients (B, carried, h, w) -> a change of the luma (B, H, W)."""
        return blockdct.synthesise(change.movedim(1, -1), self.config.block, self.config.frequencies, shape)

    def embed(self, luma: Tensor, payload: Tensor) -> Tensor:
        """The change of the luma (B, H, W) that embeds ``payload`` (B, carried, h, w)."""
        band = self.analyse(luma)
        x, passive = band[:, self.carried], band[:, self.passive]
        return self.synthesise(self.network(x, payload, passive)[0] - x, luma.shape[1:])

    def gain(self, blur: Tensor) -> Tensor:
        """The share of the band left by a Gaussian blur of variance ``blur`` (B,) in square pixels: (B, band, 1, 1)."""
        return blockdct.blur_gain(self.config.band, self.config.block, blur)[..., None, None]

    @property
    def weights(self) -> Weights:
        """A copy of the weights, with the configuration, for use without torch."""
        arrays = {name: value.detach().cpu().numpy().copy() for name, value in self.state_dict().items()}
        return Weights(self.config, arrays)

    def forward(self, luma: Tensor, blur: Tensor | None = None) -> Tensor:
        """Received luma (B, H, W) -> LLRs (B, carried, h, w), after undoing the blur (B,) estimated from the pilots."""
        band = self.analyse(luma)
        if blur is not None:
            band = band / self.gain(blur)
        return self.reception(band, self.network)


class InTorch:
    """A trained network in torch that takes and returns arrays, as :class:`~.numpy_inference.Network` requires."""

    def __init__(self, weights: Weights) -> None:
        self._network = load(weights).network

    @property
    def step(self) -> NDArray[np.float32]:
        """(carried, 1, 1), 8-bit luma."""
        return self._network.step.detach().numpy()

    def projection(self, *arrays: NDArray[np.float32]) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """See :class:`~.inn.InvertibleNetwork`."""
        with torch.no_grad():
            onto_payload = self._network.projection(*map(_batch, arrays))
            return torch.no_grad()(lambda clipped: onto_payload(_batch(clipped))[0].numpy())

    @torch.no_grad()
    def read(self, *arrays: NDArray[np.float32]) -> NDArray[np.float32]:
        """See :class:`~.inn.InvertibleNetwork`."""
        return self._network.read(*map(_batch, arrays))[0].numpy()


def _batch(array: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))[None]  # (1, ...)


def save(model: CarrierModel, path: Path, training: Any = None) -> None:
    """Write weights and configuration as safetensors, together with ``training``, a dataclass, for the record."""
    from safetensors.numpy import save_file

    from ...files import replacing

    with replacing(path) as temporary:
        about = {"config": model.config} | ({"training": training} if training else {})
        metadata = {name: json.dumps(asdict(what)) for name, what in about.items()}
        save_file(model.weights.arrays, temporary, metadata=metadata)


def load(weights: Path | Weights) -> CarrierModel:
    """The networks in a file that :func:`save` wrote, or in what was read from it, in evaluation mode."""
    weights = weights if isinstance(weights, Weights) else Weights.read(weights)
    model = CarrierModel(weights.config)
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.arrays.items()})
    return model.eval()
