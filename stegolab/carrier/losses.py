"""What the carrier is trained for: bits that arrive, in a picture that looks untouched (notebook 07).

L_PAYLOAD is the cross entropy of the soft decisions, in bits a slot: one minus it is the information that a good code
can carry. L_PERCEPTUAL is the mean squared error, held at a PSNR by a multiplier, and LPIPS.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F


def payload_loss(llr: Tensor, bits: Tensor) -> Tensor:
    """Cross entropy in bits a slot of LLRs (B, carried, h, w) -> (B,): 0 if every bit is known, 1 if none is."""
    return F.binary_cross_entropy_with_logits(llr, bits, reduction="none").mean((1, 2, 3)) / math.log(2)


def squared_error(psnr_db: float) -> float:
    """The mean squared error of 8-bit samples that is a PSNR."""
    return 255**2 / 10 ** (psnr_db / 10)


class Hold:
    """A Lagrange multiplier that holds the image quality where it is asked for (dual ascent).

    The weight of the image's loss rises while quality is short of the target and falls while there is quality to
    spare; so the payload gets all the distortion that is allowed, and training walks along the frontier by itself.
    With fixed weights it would drift to larger steps.
    """

    def __init__(self, psnr_db: float, weight: float = 0.3, speed: float = 0.02) -> None:
        self.target, self.weight, self.speed = squared_error(psnr_db), weight, speed

    def loss(self, error: Tensor) -> Tensor:
        """Mean squared errors (B,) -> the weighted excess over the target."""
        return self.weight * (error.mean() / self.target - 1)

    def update(self, error: Tensor) -> None:
        """After each step."""
        excess = float(error.detach().mean()) / self.target - 1
        self.weight = min(max(self.weight * math.exp(self.speed * max(-2.0, min(2.0, excess))), 1e-3), 1e3)


def straight_through(smooth: Tensor, actual: Tensor) -> Tensor:
    """The value of ``actual`` with the gradient of ``smooth``."""
    return smooth + (actual - smooth).detach()
