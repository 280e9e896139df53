"""All settings of a training of the learned carrier (notebook 07)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from ...errors import BadSpec
from ...training.config import RunConfig

NetworkName = Literal["invertible", "plain"]
Backbone = Literal["alex", "vgg"]


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """All settings of a run; saved beside the weights and in their file.

    The ablations are: ``network`` plain, no ``attention``, no ``restoration``, and an ``adversarial_weight`` or
    ``lpips_weight`` of 0, which leaves the discriminator or LPIPS out.

    Raises:
        BadSpec: an unknown network or LPIPS backbone.
    """

    renamed: ClassVar[dict[str, str]] = RunConfig.renamed | {
        "ease": "mild_share",
        "critic_weight": "adversarial_weight",
    }

    strength: Literal["jpeg", "social"] = "jpeg"  # which attacks the carrier is trained to survive
    network: NetworkName = "invertible"  # invertible, or plain: the ablation without a lattice
    crop: int = 192  # side of the crops that a step sees, in pixels
    psnr_db: float = 40.2  # picture quality to hold, in dB
    payload_threshold: float = 0.0  # bits lost per slot to hold while quality follows; 0: hold the quality
    lpips_weight: float = 0.0  # weight of LPIPS in the loss; 0 leaves it out
    lpips_net: Backbone = "alex"  # the backbone of LPIPS
    adversarial_weight: float = 0.0  # of the loss against a discriminator that detects payloads; 0 leaves it out
    attention: bool = True  # whether the network decides where to embed more strongly
    restoration: bool = True  # whether the receiver's network restores the picture before it reads
    mild_share: float = 0.0  # share of the steps, at the start, with milder attacks, 0 to 1
    init_from: str = ""  # weights (safetensors) to start from, instead of from the lattice

    def __post_init__(self) -> None:
        for name, kind in (("network", NetworkName), ("lpips_net", Backbone)):
            if getattr(self, name) not in get_args(kind):
                raise BadSpec(f"{name} must be one of {', '.join(get_args(kind))}, not {getattr(self, name)}")
