"""Kerckhoffs' principle: who knows all but the key cannot tell a stego picture from a cover by running the receiver."""

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from stegolab.carriers import carrier_for
from stegolab.data import sample_covers
from stegolab.header import HEADER_CODE_BITS
from stegolab.images import RGB
from stegolab.keystream import Keystream

PICTURES, SIDE = 200, 128


def crops() -> Iterator[RGB]:
    """Parts of the sample covers, busy and calm."""
    rng = np.random.default_rng(0)
    covers = list(sample_covers().values())
    for number in range(PICTURES):
        cover = covers[number % len(covers)]
        top, left = (int(rng.integers(0, size - SIDE)) for size in cover.shape[:2])
        yield np.ascontiguousarray(cover[top : top + SIDE, left : left + SIDE])


def area_under_the_roc(covers: list[float], stegos: list[float]) -> float:
    return float(mannwhitneyu(stegos, covers).statistic / len(covers) / len(stegos))


@pytest.mark.parametrize(
    ("strength", "carrier"),
    [("file", "lattice"), ("jpeg", "textured:loud"), ("social", "textured:loud"), ("jpeg", "inn"), ("social", "inn")],
)
def test_with_another_key_a_stego_picture_scores_as_a_cover_does(strength: str, carrier: str) -> None:
    """Each picture has a key of its own: chance would have the same effect on all that share one."""
    rng, plain = np.random.default_rng(1), carrier_for(strength, carrier)
    scores: dict[str, tuple[list[float], list[float]]] = {}
    for cover in crops():
        mine, others = (Keystream.keyed(rng.bytes(32)) for _ in range(2))
        sender = plain.keyed(mine)
        slots = sender.body_slots(cover.shape)
        header, body = (rng.integers(0, 2, count, np.uint8) for count in (HEADER_CODE_BITS, slots))
        stego = sender.embed(cover, header, body, np.ones(slots, bool))
        for name, keystream in {"mine": mine, "others": others}.items():
            receiver = sender.keyed(keystream)
            before, after = scores.setdefault(name, ([], []))
            before.append(receiver.read(cover, cover.shape).detection_score)
            after.append(receiver.read(stego, cover.shape).detection_score)
    found = {name: area_under_the_roc(*pair) for name, pair in scores.items()}
    assert found["mine"] > 0.9
    assert found["others"] == pytest.approx(0.5, abs=0.06)
