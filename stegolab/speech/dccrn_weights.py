"""The file of a trained DCCRN, with weights and configuration, and the files that ship (notebook 03)."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import torch

from ..files import replacing
from .dccrn import Dccrn, DccrnConfig
from .frontend import StftConfig

_FOLDER = Path(str(resources.files("stegolab"))) / "weights"
#: Networks to compare: before the metric phase, trained as long without it, after each kind of it, and trained longer.
SHIPPED = {
    "stage one": _FOLDER / "speech_stage_one.safetensors",
    "control": _FOLDER / "speech_control.safetensors",
    "gan": _FOLDER / "speech_gan.safetensors",
    "differentiable": _FOLDER / "speech_differentiable.safetensors",
    "both": _FOLDER / "speech_both.safetensors",
    "longer": _FOLDER / "speech.safetensors",
}


def save(model: Dccrn, path: Path, dtype: torch.dtype = torch.float16) -> None:
    """Write what training adjusts as ``dtype``, and the running statistics, which span more decades, as float32.

    Raises:
        CannotWrite: no such folder, no permission, disk full.
    """
    from safetensors.torch import save_file

    learned = {name for name, _ in model.named_parameters()}
    weights = {
        name: value.detach().to("cpu", dtype if name in learned else value.dtype).contiguous()
        for name, value in model.state_dict().items()
    }
    with replacing(path) as temporary:
        save_file(weights, temporary, metadata={"config": json.dumps(asdict(model.config))})


def load(path: Path) -> Dccrn:
    """Read what :func:`save` wrote: float32 whatever it was stored as, in evaluation mode."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        config = json.loads(file.metadata()["config"])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    shape = {"channels": tuple(config["channels"]), "stft": StftConfig(**config["stft"])}
    model = Dccrn(DccrnConfig(**config | shape))
    model.load_state_dict(weights)
    return model.eval()
