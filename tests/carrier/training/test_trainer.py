"""Training is what its log says: seeded, resumable to the bit, stopped by what is not a number, kept in a folder.

The golden log is made anew with ``STEGOLAB_REGENERATE=1 pytest tests/carrier/training/test_trainer.py -k golden``.
"""

import csv
import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image
from safetensors import safe_open

from stegolab.carrier import blockdct
from stegolab.carrier.networks import inn
from stegolab.carrier.networks.config import ModelConfig
from stegolab.carrier.networks.model import CarrierModel, load
from stegolab.carrier.strengths import SOCIAL
from stegolab.carrier.sync import template
from stegolab.carrier.sync.search import search
from stegolab.carrier.training import trainer as trainers
from stegolab.carrier.training.config import TrainConfig
from stegolab.carrier.training.trainer import Trainer, begin
from stegolab.data import COLUMNS, sample_covers
from stegolab.errors import BadData, BadSpec
from stegolab.images import luma
from stegolab.keystream import FORMAT_1
from stegolab.training.command import run as run_command
from stegolab.training.learner import Diverged
from stegolab.training.loop import fit as train_loop
from tests import covers
from tests.training import assert_resumes, assert_seeded, cpu, run, same, weights

GOLDEN = Path(__file__).with_name("golden_training.json")
# A high rate, because a run begins with a slow rise: twenty steps of the real one would hardly move.
TINY = TrainConfig(
    strength="jpeg", steps=20, batch_size=2, crop=64, learning_rate=0.02, ema_decay=0.9, validate_every=10
)


@cache
def pictures():
    return [picture[:200, :240] for picture in sample_covers().values()]


def trainer(config=TINY):
    return Trainer(config, cpu())


# --- a step ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", ["jpeg", "social"])
def test_twenty_steps_are_those_of_the_golden_log(strength):
    found = run(trainer(replace(TINY, strength=strength)), pictures(), 20)
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("STEGOLAB_REGENERATE"):
        rounded = [{name: float(f"{value:.6g}") for name, value in record.items()} for record in found]
        GOLDEN.write_text(json.dumps(golden | {strength: rounded}, indent=1, sort_keys=True) + "\n")
        golden = json.loads(GOLDEN.read_text())
    for number, (record, wanted) in enumerate(zip(found, golden[strength], strict=True)):
        assert record == pytest.approx(wanted, rel=2e-2, abs=2e-3), f"step {number}"


def test_all_that_is_random_is_drawn_from_seed_and_step():
    assert_seeded(lambda seed: trainer(replace(TINY, seed=seed)), pictures())


def test_a_step_moves_every_weight_that_is_trained():
    trained = trainer()
    before = weights(trained)
    run(trained, pictures(), 3)  # the first has the rate 0, the second moves zero layers, the third what is behind
    still = {name for name, value in weights(trained).items() if torch.equal(value, before[name])}
    assert not still
    bare = trainer(replace(TINY, attention=False, restoration=False))
    before = weights(bare)
    run(bare, pictures(), 3)
    assert torch.equal(weights(bare)["network.attention.head.weight"], before["network.attention.head.weight"])
    assert not torch.equal(weights(bare)["network.attention.level"], before["network.attention.level"])
    assert not any("restoration" in name for name in before)


def test_the_rate_rises_then_falls_to_two_hundredths():
    trained = trainer(replace(TINY, steps=1000))
    rates = {}
    for step in (0, 100, 200, 999):
        trained.step = step
        rates[step] = trained.advance(pictures())["rate"]
    assert rates[0] == 0
    assert rates[100] < rates[200] > rates[999]
    assert rates[999] == pytest.approx(0.02 * TINY.learning_rate, rel=0.01)


def test_training_learns():
    """The quality is held, the bits get through better: in a hundred steps, on one picture, after weak JPEG."""
    config = replace(TINY, steps=2000, batch_size=4, learning_rate=5e-3, psnr_db=38.0)
    trained = trainer(config)
    first = trained.validate([pictures()[3][:128, :128]], ["jpeg:75"])
    for _ in range(100):
        trained.advance(pictures())
    last = trained.validate([pictures()[3][:128, :128]], ["jpeg:75"])
    assert last["information"] > 1.05 * first["information"]
    assert abs(last["psnr_db"] - 38.0) < abs(first["psnr_db"] - 38.0)


