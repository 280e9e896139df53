"""The published figures of a study: they count as the table does, and are empty where nothing was measured."""

import json
from dataclasses import replace
from typing import Any

import pytest

from stegolab.study import CORRUPT, EXACT, Trial, figures, wilson
from stegolab.study.summary import summary

BASE = Trial(
    *("chelsea", 262_144, "anna", "codec2:1300", True, "lattice", "social", "jpeg", "jpeg:50", True, True, EXACT),
    payload_bits=4000, bits_per_pixel=0.015, psnr_db=40.0, raw_ber=0.04, margin=2.0,
    pesq_codec=4.6, si_sdr_codec=float("inf"),
)  # fmt: skip
LOST: dict[str, Any] = {"exact": False, "outcome": "Uncorrectable", "margin": float("nan"), "pesq_codec": float("nan")}
ROWS = [
    BASE,
    replace(BASE, cover="coffee", psnr_db=42.0, margin=1.0),
    replace(BASE, attack="jpeg:75", raw_ber=0.02),
    replace(BASE, attack="jpeg:30", declared=False, raw_ber=0.3, **LOST),
    replace(BASE, family="crop, shift and scale", attack="crop:0.1,jpeg:75", raw_ber=float("nan"), **LOST),
]


def test_families_within_the_declared_range_against_what_is_owed():
    (social,) = figures(ROWS)["strengths"]
    jpeg, moved = social["families"]
    assert (jpeg["trials"], jpeg["exact"], jpeg["attacks"], jpeg["target"]) == (3, 3, 2, 0.95)
    assert (moved["rate"], moved["target"]) == (0.0, 0.9)
    assert jpeg["interval"] == list(wilson(3, 3))
    assert (social["declared_trials"], social["declared_exact"], social["declared_rate"]) == (4, 3, 0.75)
    assert (social["covers"], social["clips"]) == (2, 1)


def test_every_trial_is_counted_once():
    found = figures(ROWS)
    assert (found["trials"], found["exact"], found["silent_corruptions"]) == (5, 3, 0)
    assert sum(attack["trials"] for attack in found["attacks"]) == 5
    assert found["outcomes"] == {EXACT: 3, "Uncorrectable": 2}
    assert [attack["declared"] for attack in found["attacks"]] == [True, True, False, True]


def test_what_was_paid_is_the_mean_over_stego_pictures_and_margins_are_of_what_came_back():
    (social,) = figures(ROWS)["strengths"]
    assert social["psnr_db"] == 41.0  # two pictures, whatever the number of attacks
    assert (social["margin"], social["margin_worst"]) == (pytest.approx(5 / 3), 1.0)
    assert social["speech"]["pesq_codec"] == pytest.approx(4.6)


def test_what_was_not_measured_is_none_and_json_holds_it():
    found = figures(ROWS)
    (social,) = found["strengths"]
    assert social["speech"]["si_sdr_codec"] is None  # infinite, of every one
    assert found["attacks"][2]["margin"] is None and found["attacks"][3]["raw_ber"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_silent_corruption_is_told():
    found = figures([*ROWS, replace(BASE, exact=False, outcome=CORRUPT)])
    assert found["silent_corruptions"] == 1 and found["silent_corruptions_interval"][0] > 0
    assert "silent corruptions: 1" in summary([*ROWS, replace(BASE, exact=False, outcome=CORRUPT)])


def test_an_attack_of_ones_own_owes_nothing_and_no_rows_say_nothing():
    own = replace(BASE, family="flip", attack="flip")
    assert figures([own])["strengths"][0]["families"][0]["target"] is None
    nothing = figures([])
    assert (nothing["trials"], nothing["rate"], nothing["strengths"]) == (0, None, [])
