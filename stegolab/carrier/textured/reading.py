"""What the receiver reads: it measures the texture, tries blurs and visibilities on the header, then weighs each bit.

A bit is less certain where its step is small, close to what the channel rounds away, and where its coefficient is many
steps from zero, because an error of the texture moves the lattice in proportion. Near the threshold below which a slot
stays unchanged the receiver cannot be sure that there is a bit at all. All this is fitted to the header's slots, whose
bits are known once it is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ...choices import VISIBILITY_LEVELS
from .. import blockdct, qim, texture
from ..sync import header_evidence
from .layout import Layout
from .masking import Masking

Floats = NDArray[np.float32]

_BLURS = tuple(x / 10 for x in range(-12, 17))  # square pixels; those that are tried once the header is known
_COARSE = (-0.2, 0.1, 0.4, 0.7, 1.0, 1.3)  # those that are tried to find it
_GAINS = tuple(1 + x / 100 for x in range(-6, 9, 2))  # of the texture: what the channel added to it or took away
_LOSSES = (0.0, 0.02, 0.06, 0.2)
_THRESHOLDS = (-0.1, -0.06, -0.03, 0.0, 0.03, 0.06, 0.1)
_WIDTHS = (0.01, 0.03, 0.06)
_MOST_CERTAIN = 0.995  # chance that a slot carries: some are flat by themselves, or were clipped
_MAY_CARRY = 0.75  # of the excess that is measured
_KAPPAS = np.geomspace(0.02, 12, 40).astype(np.float32)


@dataclass(frozen=True)
class Guess:
    """What a receiver assumes: the blur in square pixels, the visibility, and the gain of the texture."""

    blur: float
    visibility: float
    gain: float = 1.0


@dataclass(frozen=True)
class Certainty:
    """How a slot's evidence becomes a log-likelihood ratio.

    If it carries, the ratio is ``2 * kappa * excess / (1 + loss * distance ** 2)`` times the evidence, where excess is
    its step over the least one, and distance that of the coefficient from zero, in steps. Whether it carries at all is
    uncertain around an excess of ``exp(threshold)``, by a logistic curve of this ``width``.
    """

    kappa: float = 1.0
    loss: float = 0.0
    threshold: float = 0.0
    width: float = 0.03

    def llr(self, evidence: Floats, excess: Floats, distance: Floats) -> Floats:
        """log p(1)/p(0), of the shape of all three."""
        if_it_carries = 2 * self.kappa * _worth(excess, distance, self.loss) * evidence
        one = self._chance(excess) * (_logistic(if_it_carries) - 0.5) + 0.5
        ratio: Floats = np.log(one / (1 - one)).astype(np.float32)
        return ratio

    @classmethod
    def fitted(cls, agreement: Floats, excess: Floats, distance: Floats) -> Certainty:
        """The likeliest for pilots whose evidence times the true sign is ``agreement``; (pilots,) each."""
        found = cls()
        for _ in range(2):
            tried = (replace(found, loss=loss)._with_kappa(agreement, excess, distance) for loss in _LOSSES)
            found = min(tried, key=lambda pair: pair[0])[1]
            shifted = [replace(found, threshold=t, width=w) for t, w in product(_THRESHOLDS, _WIDTHS)]
            found = min(shifted, key=lambda one: one._cost(agreement, excess, distance))
        return found

    def _with_kappa(self, agreement: Floats, excess: Floats, distance: Floats) -> tuple[float, Certainty]:
        weighted = agreement * _worth(excess, distance, self.loss)  # (pilots,)
        right = self._chance(excess) * (_logistic(2 * _KAPPAS[:, None] * weighted) - 0.5) + 0.5  # (kappas, pilots)
        cost = -np.log(right).sum(axis=1)  # (kappas,)
        choice = int(np.argmin(cost))
        return float(cost[choice]), replace(self, kappa=float(_KAPPAS[choice]))

    def _cost(self, agreement: Floats, excess: Floats, distance: Floats) -> float:
        """Nats by which the pilots surprise."""
        return float(np.logaddexp(0, -self.llr(agreement, excess, distance)).sum())

    def _chance(self, excess: Floats) -> Floats:
        """That a slot carries; never quite certain."""
        above = np.log(np.maximum(excess, np.float32(1e-3))) - np.float32(self.threshold)
        return np.float32(_MOST_CERTAIN) * _logistic(above / np.float32(self.width))


def _worth(excess: Floats, distance: Floats, loss: float) -> Floats:
    return np.maximum(excess, np.float32(1)) / (np.float32(1) + np.float32(loss) * np.square(distance))


def _logistic(x: Floats) -> Floats:
    return np.float32(1) / (np.float32(1) + np.exp(-np.clip(x, -30, 30)))


class TexturedReading:
    """A received luma plane (H, W) and what is read from it. See :class:`stegolab.carrier.interface.Reading`.

    ``received``: which blocks (rows, columns) arrived at all; None for all of them.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        layout: Layout,
        masking: Masking,
        plane: Floats,
        blurred: bool,
        received: NDArray[np.bool_] | None = None,
    ) -> None:
        self.shape = shape
        self.layout = layout
        self._masking = masking
        self._received = np.ones((layout.rows, layout.columns), bool) if received is None else received
        self._plane = np.ascontiguousarray(plane)
        self._blurred = blurred

    @cached_property
    def _magnitudes(self) -> Floats:
        return self._masking.magnitudes(self._plane)  # (2 rows, 2 columns, texture frequencies)

    @cached_property
    def _coefficients(self) -> Floats:
        """(rows, columns, frequencies)"""
        found: Floats = blockdct.analyse(self._plane, self._masking.block, self._masking.frequencies)
        return found

    @cached_property
    def _header_coefficients(self) -> Floats:
        """(header slots,), without computing the rest."""
        block, frequency = np.divmod(self.layout.header_slots, self.layout.frequencies)  # (header slots,) each
        u, v = np.array(self._masking.frequencies)[frequency].T  # (header slots,) each
        blocks = blockdct.some(self._plane, self._masking.block, block)  # (header slots, size, size)
        found: Floats = blocks[np.arange(len(block)), u, v]
        return found

    @property
    def header_llr(self) -> Floats:
        """See the interface."""
        return header_evidence.combine_repeats(self.layout.header_bit, self._best[1])

    @property
    def detection_score(self) -> float:
        """See the interface."""
        return self._best[0]

    @cached_property
    def _best(self) -> tuple[float, Floats, Guess]:
        """The score, the evidence (header slots,) and the guess at which the header's repeats agree best."""
        return max(self._tried(_COARSE if self._blurred else (0.0,)), key=lambda one: one[0])

    def _tried(self, blurs: Sequence[float]) -> Iterator[tuple[float, Floats, Guess]]:
        for blur, level in product(blurs, VISIBILITY_LEVELS):
            guess = Guess(blur, level)
            evidence = self._header_evidence(guess)  # (header slots,)
            yield self._presence(evidence), evidence, guess

    def _presence(self, seen: Floats) -> float:
        """How clearly there is a header in its evidence (header slots,), in standard deviations of chance.

        Its repeats agree. And where the dither is uniform, so is the phase of what is not on the lattice, of which the
        sine has a mean square of 1/2 and a variance of that of 1/8; on the lattice it is closer to 1.
        """
        agree = header_evidence.detection_score(self.layout.header_bit, seen)
        if not self._masking.grows:
            return agree
        heard = seen[seen != 0]  # (heard,)
        sharp = float((np.square(heard) - 0.5).sum() / np.sqrt(max(len(heard), 1) / 8))
        return (agree + sharp) / 2**0.5

    def body_llr(self, header: NDArray[np.uint8]) -> Floats:
        """See the interface."""
        sign = header[self.layout.header_bit].astype(np.float32) * 2 - 1  # (header slots,)
        guess = self._finest(sign)
        excess, evidence = (
            self._excess(guess),
            self._evidence(guess, self.layout.dither(header)),
        )  # (rows, columns, frequencies) each
        distance = np.abs(self._coefficients) / (self._blur_gain(guess) * self._masking.steps(excess))
        slots = self.layout.header_slots
        block = slots // self.layout.frequencies
        around = self._texture(guess)  # (rows, columns)
        heard = self._received.reshape(-1)[block] & (excess.reshape(-1)[slots] > _MAY_CARRY)  # (header slots,)
        agreement = (sign * evidence.reshape(-1)[slots])[heard]  # (pilots,)
        threshold = texture.carrying_threshold(agreement, around.reshape(-1)[block][heard])
        used = around.reshape(-1)[block][heard] >= threshold  # (pilots,)
        pilots_ = (each.reshape(-1)[slots][heard][used] for each in (excess, distance))
        certainty = Certainty.fitted(agreement[used], *pilots_)
        llr = certainty.llr(evidence, excess, distance) * (self._received & (around >= threshold))[..., None]
        return llr.reshape(-1)[self.layout.body_slots].astype(np.float32)  # (body slots,)

    def _finest(self, sign: Floats) -> Guess:
        """The guess that explains the header best, now that its bits are known: (header slots,), -1 or 1."""
        blurs = _BLURS if self._blurred else (0.0,)
        guesses = [Guess(blur, level) for blur, level in product(blurs, VISIBILITY_LEVELS)]
        best = max(guesses, key=lambda one: self._score(sign, one))
        return max((replace(best, gain=gain) for gain in _GAINS), key=lambda one: self._score(sign, one))

    def _score(self, sign: Floats, guess: Guess) -> float:
        """How well a guess explains the header, in standard deviations of chance."""
        seen = self._header_evidence(guess)  # (header slots,)
        return float(sign @ seen / np.sqrt(np.square(seen).sum() + 1e-9))

    def _header_evidence(self, guess: Guess) -> Floats:
        """(header slots,): 0 where nothing is carried or was received."""
        slots = self.layout.header_slots
        block, frequency = np.divmod(slots, self.layout.frequencies)  # (header slots,) each
        excess = self._masking.excess(self._texture(guess).reshape(-1)[block], guess.visibility, frequency)
        step = self._masking.steps(excess, frequency)  # (header slots,)
        y = self._header_coefficients / self._blur_gain(guess)[frequency]
        evidence = qim.evidence(y, step, self.layout.header_dither * step)
        heard: Floats = evidence * (excess >= 1) * self._received.reshape(-1)[block]
        return heard

    def _evidence(self, guess: Guess, dither: Floats) -> Floats:
        """(rows, columns, frequencies), in [-1, 1]; ``dither`` in steps."""
        step = self._masking.steps(self._excess(guess))
        return qim.evidence(self._coefficients / self._blur_gain(guess), step, dither * step)

    def _excess(self, guess: Guess) -> Floats:
        return self._masking.excess(self._texture(guess), guess.visibility)  # (rows, columns, frequencies)

    def _texture(self, guess: Guess) -> Floats:
        if guess.blur not in self._textures:
            self._textures[guess.blur] = self._masking.texture(self._magnitudes, guess.blur, self._received)
        return self._textures[guess.blur] * np.float32(guess.gain)  # (rows, columns)

    @cached_property
    def _textures(self) -> dict[float, Floats]:
        return {}

    def _blur_gain(self, guess: Guess) -> Floats:
        return _blur_gain(self._masking, guess.blur)  # (frequencies,)


@lru_cache(64)
def _blur_gain(masking: Masking, blur: float) -> Floats:
    gain: Floats = blockdct.blur_gain(masking.frequencies, masking.block, blur)
    return gain
