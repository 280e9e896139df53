"""The learned carrier, with the same interface as the lattice: networks, layout and pilots together.

The sender runs the invertible network forward. The receiver undoes the blur that it estimates from the pilots, restores
the coefficients, runs the network in reverse, and gets from the head how sure each bit is; a final correction for each
frequency is fitted to the pilots. All of it in NumPy (``networks.numpy_inference``). With ``refine`` steps the sender
first corrects its own picture (``refine.py``), which needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSpec, NotTrained
from ..images import luma
from ..keystream import PUBLIC, Keystream
from . import blockdct, texture
from .clipping import project_alternately
from .interface import EverySlotCarries, ReadsPlanes
from .layout import Layout
from .networks.config import BLURS
from .networks.numpy_inference import NumpyModel, points
from .networks.weights import Weights
from .strengths import Strength, weights_of
from .sync import header_evidence, template
from .whitening import header_whitening, whitening

if TYPE_CHECKING:
    from .networks.model import CarrierModel

Array = NDArray[np.float32]

_SCALES = np.geomspace(0.2, 3, 33).astype(np.float32)  # scales of log-likelihood ratios, tried on the pilots
_PRIOR = 100  # weight of the mean over all frequencies in the scale of each one, in pilots
# Detection scores between which the networks are used as well. Below, they would help one picture in a hundred, for ten
# times the work on pictures without a header; above, there is no doubt.
_DOUBTFUL = (1.5, 8.0)
# Side, in blocks, of the middle part that the networks then look at: all of a large picture would take seconds.
_EXCERPT = 128


@lru_cache
def learned_carrier(strength: Strength, refine: int = 0, network: str = "invertible") -> LearnedCarrier:
    """The carrier with the shipped weights, which refines what it embeds in ``refine`` steps.

    ``network`` plain is the ablation (``carrier_plain_*.safetensors``); a receiver looks for it only if told to.

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
class LearnedCarrier(EverySlotCarries, ReadsPlanes["LearnedReading"]):
    """The carrier of trained networks. See :class:`stegolab.carrier.interface.Carrier` for the contract.

    ``trained``: the networks from a file or directly from training. Those that hide and read are copies, made when they
    are first needed; later training does not change them.
    """

    strength: Strength
    trained: Weights | CarrierModel
    refine: int = 0  # steps
    keystream: Keystream = PUBLIC

    def keyed(self, keystream: Keystream) -> LearnedCarrier:
        """See the interface; the networks are shared, not copied."""
        other = replace(self, keystream=keystream)
        vars(other).update({name: getattr(self, name) for name in ("networks", "weights_identity")})
        return other

    @cached_property
    def weights_identity(self) -> int:
        """See the interface: 1 to 255, from the digest of the weights."""
        return self.networks.identity

    @property
    def name(self) -> str:
        """``inn``, or ``plain`` for the network without a lattice."""
        return "inn" if self.trained.config.network == "invertible" else "plain"

    @cached_property
    def networks(self) -> NumpyModel:
        """The networks that hide and read, in NumPy."""
        return NumpyModel(self.trained if isinstance(self.trained, Weights) else self.trained.weights)

    @cached_property
    def model(self) -> CarrierModel:
        """The same in torch, for refinement, further training or inspection; networks from training are not copied."""
        from .networks.model import load

        return load(self.trained) if isinstance(self.trained, Weights) else self.trained

    @cached_property
    def lattice(self) -> Strength:
        """The strength with the learned frequencies and steps, from which the layout is made."""
        config = self.networks.config
        steps = tuple(self.networks.network.step.flatten().tolist())
        return replace(self.strength, block=config.block, frequencies=config.frequencies, steps=steps)

    def layout(self, shape: tuple[int, ...]) -> Layout:
        """Where the slots of a picture of this shape are."""
        return Layout.of(self.lattice, shape, self.keystream)

    def body_slots(self, shape: tuple[int, ...]) -> int:
        """See the interface."""
        return self.layout(shape).body_capacity

    def embed(
        self,
        rgb: NDArray[np.uint8],
        header: NDArray[np.uint8],
        body: NDArray[np.uint8],
        used: NDArray[np.bool_],
        share: float = 1.0,
    ) -> NDArray[np.uint8]:
        """The network's forward pass; ``clipping`` tells what happens where blacks or whites clip."""
        layout, networks = self.layout(rgb.shape), self.networks
        bits, carries = np.zeros(layout.slots, np.float32), np.zeros(layout.slots, np.float32)
        bits[layout.header_slots], carries[layout.header_slots] = header[layout.header_bit], 1
        bits[layout.body_slots], carries[layout.body_slots] = body, used
        cover, step = luma(rgb), networks.network.step
        band = networks.analyse(cover)  # (band, rows, columns)
        if share < 1:
            activity = texture.activity(_by_block(band[networks.carried]))  # (rows, columns)
            carries.reshape(*activity.shape, -1)[~texture.busiest(activity, share)] = 0
        white = _maps(layout, np.where(whitening(layout, header), 1 - bits, bits))  # (frequencies, rows, columns)
        mask = _maps(layout, carries)
        onto_payload = networks.network.projection(band[networks.carried], points(white), band[networks.passive])
        with_template = [layout.strength.frequencies.index(f) for f in template.FREQUENCIES if self.strength.rescaled]

        def onto_lattice(plane: Array, round_: int) -> tuple[Array, float]:
            x = networks.analyse(plane)[networks.carried]  # (frequencies, rows, columns)
            move = (onto_payload(x) - x) * mask
            if round_ == 0 and self.refine:
                move = self._refined(cover, move, white, mask)
            if with_template:  # the template is always plain dither modulation
                move[with_template] += template.Template.of(self.keystream).moves(x[with_template])
            moved = float((np.abs(move) / step).mean() / max(mask.mean(), 1e-9))
            return networks.synthesise(move, rgb.shape[:2]), moved

        return project_alternately(rgb, onto_lattice)

    def _refined(self, cover: Array, move: Array, white: Array, mask: Array) -> Array:
        """A better ``move`` (frequencies, rows, columns) that says the ``white`` bits where ``mask`` is 1."""
        import torch

        from .refine import Refinement

        plane, move_, bits, used = (torch.from_numpy(array)[None] for array in (cover, move, white, mask))
        with torch.no_grad():
            found = Refinement(self.refine)(self.model, plane, move_, bits, used, self.strength.attacks)
        return found[0].numpy()

    def _reading(self, plane: Array, shape: tuple[int, ...], received: NDArray[np.bool_] | None) -> LearnedReading:
        blurs = BLURS if self.strength.rescaled else (0.0,)
        return LearnedReading((shape[0], shape[1]), self.layout(shape), self.networks, plane, blurs, received)


