"""A training of speech inside speech: seeded, resumable to the bit, it learns; its optional parts; its command."""

import csv
import json
from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest
import soundfile
import torch

from stegolab.audio import RATE
from stegolab.data import COLUMNS
from stegolab.errors import BadData, BadSpec
from stegolab.related.wavinwav import distillation
from stegolab.related.wavinwav.config import TrainConfig
from stegolab.related.wavinwav.data import at_level
from stegolab.related.wavinwav.discriminator import (
    Discriminator,
    adversarial_loss,
    discriminator_loss,
    feature_matching,
)  # fmt: skip
from stegolab.related.wavinwav.network import load
from stegolab.related.wavinwav.trainer import Trainer, begin
from stegolab.training.learner import Diverged
from stegolab.training.loop import fit
from tests.training import assert_resumes, assert_seeded, cpu, run, same, weights

TINY = TrainConfig(
    steps=8, batch_size=2, learning_rate=0.02, ema_decay=0.5, validate_every=4,
    crop=2048, channels=8, couplings=2, growth=8, noise_share=0.7,
)  # fmt: skip


@cache
def clips():
    """Four voices of noise, each with a spectrum and rhythm of its own."""
    random = np.random.default_rng(0)
    t = np.arange(6000) / RATE
    sounds = [
        (1 + np.sin(2 * np.pi * (3 + i) * t)) * np.sin(2 * np.pi * (150 + 90 * i) * t + random.normal(0, 0.3, t.size))
        for i in range(4)
    ]
    return [at_level(sound.astype(np.float32)) for sound in sounds]


def trainer(config=TINY):
    return Trainer(config, cpu())


def test_all_that_is_random_is_drawn_from_seed_and_step():
    assert_seeded(lambda seed: trainer(replace(TINY, seed=seed)), clips(), steps=2)


@pytest.mark.parametrize("adversarial_weight", [0.0, 0.3])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(adversarial_weight, tmp_path):
    config = replace(TINY, adversarial_weight=adversarial_weight)
    assert_resumes(lambda: trainer(config), clips(), 3, tmp_path)


def test_training_learns():
    """After forty steps the worse of the two is better than in the scheme from which training starts."""
    trained = trainer(
        replace(TINY, steps=40, noise_share=0.0, learning_rate=5e-3, spectral_weight=0.0, lost_weight=0.01)
    )
    before = trained.validate(clips())
    run(trained, clips(), 40)
    after = trained.validate(clips())
    assert after["score"] > before["score"] + 0.5
    assert after["score"] == min(after["stego_snr_db"], after["secret_snr_db"])
    assert after == trained.validate(clips())


def test_what_is_looked_at_are_sounds():
    shown = trainer().look(clips())
    assert shown.keys() == {"cover", "stego", "secret", "revealed"}
    for sound in shown.values():
        assert sound.ndim == 1 and sound.abs().max() <= 1
    steps = shown["stego"] * 2**15
    torch.testing.assert_close(steps, steps.round())  # what a 16-bit file holds


def test_a_loss_that_is_not_a_number_stops_before_it_does_harm():
    trained = trainer()
    run(trained, clips(), 1)
    with torch.no_grad():
        next(trained.plain.parameters()).fill_(float("nan"))
    averaged = {name: value.clone() for name, value in trained.learner.averaged.items()}
    with pytest.raises(Diverged, match="--learning-rate"):
        trained.advance(clips())
    assert same(trained.learner.averaged, averaged)


# --- the optional parts ------------------------------------------------------------------------------------------


def test_the_discriminator_learns_and_pleasing_it_is_felt_by_the_hider():
    trained = trainer(replace(TINY, adversarial_weight=0.3))
    before = weights(trained.discriminator)
    plain, judged = run(trainer(), clips(), 3), run(trained, clips(), 3)
    assert not same(weights(trained.discriminator), before)
    assert judged[0].keys() - plain[0].keys() == {"adversarial", "matching"}
    assert judged[2]["shared_error"] != plain[2]["shared_error"]


def test_the_losses_of_the_discriminator():
    """Least squares, with the gradient where it belongs and nowhere else."""
    torch.manual_seed(0)
    judge, cover = Discriminator(width=4), torch.from_numpy(np.stack(clips()))
    stego = (cover + 0.01 * torch.randn_like(cover)).requires_grad_()
    real, fake = judge(cover), judge(stego)
    assert len(real) == 3
    for loss in (adversarial_loss(fake), feature_matching(real, fake)):
        (slope,) = torch.autograd.grad(loss, stego, retain_graph=True)
        assert slope.abs().sum() > 0
    assert feature_matching(real, real) == 0
    perfect = [(torch.ones_like(score), features) for score, features in real]
    blind = [(torch.zeros_like(score), features) for score, features in real]
    assert discriminator_loss(perfect, blind) == 0
    assert adversarial_loss(perfect) == 0
    assert discriminator_loss(blind, perfect) == 2


