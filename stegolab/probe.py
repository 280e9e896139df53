"""The rehearsal: the sender *probes* the channel with known bits, and what it learns on this cover is the *rehearsal*.

Two words, because they name two things: probing is the measurement, by symbols that both sides know, and the rehearsal
is its result, on which every promise of the sender rests (notebook 04).

Random bits are embedded, every declared attack is run for real, and what the receiver then knows is measured in bits,
as the mutual information of its log-likelihood ratios. A good code with a slightly lower rate can be decoded.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from . import progress
from .carrier import opacity
from .carrier.interface import Carrier
from .channel import spec
from .header import HEADER_CODE_BITS
from .keystream import public_bits

_THREADS = 2
_MANY = 60_000  # with this many slots, one embedding represents all
_HEADER_NEEDS = 107.0  # bits; of 900 trials with 64 bits of header none failed above 90
_SPREADS = 2.0  # standard deviations of the detection score by which it must be above what is detected


@dataclass(frozen=True)
class Trial:
    """The result of one attack: mutual information in bits per slot, and the share of wrong hard decisions.

    ``header``: total information about the header's code word, in bits; ``detection_score``: how clearly a header is
    present, see :class:`stegolab.carrier.interface.Reading`.
    """

    attack: str
    information: float
    bit_error_rate: float
    header: float
    detection_score: float


@dataclass(frozen=True)
class Rehearsal:
    """All trials on one cover with ``slots`` body slots. No slots: the cover is too small even for the header.

    ``lost_share``: the share of the carrying part that may be lost in addition to any attack. ``carrying``: the share
    of the slots that can carry. ``detectable``: the detection score that finds the header for certain.
    """

    slots: int
    trials: tuple[Trial, ...]
    lost_share: float = 0.0
    carrying: float = 1.0
    detectable: float = 6.0

    @property
    def worst(self) -> Trial:
        """The attack that leaves the least information."""
        return min(self.trials, key=lambda t: t.information)

    @property
    def worst_bit_error_rate(self) -> float:
        """The highest share of wrong hard decisions; 1/2, pure chance, if nothing was tried."""
        return max((t.bit_error_rate for t in self.trials), default=0.5)

    @property
    def finds_header(self) -> bool:
        """Whether the header, which is needed to read anything, is found and readable after every declared attack."""
        return all(trial.header > _HEADER_NEEDS and trial.detection_score > self.detectable for trial in self.trials)

    @property
    def safe_rate(self) -> float:
        """The highest code rate that is expected to survive every declared attack.

        On training images LDPC blocks were decoded without fail at 0.84 of the information for 10,000 slots and more,
        at 0.78 for 3,000; the information itself moves by 0.01 from one embedding to the next, and by more where only
        some slots carry, since others are then near the threshold.
        """
        usable = self.slots * self.carrying
        if usable < 1:
            return 0.0
        information = self.worst.information - 0.01 * self.carrying
        part = 0.85 if self.carrying == 1 else 0.82
        return max(0.0, (1 - self.lost_share) * (part - 4 / np.sqrt(usable)) * information)


def rehearse(
    carrier: Carrier, rgb: NDArray[np.uint8], share: float = 1.0, alpha: NDArray[np.uint8] | None = None
) -> Rehearsal:
    """Embed random bits in the busiest ``share`` of ``rgb`` (H, W, 3) and measure each of the strength's attacks.

    If ``alpha`` (H, W) is transparent anywhere, each attack is tried on every one of :func:`.opacity.views`.

    The fewer slots there are, the more one embedding differs from the next (by a fifth on 512 x 512 for WebP, which
    chooses its filters by the picture). So several are tried then, and the worst result of each attack counts.
    """
    slots = carrier.body_slots(rgb.shape)
    if not slots:
        return Rehearsal(0, ())
    tries = range(1 if slots > _MANY else 3)
    rounds = [sent for number in tries for sent in _embedded(carrier, rgb, alpha, slots, number, share)]
    views = len(rounds) // len(tries)
    attempts = list(product(carrier.strength.attacks, rounds))
    found = run_all(lambda pair: _attempt(carrier, *pair), attempts, "trying attacks on this cover")
    each = [found[i : i + len(rounds)] for i in range(0, len(found), len(rounds))]
    worst = [_worst_of([min(trials[v::views], key=lambda t: t.information) for v in range(views)]) for trials in each]
    density = carrier.carrying(rgb)  # (rows, columns)
    carries = share * opacity.opaque_share(alpha, carrier.strength.block)
    cropped = _most_within(density, carrier.strength.cropped_share)
    lost_share = min(1.0, cropped / max(carries, 1e-9))  # a crop may take only what carries
    detectable = carrier.detected + _SPREADS * carrier.detection_spread
    return Rehearsal(slots, tuple(worst), lost_share, float(density.mean()), detectable)


def _most_within(density: NDArray[np.float32], cropped: float) -> float:
    """The largest share of what carries (rows, columns) in a strip along one side, of this share of the picture."""
    if density.min() == density.max():
        return cropped
    total = float(density.sum(dtype=np.float64))
    sides = density.sum(axis=1), density.sum(axis=1)[::-1], density.sum(axis=0), density.sum(axis=0)[::-1]
    along = (np.concatenate([[0.0], np.cumsum(side, dtype=np.float64)]) for side in sides)
    return max(float(np.interp(cropped * (len(sums) - 1), np.arange(len(sums)), sums)) for sums in along) / total


def _worst_of(views: list[Trial]) -> Trial:
    """What an attack leaves in any view: in one the body may fare worst, in another the header."""
    return Trial(
        views[0].attack,
        information=min(t.information for t in views),
        bit_error_rate=max(t.bit_error_rate for t in views),
        header=min(t.header for t in views),
        detection_score=min(t.detection_score for t in views),
    )


@dataclass(frozen=True)
class _Embedded:
    stego: NDArray[np.uint8]
    header: NDArray[np.uint8]
    body: NDArray[np.uint8]


def _embedded(
    carrier: Carrier, rgb: NDArray[np.uint8], alpha: NDArray[np.uint8] | None, slots: int, number: int, share: float
) -> list[_Embedded]:
    """One embedding, in each view."""
    header = public_bits(f"rehearsal header {number}", HEADER_CODE_BITS)
    body = public_bits(f"rehearsal body {number}", slots)
    stego = opacity.embed(carrier, rgb, alpha, header, body, np.ones(slots, bool), share)
    return [_Embedded(seen, header, body) for _, seen in opacity.views(stego, alpha, carrier.strength)]


def _attempt(carrier: Carrier, attack: str, sent: _Embedded) -> Trial:
    reading = carrier.read(spec.parse(attack)(sent.stego), sent.stego.shape[:2])
    body, header = (bits.astype(np.float32) * 2 - 1 for bits in (sent.body, sent.header))
    agreement = body * reading.body_llr(sent.header)
    about_header = HEADER_CODE_BITS * uncalibrated_information(header * reading.header_llr)
    return Trial(attack, information(agreement), float((agreement < 0).mean()), about_header, reading.detection_score)


def information(agreement: NDArray[np.float32]) -> float:
    """Information in bits per slot, from each LLR times its true sign; 0 for useless or misleading LLRs."""
    return max(0.0, 1 - float(np.logaddexp(0, -agreement).mean()) / np.log(2))


def uncalibrated_information(agreement: NDArray[np.float32]) -> float:
    """:func:`information` of LLRs with an unknown common factor, for the best value of that factor."""
    unit = agreement / max(float(np.abs(agreement).mean()), 1e-9)
    return max(information(np.float32(factor) * unit) for factor in (0.25, 0.5, 1, 2, 4, 8))


def run_all(function, items, text):  # type: ignore[no-untyped-def]  # a typed map over threads says nothing more
    """``map`` over a few threads, in order: Pillow and NumPy release the interpreter while they work.

    ``text`` says what is being done, for a person who waits.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(progress.steps(pool.map(function, items), len(items), text))
