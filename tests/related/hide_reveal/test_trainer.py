"""Training Hide-Net and Reveal-Net: seeded, resumable to the bit, it learns, and its rate falls as PyTorch's would."""

from dataclasses import replace
from functools import cache
from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stegolab.data import COLUMNS, sample_covers
from stegolab.errors import BadData, BadSpec
from stegolab.related.hide_reveal.config import TrainConfig
from stegolab.related.hide_reveal.data import crops, squares
from stegolab.related.hide_reveal.network import load
from stegolab.related.hide_reveal.schedule import Plateau
from stegolab.related.hide_reveal.trainer import Trainer, begin
from stegolab.training.loop import fit
from tests.training import assert_resumes, assert_seeded, cpu, run, same, weights

TINY = TrainConfig(
    steps=12, batch_size=4, validate_every=3, pictures=8, valid_pictures=2, side=32, crop=16,
    depth=2, width=8, widest=16, reveal_width=4, residual=True, patience=0, ema_decay=0.9,
)  # fmt: skip


@cache
def pictures():
    found = []
    for picture in sample_covers().values():
        found += [picture[y : y + 32, x : x + 32] for y in (60, 150) for x in (80, 200)]
    return np.stack(found)


def trainer(config=TINY):
    return Trainer(config, cpu())


# --- the schedule ------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=40), st.integers(0, 3), st.integers(1, 3))
def test_the_rate_falls_when_pytorchs_does(losses, patience, epoch):
    leaf = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.SGD([leaf], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.2, patience=patience)
    ours = Plateau(epoch, patience)
    for loss in losses:
        for _ in range(epoch):
            ours.update(loss)
        theirs.step(sum([loss] * epoch) / epoch)
        assert max(ours.scale, 1e-7) == pytest.approx(max(optimiser.param_groups[0]["lr"], 1e-7))


def test_an_epoch_counts_by_its_mean():
    plateau = Plateau(epoch=2, patience=0, factor=0.5)
    for loss in (1, 3, 0, 3.9):  # means 2, 1.95
        plateau.update(loss)
    assert plateau.scale == 1
    for loss in (1.95, 1.95):
        plateau.update(loss)
    assert plateau.scale == 0.5


# --- a step ------------------------------------------------------------------------------------------------------


def test_all_that_is_random_is_drawn_from_seed_and_step():
    assert_seeded(lambda seed: trainer(replace(TINY, seed=seed)), pictures())


def test_a_step_moves_every_weight():
    trained = trainer()
    before = weights(trained)
    run(trained, pictures(), 2)
    still = {name for name, value in weights(trained).items() if torch.equal(value, before[name])}
    assert not still


def test_the_first_loss_is_the_mean_squared_errors_of_container_and_secret():
    """The losses computed directly from the untrained networks, with the container rounded to bytes."""
    trained = trainer(replace(TINY, crop=32, batch_size=12))
    random = np.random.default_rng((0, 0, 0))
    order = random.choice(24, 24, replace=False)
    crops = []
    for number in order:
        random.integers(1, size=2)  # where a crop begins, if it is not the whole
        crops.append(pictures()[number][:, :: random.choice([-1, 1])][..., random.permutation(3)])
    cover, secret = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).div(255).chunk(2)
    with torch.no_grad():
        container = trained.plain.hide(cover, secret)
        revealed = trained.plain.reveal((255 * container).round().clamp(0, 255) / 255)
    logged = trained.advance(pictures())
    assert logged["h_loss"] == pytest.approx(float((container - cover).square().mean()), rel=1e-4)
    assert logged["r_loss"] == pytest.approx(float((revealed - secret).square().mean()), rel=1e-4)


