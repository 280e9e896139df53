"""Runs of earlier versions continue: their ``config.json`` has older names, their checkpoints have the same layout.

``old_run`` was written by version 0.1.0 for the trainer of ``tests/training/line.py``: its folder after four of twelve
steps, and the log of the whole run.
"""

import json
import shutil
from dataclasses import asdict, fields
from pathlib import Path

import pytest
import torch

from stegolab.carrier.training.config import TrainConfig as CarrierConfig
from stegolab.carrier.training.trainer import Trainer as CarrierTrainer
from stegolab.detect.config import CommandConfig
from stegolab.errors import BadSpec
from stegolab.related.audio_cnn.config import TrainConfig as AudioCnnConfig
from stegolab.related.hide_reveal.config import TrainConfig as HideRevealConfig
from stegolab.related.hide_reveal.trainer import Trainer as HideRevealTrainer
from stegolab.related.pixinwav.config import TrainConfig as PixInWavConfig
from stegolab.related.wavinwav.config import TrainConfig as WavInWavConfig
from stegolab.related.wavinwav.trainer import Trainer as WavInWavTrainer
from stegolab.speech.config import TrainConfig as SpeechConfig
from stegolab.speech.trainer import Trainer as SpeechTrainer
from stegolab.training.config import check_run
from stegolab.training.loop import fit
from tests.training import cpu
from tests.training.line import VALID, LineConfig, LineTrainer

OLD = Path(__file__).with_name("old_run")
CONFIGS = (
    *(SpeechConfig, CarrierConfig, CommandConfig),
    *(AudioCnnConfig, HideRevealConfig, PixInWavConfig, WavInWavConfig),
)


def test_a_run_of_an_earlier_version_continues_to_the_result_it_would_have_had(tmp_path):
    for name in ("config.json", "checkpoint.pt"):
        shutil.copy(OLD / name, tmp_path / name)
    records = list(fit(LineTrainer(LineConfig(), cpu()), 1.0, VALID, tmp_path))
    wanted = [json.loads(line) for line in (OLD / "log.jsonl").read_text().splitlines()][1:]
    assert [record["step"] for record in records] == [8, 12]
    for record, old in zip(records, wanted, strict=True):
        assert record["loss"] == pytest.approx(old["loss"], rel=1e-4)
        assert record["valid"]["score"] == pytest.approx(old["valid"]["score"], rel=1e-4)


def test_another_configuration_is_still_another_one(tmp_path):
    shutil.copy(OLD / "config.json", tmp_path / "config.json")
    with pytest.raises(BadSpec, match="another learning_rate: choose another folder"):
        list(fit(LineTrainer(LineConfig(learning_rate=0.06), cpu()), 1.0, VALID, tmp_path))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__module__)
def test_every_older_name_means_a_field_that_there_is(config):
    names = {field.name for field in fields(config)}
    there = {old: new for old, new in config.renamed.items() if new in names}
    assert {"batch", "rate", "average"} <= there.keys()
    assert not there.keys() & names  # or a name would mean two things
    own = set(config.renamed.values()) - {"batch_size", "learning_rate", "ema_decay", "init_from"}
    assert own <= names
    now = asdict(config())
    written_by_then = {old: now[new] for old, new in there.items()}
    written_by_then |= {name: value for name, value in now.items() if name not in there.values()}
    assert config.current_names(written_by_then) == now == config.current_names(now)


def test_a_run_against_the_network_that_was_called_critic_is_still_the_same_run(tmp_path):
    config = CarrierConfig(adversarial_weight=0.1)
    written_by_then = asdict(config)
    written_by_then["critic_weight"] = written_by_then.pop("adversarial_weight")
    (tmp_path / "config.json").write_text(json.dumps(written_by_then))
    check_run(tmp_path, config)
    with pytest.raises(BadSpec, match="another adversarial_weight: choose"):
        check_run(tmp_path, CarrierConfig(adversarial_weight=0.2))


LEARNER = {"network", "optimiser", "averaged", "steps", "skipped"}


@pytest.mark.parametrize(
    ("make", "layout"),
    [
        (
            lambda: CarrierTrainer(CarrierConfig(crop=64, adversarial_weight=0.1), cpu()),
            {"learner": LEARNER, "critic": LEARNER, "balance": float, "step": int},
        ),
        (
            lambda: SpeechTrainer(SpeechConfig(size="small", metric_loss="gan"), cpu(), samples=512),
            {
                **{"learner": LEARNER, "critic": LEARNER, "step": int},
                "replay": {"clean", "enhanced", "scores", "added", "capacity"},
            },
        ),
        (
            lambda: HideRevealTrainer(HideRevealConfig(depth=2, width=4, widest=8, reveal_width=2), cpu()),
            {
                **{"learner": LEARNER, "step": int},
                "plateau": {"epoch", "patience", "factor", "scale", "best", "waited", "total", "steps"},
            },
        ),
        (
            lambda: WavInWavTrainer(WavInWavConfig(channels=4, couplings=2, growth=4, adversarial_weight=0.1), cpu()),
            {"learner": LEARNER, "judge": LEARNER, "step": int},
        ),
    ],
    ids=["carrier", "speech", "hide_reveal", "wavinwav"],
)
def test_checkpoints_keep_the_layout_of_version_0_1_0(make, layout, tmp_path):
    """Every name of that version, and no other: so each reads what the other wrote."""
    trained = make()
    state = trained.state()
    assert state.keys() == layout.keys()
    for name, wanted in layout.items():
        assert isinstance(state[name], wanted) if isinstance(wanted, type) else state[name].keys() == wanted
    torch.save(state | {"best": 0.0}, tmp_path / "checkpoint.pt")
    trained.step = 99
    trained.load(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
    assert trained.step == 0
