"""Training the three networks: seeded, resumable to the bit, and it learns."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import soundfile
import torch

from stegolab.data import COLUMNS, sample_covers
from stegolab.errors import BadData, BadSpec
from stegolab.related.audio_cnn.config import TrainConfig
from stegolab.related.audio_cnn.data import HIGHEST, LOWEST, Dataset, normalised
from stegolab.related.audio_cnn.network import load
from stegolab.related.audio_cnn.trainer import Trainer, begin
from stegolab.training.loop import fit
from tests.training import assert_resumes, assert_seeded, cpu, run, same
from tests.voice import speak

TINY = TrainConfig(steps=12, batch_size=2, validate_every=4, side=16, width=4, ema_decay=0.9)


@cache
def tiles():
    return np.stack([picture[y : y + 32, 80:112] for picture in sample_covers().values() for y in (60, 150)])


def dataset(config=TINY):
    sounds = [] if config.mode == "legacy" else [normalised(speak(1, seed=seed).samples) for seed in range(2)]
    return Dataset(tiles(), sounds, config.network.layout, config.side)


def trainer(config=TINY):
    return Trainer(config, cpu())


@pytest.mark.parametrize(
    "changes", [{}, {"payload": "stft"}, {"attack": "jpeg:90"}, {"mode": "legacy"}], ids=lambda changes: str(changes)
)
def test_a_resumed_run_is_the_same_to_the_bit(changes, tmp_path):
    config = replace(TINY, **changes)
    assert_resumes(lambda: trainer(config), dataset(config), 3, tmp_path)


def test_all_that_is_random_is_drawn_from_seed_and_step():
    assert_seeded(lambda seed: trainer(replace(TINY, seed=seed)), dataset())


def test_it_learns():
    learning = trainer(replace(TINY, steps=60, learning_rate=1e-2, width=8, image_weight=0.005, luma_weight=0.0))
    before = learning.validate(dataset())
    run(learning, dataset(), 60)
    after = learning.validate(dataset())
    assert after["score"] > before["score"] + 1
    assert after["pcc"] > before["pcc"] + 0.3
    assert after["psnr_db"] > 18


def test_the_picture_is_worth_its_weight():
    """The loss of mode real: the sound's error, and the picture's in units of ``psnr_db``."""
    trained = trainer(replace(TINY, luma_weight=0.0, image_weight=0.5, psnr_db=30.0))
    found = trained._pass(trained.plain, *dataset().fixed())
    assert found["loss"].item() == pytest.approx((found["sound"] + 500 * found["image"]).item(), rel=1e-5)


def test_the_original_is_judged_by_floats():
    trained = trainer(replace(TINY, mode="legacy"))
    found = trained._pass(trained.plain, *dataset(trained.config).fixed())
    assert found["loss"] == found["image"] + found["sound"]
    assert not torch.allclose(255 * found["container"], (255 * found["container"]).round(), atol=1e-2)


def test_it_shows_pictures_and_sounds():
    shown = trainer().look(dataset())
    assert sorted(what.ndim for what in shown.values()) == [1, 1, 3, 3]
    assert all(what.abs().max() <= 1 for what in shown.values())


def test_sines_are_those_of_the_original():
    sines = replace(TINY, mode="legacy", side=24)
    for seed in range(20):
        _, planes = dataset(sines).draw(1, np.random.default_rng(seed))
        spectrum = np.abs(np.fft.rfft(planes.ravel() * np.hanning(576), 16_000))
        assert LOWEST - 10 < spectrum.argmax() < HIGHEST + 10
        assert 0.9 < planes.max() <= 1


# --- the command -------------------------------------------------------------------------------------------------


@pytest.fixture
def some_data(tmp_path, monkeypatch):
    """The smallest data folder that can be trained on."""
    rows = []
    for number, split in enumerate(("train", "valid")):
        soundfile.write(tmp_path / f"{split}.flac", speak(1, seed=number).samples, 16_000)
        rows.append(f"{split}.flac,{split},speech,{number},1,synthetic,CC0-1.0")
    (tmp_path / "INDEX.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    (tmp_path / "images").mkdir()
    pictures = np.random.default_rng(0).integers(0, 256, (520, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "images" / "cifar10_6k.npz", x_train=pictures, x_test=pictures[:8])
    monkeypatch.setenv("STEGOLAB_DATA", str(tmp_path))
    return pictures


def test_a_run_keeps_its_folder_and_can_be_gone_on_from(some_data, tmp_path):
    records = list(fit(*begin(TINY, cpu()), tmp_path / "run"))
    assert [record["step"] for record in records] == [4, 8, 12]
    best = tmp_path / "run" / "best.safetensors"
    assert load(best).config == TINY.network
    tuned = trainer(replace(TINY, init_from=str(best), attack="jpeg:90"))
    assert same(tuned.plain.state_dict(), load(best).state_dict())
    with pytest.raises(BadSpec, match="another shape"):
        trainer(replace(TINY, init_from=str(best), payload="stft"))


def test_valid_pictures_and_voices_are_not_learned_from(some_data):
    _, learned, measured = begin(TINY, cpu())
    assert np.array_equal(learned.pictures, some_data[:20])
    assert np.array_equal(measured.pictures, some_data[20:])
    assert not np.array_equal(learned.sounds[0], measured.sounds[0])
    _, learned, measured = begin(replace(TINY, mode="legacy"), cpu())
    assert learned is measured  # the original's habit


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(BadSpec, match="mode"):
        replace(TINY, mode="surreal")  # type: ignore[arg-type]
    with pytest.raises(BadSpec):
        trainer(replace(TINY, attack="jpg:90"))
    with pytest.raises(BadData, match="pictures"):
        Dataset(tiles()[:, :8], [], TINY.network.layout, 16)
    with pytest.raises(BadData, match="sound"):
        Dataset(tiles(), [np.ones(256, np.float32)], TINY.network.layout, 16)
