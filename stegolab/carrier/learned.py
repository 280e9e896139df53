"""The learned carrier behind the interface that the lattice answers too: networks, layout and pilots together.

The sender runs the invertible network forward; the receiver undoes the blur that the pilots tell of, restores, runs the
network in reverse and asks the head how sure each bit is; a last correction for each frequency is fitted to the pilots.
With ``refine`` the sender first listens to itself (``refine.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import BadSpec, NotTrained
from ..images import luma
from ..keystream import public_bits
from . import inn, pilots, template
from .geometry import resized
from .layout import HEADER_CODE_BITS, Layout
from .model import BLURS, CarrierModel, load
from .refine import Refinement
from .registration import Aligned
from .settle import settle
from .strengths import Strength, weights_of

_TILE = 32
_SCALES = np.geomspace(0.2, 3, 33).astype(np.float32)
_PRIOR = 100  # pilots


@lru_cache
def learned_carrier(strength: Strength, refine: int = 0, network: str = "invertible") -> LearnedCarrier:
    """The carrier with the weights that ship, refining what it embeds in so many steps.

    ``network`` plain is the ablation (``carrier_plain_*.safetensors``); no receiver looks for it unless it is told to.

    Raises:
        NotTrained: none ship for this strength. BadSpec: fewer than no steps.
    """
    if refine < 0:
        raise BadSpec(f"refine must be 0 or more steps, not {refine}")
    path = weights_of(strength)
    path = path if network == "invertible" else path.with_name(path.name.replace("carrier", f"carrier_{network}"))
    if not path.exists():
        raise NotTrained(f"the {network} network is not trained for strength {strength.name}: use the carrier lattice")
    return LearnedCarrier(strength, load(path), refine)


@dataclass(frozen=True)
class LearnedCarrier:
    """See :class:`stegolab.carrier.interface.Carrier`."""

    strength: Strength
    model: CarrierModel
    refine: int = 0  # steps

    @property
    def name(self) -> str:
        """``inn``, or ``plain`` for the network without a lattice."""
        return "inn" if self.model.config.network == "invertible" else "plain"

    @cached_property
    def lattice(self) -> Strength:
        """The strength, but with the frequencies and steps that were learned: what the layout is made of."""
        config = self.model.config
        steps = tuple(self.model.network.step.flatten().tolist())
        return replace(self.strength, block=config.block, frequencies=config.frequencies, steps=steps)

    def layout(self, shape: tuple[int, ...]) -> Layout:
        """Where the slots of a picture of this shape are."""
        return Layout.of(self.lattice, shape)

    def body_slots(self, shape: tuple[int, ...]) -> int:
        """See the interface."""
        layout = self.layout(shape)
        return len(layout.body_slots) if len(layout.header_slots) >= HEADER_CODE_BITS // 2 else 0

    @torch.no_grad()
    def embed(
        self, rgb: NDArray[np.uint8], header: NDArray[np.uint8], body: NDArray[np.uint8], used: NDArray[np.bool_]
    ) -> NDArray[np.uint8]:
        """The network's forward pass; ``settle`` tells what happens where blacks or whites clip."""
        layout = self.layout(rgb.shape)
        bits, carries = np.zeros(layout.slots, np.float32), np.zeros(layout.slots, np.float32)
        bits[layout.header_slots], carries[layout.header_slots] = header[layout.header_bit], 1
        bits[layout.body_slots], carries[layout.body_slots] = body, used
        bits = np.where(whitening(layout), 1 - bits, bits)
        network, model = self.model.network, self.model
        cover, said = torch.from_numpy(luma(rgb))[None], _slots(layout, bits)
        band, mask = model.analyse(cover), _slots(layout, carries)
        destination = network.destination(band[:, model.carried], inn.points(said), band[:, model.passive])
        pinned = [layout.strength.frequencies.index(f) for f in template.FREQUENCIES if self.strength.rescaled]

        def nearer(plane: NDArray[np.float32], round_: int) -> tuple[NDArray[np.float32], float]:
            x = model.analyse(torch.from_numpy(plane)[None])[:, model.carried]
            move = (destination(x) - x) * mask
            if round_ == 0 and self.refine:
                move = Refinement(self.refine)(model, cover, move, said, mask, self.strength.attacks)
            if pinned:  # the template is plain dither modulation, whatever the network does
                move[0, pinned] += torch.from_numpy(template.moves(x[0, pinned].numpy()))
            moved = float((move.abs() / network.step).mean() / mask.mean())
            return model.synthesise(move, rgb.shape[:2])[0].numpy(), moved

        return settle(rgb, nearer)

    def read(self, rgb: NDArray[np.uint8], shape: tuple[int, ...]) -> LearnedReading:
        """See the interface."""
        return self._reading(resized(luma(rgb), shape), shape, None)

    def read_aligned(self, aligned: Aligned) -> LearnedReading:
        """See the interface."""
        return self._reading(aligned.plane, aligned.shape, aligned.seen)

    def _reading(
        self, plane: NDArray[np.float32], shape: tuple[int, ...], seen: NDArray[np.bool_] | None
    ) -> LearnedReading:
        blurs = BLURS if self.strength.rescaled else (0.0,)
        return LearnedReading((shape[0], shape[1]), self.layout(shape), self.model, plane, blurs, seen)


