"""The learned carrier behind the interface that the lattice answers too: networks, layout and pilots together.

The sender runs the invertible network forward; the receiver undoes the blur that the pilots tell of, restores, runs the
network in reverse and asks the head how sure each bit is; a last correction for each frequency is fitted to the pilots.
All of it in NumPy (``inn_numpy``). With ``refine`` the sender first listens to itself (``refine.py``), and needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSpec, NotTrained
from ..header import HEADER_CODE_BITS
from ..images import luma
from ..keystream import public_bits
from . import blockdct, texture
from .clipping import settle
from .layout import Layout
from .networks.config import BLURS
from .networks.numpy_inference import NumpyModel, points
from .networks.weights import Weights
from .strengths import Strength, weights_of
from .sync import pilots, template
from .sync.geometry import resized
from .sync.registration import Aligned

if TYPE_CHECKING:
    from .networks.model import CarrierModel

Array = NDArray[np.float32]

_TILE = 32
_SCALES = np.geomspace(0.2, 3, 33).astype(np.float32)
_PRIOR = 100  # pilots
# Standard deviations of presence between which the networks are asked: below, one picture in a hundred would be helped
# for ten times the work on those without a header; above, there is nothing to doubt.
_FAINT, _CLEAR = 1.5, 8.0
_GLANCE = (
    128  # blocks on a side of what the networks are asked about then: they take seconds for all of a large picture
)


@lru_cache
def learned_carrier(strength: Strength, refine: int = 0, network: str = "invertible") -> LearnedCarrier:
    """The carrier with the weights that ship, refining what it embeds in so many steps.

    ``network`` plain is the ablation (``carrier_plain_*.safetensors``); no receiver looks for it unless it is told to.

    Raises:
        NotTrained: none ship for this strength. BadSpec: ``refine`` is negative.
    """
    if refine < 0:
        raise BadSpec(f"refine must be 0 or more steps, not {refine}")
    path = weights_of(strength)
    path = path if network == "invertible" else path.with_name(path.name.replace("carrier", f"carrier_{network}"))
    if not path.exists():
        raise NotTrained(f"the {network} network is not trained for strength {strength.name}: use the carrier lattice")
    return LearnedCarrier(strength, Weights.read(path), refine)


@dataclass(frozen=True)
class LearnedCarrier:
    """See :class:`stegolab.carrier.interface.Carrier`.

    ``trained``: what to run, as it is kept in a file or as it comes from training. What hides and reads is copied when
    it is first needed: what training does after that changes nothing of it.
    """

    strength: Strength
    trained: Weights | CarrierModel
    refine: int = 0  # steps

    @property
    def name(self) -> str:
        """``inn``, or ``plain`` for the network without a lattice."""
        return "inn" if self.trained.config.network == "invertible" else "plain"

    @cached_property
    def networks(self) -> NumpyModel:
        """What hides and reads."""
        return NumpyModel(self.trained if isinstance(self.trained, Weights) else self.trained.weights)

    @cached_property
    def model(self) -> CarrierModel:
        """The same in torch, for who refines, trains on or takes it apart; what came from training is not copied."""
        from .networks.model import load

        return load(self.trained) if isinstance(self.trained, Weights) else self.trained

    @cached_property
    def lattice(self) -> Strength:
        """The strength, but with the frequencies and steps that were learned: what the layout is made of."""
        config = self.networks.config
        steps = tuple(self.networks.network.step.flatten().tolist())
        return replace(self.strength, block=config.block, frequencies=config.frequencies, steps=steps)

    def layout(self, shape: tuple[int, ...]) -> Layout:
        """Where the slots of a picture of this shape are."""
        return Layout.of(self.lattice, shape)

    def body_slots(self, shape: tuple[int, ...]) -> int:
        """See the interface."""
        layout = self.layout(shape)
        return len(layout.body_slots) if len(layout.header_slots) >= HEADER_CODE_BITS // 2 else 0

    def embed(
        self,
        rgb: NDArray[np.uint8],
        header: NDArray[np.uint8],
        body: NDArray[np.uint8],
        used: NDArray[np.bool_],
        share: float = 1.0,
    ) -> NDArray[np.uint8]:
        """The network's forward pass; ``settle`` tells what happens where blacks or whites clip."""
        layout, networks = self.layout(rgb.shape), self.networks
        bits, carries = np.zeros(layout.slots, np.float32), np.zeros(layout.slots, np.float32)
        bits[layout.header_slots], carries[layout.header_slots] = header[layout.header_bit], 1
        bits[layout.body_slots], carries[layout.body_slots] = body, used
        cover, step = luma(rgb), networks.network.step
        band = networks.analyse(cover)
        if share < 1:
            busy = texture.activity(_by_block(band[networks.carried]))
            carries.reshape(*busy.shape, -1)[~texture.busiest(busy, share)] = 0
        said, mask = _maps(layout, np.where(whitening(layout), 1 - bits, bits)), _maps(layout, carries)
        nearest = networks.network.destination(band[networks.carried], points(said), band[networks.passive])
        pinned = [layout.strength.frequencies.index(f) for f in template.FREQUENCIES if self.strength.rescaled]

        def nearer(plane: Array, round_: int) -> tuple[Array, float]:
            x = networks.analyse(plane)[networks.carried]
            move = (nearest(x) - x) * mask
            if round_ == 0 and self.refine:
                move = self._refined(cover, move, said, mask)
            if pinned:  # the template is plain dither modulation, whatever the network does
                move[pinned] += template.moves(x[pinned])
            moved = float((np.abs(move) / step).mean() / max(mask.mean(), 1e-9))
            return networks.synthesise(move, rgb.shape[:2]), moved

        return settle(rgb, nearer)

    def _refined(self, cover: Array, move: Array, said: Array, mask: Array) -> Array:
        import torch

        from .refine import Refinement

        plane, move_, bits, used = (torch.from_numpy(array)[None] for array in (cover, move, said, mask))
        with torch.no_grad():
            found = Refinement(self.refine)(self.model, plane, move_, bits, used, self.strength.attacks)
        return found[0].numpy()

    def read(self, rgb: NDArray[np.uint8], shape: tuple[int, ...]) -> LearnedReading:
        """See the interface."""
        return self._reading(resized(luma(rgb), shape), shape, None)

    def read_luma(self, plane: Array) -> LearnedReading:
        """See the interface."""
        return self._reading(plane, plane.shape, None)

    def read_aligned(self, aligned: Aligned) -> LearnedReading:
        """See the interface."""
        return self._reading(aligned.plane, aligned.shape, aligned.seen)

    def _reading(self, plane: Array, shape: tuple[int, ...], seen: NDArray[np.bool_] | None) -> LearnedReading:
        blurs = BLURS if self.strength.rescaled else (0.0,)
        return LearnedReading((shape[0], shape[1]), self.layout(shape), self.networks, plane, blurs, seen)


