"""The losses of the carrier: bits must arrive, in a picture that looks untouched (notebook 07).

L_PAYLOAD is the cross entropy of the soft decisions, in bits per slot: one minus it is the information that a good code
can carry. L_PERCEPTUAL is the mean squared error and LPIPS. L_DISCRIMINATOR is the loss of the ``discriminator``, and
L_ADVERSARIAL the loss by which the carrier learns from it. A weight that adjusts itself in training balances the
picture against the bits: :class:`QualityConstraint` has a target for the image quality, :class:`PayloadConstraint` for
the payload loss.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from torch import Tensor
from torch.nn import functional as F


def payload_loss(llr: Tensor, bits: Tensor, carries: Tensor | None = None) -> Tensor:
    """Cross entropy in bits per slot of LLRs (B, carried, h, w) -> (B,): 0 if every bit is known, 1 if none is.

    ``carries``: 0 for slots that hold no bit of the payload, of the same shape but for B.
    """
    each = F.binary_cross_entropy_with_logits(llr, bits, reduction="none") / math.log(2)
    return each.mean((1, 2, 3)) if carries is None else (each * carries).mean((1, 2, 3)) / carries.mean()


def discriminator_loss(cover: Tensor, stego: Tensor) -> Tensor:
    """Cross entropy in bits of the discriminator's logits (B,) that a picture is stego: 1 if it knows nothing."""
    return (F.softplus(-stego).mean() + F.softplus(cover).mean()) / (2 * math.log(2))


def adversarial_loss(stego: Tensor) -> Tensor:
    """Bits by which the discriminator's logits (B,) identify stego pictures, which the carrier minimises.

    This is the non-saturating form: where the discriminator is sure, the slope is one, not zero. Goodfellow et al.
    2014.
    """
    return F.softplus(stego).mean() / math.log(2)


def squared_error(psnr_db: float) -> float:
    """The mean squared error of 8-bit samples that corresponds to a PSNR."""
    return 255**2 / 10 ** (psnr_db / 10)


class Balance(ABC):
    """The weight of the picture against the bits, and the rule by which it changes."""

    def __init__(self, weight: float, speed: float) -> None:
        self.weight, self.speed = weight, speed

    @abstractmethod
    def loss(self, error: Tensor, rest: Tensor | float = 0.0) -> Tensor:
        """The image loss, from mean squared errors (B,) and the other losses of the picture."""

    @abstractmethod
    def update(self, error: Tensor, lost: Tensor) -> None:
        """Adjust the weight after each step, from mean squared errors (B,) and payload losses (B,)."""

    def state(self) -> float:
        """The weight, which is the only state."""
        return self.weight

    def load(self, state: float) -> None:
        """Continue from a :meth:`state`."""
        self.weight = state

    def _move(self, excess: float) -> None:
        """Raise the weight where ``excess`` is positive, else lower it; no step changes it much, and it stays
        positive."""
        moved = self.weight * math.exp(self.speed * max(-2.0, min(2.0, excess)))
        self.weight = min(max(moved, 1e-3), 1e3)


class QualityConstraint(Balance):
    """A Lagrange multiplier that holds the image quality at its target (dual ascent).

    The weight of the squared error rises while the quality is below the target and falls while it is above. So the
    payload gets all the distortion that is allowed. With fixed weights, training would drift to larger steps.
    """

    def __init__(self, psnr_db: float, weight: float = 0.3, speed: float = 0.02) -> None:
        super().__init__(weight, speed)
        self.target = squared_error(psnr_db)

    def loss(self, error: Tensor, rest: Tensor | float = 0.0) -> Tensor:
        """The weighted excess over the target, plus the other losses unchanged."""
        return self.weight * (error.mean() / self.target - 1) + rest

    def update(self, error: Tensor, lost: Tensor | None = None) -> None:
        """See the class."""
        self._move(float(error.detach().mean()) / self.target - 1)


class PayloadConstraint(Balance):
    """Image losses with a common weight that rises only while the payload loss is below its threshold.

    The quality of the picture is not set beforehand. While the bits arrive, the weight of the picture rises; as soon as
    they do not, it falls. So training finds the frontier between the two by itself.
    """

    def __init__(self, threshold: float, psnr_db: float, weight: float = 0.3, speed: float = 0.02) -> None:
        super().__init__(weight, speed)
        self.threshold = threshold
        self.unit = squared_error(psnr_db)  # unit of squared errors

    def loss(self, error: Tensor, rest: Tensor | float = 0.0) -> Tensor:
        """The squared error and the rest, under one weight."""
        return self.weight * (error.mean() / self.unit + rest)

    def update(self, error: Tensor, lost: Tensor) -> None:
        """See the class."""
        self._move(1 - float(lost.detach().mean()) / self.threshold)


def straight_through(smooth: Tensor, actual: Tensor) -> Tensor:
    """The value of ``actual`` with the gradient of ``smooth``."""
    return smooth + (actual - smooth).detach()
