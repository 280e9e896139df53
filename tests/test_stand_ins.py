"""benchmarks/stand_ins.py: what stands for a pipeline is as hard on every cover, and a further attack has its price."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
TRIED = ("mild", "hard")
#: bits a slot on two covers
KNOWN = {
    "mild": [0.8, 0.9],
    "hard": [0.4, 0.6],
    "like mild": [0.7, 0.8],
    "like hard": [0.35, 0.52],
    "too much on one": [0.3, 0.6],
    "further": [0.3, 0.6],
}


@pytest.fixture
def summed(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import stand_ins

    monkeypatch.setattr(stand_ins, "CANDIDATES", ("further",))
    yield stand_ins.summary(KNOWN, TRIED, {"program": ["like mild", "like hard", "too much on one"]})
    for name in ("stand_ins", "studies"):
        sys.modules.pop(name, None)


def test_the_mildest_that_is_hard_enough_on_every_cover_stands_for_it(summed):
    rows = {row["attack"]: row for row in summed["families"][0]["attacks"]}
    assert {name: row["stand_in"] for name, row in rows.items()} == {
        "like mild": "mild",
        "like hard": "hard",
        "too much on one": None,
    }
    assert {name: row["covered"] for name, row in rows.items()} == {
        "like mild": 2,
        "like hard": 2,
        "too much on one": 1,
    }
    assert rows["too much on one"]["least_ratio"] == pytest.approx(0.75)


def test_what_is_tried_counts_where_it_is_worst_and_what_it_stands_for(summed):
    counts = {row["attack"]: (row["worst_on"], row["stands_for"]) for row in summed["tried"]}
    assert counts == {"mild": (0, 1), "hard": (2, 1)}


def test_a_further_attack_covers_more_and_costs_payload(summed):
    (row,) = summed["candidates"]
    assert row["payload"] == pytest.approx((0.75 + 1) / 2)
    assert row["covers_more"] == ["too much on one"]
