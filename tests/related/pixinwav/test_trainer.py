"""Training is seeded, resumes to the bit, moves every weight, learns, and ships what it averaged."""

import csv
import json
from dataclasses import asdict, replace
from functools import cache

import pytest
import soundfile
import torch
from PIL import Image

from stegolab.data import COLUMNS, sample_covers
from stegolab.errors import BadData, BadSpec
from stegolab.related.pixinwav.config import TrainConfig
from stegolab.related.pixinwav.data import Dataset, dataset
from stegolab.related.pixinwav.network import load
from stegolab.related.pixinwav.trainer import Trainer, begin
from stegolab.training import command
from stegolab.training.learner import Diverged
from stegolab.training.loop import fit
from tests.training import assert_resumes, assert_seeded, cpu, run, same, weights
from tests.voice import speak

# A high rate, because a run begins with a slow rise.
TINY = TrainConfig(
    steps=20,
    batch_size=2,
    learning_rate=0.05,
    ema_decay=0.9,
    validate_every=10,
    side=16,
    width=8,
    samples=5_952,
    beta=0.5,
)


@cache
def examples():
    pictures = [rgb[:96, :128] for rgb in sample_covers().values()]
    return Dataset([speak(1.0, seed=seed).samples for seed in range(3)], pictures, 5_952, 16)


def trainer(config=TINY):
    return Trainer(config, cpu())


def test_all_that_is_random_is_drawn_from_seed_and_step():
    noise = replace(TINY, noise="gaussian", noise_strength=0.05, keyed_share=0.5)
    assert_seeded(lambda seed: trainer(replace(noise, seed=seed)), examples())


@pytest.mark.parametrize(
    "changes",
    [
        {"sound_loss": "waveform", "sound_weight": 1.0},
        {"sound_loss": "soft-dtw", "sound_weight": 1.0},
        {"structure_weight": 1.0},
        {"noise": "pepper", "noise_strength": 0.2},
        {"keyed_share": 1.0},
        {"through_file": False},
        {"beta": 0.9},
    ],
)
def test_every_option_changes_what_is_learned(changes):
    plain, other = trainer(), trainer(replace(TINY, **changes))
    run(plain, examples(), 3)
    run(other, examples(), 3)
    assert not same(weights(plain), weights(other))


def test_a_step_moves_every_weight():
    trained = trainer()
    before = weights(trained)
    run(trained, examples(), 2)  # the first has the rate 0
    assert not {name for name, value in weights(trained).items() if torch.equal(value, before[name])}


def test_training_learns():
    trained = trainer(replace(TINY, steps=1000, batch_size=4, learning_rate=0.03))
    first = trained.validate(examples())
    run(trained, examples(), 80)
    last = trained.validate(examples())
    assert last["l1"] < 0.8 * first["l1"]
    assert last["image_ssim"] > first["image_ssim"] + 0.1
    assert last["audio_snr_db"] > 15


def test_validating_measures_the_averaged_weights_and_leaves_the_run_alone():
    trained = trainer()
    run(trained, examples(), 3)
    live, averaged = weights(trained), {name: value.clone() for name, value in trained.learner.averaged.items()}
    found = trained.validate(examples())
    assert found == trained.validate(examples())
    assert found["score"] == pytest.approx(found["image_ssim"] + 0.02 * found["audio_snr_db"])
    assert same(weights(trained), live)
    assert same(trained.learner.averaged, averaged)
    trained.learner.averaged = {name: value * 1.5 for name, value in averaged.items()}
    assert trained.validate(examples())["audio_snr_db"] < found["audio_snr_db"]


def test_what_is_shown_can_be_seen_and_heard():
    shown = trainer().look(examples())
    assert shown["picture"].shape == shown["revealed"].shape == (3, 16, 16)
    assert shown["container"].shape == shown["residual x 10"].shape == (5_952,)
    for what in shown.values():
        assert torch.isfinite(what).all()
        assert what.abs().max() <= 1


def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(tmp_path):
    config = replace(TINY, noise="speckle", noise_strength=0.1, keyed_share=0.5)
    assert_resumes(lambda: trainer(config), examples(), 5, tmp_path)


def test_a_loss_that_is_not_a_number_stops_before_it_does_harm():
    trained = trainer()
    run(trained, examples(), 2)
    with torch.no_grad():
        trained.plain.revealer.last.bias[0] = float("nan")
    averaged = {name: value.clone() for name, value in trained.learner.averaged.items()}
    with pytest.raises(Diverged, match=r"step 2: .*--learning-rate"):
        trained.advance(examples())
    assert same(trained.learner.averaged, averaged)


def test_an_unknown_loss_is_refused():
    with pytest.raises(BadSpec, match="soft-dtw"):
        TrainConfig(sound_loss="dtw")  # type: ignore[arg-type]


# --- the folder of a run, and the command ------------------------------------------------------------------------


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """The smallest data folder that can be trained on."""
    root = tmp_path / "data"
    root.mkdir()
    rows = []
    for split, cover, seed in (("train", "coffee", 0), ("valid", "astronaut", 1)):
        Image.fromarray(sample_covers()[cover]).save(root / f"{split}.png")
        soundfile.write(root / f"{split}.flac", speak(1.0, seed=seed).samples, 16_000)
        rows.append((f"{split}.png", split, "image", "", "512x512", "skimage", "CC0-1.0"))
        rows.append((f"{split}.flac", split, "speech", str(seed), "1.0", "made", "CC0-1.0"))
    with (root / "INDEX.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    monkeypatch.setenv("STEGOLAB_DATA", str(root))
    return root


def test_fit_keeps_a_folder_and_goes_on_where_it_was(data_folder, tmp_path):
    config = replace(TINY, steps=4, validate_every=2)

    def begun(out):
        return fit(*begin(config, cpu()), out)

    records = list(begun(tmp_path / "whole"))
    assert [record["step"] for record in records] == [2, 4]
    assert json.loads((tmp_path / "whole" / "config.json").read_text()) == asdict(config)
    assert load(tmp_path / "whole" / "best.safetensors").config == config.network
    halfway = begun(tmp_path / "interrupted")
    next(halfway)
    halfway.close()
    (rest,) = begun(tmp_path / "interrupted")
    assert rest["valid"] == records[-1]["valid"]


def test_pictures_of_all_sizes_are_brought_to_one(data_folder):
    found = dataset("train", TINY)
    assert min(found.pictures[0].shape[:2]) == 256
    assert len(found.sounds) == 1


def test_without_data_it_says_so(tmp_path, monkeypatch):
    monkeypatch.delenv("STEGOLAB_DATA", raising=False)
    with pytest.raises(BadData):
        begin(TINY, cpu())


def test_the_command_says_in_one_line_what_is_wrong(tmp_path):
    with pytest.raises(SystemExit, match=r"stegolab: BadData: .*INDEX.csv") as said:
        command.run(TINY, begin, "Train.", ["--out", str(tmp_path), "--data", str(tmp_path)])
    assert len(str(said.value).splitlines()) == 1


def test_every_field_is_an_option(capsys):
    with pytest.raises(SystemExit):
        command.run(TINY, begin, "Train.", ["--help"])
    said = capsys.readouterr().out
    for name in asdict(TrainConfig()):
        assert "--" + name.replace("_", "-") in said