class LearnedReading:
    """A received luma plane as the networks see it. The networks run when they are asked, not before."""

    @torch.inference_mode()
    def __init__(
        self,
        shape: tuple[int, int],
        layout: Layout,
        model: CarrierModel,
        plane: NDArray[np.float32],
        blurs: tuple[float, ...],
        seen: NDArray[np.bool_] | None = None,
    ) -> None:
        self.shape, self.layout = shape, layout
        self._model, self._blurs = model, blurs
        self._band = model.analyse(torch.tensor(plane)[None])
        self._white = 1 - 2 * whitening(layout).astype(np.float32)
        self._heard: dict[float, NDArray[np.float32]] = {}
        if seen is not None:  # what was lost says nothing
            self._white *= np.repeat(seen.reshape(-1), len(model.carried))

    @cached_property
    def _evidence(self) -> dict[float, NDArray[np.float32]]:
        """For each blur, what the header's slots say before any network has weighed it."""
        return {blur: self._plain(blur)[self.layout.header_slots] for blur in self._blurs}

    @property
    def presence(self) -> float:
        """See the interface."""
        return max(pilots.presence(self.layout, evidence) for evidence in self._evidence.values())

    @property
    def header_llr(self) -> NDArray[np.float32]:
        """See the interface."""
        sums = {blur: pilots.together(self.layout, e) for blur, e in self._evidence.items()}
        blur = max(sums, key=lambda b: float(sums[b] @ sums[b]))
        return pilots.together(self.layout, self._llr(blur)[self.layout.header_slots])

    def body_llr(self, header: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See the interface."""
        sign = header[self.layout.header_bit].astype(np.float32) * 2 - 1
        blur = max(self._blurs, key=lambda b: float(sign @ self._evidence[b]))
        llr = self._llr(blur)
        count = len(self._model.carried)
        frequency = self.layout.header_slots % count
        agreement = sign * llr[self.layout.header_slots]
        cost = np.logaddexp(0, -_SCALES[:, None] * agreement)  # (scales, pilots)
        own = np.stack([np.bincount(frequency, row, minlength=count) for row in cost])
        chosen = _SCALES[np.argmin(own + _PRIOR * cost.mean(axis=1, keepdims=True), axis=0)]
        return llr[self.layout.body_slots] * chosen[self.layout.body_slots % count]

    @torch.inference_mode()
    def _plain(self, blur: float) -> NDArray[np.float32]:
        model = self._model
        if model.config.network == "plain":  # without a lattice the cover is louder than the payload: ask the networks
            return np.tanh(self._llr(blur) / 2)
        band = self._band / model.gain(torch.tensor([blur]))
        payload = model.network.read(band[:, model.carried], band[:, model.passive])
        return _flat(inn.angle(payload).sin()) * self._white

    @torch.inference_mode()
    def _llr(self, blur: float) -> NDArray[np.float32]:
        if blur not in self._heard:  # header and body mostly agree about it, and this is what takes time
            model = self._model
            llr = model.reception(self._band / model.gain(torch.tensor([blur])), model.network)
            self._heard[blur] = _flat(llr) * self._white
        return self._heard[blur]


def whitening(layout: Layout) -> NDArray[np.bool_]:
    """Which slots carry the opposite of their bit: so what the cover itself says averages out over a header bit."""
    count = len(layout.strength.frequencies)
    tile = public_bits("slots", _TILE * _TILE * count).astype(bool).reshape(_TILE, _TILE, count)
    rows, columns = np.arange(layout.rows) % _TILE, np.arange(layout.columns) % _TILE
    return tile[rows[:, None], columns].reshape(-1)


def _slots(layout: Layout, values: NDArray[np.float32]) -> torch.Tensor:
    """(slots,) -> (1, frequencies, rows, columns)."""
    shaped = values.reshape(layout.rows, layout.columns, -1).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(shaped, dtype=np.float32))[None]


def _flat(maps: torch.Tensor) -> NDArray[np.float32]:
    """(1, frequencies, rows, columns) -> (slots,)."""
    return maps[0].permute(1, 2, 0).reshape(-1).numpy()
