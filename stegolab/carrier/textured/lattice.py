"""The textured lattice: dither modulation with a step for each coefficient, taken from the texture around it.

Embedding changes the texture by a little, and with it the steps. So the sender measures the texture again on its own
picture and embeds anew, from the cover, until the two agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...images import luma
from ...keystream import PUBLIC, Keystream
from .. import blockdct, qim, texture
from ..clipping import project_alternately
from ..interface import ReadsPlanes
from ..strengths import Strength, strength
from ..sync import template
from .layout import Layout
from .masking import Masking
from .presets import BETWEEN, MASKINGS
from .reading import TexturedReading

Floats = NDArray[np.float32]

_ROUNDS = 8  # of measuring and embedding at most
_SETTLED = 0.02  # the change from one round to the next, see :meth:`_Plan.differs_from`, at which it has settled
# The template's step is fixed, for a search that knows nothing yet. It is left out where the texture is below this.
_TEMPLATE_NEEDS = 5.0


@dataclass(frozen=True)
class TexturedLattice(ReadsPlanes[TexturedReading]):
    """A classical carrier. See :class:`stegolab.carrier.interface.Carrier` for the contract.

    ``visibility``: how visible it may be, in multiples of what the texture masks; a receiver finds it out.
    """

    strength: Strength
    masking: Masking
    visibility: float = 1.0
    keystream: Keystream = PUBLIC
    name: str = "textured"
    weights_identity: int = 0
    # Lower than what a picture without a payload may reach: the best of all that a receiver tries there scores up to
    # 2.6. So a faint header is not missed, and the header's checksum rejects the rest.
    detected: ClassVar[float] = 2.2
    detection_spread: ClassVar[float] = 0.6

    @classmethod
    def of(cls, name: str, visibility: float = 1.0) -> TexturedLattice:
        """The carrier of strength ``name``, jpeg or social."""
        masking = MASKINGS[name]
        usual = strength(name)
        attacks = usual.attacks + BETWEEN.get(name, ())
        own = replace(usual, frequencies=masking.frequencies, steps=masking.least, attacks=attacks)
        return cls(own, masking, visibility)

    def keyed(self, keystream: Keystream) -> TexturedLattice:
        """See the interface."""
        return replace(self, keystream=keystream)

    def carrying(self, rgb: NDArray[np.uint8]) -> Floats:
        """See the interface: what the texture masks."""
        excess = self.masking.excess(self._texture(luma(rgb)), self.visibility)  # (rows, columns, frequencies)
        return (excess >= 1).mean(axis=2, dtype=np.float32)

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
        """See the interface."""
        layout = self._layout(rgb.shape)
        bits, carries = np.zeros(layout.slots, np.uint8), np.zeros(layout.slots, bool)
        bits[layout.header_slots], carries[layout.header_slots] = header[layout.header_bit], True
        bits[layout.body_slots], carries[layout.body_slots] = body, used
        shape = (layout.rows, layout.columns, layout.frequencies)
        bits, carries = bits.reshape(shape), carries.reshape(shape)  # (rows, columns, frequencies) both
        cover, dither = luma(rgb), layout.dither(header)  # (H, W); (rows, columns, frequencies)
        seen = self._texture(cover)  # (rows, columns)
        if share < 1:
            carries[~texture.busiest(seen, share)] = False
        plan = self._plan(seen, bits, carries, dither)
        for _ in range(_ROUNDS):
            before = plan
            plan = self._plan(self._texture(cover + self._change(cover, plan, 0)[0]), bits, carries, dither)
            if plan.differs_from(before) < _SETTLED:
                break
        return project_alternately(rgb, lambda plane, round_: self._change(plane, plan, round_))

    def _reading(self, plane: Floats, shape: tuple[int, ...], received: NDArray[np.bool_] | None) -> TexturedReading:
        layout = self._layout(shape)
        blurred, size = self.strength.rescaled, (shape[0], shape[1])
        return TexturedReading(size, layout, self.masking, plane, blurred, received)

    def _layout(self, shape: tuple[int, ...]) -> Layout:
        rows, columns = shape[0] // self.masking.block, shape[1] // self.masking.block
        return Layout.of(rows, columns, self.masking.least, not self.masking.grows, self.keystream)

    def _texture(self, plane: Floats) -> Floats:
        return self.masking.texture(self.masking.magnitudes(plane))  # (rows, columns)

    def _plan(self, seen: Floats, bits: NDArray[np.uint8], carries: NDArray[np.bool_], dither: Floats) -> _Plan:
        """What to embed where the texture ``seen`` (rows, columns) masks it."""
        excess = self.masking.excess(seen, self.visibility)  # (rows, columns, frequencies)
        step = self.masking.steps(excess)  # (rows, columns, frequencies)
        point = qim.lattice_point(bits, step, dither * step)
        return _Plan(step, point, carries & (excess >= 1), seen >= _TEMPLATE_NEEDS)

    def _change(self, plane: Floats, plan: _Plan, round_: int) -> tuple[Floats, float]:
        """See :data:`stegolab.carrier.clipping.Projection`."""
        block, frequencies, shape = self.masking.block, self.masking.frequencies, plane.shape
        x = blockdct.analyse(plane, block, frequencies)  # (rows, columns, frequencies)
        target = (qim.embed if round_ == 0 else qim.project)(x, plan.point, plan.step, self.strength.compensation)
        move = np.where(plan.carries, target - x, 0)
        change = blockdct.synthesise(move, block, frequencies, shape)  # (H, W)
        if self.strength.rescaled:
            known = blockdct.analyse(plane, block, template.FREQUENCIES)  # (rows, columns, 2)
            every = template.Template.of(self.keystream)
            of_template = np.moveaxis(every.moves(np.moveaxis(known, 2, 0)), 0, 2) * plan.template[..., None]
            change = change + blockdct.synthesise(of_template, block, template.FREQUENCIES, shape)
        return change, float(np.abs(move / plan.step).sum() / max(plan.carries.sum(), 1))


@dataclass(frozen=True)
class _Plan:
    """What is embedded, each (rows, columns, frequencies): ``step``, ``point`` of the lattice, and which ``carries``.

    ``template``: (rows, columns) which blocks hold their symbol of the template.
    """

    step: Floats
    point: Floats
    carries: NDArray[np.bool_]
    template: NDArray[np.bool_]

    def differs_from(self, other: _Plan) -> float:
        """The share of what carries that began or ceased to, and the mean change of the logarithm of its step."""
        changed = np.abs(np.log(self.step / other.step)) + (self.carries ^ other.carries)
        return float(changed[self.carries | other.carries].sum() / max(self.carries.sum(), 1))
