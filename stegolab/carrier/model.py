"""The learned carrier's networks as one module with its configuration, and the file they are kept in (notebook 06)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import BadSpec
from . import blockdct
from .inn import InvertibleNetwork
from .plain import PlainNetwork
from .reception import Reception
from .strengths import Strength

NETWORKS = ("invertible", "plain")
BLURS = tuple(x / 10 for x in range(-4, 17, 2))  # square pixels: see LatticeReading


@dataclass(frozen=True)
class ModelConfig:
    """Shape of the networks. ``frequencies`` carry; ``band``, which contains them, is all that the networks see.

    The ablations: ``network`` plain (``plain.py``), and then ``attention`` means nothing; no ``attention``, no
    ``restoration``. A file without a field means its default.
    """

    strength: str
    block: int
    frequencies: tuple[tuple[int, int], ...]
    band: tuple[tuple[int, int], ...]
    steps: tuple[float, ...]
    width: int = 32
    floor: float = 0.0
    attention: bool = True
    restoration: bool = True
    network: str = NETWORKS[0]

    @classmethod
    def start(cls, strength: Strength, **changes: Any) -> ModelConfig:
        """Where training starts for a strength: its lattice, with a few frequencies more."""
        order = blockdct.zigzag(strength.block)
        if strength.block == 8:
            frequencies, steps = zip(*sorted(JPEG_STEPS.items(), key=lambda item: item[1]), strict=True)
            steps = tuple(2.0 * q for q in steps)
            band = tuple(order[:28])
        else:
            frequencies, band = tuple(order[1:25]), tuple(order[:36])
            steps = (32.0,) * len(frequencies)
        floor = 0.2 if strength.block == 8 else 0.0
        return cls(strength.name, strength.block, tuple(frequencies), band, steps, floor=floor, **changes)


# JPEG's luma quantisation steps at quality 50 (ITU-T T.81 annex K), the finest twelve
JPEG_STEPS = {
    **{(0, 1): 11, (0, 2): 10, (0, 3): 16},
    **{(1, 0): 12, (1, 1): 12, (1, 2): 14},
    **{(2, 0): 14, (2, 1): 13, (2, 2): 16},
    **{(3, 0): 14, (3, 1): 17},
    **{(4, 0): 18},
}


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
        band = list(config.band)
        carried = [band.index(f) for f in config.frequencies]
        passive = [i for i in range(len(band)) if i not in carried]
        self.carried, self.passive = carried, passive
        steps = torch.tensor(config.steps)
        if config.network == "plain":  # answers all that is asked of the other one
            self.network: InvertibleNetwork = PlainNetwork(steps, len(passive))  # type: ignore[assignment]
        else:
            self.network = InvertibleNetwork(steps, len(passive), config.width, config.attention, config.floor)
        self.reception = Reception(carried, passive, len(band), config.width + 16, config.restoration)

    def analyse(self, luma: Tensor) -> Tensor:
        """Luma -> its band (B, band, h, w)."""
        u, v = zip(*self.config.band, strict=True)
        return blockdct.forward(luma, self.config.block)[..., u, v].movedim(-1, 1)

    def synthesise(self, change: Tensor, shape: Sequence[int]) -> Tensor:
        """A change of the carrying coefficients (B, carried, h, w) -> a change of the luma (B, H, W)."""
        u, v = zip(*self.config.frequencies, strict=True)
        size = self.config.block
        full = change.new_zeros(len(change), *change.shape[2:], size, size)
        full[..., u, v] = change.movedim(1, -1)
        blocks = blockdct.inverse(full)
        plane = change.new_zeros(len(change), *shape)
        plane[:, : blocks.shape[1], : blocks.shape[2]] = blocks
        return plane

    def embed(self, luma: Tensor, payload: Tensor) -> Tensor:
        """The change of the luma (B, H, W) that makes it say ``payload`` (B, carried, h, w)."""
        band = self.analyse(luma)
        x, passive = band[:, self.carried], band[:, self.passive]
        return self.synthesise(self.network(x, payload, passive)[0] - x, luma.shape[1:])

    def gain(self, blur: Tensor) -> Tensor:
        """What a Gaussian blur of variance ``blur`` (B,) in square pixels leaves of the band: (B, band, 1, 1)."""
        f = torch.tensor(self.config.band, dtype=blur.dtype, device=blur.device) / (2 * self.config.block)
        return torch.exp(-2 * torch.pi**2 * blur[:, None] * (f**2).sum(dim=1))[..., None, None]

    def forward(self, luma: Tensor, blur: Tensor | None = None) -> Tensor:
        """Received luma -> LLRs (B, carried, h, w), after undoing ``blur`` (B,), what the pilots say smoothed it."""
        band = self.analyse(luma)
        if blur is not None:
            band = band / self.gain(blur)
        return self.reception(band, self.network)


def save(model: CarrierModel, path: Path, training: Any = None) -> None:
    """Write weights and configuration as safetensors; ``training``, a dataclass, is kept beside them for who asks."""
    from safetensors.torch import save_file

    from ..files import replacing

    with replacing(path) as temporary:
        weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
        about = {"config": model.config} | ({"training": training} if training else {})
        save_file(weights, temporary, metadata={name: json.dumps(asdict(what)) for name, what in about.items()})


def load(path: Path) -> CarrierModel:
    """Read what :func:`save` wrote, whichever network it is, in evaluation mode."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        config = json.loads(file.metadata()["config"])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    pairs = {key: tuple(map(tuple, config[key])) for key in ("frequencies", "band")}
    model = CarrierModel(ModelConfig(**config | pairs | {"steps": tuple(config["steps"])}))
    model.load_state_dict(weights)
    return model.eval()
