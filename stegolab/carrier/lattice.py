"""The lattice carrier: dither modulation of block-DCT coefficients of the luma, soft output (notebooks 00 and 04).

The receiver learns everything from the header. Its detection score tells whether the assumed geometry is right. Its
slots, whose bits are known once it is decoded, calibrate the channel together with those of the template: one blur for
the whole picture, and one concentration per frequency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..images import luma
from ..keystream import PUBLIC, Keystream
from . import blockdct, qim, texture
from .calibration import reliability
from .clipping import project_alternately
from .interface import EverySlotCarries, ReadsPlanes
from .layout import Layout
from .strengths import Strength
from .sync import header_evidence

# Square pixels; a receiver tries these. What is below zero was sharpened: an unsharp mask of 160 % makes it -1.
_BLURS = tuple(x / 10 for x in range(-12, 17))


@dataclass(frozen=True)
class LatticeCarrier(EverySlotCarries, ReadsPlanes["LatticeReading"]):
    """The classical carrier. See :class:`stegolab.carrier.interface.Carrier` for the contract."""

    strength: Strength
    keystream: Keystream = PUBLIC
    name: str = "lattice"

    def keyed(self, keystream: Keystream) -> LatticeCarrier:
        """See the interface."""
        return replace(self, keystream=keystream)

    def body_slots(self, shape: tuple[int, ...]) -> int:
        """See the interface."""
        return self._layout(shape).body_capacity

    def embed(
        self,
        rgb: NDArray[np.uint8],
        header: NDArray[np.uint8],
        body: NDArray[np.uint8],
        used: NDArray[np.bool_],
        share: float = 1.0,
    ) -> NDArray[np.uint8]:
        """See the interface; ``clipping`` explains what happens where blacks or whites clip."""
        layout = self._layout(rgb.shape)
        dither = layout.dither(header)  # (rows, columns, frequencies)
        bits = np.zeros(layout.slots, np.uint8)
        carries = np.zeros(layout.slots, bool)
        bits[layout.header_slots], carries[layout.header_slots] = header[layout.header_bit], True
        bits[layout.body_slots], carries[layout.body_slots] = body, used
        shape = dither.shape  # (rows, columns, frequencies)
        if share < 1:
            activity = texture.activity(self._coefficients(luma(rgb)))  # (rows, columns)
            carries.reshape(shape)[~texture.busiest(activity, share)] = False
        bits[layout.template_slots], carries[layout.template_slots] = layout.template_bit, True
        changes = carries.reshape(shape)  # (rows, columns, frequencies)
        if self.strength.dense:
            changes = changes | changes.any(axis=2, keepdims=True)  # all slots of a block where any carries
        step, compensation = self.strength.step, self.strength.compensation
        point = qim.lattice_point(bits.reshape(shape), step, dither)  # (rows, columns, frequencies)

        def onto_lattice(plane: NDArray[np.float32], round_: int) -> tuple[NDArray[np.float32], float]:
            x = self._coefficients(plane)  # (rows, columns, frequencies)
            target = (qim.embed if round_ == 0 else qim.project)(x, point, step, compensation)
            move = np.where(changes, target - x, 0)
            change = blockdct.synthesise(move, self.strength.block, self.strength.frequencies, rgb.shape[:2])  # (H, W)
            return change, float(np.abs(move / step).mean() / max(changes.mean(), 1e-9))

        return project_alternately(rgb, onto_lattice)

    def _reading(
        self, plane: NDArray[np.float32], shape: tuple[int, ...], received: NDArray[np.bool_] | None
    ) -> LatticeReading:
        layout, size = self._layout(shape), (shape[0], shape[1])
        return LatticeReading(size, layout, plane, self._blurs, received)

    def _layout(self, shape: tuple[int, ...]) -> Layout:
        return Layout.of(self.strength, shape, self.keystream)

    @property
    def _blurs(self) -> tuple[float, ...]:
        return _BLURS if self.strength.rescaled else (0.0,)

    def _coefficients(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """(H, W) -> (rows, columns, frequencies)."""
        return blockdct.analyse(plane, self.strength.block, self.strength.frequencies)


class LatticeReading:
    """A received luma plane (H, W) and what is read from it. Only the header's blocks are read until more is needed.

    ``received``: which blocks (rows, columns) arrived at all; None for all of them.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        layout: Layout,
        plane: NDArray[np.float32],
        blurs: tuple[float, ...],
        received: NDArray[np.bool_] | None = None,
    ) -> None:
        self.shape = shape
        self.layout = layout
        self._blurs = blurs
        self._plane = plane
        self._received = np.ones((layout.rows, layout.columns), bool) if received is None else received
        self._header_evidence = max(self._header_at_each_blur(), key=self._energy)  # (header slots,)

    @cached_property
    def _coefficients(self) -> NDArray[np.float32]:
        """(rows, columns, frequencies)"""
        strength = self.layout.strength
        return blockdct.analyse(np.ascontiguousarray(self._plane), strength.block, strength.frequencies)

    def _header_at_each_blur(self) -> Iterator[NDArray[np.float32]]:
        """Evidence of the header's slots for each blur, 0 where they were not received."""
        layout = self.layout
        block, f = np.divmod(layout.header_slots, len(layout.strength.frequencies))  # (header slots,) each
        u, v = np.array(layout.strength.frequencies)[f].T  # (header slots,) each
        blocks = blockdct.some(self._plane, layout.strength.block, block)  # (header slots, size, size)
        y = blocks[np.arange(len(block)), u, v]  # (header slots,)
        for blur in self._blurs:
            evidence = qim.evidence(y / self._gain(blur)[f], layout.strength.step[f], layout.header_dither)
            yield evidence * self._received.reshape(-1)[block]  # (header slots,)

    @property
    def header_llr(self) -> NDArray[np.float32]:
        """See the interface."""
        return header_evidence.combine_repeats(self.layout.header_bit, self._header_evidence)

    @property
    def detection_score(self) -> float:
        """See the interface."""
        return header_evidence.detection_score(self.layout.header_bit, self._header_evidence)

    def body_llr(self, header: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Choose the blur and the reliabilities that explain the pilots best, then weight every slot by them.

        The header's pilots tell which blocks carry anything; those of the template are everywhere.
        """
        layout, count = self.layout, len(self.layout.strength.frequencies)
        known = np.concatenate([layout.header_slots, layout.template_slots])  # (pilots,)
        block, frequency = np.divmod(known, count)  # (pilots,) each
        sign = np.concatenate([header[layout.header_bit], layout.template_bit]).astype(np.float32) * 2 - 1  # (pilots,)
        dither = layout.dither(header)  # (rows, columns, frequencies)
        own = dither.reshape(-1)[known]  # (pilots,)
        blur = max(self._blurs, key=lambda b: float(sign @ self._evidence(known, own, b)))
        activity = texture.activity(self._coefficients, self._received)  # (rows, columns)
        agreement, around = sign * self._evidence(known, own, blur), activity.reshape(-1)[block]  # (pilots,) each
        usable = self._received.reshape(-1)[block]  # (pilots,)
        of_header = usable & (np.arange(len(known)) < len(layout.header_slots))
        carries = activity >= texture.carrying_threshold(agreement[of_header], around[of_header])  # (rows, columns)
        usable &= carries.reshape(-1)[block]  # (pilots,)
        kappa, exponent = reliability(agreement[usable], frequency[usable], around[usable], count)
        evidence = qim.evidence(self._coefficients / self._gain(blur), layout.strength.step, dither)
        trusted = (self._received & carries)[..., None]  # (rows, columns, 1)
        llr = 2 * kappa * activity[..., None] ** np.float32(-exponent) * evidence * trusted
        return llr.reshape(-1)[layout.body_slots]  # (body slots,)

    def _evidence(self, slots: NDArray[np.int64], dither: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
        """The evidence of some slots, each with its dither, at a blur; 0 where they were not received: (slots,)."""
        block, f = np.divmod(slots, len(self.layout.strength.frequencies))
        y = self._coefficients.reshape(-1)[slots] / self._gain(blur)[f]  # (slots,)
        evidence = qim.evidence(y, self.layout.strength.step[f], dither)
        return evidence * self._received.reshape(-1)[block]  # (slots,)

    def _energy(self, evidence: NDArray[np.float32]) -> float:
        """Energy of the combined repeats, which is highest at the right blur."""
        sums = header_evidence.combine_repeats(self.layout.header_bit, evidence)
        return float(sums @ sums)

    def _gain(self, blur: float) -> NDArray[np.float32]:
        """The share of each frequency that a blur of variance ``blur`` leaves: (frequencies,)."""
        return blockdct.blur_gain(self.layout.strength.frequencies, self.layout.strength.block, blur)
