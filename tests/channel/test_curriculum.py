"""A curriculum widens linearly, draws with the stated distribution, and depends on nothing but the step."""

import collections
import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from stegolab.carrier.strengths import strength
from stegolab.channel.curriculum import Curriculum, Draw, Stage, default
from stegolab.channel.spec import parse
from stegolab.errors import BadSpec

NONE = Draw("none", 1)
TWO = Curriculum(
    Stage(100, (Draw("none", 3), Draw("jpeg:{:.0f}", 1, ((90, 95),)))),
    Stage(300, (Draw("jpeg:{:.0f}", 2, ((50, 95),)), Draw("blur:{:.2f}", 2, ((0.5, 1.5),)))),
)


def weights(curriculum, step):
    return {draw.spec: draw.weight for draw in curriculum.at(step)}


def drawn(curriculum, step, count=400):
    generator = np.random.default_rng(step)
    return [curriculum.sample(step, generator) for _ in range(count)]


def test_before_the_first_stage_and_after_the_last_theirs_hold():
    assert TWO.at(0) == TWO.at(100)
    assert TWO.at(300) == TWO.at(10**9)
    assert weights(TWO, 0) == {"none": 0.75, "jpeg:{:.0f}": 0.25}
    assert weights(TWO, 300) == {"jpeg:{:.0f}": 0.5, "blur:{:.2f}": 0.5}


def test_between_two_stages_everything_moves_in_a_straight_line():
    none, jpeg, blur = TWO.at(200)
    assert (none.weight, jpeg.weight, blur.weight) == (0.375, 0.375, 0.25)
    assert jpeg.ranges == ((70, 95),)
    assert blur.ranges == ((0.5, 1.5),)  # it has no other range to come from
    assert TWO.at(150)[1].ranges == ((80, 95),)


@pytest.mark.parametrize("step", [0, 137, 200, 299, 300, 1000])
def test_weights_sum_to_one_and_the_draws_follow_them(step):
    expected = weights(TWO, step)
    assert sum(expected.values()) == pytest.approx(1)
    names = collections.Counter(spec.split(":")[0] for spec in drawn(TWO, step))
    for spec, weight in expected.items():
        assert names[spec.split(":")[0]] / 400 == pytest.approx(weight, abs=0.08)


def test_parameters_fill_their_range_and_stay_in_it():
    qualities = [int(spec.split(":")[1]) for spec in drawn(TWO, 200) if spec.startswith("jpeg")]
    assert (min(qualities), max(qualities)) == (70, 95)
    assert np.mean(qualities) == pytest.approx(82.5, abs=2)


@pytest.mark.parametrize("make", [np.random.default_rng, lambda seed: torch.Generator().manual_seed(seed)])
def test_the_same_generator_draws_the_same(make):
    whole = [TWO.sample(step, make(step)) for step in range(400)]
    resumed = [TWO.sample(step, make(step)) for step in range(200, 400)]  # the state is the step
    assert resumed == whole[200:]
    assert len(set(whole)) > 50
    one, other = make(0), make(0)
    assert [TWO.sample(9, one) for _ in range(9)] == [TWO.sample(9, other) for _ in range(9)]


@pytest.mark.parametrize("name", ["jpeg", "social"])
@pytest.mark.parametrize("steps", [5, 1000])
def test_the_default_curricula_draw_attacks_and_get_harder(name, steps):
    curriculum = default(name, steps)
    for step in range(0, steps, max(1, steps // 20)):
        for spec in drawn(curriculum, step, 20):
            assert str(parse(spec)) == spec
    lowest = [
        min(
            int(q)
            for draw in curriculum.at(step)
            for q in re.findall(r"jpeg:(\d+)", draw.at((0.0,) * len(draw.ranges)))
        )
        for step in (0, steps // 2, steps)
    ]
    assert lowest == sorted(lowest, reverse=True)
    if steps > 5:
        assert weights(curriculum, 0)["none"] > 5 * weights(curriculum, steps).get("none", 0)


@pytest.mark.parametrize("name", ["jpeg", "social"])
def test_the_end_of_a_default_covers_what_the_strength_promises(name):
    met_at_the_end = set(drawn(default(name, 1000), 1000, 3000))

    def parts(spec):
        return re.sub(r"[\d.]+", "#", spec), np.array([float(number) for number in re.findall(r"[\d.]+", spec)])

    def covered(promise):
        """Some attack that was met has the same parts, with every number within a twentieth of the promised one."""
        names, numbers = parts(promise)
        return any(names == other and np.allclose(met, numbers, rtol=0.05) for other, met in map(parts, met_at_the_end))

    promises = [str(parse(promise)) for promise in strength(name).attacks]
    assert [promise for promise in promises if not covered(promise)] == []


def test_the_plot_tells_the_qualities_and_the_mix():
    figure = TWO.plot(steps=400)
    assert isinstance(figure, Figure)
    quality, mix = figure.axes
    assert mix.get_xlim() == (0, 400)
    band = np.asarray(quality.collections[0].get_paths()[0].vertices)[:, 1]
    assert (band.min(), band.max()) == (50, 95)
    assert set(mix.get_legend_handles_labels()[1]) == {"none", "jpeg:50…95", "blur:0.5…1.5"}


def test_a_curriculum_without_jpeg_can_be_plotted():
    assert Curriculum(Stage(0, (NONE,))).plot().axes


@pytest.mark.parametrize(
    ("stages", "hint"),
    [
        ((), "at least one stage"),
        ((Stage(5, (NONE,)), Stage(5, (NONE,))), "rising"),
        ((Stage(0, ()),), "stage 0 needs"),
        ((Stage(0, (NONE, NONE)),), "each attack once"),
        ((Stage(0, (Draw("none", 0),)),), "with a weight"),
        ((Stage(0, (Draw("none", -1),)),), "0 or more"),
        ((Stage(0, (Draw("none", float("nan")),)),), "0 or more"),
        ((Stage(0, (Draw("jpeg:{:.0f}", 1),)),), "does not fit 0 ranges"),
        ((Stage(0, (Draw("jpeg:{q}", 1, ((50, 90),)),)),), "does not fit"),
        ((Stage(0, (Draw("jpeg:{:.0f}", 1, ((50, 190),)),)),), "quality must be"),
        ((Stage(0, (Draw("jepg:50", 1),)),), "jepg"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(stages, hint):
    with pytest.raises(BadSpec, match=hint):
        Curriculum(*stages)


def test_an_unknown_strength_is_refused():
    with pytest.raises(BadSpec, match="jpeg, social, not file"):
        default("file", 100)