class LearnedReading:
    """A received luma plane (H, W) as the networks see it. They run only when a result is needed.

    ``received``: which blocks (rows, columns) arrived at all; None for all of them.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        layout: Layout,
        networks: NumpyModel,
        plane: Array,
        blurs: tuple[float, ...],
        received: NDArray[np.bool_] | None = None,
    ) -> None:
        self.shape, self.layout = shape, layout
        self._networks, self._blurs = networks, blurs
        self._plane = plane
        self._llr_at: dict[float, Array] = {}  # by blur
        self._received = received

    @cached_property
    def _band(self) -> Array:
        """(band, rows, columns)"""
        return self._networks.analyse(np.ascontiguousarray(self._plane))

    @cached_property
    def _header_signs(self) -> Array:
        """(header slots,) -1 or 1, which undoes the whitening; 0 where nothing was received."""
        return self._signs(header_whitening(self.layout), self.layout.header_slots)

    def _signs(self, flipped: NDArray[np.bool_], slots: NDArray[np.int64]) -> Array:
        """-1 where ``slots`` were flipped, 1 where not, 0 where they were not received: (slots,)."""
        signs = 1 - 2 * flipped.astype(np.float32)
        if self._received is None:
            return signs
        return signs * self._received.reshape(-1)[slots // len(self._networks.carried)]

    @cached_property
    def _evidence(self) -> dict[float, Array]:
        """For each blur, the evidence of the header's slots before any network is applied: (header slots,).

        The reverse pass treats each block separately, so only the header's blocks are computed.
        """
        networks, slots = self._networks, self.layout.header_slots
        if networks.config.network == "plain":  # without a lattice the cover is stronger than the payload
            return {blur: np.tanh(self._llr(blur)[slots] / 2) * self._header_signs for blur in self._blurs}
        block, f = np.divmod(slots, len(networks.carried))
        u, v = np.array(networks.config.band).T  # (band,) each
        blocks = blockdct.some(self._plane, networks.config.block, block)  # (header slots, size, size)
        band = blocks[:, u, v].T[:, None]  # (band, 1, header slots): one column per block
        angles = {blur: networks.read(band / networks.gain(blur)) for blur in self._blurs}
        return {blur: np.sin(angle[f, 0, np.arange(len(f))]) * self._header_signs for blur, angle in angles.items()}

    @property
    def detection_score(self) -> float:
        """See the interface. If the header is faint, the networks, which cost more, are used as well.

        In pictures whose detail masks the lattice, the header can hardly be found without them.
        """
        bit = self.layout.header_bit
        scores = {blur: header_evidence.detection_score(bit, evidence) for blur, evidence in self._evidence.items()}
        blur = max(scores, key=lambda b: scores[b])
        if not _DOUBTFUL[0] < scores[blur] < _DOUBTFUL[1]:
            return scores[blur]
        return max(scores[blur], header_evidence.detection_score(bit, self._network_evidence(blur)))

    def _network_evidence(self, blur: float) -> Array:
        """The networks' evidence for the header's slots: (header slots,); in large pictures only in the middle.

        The others are 0.
        """
        layout, networks = self.layout, self._networks
        if layout.rows * layout.columns <= _EXCERPT**2:
            return np.tanh(self._llr(blur)[layout.header_slots] / 2) * self._header_signs
        high, wide = min(_EXCERPT, layout.rows), min(_EXCERPT, layout.columns)
        top, left, size = (layout.rows - high) // 2, (layout.columns - wide) // 2, networks.config.block
        middle = self._plane[top * size : (top + high) * size, left * size : (left + wide) * size]
        llr = networks.llr(networks.analyse(np.ascontiguousarray(middle)) / networks.gain(blur))
        block, f = np.divmod(layout.header_slots, len(networks.carried))
        row, column = np.divmod(block, layout.columns)
        row, column = row - top, column - left
        inside = (row >= 0) & (row < high) & (column >= 0) & (column < wide)
        evidence = np.zeros(len(block), np.float32)
        evidence[inside] = np.tanh(llr[f[inside], row[inside], column[inside]] / 2)
        return evidence * self._header_signs

    @property
    def header_llr(self) -> Array:
        """See the interface."""
        sums = {blur: header_evidence.combine_repeats(self.layout.header_bit, e) for blur, e in self._evidence.items()}
        blur = max(sums, key=lambda b: float(sums[b] @ sums[b]))
        llr = self._llr(blur)[self.layout.header_slots] * self._header_signs  # (header slots,)
        return header_evidence.combine_repeats(self.layout.header_bit, llr)

    def body_llr(self, header: NDArray[np.uint8]) -> Array:
        """See the interface."""
        layout, count = self.layout, len(self._networks.carried)
        if not layout.slots:
            return np.zeros(0, np.float32)
        sign = header[layout.header_bit].astype(np.float32) * 2 - 1
        blur = max(self._blurs, key=lambda b: float(sign @ self._evidence[b]))
        llr = self._llr(blur) * self._signs(whitening(layout, header), np.arange(layout.slots))  # (slots,)
        agreement = sign * llr[layout.header_slots]  # (header slots,)
        block, frequency = np.divmod(layout.header_slots, count)
        activity = texture.activity(_by_block(self._band[self._networks.carried]), self._received).reshape(-1)
        carries = activity >= texture.carrying_threshold(agreement, activity[block])  # (blocks,)
        usable = carries[block]
        cost = np.logaddexp(0, -_SCALES[:, None] * agreement[usable])  # (scales, pilots)
        own = np.stack([np.bincount(frequency[usable], row, minlength=count) for row in cost])  # (scales, frequencies)
        scale = _SCALES[np.argmin(own + _PRIOR * cost.mean(axis=1, keepdims=True), axis=0)]  # (frequencies,)
        by_block = llr.reshape(-1, count) * scale * carries[:, None]  # (blocks, frequencies)
        return by_block.reshape(-1)[layout.body_slots]  # (body slots,)

    def _llr(self, blur: float) -> Array:
        """The networks' ratio for what every slot carries at a blur, whitened as it is: (slots,)."""
        if not self.layout.slots:  # a picture smaller than a block has nothing for the networks to look at
            return np.zeros(0, np.float32)
        if blur not in self._llr_at:  # cached: header and body mostly have the same blur, and this takes the most time
            self._llr_at[blur] = _slots(self._networks.llr(self._band / self._networks.gain(blur)))
        return self._llr_at[blur]


def _maps(layout: Layout, values: Array) -> Array:
    """(slots,) -> (frequencies, rows, columns)."""
    shaped = values.reshape(layout.rows, layout.columns, -1).transpose(2, 0, 1)  # (frequencies, rows, columns)
    return np.ascontiguousarray(shaped, dtype=np.float32)


def _slots(maps: Array) -> Array:
    """(frequencies, rows, columns) -> (slots,)."""
    return _by_block(maps).reshape(-1)  # (slots,)


def _by_block(maps: Array) -> Array:
    """(frequencies, rows, columns) -> (rows, columns, frequencies)."""
    return maps.transpose(1, 2, 0)