def test_the_averaged_weights_lie_among_those_that_were_passed():
    trained = trainer(replace(TINY, ema_decay=0.999))
    passed = [weights(trained)]
    for _ in range(6):
        run(trained, pictures(), 1)
        passed.append(weights(trained))
    for name, average in trained.learner.averaged.items():
        seen = torch.stack([state[name] for state in passed])
        assert torch.all((average >= seen.amin(0) - 1e-6) & (average <= seen.amax(0) + 1e-6)), name
    assert not same(trained.learner.averaged, passed[-1])
    assert not same(trained.learner.averaged, passed[0])


# --- validation --------------------------------------------------------------------------------------------------


def test_validating_measures_the_averaged_weights_and_leaves_the_run_alone():
    trained = trainer()
    run(trained, pictures(), 3)
    live, averaged = weights(trained), {name: value.clone() for name, value in trained.learner.averaged.items()}
    attacks = ("jpeg:75", "jpeg:30")
    whole = [pictures()[0], pictures()[2][:131, :97]]  # of odd sides
    found = trained.validate(whole, attacks)
    assert found == trained.validate(whole, attacks)
    assert same(weights(trained), live)
    assert same(trained.learner.averaged, averaged)
    each = [found[f"information after {attack}"] for attack in attacks]
    assert found["information"] <= min(each) + 1e-9
    assert each[0] > each[1]
    density = len(trained.plain.carried) / trained.plain.config.block**2
    assert each[0] < density  # bits a pixel, at most one a slot
    assert 35 < found["psnr_db"] < 45
    trained.learner.averaged = {
        name: value + 0.1 * ("log_step" in name) for name, value in trained.learner.averaged.items()
    }
    assert trained.validate(whole, attacks)["psnr_db"] < found["psnr_db"]  # steps a tenth larger


# --- resuming ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", ["jpeg", "social"])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(strength, tmp_path):
    config = replace(TINY, strength=strength)
    resumed, whole = assert_resumes(lambda: trainer(config), pictures(), 7, tmp_path)
    assert resumed.balance.weight == whole.balance.weight


def test_the_exported_weights_are_the_averaged_ones(tmp_path):
    trained = trainer()
    run(trained, pictures(), 3)
    live = weights(trained)
    trained.export(tmp_path / "weights.safetensors")
    assert same(load(tmp_path / "weights.safetensors").state_dict(), trained.learner.averaged)
    assert same(weights(trained), live)


# --- what is not a number ----------------------------------------------------------------------------------------


def test_a_loss_that_is_not_a_number_stops_before_it_does_harm():
    trained = trainer()
    run(trained, pictures(), 2)
    with torch.no_grad():
        trained.plain.reception.kappa.bias[0] = float("nan")
    averaged, step = {name: value.clone() for name, value in trained.learner.averaged.items()}, trained.step
    with pytest.raises(Diverged, match=r"step 2: .*--learning-rate"):
        trained.advance(pictures())
    assert same(trained.learner.averaged, averaged)
    assert trained.step == step


def test_a_gradient_that_is_not_a_number_stops_before_it_does_harm():
    """The loss itself may still be finite: a step along such a gradient would only show in the next."""
    trained = trainer()
    run(trained, pictures(), 2)
    trained.plain.network.modulo.log_step.register_hook(lambda gradient: gradient * float("inf"))
    live = weights(trained)
    with pytest.raises(Diverged):
        trained.advance(pictures())
    assert same(weights(trained), live)


# --- the discriminator, the frontier, the other network -------------------------------------------------------------

AGAINST = replace(TINY, adversarial_weight=0.1)


def test_with_a_discriminator_two_networks_learn_by_turns():
    trained = trainer(AGAINST)
    before = weights(trained.discriminator)
    log = run(trained, pictures(), 2)  # the first has the rate 0
    assert {"payload", "adversarial", "discriminator", "discriminator accuracy"} <= log[0].keys()
    assert all(np.isfinite(list(record.values())).all() for record in log)
    assert 0 <= log[-1]["discriminator accuracy"] <= 1
    after = trained.discriminator.plain.state_dict()
    still = {name for name, value in after.items() if torch.equal(value, before[name])}
    assert still == {"front"}
    assert all(weight.requires_grad for weight in trained.discriminator.plain.parameters())