def test_a_teacher_hears_whose_voice_it_is(monkeypatch):
    torch.manual_seed(0)
    encoder = distillation.SpeakerEncoder()
    distance = distillation.EmbeddingDistance(encoder)
    voices = torch.from_numpy(np.stack(clips()))
    assert encoder(voices).norm(dim=-1) == pytest.approx(1, abs=1e-5)
    assert distance(voices, 0.3 * voices) == pytest.approx(0, abs=1e-5)  # the level does not matter
    estimate = voices.roll(1, dims=0).requires_grad_()
    (slope,) = torch.autograd.grad(distance(estimate, voices), estimate)
    assert slope.abs().sum() > 0
    assert not any(p.requires_grad for p in encoder.parameters())
    monkeypatch.setattr("stegolab.related.wavinwav.trainer.teacher", lambda name: encoder)
    log = run(trainer(replace(TINY, embedding_weight=1.0)), clips(), 2)
    assert 0 <= log[0]["embedding"] <= 1


def test_a_teacher_without_weights_says_where_to_get_some(monkeypatch, tmp_path):
    monkeypatch.setattr(distillation, "find_spec", lambda name: None)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    for name in ("auto", "wavlm", "speaker", "nobody"):
        with pytest.raises(BadData, match="resemblyzer"):
            distillation.teacher(name)


def test_weights_of_a_teacher_are_found_on_disk(monkeypatch, tmp_path):
    encoder = distillation.SpeakerEncoder()
    (tmp_path / "__init__.py").touch()
    saved = {name: value for name, value in encoder.state_dict().items() if not name.startswith("mel")}
    torch.save({"model_state": saved | {"similarity_weight": torch.ones(1)}}, tmp_path / "pretrained.pt")
    monkeypatch.syspath_prepend(tmp_path.parent)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    spec = type("Spec", (), {"origin": str(tmp_path / "__init__.py")})
    monkeypatch.setattr(distillation, "find_spec", lambda name: spec)
    found = distillation.teacher()
    voices = torch.from_numpy(np.stack(clips()))
    torch.testing.assert_close(found(voices), encoder(voices))


# --- the folder and the command ----------------------------------------------------------------------------------


@pytest.fixture
def some_data(tmp_path_factory, monkeypatch):
    root = tmp_path_factory.mktemp("data")
    with (root / "INDEX.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number, clip in enumerate(clips()):
            soundfile.write(root / f"{number}.wav", clip, RATE)
            split = "train" if number < 2 else "valid"
            writer.writerow((f"{number}.wav", split, "speech", str(number), "0.4", "made", "CC0-1.0"))
    monkeypatch.setenv("STEGOLAB_DATA", str(root))


def running(config, out):
    return fit(*begin(config, cpu()), out)


def test_a_run_is_a_folder_that_is_gone_on_from(some_data, tmp_path):
    whole = list(running(TINY, tmp_path / "whole"))
    assert [record["step"] for record in whole] == [4, 8]
    assert json.loads((tmp_path / "whole" / "config.json").read_text()) == asdict(TINY)
    assert list((tmp_path / "whole").glob("events.out.tfevents.*"))
    assert load(tmp_path / "whole" / "best.safetensors").config.channels == TINY.channels
    interrupted = running(TINY, tmp_path / "interrupted")
    next(interrupted)
    interrupted.close()
    (rest,) = running(TINY, tmp_path / "interrupted")
    assert rest["valid"] == whole[-1]["valid"]
    started = trainer(replace(TINY, init_from=str(tmp_path / "whole" / "best.safetensors")))
    assert same(weights(started), load(tmp_path / "whole" / "best.safetensors").state_dict())


def test_it_says_what_is_wrong_with_the_data_or_the_crop(some_data, tmp_path, monkeypatch):
    with pytest.raises(BadData, match="25600 samples"):
        list(running(replace(TINY, crop=25_600), tmp_path))
    for crop in (0, -256, 1000):
        with pytest.raises(BadSpec, match="--crop"):
            list(running(replace(TINY, crop=crop), tmp_path))
    monkeypatch.delenv("STEGOLAB_DATA")
    with pytest.raises(BadData):
        list(running(TINY, tmp_path))