def test_crops_are_of_distinct_pictures_and_in_all_orders_of_colours():
    marked = np.zeros((24, 32, 32, 3), np.uint8) + np.arange(24, dtype=np.uint8)[:, None, None, None] * 3
    marked += np.arange(3, dtype=np.uint8)
    found = crops(marked, 24, 16, np.random.default_rng(0))
    assert found.shape == (24, 16, 16, 3)
    assert len({int(crop.min()) // 3 for crop in found}) == 24
    assert {tuple(crop[0, 0] % 3) for crop in found} == set(permutations(range(3)))


def test_the_weight_of_the_secret_decides_who_gives_way():
    """From the same start, a larger weight of the secret reveals it better, at the expense of the container."""
    found = {}
    for weight in (0.01, 10.0):
        trained = trainer(replace(TINY, secret_weight=weight, learning_rate=1e-2))
        found[weight] = run(trained, pictures(), 25)[-1]
    assert found[10.0]["r_loss"] < found[0.01]["r_loss"]
    assert found[10.0]["h_loss"] > found[0.01]["h_loss"]


@pytest.mark.parametrize("residual", [True, False])
def test_training_learns(residual):
    trained = trainer(replace(TINY, learning_rate=5e-3, residual=residual, patience=100))
    first = trained.validate(pictures())
    run(trained, pictures(), 60)
    last = trained.validate(pictures())
    assert last["score"] > first["score"] + 1


def test_the_rate_falls_on_a_plateau(monkeypatch):
    trained = trainer()
    monkeypatch.setattr(trained.plateau, "best", 0.0)  # nothing is better
    rates = [record["rate"] for record in run(trained, pictures(), 4)]
    assert rates[:3] == [1e-3] * 3 and rates[3] == pytest.approx(2e-4)


def test_the_rate_follows_a_cosine_where_that_is_asked_for():
    config = replace(TINY, schedule="cosine", steps=1000)
    trained, rates = trainer(config), []
    for step in (0, 50, 500, 999):
        trained.step = step
        rates.append(trained.advance(pictures())["rate"])
    assert rates[0] == 0
    assert rates[1] == pytest.approx(config.learning_rate, rel=0.01)
    assert rates[2] == pytest.approx(0.51 * config.learning_rate, rel=0.01)
    assert rates[3] == pytest.approx(0.02 * config.learning_rate, rel=0.01)
    with pytest.raises(BadSpec, match="plateau, cosine"):
        trainer(replace(TINY, schedule="stairs"))  # type: ignore[arg-type]


def test_settled_batch_norm_keeps_its_statistics_and_learns_on():
    trained = trainer(replace(TINY, freeze_norm_step=3))
    logs = [weights(trained)]
    for _ in range(4):
        run(trained, pictures(), 1)
        logs.append(weights(trained))
    statistics = [name for name in logs[0] if name.endswith(("running_mean", "running_var"))]
    moved = [any(not torch.equal(a[name], b[name]) for name in statistics) for a, b in pairwise(logs)]
    assert statistics and moved == [True, True, True, False]
    trained.validate(pictures())  # leaves the run alone, its modes too
    again = weights(trained)
    run(trained, pictures(), 1)
    assert all(torch.equal(again[name], weights(trained)[name]) for name in statistics)
    assert not torch.equal(again["reveal.1.weight"], weights(trained)["reveal.1.weight"])


def test_an_attack_is_trained_through():
    logs = [run(trainer(replace(TINY, attack=attack)), pictures(), 1)[0] for attack in ("none", "jpeg:50")]
    assert logs[0]["h_loss"] == logs[1]["h_loss"]
    assert logs[0]["r_loss"] != logs[1]["r_loss"]
    with pytest.raises(BadSpec):
        trainer(replace(TINY, attack="fire"))


# --- validation and state ----------------------------------------------------------------------------------------


def test_validating_measures_bytes_under_the_averaged_weights_and_leaves_the_run_alone():
    trained = trainer()
    run(trained, pictures(), 4)
    live, plateau = weights(trained), dict(vars(trained.plateau))
    found = trained.validate(pictures())
    assert found == trained.validate(pictures())
    assert same(weights(trained), live) and vars(trained.plateau) == plateau
    assert found["score"] == pytest.approx(-10 * np.log10(found["h_loss"] + 0.75 * found["r_loss"]))
    shown = trained.look(pictures())
    assert set(shown) == {"container", "change", "revealed"}
    assert all(x.shape == (3, 32, 32) and x.min() >= 0 and x.max() <= 1 for x in shown.values())


@pytest.mark.parametrize("changes", [{}, {"freeze_norm_step": 4, "schedule": "cosine"}], ids=["plateau", "cosine"])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(changes, tmp_path):
    config = replace(TINY, **changes)
    steps = 5  # ends in the middle of an epoch of the schedule
    resumed, whole = assert_resumes(lambda: trainer(config), pictures(), steps, tmp_path)
    assert vars(resumed.plateau) == vars(whole.plateau)


# --- the command -------------------------------------------------------------------------------------------------


@pytest.fixture
def some_data(tmp_path, monkeypatch):
    """The smallest data folder that can be trained on."""
    rows = [("train.png", "train", "coffee"), ("valid.png", "valid", "astronaut")]
    for path, _, cover in rows:
        Image.fromarray(sample_covers()[cover]).save(tmp_path / path)
    lines = [",".join((path, split, "image", "", "512x512", "skimage", "CC0-1.0")) for path, split, _ in rows]
    (tmp_path / "INDEX.csv").write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    monkeypatch.setenv("STEGOLAB_DATA", str(tmp_path))


def test_a_run_keeps_its_folder(some_data, tmp_path):
    records = list(fit(*begin(TINY, cpu()), tmp_path / "run"))
    assert [record["step"] for record in records] == [3, 6, 9, 12]
    assert load(tmp_path / "run" / "best.safetensors").config == TINY.network


def test_squares_are_the_same_each_time_and_of_their_split(some_data):
    first, again = (squares("train", 5, 64) for _ in range(2))
    assert np.array_equal(first, again)
    assert first.shape == (5, 64, 64, 3)
    assert len(np.unique(first.reshape(5, -1), axis=0)) == 5
    coffee = sample_covers()["coffee"]
    whole = Image.fromarray(coffee).resize((64, 64), Image.Resampling.LANCZOS, box=(100, 0, 500, 400))
    assert np.abs(first[0].astype(int) - np.asarray(whole)).mean() < 2


def test_what_cannot_be_trained_is_refused(some_data):
    for crop, side in ((18, 32), (64, 32), (16, 30)):
        with pytest.raises(BadSpec, match="multiples of 4"):
            begin(replace(TINY, crop=crop, side=side), None)
    with pytest.raises(BadData, match="1024 pixels"):
        squares("train", 1, 1024)