class LearnedReading:
    """A received luma plane as the networks see it. The networks run when they are asked, not before."""

    def __init__(
        self,
        shape: tuple[int, int],
        layout: Layout,
        networks: NumpyModel,
        plane: Array,
        blurs: tuple[float, ...],
        seen: NDArray[np.bool_] | None = None,
    ) -> None:
        self.shape, self.layout = shape, layout
        self._networks, self._blurs = networks, blurs
        self._plane = plane
        self._heard: dict[float, Array] = {}
        self._seen = seen

    @cached_property
    def _band(self) -> Array:
        return self._networks.analyse(np.ascontiguousarray(self._plane))

    @cached_property
    def _white(self) -> Array:
        """(slots,) -1 or 1, what undoes the whitening; 0 where nothing was received, which says nothing."""
        white = 1 - 2 * whitening(self.layout).astype(np.float32)
        return white if self._seen is None else white * np.repeat(self._seen.reshape(-1), len(self._networks.carried))

    @cached_property
    def _evidence(self) -> dict[float, Array]:
        """For each blur, what the header's slots say before any network has weighed it.

        The reverse pass looks at each block by itself: of no other blocks than the header's anything is computed.
        """
        networks, slots = self._networks, self.layout.header_slots
        if networks.config.network == "plain":  # no lattice: the cover is louder than the payload
            return {blur: np.tanh(self._llr(blur)[slots] / 2) for blur in self._blurs}
        block, f = np.divmod(slots, len(networks.carried))
        u, v = np.array(networks.config.band).T
        band = blockdct.some(self._plane, networks.config.block, block)[:, u, v].T[:, None]  # (band, 1, header slots)
        angles = {blur: networks.read(band / networks.gain(blur)) for blur in self._blurs}
        return {blur: np.sin(angle[f, 0, np.arange(len(f))]) * self._white[slots] for blur, angle in angles.items()}

    @property
    def presence(self) -> float:
        """See the interface. Where the header shows faintly the networks, which cost more, are heard as well.

        In pictures whose own detail drowns the lattice they know most of a header that is hardly there without them.
        """
        found = {blur: pilots.presence(self.layout.header_bit, evidence) for blur, evidence in self._evidence.items()}
        blur = max(found, key=lambda b: found[b])
        if not _FAINT < found[blur] < _CLEAR:
            return found[blur]
        return max(found[blur], pilots.presence(self.layout.header_bit, self._weighed(blur)))

    def _weighed(self, blur: float) -> Array:
        """What the networks make of the header's slots, of those in the middle in large pictures, 0 elsewhere."""
        layout, networks = self.layout, self._networks
        if layout.rows * layout.columns <= _GLANCE**2:
            return np.tanh(self._llr(blur)[layout.header_slots] / 2)
        high, wide = min(_GLANCE, layout.rows), min(_GLANCE, layout.columns)
        top, left, size = (layout.rows - high) // 2, (layout.columns - wide) // 2, networks.config.block
        middle = self._plane[top * size : (top + high) * size, left * size : (left + wide) * size]
        llr = networks.listen(networks.analyse(np.ascontiguousarray(middle)) / networks.gain(blur))
        block, f = np.divmod(layout.header_slots, len(networks.carried))
        row, column = np.divmod(block, layout.columns)
        row, column = row - top, column - left
        inside = (row >= 0) & (row < high) & (column >= 0) & (column < wide)
        weighed = np.zeros(len(block), np.float32)
        weighed[inside] = np.tanh(llr[f[inside], row[inside], column[inside]] / 2)
        return weighed * self._white[layout.header_slots]

    @property
    def header_llr(self) -> Array:
        """See the interface."""
        sums = {blur: pilots.together(self.layout.header_bit, e) for blur, e in self._evidence.items()}
        blur = max(sums, key=lambda b: float(sums[b] @ sums[b]))
        return pilots.together(self.layout.header_bit, self._llr(blur)[self.layout.header_slots])

    def body_llr(self, header: NDArray[np.uint8]) -> Array:
        """See the interface."""
        layout, count = self.layout, len(self._networks.carried)
        if not layout.slots:
            return np.zeros(0, np.float32)
        sign = header[layout.header_bit].astype(np.float32) * 2 - 1
        blur = max(self._blurs, key=lambda b: float(sign @ self._evidence[b]))
        llr = self._llr(blur)
        agreement = sign * llr[layout.header_slots]
        block, frequency = np.divmod(layout.header_slots, count)
        busy = texture.activity(_by_block(self._band[self._networks.carried]), self._seen).reshape(-1)
        speaks = busy >= texture.floor(agreement, busy[block])  # the rest the sender has left alone
        heard = speaks[block]
        cost = np.logaddexp(0, -_SCALES[:, None] * agreement[heard])  # (scales, pilots)
        own = np.stack([np.bincount(frequency[heard], row, minlength=count) for row in cost])
        chosen = _SCALES[np.argmin(own + _PRIOR * cost.mean(axis=1, keepdims=True), axis=0)]
        return (llr.reshape(-1, count) * chosen * speaks[:, None]).reshape(-1)[layout.body_slots]

    def _llr(self, blur: float) -> Array:
        if not self.layout.slots:  # a picture smaller than a block: networks that look at all of it have nothing to see
            return np.zeros(0, np.float32)
        if blur not in self._heard:  # header and body mostly agree about it, and this is what takes time
            self._heard[blur] = _slots(self._networks.listen(self._band / self._networks.gain(blur))) * self._white
        return self._heard[blur]


def whitening(layout: Layout) -> NDArray[np.bool_]:
    """Which slots carry the opposite of their bit: so what the cover itself says averages out over a header bit."""
    count = len(layout.strength.frequencies)
    tile = public_bits("slots", _TILE * _TILE * count).astype(bool).reshape(_TILE, _TILE, count)
    rows, columns = np.arange(layout.rows) % _TILE, np.arange(layout.columns) % _TILE
    return tile[rows[:, None], columns].reshape(-1)


def _maps(layout: Layout, values: Array) -> Array:
    """(slots,) -> (frequencies, rows, columns)."""
    shaped = values.reshape(layout.rows, layout.columns, -1).transpose(2, 0, 1)
    return np.ascontiguousarray(shaped, dtype=np.float32)


def _slots(maps: Array) -> Array:
    """(frequencies, rows, columns) -> (slots,)."""
    return _by_block(maps).reshape(-1)


def _by_block(maps: Array) -> Array:
    """(frequencies, rows, columns) -> (rows, columns, frequencies)."""
    return maps.transpose(1, 2, 0)
