"""benchmarks/detectability.py: what is asked for is measured, on other pictures, and what is found is published."""

import importlib.util
import io
import json
import sys
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stegolab import data, results
from stegolab.carrier.networks.config import ModelConfig
from stegolab.carrier.networks.model import CarrierModel, save
from stegolab.carrier.strengths import JPEG
from stegolab.carrier.training.config import TrainConfig
from stegolab.detect.pictures import Setting, cut
from stegolab.errors import BadData
from tests.covers import larger

RATE = 0.01


def _module():
    path = Path(__file__).parents[2] / "benchmarks" / "detectability.py"
    specification = importlib.util.spec_from_file_location("detectability", path)
    assert specification and specification.loader
    sys.modules["detectability"] = module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


detectability = _module()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two pictures a split, all of them different ones."""
    folder = tmp_path_factory.mktemp("covers")
    found: dict[str, dict[str, Path]] = {}
    for number, split in enumerate(("train", "valid", "eval")):
        found[split] = {}
        for name, rgb in list(larger().items())[:2]:
            path = folder / f"{split}_{name}.png"
            Image.fromarray(np.roll(rgb, 100 * number, axis=1)).save(path)
            found[split][path.stem] = path
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "covers", found.__getitem__)
        yield found


@pytest.fixture(scope="module")
def measured(pictures, tmp_path_factory):
    """What is published, what is printed, and where."""
    tmp_path = tmp_path_factory.mktemp("measured")
    model = CarrierModel(ModelConfig.start(JPEG))
    save(model, tmp_path / "discriminator.safetensors", training=TrainConfig(adversarial_weight=0.5))
    asked = ["--carriers", "lattice", "--strengths", "jpeg", "--payloads", "1", "0", "--bits-per-pixel", str(RATE)]
    asked += ["--weights", f"discriminator={tmp_path / 'discriminator.safetensors'}"]
    asked += ["--codes", "discriminator=ldpc:1/4", "--lsb", "0.5"]
    asked += ["--scattered", "--network", "lattice-jpeg-1", "--steps", "2", "--networks", str(tmp_path / "networks")]
    out = tmp_path / "detectability.json"
    printed = io.StringIO()
    with redirect_stdout(printed), pytest.MonkeyPatch.context() as patch:
        for name in ("judge", "by_chance"):
            patch.setattr(detectability, name, partial(getattr(detectability, name), resamples=20))
        patch.setattr(detectability, "least_share", lambda kind, bits, crops: 1.0 if bits > 1000 else 0.4)
        detectability.main([*asked, "--side", "192", "--crops", "1", "--out", str(out)])
    return results.read("detectability", tmp_path), printed.getvalue(), out


def test_every_setting_meets_every_detector_and_is_published(measured):
    found, printed, out = measured
    rows = found["metrics"]["rows"]
    kinds = [(row["carrier"], row["detector"]) for row in rows]
    assert kinds.count(("lattice", "features")) == kinds.count(("discriminator", "receiver")) == 3
    assert kinds.count(("lattice scattered", "features")) == 2  # a full payload has nothing to choose
    assert kinds.count(("lattice", "network")) == 1 and kinds.count(("LSB matching", "features")) == 1
    assert len(rows) == (3 + 3 + 2) * 2 + 2 == printed.count("\n| ")
    assert "--bits-per-pixel 0.01" in found["command"]
    assert found["metrics"]["splits"]["valid"] == {"pictures": 2, "crops": 2}
    discriminator = found["metrics"]["trained"]["discriminator"]
    assert discriminator["training"]["adversarial_weight"] == 0.5 and len(discriminator["sha256"]) == 64
    assert Image.open(out.with_suffix(".png")).width > 800
    json.loads(out.read_text(), parse_constant=pytest.fail)


def test_the_same_message_for_every_carrier_and_none_at_all(measured):
    rows = [row for row in measured[0]["metrics"]["rows"] if row["detector"] == "receiver"]
    for carrier in ("lattice", "discriminator"):
        full, none, equal = (row for row in rows if row["carrier"] == carrier)
        assert equal["bits_per_pixel"] == pytest.approx(RATE, abs=8 / 192**2) and none["bits_per_pixel"] == 0
        assert full["bits_per_pixel"] > equal["bits_per_pixel"] and none["psnr_db"] > equal["psnr_db"] + 1


def test_more_takes_more_blocks_and_no_body_takes_some(pictures):
    (crop,) = cut({"one": pictures["train"][f"train_{next(iter(larger()))}"]}, side=256)
    shares = [detectability.least_share(Setting("lattice", "jpeg"), bits, [crop]) for bits in (0, 3500)]
    assert 0 < shares[0] < shares[1] <= 1


def test_a_verdict_is_on_the_pictures_of_its_split(measured):
    for row in measured[0]["metrics"]["rows"]:
        for name, pictures in (("valid", 2), ("eval", 2), ("both", 4)):
            verdict = row["verdicts"][name]
            curve = [tuple(map(float, corner.split())) for corner in verdict["roc"].split(", ")]
            assert curve[0] == (0, 0) and curve[-1] == (1, 1)
            assert min((alarm + 1 - hit) / 2 for alarm, hit in curve) == pytest.approx(verdict["p_e"], abs=1e-3)
            assert (2 * pictures * verdict["p_e"]) % 1 == pytest.approx(0)


def test_a_picture_on_both_sides_is_refused(pictures, monkeypatch):
    monkeypatch.setitem(pictures, "eval", pictures["train"])
    with pytest.raises(BadData, match="both training and testing"):
        detectability.main(["--side", "256"])