def test_the_carrier_is_pushed_by_the_discriminator_and_the_discriminator_not_by_the_carrier():
    """After two steps the carriers differ, the discriminators do not: both have seen the same first pictures."""
    weak, strong = trainer(AGAINST), trainer(replace(AGAINST, adversarial_weight=5.0))
    for trained in (weak, strong):
        run(trained, pictures(), 2)
    assert not same(weights(weak), weights(strong))
    assert same(weights(weak.discriminator), weights(strong.discriminator))


def test_a_resumed_run_with_a_discriminator_is_the_uninterrupted_one(tmp_path):
    resumed, whole = assert_resumes(lambda: trainer(AGAINST), pictures(), 2, tmp_path)
    assert same(weights(resumed.discriminator), weights(whole.discriminator))


@pytest.mark.parametrize(("threshold", "direction"), [(0.01, -1), (0.99, 1)])
def test_image_weights_follow_the_payload_where_a_threshold_is_given(threshold, direction):
    trained = trainer(replace(TINY, payload_threshold=threshold))
    passed = [trained.balance.weight, *(record["image_weight"] for record in run(trained, pictures(), 3))]
    assert np.all(np.sign(np.diff(passed)) == direction)


def test_the_plain_network_trains_by_the_same_loop(tmp_path):
    trained = trainer(replace(TINY, network="plain"))
    before = weights(trained)
    run(trained, pictures(), 5)  # as many as layers that start as zero, behind each other, and one
    assert not {name for name, value in weights(trained).items() if torch.equal(value, before[name])}
    found = trained.validate([pictures()[0]], ["jpeg:75"])
    assert np.isfinite(list(found.values())).all()
    assert set(trained.look([pictures()[0]])) == {"stego", "change"}
    trained.export(tmp_path / "weights.safetensors")
    assert same(load(tmp_path / "weights.safetensors").state_dict(), trained.learner.averaged)
    again = trainer(replace(TINY, network="plain", init_from=str(tmp_path / "weights.safetensors")))
    assert same(weights(again), trained.learner.averaged)


ABLATIONS = {
    "no attention": ({"attention": False}, lambda model: not model.network.attention.head.weight.requires_grad),
    "no restoration": ({"restoration": False}, lambda model: model.reception.restoration is None),
    "plain": ({"network": "plain"}, lambda model: not hasattr(model.network, "modulo")),
    "discriminator": ({"adversarial_weight": 0.1}, None),
}


@pytest.mark.parametrize(("changes", "shows"), ABLATIONS.values(), ids=ABLATIONS)
def test_the_file_knows_what_the_run_left_out(changes, shows, tmp_path):
    config = replace(TINY, **changes)
    trained = trainer(config)
    run(trained, pictures(), 2)
    trained.export(tmp_path / "weights.safetensors")
    found = load(tmp_path / "weights.safetensors")
    assert same(found.state_dict(), trained.learner.averaged)
    if shows:
        assert shows(found) and not shows(trainer().plain)
    with safe_open(tmp_path / "weights.safetensors", framework="pt") as file:
        assert TrainConfig(**json.loads(file.metadata()["training"])) == config


@pytest.mark.parametrize("changes", [{"network": "plain"}, {"restoration": False}, {"strength": "social"}])
def test_weights_of_another_kind_are_no_start(changes, tmp_path):
    trainer().export(tmp_path / "weights.safetensors")
    with pytest.raises(BadSpec, match=next(iter(changes))):
        trainer(replace(TINY, init_from=str(tmp_path / "weights.safetensors"), **changes))


@pytest.mark.parametrize("wrong", [{"network": "deep"}, {"lpips_net": "squeeze"}])
def test_an_unknown_network_is_refused(wrong):
    with pytest.raises(BadSpec, match="must be one of"):
        trainer(replace(TINY, **wrong))


