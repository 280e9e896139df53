"""The lattice carrier: dither modulation of block-DCT coefficients of the luma, soft output (notebooks 00 and 04).

Everything the receiver knows it learns from the header: its presence says that the assumed geometry is right, and its
slots, known once it is decoded, calibrate the channel together with the template's: one blur for the whole picture, one
concentration a frequency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..header import HEADER_CODE_BITS
from ..images import luma
from . import blockdct, qim, texture
from .calibration import reliability
from .clipping import settle
from .layout import Layout
from .strengths import Strength
from .sync import pilots
from .sync.geometry import resized
from .sync.registration import Aligned

_BLURS = tuple(x / 10 for x in range(-4, 17))  # square pixels


@dataclass(frozen=True)
class LatticeCarrier:
    """Classical carrier. See :class:`stegolab.carrier.interface.Carrier` for the contract."""

    strength: Strength
    name: str = "lattice"

    def body_slots(self, shape: tuple[int, ...]) -> int:
        """Code bits that the body takes; 0 where the header's code word does not fit even once at rate 1/2."""
        layout = Layout.of(self.strength, shape)
        return len(layout.body_slots) if len(layout.header_slots) >= HEADER_CODE_BITS // 2 else 0

    def embed(
        self,
        rgb: NDArray[np.uint8],
        header: NDArray[np.uint8],
        body: NDArray[np.uint8],
        used: NDArray[np.bool_],
        share: float = 1.0,
    ) -> NDArray[np.uint8]:
        """See the interface, and ``settle`` for what happens where blacks or whites clip."""
        layout = Layout.of(self.strength, rgb.shape)
        bits = np.zeros(layout.slots, np.uint8)
        carries = np.zeros(layout.slots, bool)
        bits[layout.header_slots], carries[layout.header_slots] = header[layout.header_bit], True
        bits[layout.body_slots], carries[layout.body_slots] = body, used
        dims = layout.dither.shape
        if share < 1:
            busy = texture.activity(self._coefficients(luma(rgb)))
            carries.reshape(dims)[~texture.busiest(busy, share)] = False
        bits[layout.template_slots], carries[layout.template_slots] = layout.template_bit, True
        moves = carries.reshape(dims)
        if self.strength.dense:
            moves = moves | moves.any(axis=2, keepdims=True)
        step, compensation = self.strength.step, self.strength.compensation
        point = qim.lattice_point(bits.reshape(dims), step, layout.dither)

        def nearer(plane: NDArray[np.float32], round_: int) -> tuple[NDArray[np.float32], float]:
            x = self._coefficients(plane)
            there = (qim.embed if round_ == 0 else qim.project)(x, point, step, compensation)
            move = np.where(moves, there - x, 0)
            change = blockdct.synthesise(move, self.strength.block, self.strength.frequencies, rgb.shape[:2])
            return change, float(np.abs(move / step).mean() / max(moves.mean(), 1e-9))

        return settle(rgb, nearer)

    def read(self, rgb: NDArray[np.uint8], shape: tuple[int, ...]) -> LatticeReading:
        """See the interface. A picture of another size is resized back (bicubic) in floating point."""
        return self._reading(resized(luma(rgb), shape), shape, None)

    def read_luma(self, plane: NDArray[np.float32]) -> LatticeReading:
        """See the interface."""
        return self._reading(plane, plane.shape, None)

    def read_aligned(self, aligned: Aligned) -> LatticeReading:
        """See the interface."""
        return self._reading(aligned.plane, aligned.shape, aligned.seen)

    def _reading(
        self, plane: NDArray[np.float32], shape: tuple[int, ...], seen: NDArray[np.bool_] | None
    ) -> LatticeReading:
        layout, size = Layout.of(self.strength, shape), (shape[0], shape[1])
        return LatticeReading(size, layout, plane, self._blurs, seen)

    @property
    def _blurs(self) -> tuple[float, ...]:
        return _BLURS if self.strength.rescaled else (0.0,)

    def _coefficients(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return blockdct.analyse(plane, self.strength.block, self.strength.frequencies)


class LatticeReading:
    """A received luma plane (H, W) and what it says. Only the header's blocks are looked at until more is asked for."""

    def __init__(
        self,
        shape: tuple[int, int],
        layout: Layout,
        plane: NDArray[np.float32],
        blurs: tuple[float, ...],
        seen: NDArray[np.bool_] | None = None,
    ) -> None:
        self.shape = shape
        self.layout = layout
        self._blurs = blurs
        self._plane = plane
        self._seen = np.ones((layout.rows, layout.columns), bool) if seen is None else seen
        self._header = max(self._headers(), key=self._agreement)

    @cached_property
    def _coefficients(self) -> NDArray[np.float32]:
        """(rows, columns, frequencies)"""
        strength = self.layout.strength
        return blockdct.analyse(np.ascontiguousarray(self._plane), strength.block, strength.frequencies)

    def _headers(self) -> Iterator[NDArray[np.float32]]:
        """Evidence of the header's slots for each blur, 0 where they were not received."""
        layout = self.layout
        block, f = np.divmod(layout.header_slots, len(layout.strength.frequencies))
        u, v = np.array(layout.strength.frequencies)[f].T
        y = blockdct.some(self._plane, layout.strength.block, block)[np.arange(len(block)), u, v]
        for blur in self._blurs:
            said = qim.evidence(y / self._gain(blur)[f], layout.strength.step[f], layout.header_dither)
            yield said * self._seen.reshape(-1)[block]

    @property
    def header_llr(self) -> NDArray[np.float32]:
        """See the interface."""
        return pilots.together(self.layout.header_bit, self._header)

    @property
    def presence(self) -> float:
        """See the interface."""
        return pilots.presence(self.layout.header_bit, self._header)

    def body_llr(self, header: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Choose the blur and the reliabilities that explain the pilots best, then weigh every slot by them.

        Which blocks speak at all the header's pilots tell; the template's are everywhere.
        """
        layout, count = self.layout, len(self.layout.strength.frequencies)
        known = np.concatenate([layout.header_slots, layout.template_slots])
        sign = np.concatenate([header[layout.header_bit], layout.template_bit]).astype(np.float32) * 2 - 1
        blur = max(self._blurs, key=lambda b: float(sign @ self._heard(known, b)))
        busy = texture.activity(self._coefficients, self._seen)
        agreement, around = sign * self._heard(known, blur), busy.reshape(-1)[known // count]
        here = self._seen.reshape(-1)[known // count]
        header_here = here & (np.arange(len(known)) < len(layout.header_slots))
        speaks = busy >= texture.floor(agreement[header_here], around[header_here])
        here &= speaks.reshape(-1)[known // count]
        kappa, exponent = reliability(agreement[here], (known % count)[here], around[here], count)
        said = qim.evidence(self._coefficients / self._gain(blur), layout.strength.step, layout.dither)
        llr = 2 * kappa * busy[..., None] ** np.float32(-exponent) * said * (self._seen & speaks)[..., None]
        return llr.reshape(-1)[layout.body_slots]

    def _heard(self, slots: NDArray[np.int64], blur: float) -> NDArray[np.float32]:
        """Evidence of some slots, 0 where they were not received."""
        block, f = np.divmod(slots, len(self.layout.strength.frequencies))
        y = self._coefficients.reshape(-1)[slots] / self._gain(blur)[f]
        said = qim.evidence(y, self.layout.strength.step[f], self.layout.dither.reshape(-1)[slots])
        return said * self._seen.reshape(-1)[block]

    def _agreement(self, evidence: NDArray[np.float32]) -> float:
        sums = pilots.together(self.layout.header_bit, evidence)
        return float(sums @ sums)

    def _gain(self, blur: float) -> NDArray[np.float32]:
        """What a blur of variance ``blur`` leaves of each frequency: (frequencies,)."""
        return blockdct.blur_gain(self.layout.strength.frequencies, self.layout.strength.block, blur)
