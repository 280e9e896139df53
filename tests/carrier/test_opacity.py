"""Nothing changes in transparent places, and everything else is as in an opaque picture."""

import numpy as np
import pytest

from stegolab.carrier import opacity
from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.learned import learned_carrier
from stegolab.carrier.strengths import JPEG, STRENGTHS
from stegolab.channel.uploading import flattened
from stegolab.probe import rehearse
from tests import covers
from tests.covers import random_bits

COVER = covers.photographs()["astronaut"]
CARRIERS = [*map(LatticeCarrier, STRENGTHS.values()), *(learned_carrier(STRENGTHS[s]) for s in ("jpeg", "social"))]


def alpha(*, columns=slice(0, 0), value=0):
    found = np.full(COVER.shape[:2], 255, np.uint8)
    found[:, columns] = value
    return found


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda c: f"{c.strength.name} {c.name}")
def test_only_opaque_blocks_change(carrier):
    block = carrier.strength.block
    through = alpha(columns=slice(100, 150))
    stego = opacity.embed(carrier, COVER, through, *random_bits(carrier, COVER))
    changed = np.flatnonzero((stego != COVER).any(axis=(0, 2)))
    kept = set(range(100 // block * block, -(-150 // block) * block))
    assert kept.isdisjoint(changed)
    assert len(changed) == COVER.shape[1] - len(kept)


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda c: f"{c.strength.name} {c.name}")
@pytest.mark.parametrize("through", [None, alpha()], ids=["no alpha", "255 everywhere"])
def test_an_opaque_cover_is_embedded_in_as_ever(carrier, through):
    bits = random_bits(carrier, COVER)
    assert np.array_equal(opacity.embed(carrier, COVER, through, *bits), carrier.embed(COVER, *bits))
    assert [(name, view is COVER) for name, view in opacity.views(COVER, through, carrier.strength)] == [("", True)]


def test_what_a_program_exported_as_almost_opaque_is_opaque():
    assert opacity.opaque_share(alpha(columns=slice(0, 256), value=254), 8) == 1
    assert opacity.opaque_share(alpha(columns=slice(0, 256), value=240), 8) == 0


def test_the_share_counts_whole_blocks():
    assert opacity.opaque_share(alpha(columns=slice(0, 64)), 8) == 0.75
    assert opacity.opaque_share(alpha(columns=slice(0, 65)), 8) == 0.75 - 1 / 32
    assert opacity.opaque_share(None, 8) == 1
    assert opacity.opaque_share(np.pad(alpha(), ((0, 3), (0, 5))), 8) == 1  # no block is there


def test_there_is_a_view_for_each_background_and_one_without_transparency():
    through = alpha(columns=slice(0, 64))
    views = dict(opacity.views(COVER, through, JPEG))
    assert list(views) == ["white", "black", opacity.DROPPED]
    for name in ("white", "black"):
        assert np.array_equal(views[name], flattened(COVER, through, name))
    assert views[opacity.DROPPED] is COVER
    assert list(dict(opacity.views(COVER, through, STRENGTHS["social"]))) == ["white", "black"]


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_what_is_promised_is_no_more_than_the_opaque_part_has(share):
    carrier = LatticeCarrier(JPEG)
    whole = rehearse(carrier, COVER)
    part = rehearse(carrier, COVER, alpha=alpha(columns=slice(round(share * 256), 256)))
    assert tuple(trial.attack for trial in part.trials) == JPEG.attacks
    assert 0 < part.worst.information < 1.25 * share * whole.worst.information  # its part is not like all of it


def test_what_may_be_cut_away_may_all_be_of_the_opaque_part():
    carrier = LatticeCarrier(STRENGTHS["social"])
    half = alpha(columns=slice(128, 256))
    assert rehearse(carrier, COVER, alpha=half).lost_share == pytest.approx(2 * rehearse(carrier, COVER).lost_share)


def test_of_each_attack_the_worst_in_any_view_counts(monkeypatch):
    """The view in which the body fares worst need not be the one in which the header does."""
    carrier, half = LatticeCarrier(JPEG), alpha(columns=slice(128, 256))
    alone, views = [], opacity.views
    for name in ("white", "black", opacity.DROPPED):
        monkeypatch.setattr(opacity, "views", lambda *what, name=name: [(name, dict(views(*what))[name])])
        alone.append(rehearse(carrier, COVER, alpha=half).trials)
    monkeypatch.undo()
    for number, trial in enumerate(rehearse(carrier, COVER, alpha=half).trials):
        for field, worst in {"information": min, "header": min, "detection_score": min, "bit_error_rate": max}.items():
            assert getattr(trial, field) == worst(getattr(trials[number], field) for trials in alone)
