"""The attacks of the study cover the requirements, and say correctly what is promised."""

import numpy as np
import pytest
from skimage import data

from stegolab.carrier.strengths import STRENGTHS
from stegolab.channel import spec
from stegolab.channel.platforms import PLATFORMS
from stegolab.errors import BadSpec
from stegolab.study import ATTACKS, SWEEPS, attacks_of, declared, family

SMALL = data.coffee()[:48, :64]
STEPS = [step for sweep in SWEEPS for attack in sweep.attacks for step in spec.parse(attack).attacks]


def values(name):
    return {step.arguments[0] for step in STEPS if step.name == name and step.arguments}


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.family)
def test_every_attack_of_a_sweep_runs_and_is_there_once(sweep):
    assert len(sweep.attacks) == len({*sweep.within, *sweep.beyond}) > 0
    for attack in sweep.attacks:
        assert spec.parse(attack)(SMALL).dtype == np.uint8
        assert declared(attack, "social") == (attack in sweep.within) or attack in STRENGTHS["social"].attacks
    assert any(family(attack) == sweep.family for attack in sweep.attacks)


def test_all_that_can_be_done_to_a_picture_is_tried():
    assert {step.name for step in STEPS} == set(spec.ATTACKS)
    assert {f"platform:{name}" for name in PLATFORMS} <= set(attacks_of("declared", "social"))
    assert min(values("jpeg")) == 30 and max(values("jpeg")) == 95
    assert min(values("resize")) == 0.4 and max(values("resize")) == 2
    assert min(values("crop")) == 0.01 and max(values("crop")) == 0.25
    rows = {len(spec.parse(a).attacks) for s in SWEEPS if s.family == "jpegs in a row" for a in s.attacks}
    assert rows == {1, 2, 3, 4, 5, 6}
    kernels = {step.arguments[1] for step in STEPS if step.name == "resize" and len(step.arguments) > 1}
    assert len(kernels) >= 5


@pytest.mark.parametrize(
    ("attack", "social", "jpeg", "file"),
    [
        ("none", True, True, True),
        ("jpeg:50", True, True, False),
        ("jpeg:50:444", True, True, False),
        ("jpeg:40", False, False, False),
        ("resize:0.5:lanczos,jpeg:75", True, False, False),
        ("resize:0.4,jpeg:75", False, False, False),
        ("crop:0.1", True, False, False),
        ("crop:0.15", False, False, False),
        ("shift:7:7", True, False, False),
        ("blur:1", True, False, False),
        ("blur:1.5", False, False, False),
        ("webp:75", True, False, False),
        ("platform:whatsapp", True, False, False),
        ("median:3", False, False, False),
    ],
)
def test_what_is_promised(attack, social, jpeg, file):
    assert [declared(attack, name) for name in ("social", "jpeg", "file")] == [social, jpeg, file]


@pytest.mark.parametrize("strength", STRENGTHS)
def test_sets_grow(strength):
    published, promised, every = (set(attacks_of(name, strength)) for name in ("published", "declared", "all"))
    assert published == {str(spec.parse(attack)) for attack in ATTACKS[strength]}
    assert promised < every
    assert {str(spec.parse(attack)) for attack in STRENGTHS[strength].attacks} <= promised
    assert all(declared(attack, strength) == (attack in promised) for attack in every)


def test_a_set_that_is_not_there():
    with pytest.raises(BadSpec, match="published, declared, all"):
        attacks_of("some", "social")
    with pytest.raises(BadSpec, match="huge"):
        attacks_of("all", "huge")


def test_an_attack_of_ones_own_is_filed_under_its_first_step():
    assert family("jpeg:33") == "jpeg"
    assert family("median:7,jpeg:70") == "median"
    assert family("none") == "none"