# --- precision, several processes --------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", ["jpeg", "social"])
def test_in_half_precision_the_losses_are_nearly_those_of_full(strength):
    """The transform and the modulo stay in float32, the convolutions need not."""
    config = replace(TINY, strength=strength, adversarial_weight=0.1)
    half = Trainer(config, Fabric(accelerator="cpu", devices=1, precision="bf16-mixed"))
    for record, wanted in zip(run(half, pictures(), 3), run(trainer(config), pictures(), 3), strict=True):
        assert all(np.isfinite(list(record.values())))
        for name in ("information", "payload", "psnr_db", "discriminator"):
            assert record[name] == pytest.approx(wanted[name], rel=0.03, abs=3e-3), name


def test_in_half_precision_the_transform_is_exact():
    half = Trainer(TINY, Fabric(accelerator="cpu", devices=1, precision="bf16-mixed"))
    luma = 255 * torch.rand((1, 64, 64), generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = half.plain.analyse(luma)
        u, v = zip(*half.plain.config.band, strict=True)
        without_care = blockdct.forward(luma, half.plain.config.block)[..., u, v].movedim(-1, 1)
    assert found.dtype == torch.float32
    assert torch.equal(found, half.plain.analyse(luma))
    assert (without_care - found).abs().max() > 0.5  # grey levels


_TWO = """
import sys
import numpy as np, torch
from lightning_fabric import Fabric
from stegolab.carrier.training.config import TrainConfig
from stegolab.carrier.training.trainer import Trainer

torch.set_num_threads(1)
fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
fabric.launch()
config = TrainConfig(steps=20, batch_size=1, crop=64, learning_rate=0.02, ema_decay=0.9, adversarial_weight=0.1)
trained = Trainer(config, fabric)
picture = np.random.default_rng(0).normal(128, 30, (80, 80, 3)).clip(0, 255).astype(np.uint8)
for _ in range(3):
    trained.advance([picture])
learnt = {"carrier": trained.learner.plain.state_dict(), "discriminator": trained.discriminator.plain.state_dict()}
torch.save(learnt | {"weight": trained.balance.weight}, f"{sys.argv[1]}/{fabric.global_rank}.pt")
"""


def test_two_processes_hold_equal_weights_and_learn_from_more_than_one_of_them(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(_TWO)
    said = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr[-2000:]
    one, other = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert same(one["carrier"], other["carrier"])
    assert same(one["discriminator"], other["discriminator"])
    assert one["weight"] == other["weight"]
    alone = trainer(replace(AGAINST, batch_size=1))  # sees what the first of the two sees
    picture = np.random.default_rng(0).normal(128, 30, (80, 80, 3)).clip(0, 255).astype(np.uint8)
    for _ in range(3):
        alone.advance([picture])
    assert not same(weights(alone), one["carrier"])


# --- the folder of a run -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """The smallest data folder that can be trained on: two pictures, one of them large enough to validate on."""
    root = tmp_path_factory.mktemp("data")
    rows = [("images/train.png", "train", "coffee"), ("images/valid.png", "valid", "astronaut")]
    (root / "images").mkdir()
    with (root / "INDEX.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for path, split, cover in rows:
            Image.fromarray(sample_covers()[cover]).save(root / path)
            writer.writerow((path, split, "image", "", "512x512", "skimage", "CC0-1.0"))
    return root


@pytest.fixture
def some_data(data_folder, monkeypatch):
    monkeypatch.setenv("STEGOLAB_DATA", str(data_folder))


def running(config, out, **options):
    return train_loop(*begin(config, cpu()), out, **options)


def fit(config, out, **options):
    return list(running(config, out, **options))


def test_fit_keeps_a_folder_and_goes_on_where_it_was(some_data, tmp_path):
    config = replace(TINY, steps=6, validate_every=3)
    records = fit(config, tmp_path / "whole")
    assert [record["step"] for record in records] == [3, 6]
    assert json.loads((tmp_path / "whole" / "config.json").read_text()) == asdict(config)
    log = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert log == records
    assert isinstance(load(tmp_path / "whole" / "best.safetensors"), CarrierModel)
    assert list((tmp_path / "whole").glob("events.out.tfevents.*"))

    interrupted = tmp_path / "interrupted"
    begun = running(config, interrupted)
    next(begun)
    begun.close()
    rest = fit(config, interrupted)
    assert [record["step"] for record in rest] == [6]
    assert rest[-1]["valid"] == records[-1]["valid"]
    states = [torch.load(d / "checkpoint.pt", weights_only=True) for d in (tmp_path / "whole", interrupted)]
    for weights_of in ("network", "averaged"):
        assert same(*(state["learner"][weights_of] for state in states))
    assert fit(config, interrupted) == []  # nothing left to do


def test_the_best_weights_stay_the_best_when_a_run_goes_on(some_data, tmp_path, monkeypatch):
    config = replace(TINY, steps=2, validate_every=1)
    measured = iter([0.05, 0.04])
    monkeypatch.setattr(Trainer, "validate", lambda *_: {"score": next(measured)})
    begun = running(config, tmp_path)
    next(begun)
    begun.close()
    best = (tmp_path / "best.safetensors").read_bytes()
    fit(config, tmp_path)
    assert (tmp_path / "best.safetensors").read_bytes() == best


def test_strength_social_is_trained_with_the_template_in_its_slots():
    """The change contains the template as the sender's does, and no payload is expected in its place."""
    model = CarrierModel(ModelConfig.start(SOCIAL)).eval()
    plane = torch.from_numpy(luma(covers.larger()["coffee"])[None])
    bits = torch.ones(1, len(model.carried), *(side // 16 for side in plane.shape[1:]))
    with torch.no_grad():
        change, carries = trainers._marked(model, plane, model.embed(plane, inn.points(bits)))
    _, aligned = next(search((plane + change)[0].numpy(), [template.Template.of(FORMAT_1)]), (None, None))
    assert aligned is not None and aligned.shape == tuple(plane.shape[1:])
    at = [model.config.frequencies.index(f) for f in template.FREQUENCIES]
    assert (carries[at].numpy() == ~template.places(*bits.shape[2:])).all()
    slots = len(model.carried) / model.config.block**2
    assert trainer(replace(TINY, strength="social")).density == pytest.approx(float(carries.mean()) * slots, rel=2e-3)


def test_a_run_that_diverges_keeps_its_last_checkpoint(some_data, tmp_path):
    config = replace(TINY, steps=4, validate_every=2)
    begun = running(config, tmp_path)
    next(begun)
    before = {name: (tmp_path / name).read_bytes() for name in ("checkpoint.pt", "best.safetensors", "log.jsonl")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "stegolab.carrier.training.trainer.payload_loss", lambda llr, *_: llr.mean((1, 2, 3)) * float("nan")
        )
        with pytest.raises(Diverged):
            next(begun)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert not list(tmp_path.glob(".stegolab-*"))
    assert [record["step"] for record in fit(config, tmp_path)] == [4]  # and can be gone on from


def test_time_can_be_limited(some_data, tmp_path):
    assert fit(TINY, tmp_path, minutes=0) == []


def test_without_data_or_with_pictures_too_small_it_says_so(some_data, tmp_path, monkeypatch):
    with pytest.raises(BadData, match="1000 pixels"):
        fit(replace(TINY, crop=1000), tmp_path / "run")
    with pytest.raises(BadSpec, match="file"):
        fit(replace(TINY, strength="file"), tmp_path)  # type: ignore[arg-type]
    monkeypatch.delenv("STEGOLAB_DATA")
    with pytest.raises(BadData):
        fit(TINY, tmp_path)


def command(*arguments):
    run_command(TrainConfig(), begin, "Train.", [str(argument) for argument in arguments])


def test_the_command_tells_its_options(capsys):
    with pytest.raises(SystemExit) as ended:
        command("--help")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for name in asdict(TrainConfig()):
        assert "--" + name.replace("_", "-") in said


def test_the_command_says_in_one_line_what_is_wrong(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("STEGOLAB_DATA", "")
    with pytest.raises(SystemExit) as ended:
        command("--out", tmp_path / "run", "--data", tmp_path)
    said = str(ended.value.code)  # which Python prints to standard error, and exits with 1
    assert said.startswith("stegolab: ") and "INDEX.csv" in said and "\n" not in said
    assert capsys.readouterr() == ("", "")
