import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.detect.roc import Roc, by_chance, judge

scores = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=12).map(np.array)


@given(scores, scores)
def test_the_curve_rises_from_nothing_to_everything(covers, stegos):
    roc = Roc.of(covers, stegos)
    for rate in (roc.false_alarm, roc.detection):
        assert rate[0] == 0 and rate[-1] == 1 and (np.diff(rate) >= 0).all()
    assert 0 <= roc.p_e <= 0.5 and 0 <= roc.area <= 1


@given(scores, scores)
def test_area_and_error_are_what_counting_gives(covers, stegos):
    roc = Roc.of(covers, stegos)
    higher = stegos[:, None] > covers
    assert roc.area == pytest.approx((higher + (stegos[:, None] == covers) / 2).mean())
    every = [((covers >= t).mean() + (stegos < t).mean()) / 2 for t in [*covers, *stegos, np.inf]]
    assert roc.p_e == pytest.approx(min(every))


@given(scores, scores)
def test_the_other_way_round_the_area_is_the_rest(covers, stegos):
    assert Roc.of(covers, stegos).area == pytest.approx(1 - Roc.of(stegos, covers).area)


def test_perfect_separation_is_no_error_and_its_opposite_all():
    low, high = np.arange(5.0), np.arange(5.0) + 9
    assert (Roc.of(low, high).p_e, Roc.of(low, high).area) == (0, 1)
    assert (Roc.of(high, low).p_e, Roc.of(high, low).area) == (0.5, 0)


def test_one_score_for_all_says_nothing():
    roc = Roc.of(np.ones(3), np.ones(7))
    assert (roc.p_e, roc.area) == (0.5, 0.5)


def test_guessing_is_flattered_by_few_pictures_only():
    assert 0.3 < by_chance(16) < by_chance(100) < by_chance(2000) < 0.5
    assert by_chance(2000) > 0.48


def test_intervals_hold_the_figure_and_widen_when_crops_share_a_source():
    random = np.random.default_rng(0)
    mood = np.repeat(random.normal(size=20), 4)  # what the crops of a source have in common
    covers, stegos = mood + 0.1 * random.normal(size=80), mood.clip(-1, 1) + 0.5
    alone = judge(covers, stegos, [str(n) for n in range(80)])
    together = judge(covers, stegos, [str(n // 4) for n in range(80)])
    width = [np.ptp(verdict.area_interval) for verdict in (alone, together)]
    assert width[1] > 1.4 * width[0]
    assert together.area == alone.area == alone.roc.area
    for verdict in (alone, together):
        assert verdict.p_e_interval[0] <= verdict.p_e <= verdict.p_e_interval[1] + 0.02
        assert verdict.area_interval[0] < verdict.area < verdict.area_interval[1]
    assert judge(covers, stegos, ["one"] * 80).area_interval == pytest.approx([alone.area] * 2)


def test_no_error_on_few_pictures_is_no_proof_of_none():
    covers, stegos = np.arange(26.0), np.arange(26.0) + 50
    low, high = judge(covers, stegos, [str(n) for n in range(26)], resamples=10).p_e_interval
    assert low == 0 and (1 - high) ** 26 == pytest.approx(0.025)  # so many pictures without an error: that seldom
    assert judge(covers, stegos, ["a", "b"] * 13, resamples=10).p_e_interval[1] == 0.5


@given(scores, scores)
def test_the_corners_are_all_of_the_curve_and_no_more(covers, stegos):
    roc = Roc.of(covers, stegos)
    corners = np.array(roc.corners)
    drawn = Roc(*corners.T)
    assert drawn.area == pytest.approx(roc.area) and drawn.p_e == pytest.approx(roc.p_e)
    points = np.stack([roc.false_alarm, roc.detection], axis=1)
    assert np.isclose(corners[:, None], points).all(axis=2).any(axis=1).all()
    assert len(Roc(*corners.T).corners) == len(corners)
