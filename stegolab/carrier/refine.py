"""The encoder in the loop: the sender reads its own stego picture and corrects what would be misread (notebook 07).

A network embeds in one pass, in a way that is good on average. For the picture at hand the sender can do better: it
simulates the attacks, decodes, and follows the gradient of what the receiver would lose, plus a penalty on every
change. Distortion then moves from slots that are read correctly anyway to those that are not. JPEG's rounding is cubic
here, because its slope depends on the quantiser's cells; with a straight-through gradient nothing is gained (Shin &
Song 2017). Noise stands for the rounding to bytes, so that no coefficient comes to rest on the edge of a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..channel import spec
from ..channel.differentiable import twin
from ..channel.diffjpeg import quantisation_tables
from ..channel.resampling import resize_to
from ..channel.rounding import cubic
from .networks import inn
from .networks.config import BLURS
from .networks.model import CarrierModel
from .strengths import strength


@dataclass(frozen=True)
class Refinement:
    """Settings of the gradient descent. The defaults were chosen on two pictures of the valid split, at strength jpeg.

    learning_rate: squared grey levels per bit.
    price: bits per squared grey level of change.
    momentum: share of the last step that is added to the next.
    noise: standard deviation on every coefficient, grey levels.
    """

    steps: int
    learning_rate: float = 0.7
    price: float = 0.0025
    momentum: float = 0.5
    noise: float = 0.6

    def __call__(
        self, model: CarrierModel, plane: Tensor, move: Tensor, bits: Tensor, used: Tensor, attacks: Sequence[str]
    ) -> Tensor:
        """Improve the change ``move`` of the carrying coefficients.

        Args:
            model: sender and receiver.
            plane: luma of the cover (1, H, W), 8-bit units.
            move: the change that the network makes (1, carried, h, w).
            bits: the bits of the slots, 0 or 1, of the same shape.
            used: 1 for the slots that carry, 0 for those that must not change.
            attacks: specifications; one is simulated in each step, in turn.
        """
        random = np.random.default_rng(0)
        band = model.analyse(plane)
        channels = [_channel(model, attack, plane, band) for attack in _different(attacks, model)]
        blurs: dict[int, Tensor] = {}
        if not strength(model.config.strength).rescaled:
            blurs = dict.fromkeys(range(len(channels)), plane.new_zeros(1))
        velocity = torch.zeros_like(move)
        for step in range(self.steps):
            number = step % len(channels)
            with torch.enable_grad():
                changed = move.detach().requires_grad_()
                received = channels[number](changed)
                received = received + self.noise * received.new_tensor(random.standard_normal(received.shape))
                if number not in blurs:
                    blurs[number] = measured_blur(model, received.detach(), bits, used)
                llr = model.reception(received / model.gain(blurs[number]), model.network)
                loss = F.binary_cross_entropy_with_logits(llr, bits, used, reduction="sum") / np.log(2)
                (slope,) = torch.autograd.grad(loss + self.price * changed.square().sum(), changed)
            velocity = self.momentum * velocity + slope
            move = move - self.learning_rate * velocity * used
        return move


@torch.no_grad()
def measured_blur(model: CarrierModel, band: Tensor, bits: Tensor, used: Tensor | float = 1.0) -> Tensor:
    """The blur (B,) at which the evidence of a received band (B, band, h, w) is strongest, as for the receiver."""
    sign = (2 * bits - 1) * used
    agreement = []
    for blur in BLURS:
        seen = band / model.gain(band.new_full((len(band),), blur))
        payload = model.network.read(seen[:, model.carried], seen[:, model.passive])
        agreement.append((inn.angle(payload).sin() * sign).mean((1, 2, 3)))  # (B,)
    return band.new_tensor(BLURS)[torch.stack(agreement).argmax(0)]  # (B,)


def _channel(model: CarrierModel, attack: str, plane: Tensor, band: Tensor) -> Callable[[Tensor], Tensor]:
    """The band that is received after a change of the carrying coefficients."""
    chain = spec.parse(attack)
    if _on_its_grid(model, chain):
        return lambda move: _requantised(model, band.index_add(1, torch.tensor(model.carried), move), chain)
    simulated = twin(chain, "cubic")

    def through_pixels(move: Tensor) -> Tensor:
        grey = (plane + model.synthesise(move, plane.shape[1:]))[:, None].expand(-1, 3, -1, -1)  # (1, 3, H, W)
        received = resize_to(simulated(grey)[:, :1], plane.shape[1], plane.shape[2], integers=False)
        return model.analyse(received[:, 0])

    return through_pixels


def _on_its_grid(model: CarrierModel, chain: spec.Chain) -> bool:
    """Whether the only attack is JPEG on the carrier's own blocks; then no pixels are needed."""
    return model.config.block == 8 and all(attack.name == "jpeg" for attack in chain.attacks)


def _requantised(model: CarrierModel, band: Tensor, chain: spec.Chain) -> Tensor:
    """The band (B, band, h, w) after JPEG's quantisation, on the same grid of blocks."""
    rows, columns = np.array(model.config.band).T
    zero = band.new_tensor([1024.0 if f == (0, 0) else 0.0 for f in model.config.band])[:, None, None]  # 8 * 128
    for attack in chain.attacks:
        table = quantisation_tables(int(attack.arguments[0]))[0][rows, columns].to(band)[:, None, None]  # (band, 1, 1)
        band = cubic((band - zero) / table) * table + zero
    return band


def _different(attacks: Sequence[str], model: CarrierModel) -> list[str]:
    """The attacks without those that differ from others only in what they do to chroma."""
    chains = {attack: spec.parse(attack) for attack in attacks}
    return list(
        {
            tuple(a.arguments[0] for a in chain.attacks) if _on_its_grid(model, chain) else attack: attack
            for attack, chain in chains.items()
        }.values()
    )
