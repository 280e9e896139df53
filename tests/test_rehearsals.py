"""What is remembered of a rehearsal is the rehearsal, and of nothing else."""

from typing import Any

import numpy as np
import pytest

from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.learned import learned_carrier
from stegolab.carrier.strengths import FILE, JPEG
from stegolab.images import from_array
from stegolab.probe import rehearse
from stegolab.sender import Sender
from tests import rehearsals
from tests.covers import photographs

COVER = photographs()["camera"][:128, :160]


def test_it_equals_what_it_stands_for_and_is_done_once(monkeypatch, rehearsed_once):
    monkeypatch.setattr(rehearsals, "_found", {})
    first = Sender.on(from_array(COVER), LatticeCarrier(FILE)).rehearsal
    assert first == rehearse(LatticeCarrier(FILE), COVER)
    monkeypatch.setattr(rehearsals, "rehearse", lambda *_: pytest.fail("it was done again"))
    assert Sender.on(from_array(COVER.copy()), LatticeCarrier(FILE)).rehearsal is first


def test_another_carrier_cover_share_or_transparency_is_another_rehearsal(monkeypatch):
    asked = []
    monkeypatch.setattr(rehearsals, "_found", {})
    monkeypatch.setattr(rehearsals, "rehearse", lambda *what: asked.append(what))
    lattice, alpha = LatticeCarrier(JPEG), np.full(COVER.shape[:2], 255, np.uint8)
    every: list[tuple[Any, ...]] = [(lattice, COVER), (LatticeCarrier(FILE), COVER), (learned_carrier(JPEG), COVER)]
    every += [(learned_carrier(JPEG, 2), COVER), (lattice, COVER ^ 1), (lattice, COVER[::-1])]
    every += [(lattice, COVER.reshape(160, 128, 3)), (lattice, COVER, 0.5), (lattice, COVER, 0.5, alpha)]
    for what in every * 2:
        rehearsals.remembered(*what)
    assert len(asked) == len(every)
