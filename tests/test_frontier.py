"""benchmarks/frontier.py: its points are undominated, both ends use the same factor, and it resumes where it was."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.learned import LearnedCarrier
from stegolab.carrier.networks.config import ModelConfig
from stegolab.carrier.networks.model import CarrierModel
from stegolab.carrier.strengths import JPEG, SOCIAL
from stegolab.carrier.sync.search import search
from stegolab.carrier.sync.template import Template
from stegolab.errors import BadSpec
from stegolab.images import luma, psnr
from stegolab.journal import opened
from stegolab.keystream import FORMAT_1
from tests import covers
from tests.covers import random_bits, wrong


def _module():
    import sys

    path = Path(__file__).parent.parent / "benchmarks" / "frontier.py"
    specification = importlib.util.spec_from_file_location("frontier", path)
    assert specification and specification.loader
    sys.modules["frontier"] = module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


frontier = _module()
TRIAL = frontier.Trial("jpeg", "lattice", 1.0, 0.5, "one.png", 0.05, 41.0, 0.96, 0.1, True)
LEARNED = {name: CarrierModel(ModelConfig.start(JPEG, network=name)).eval() for name in ("invertible", "plain")}


@given(st.lists(st.tuples(st.integers(38, 44), st.integers(1, 9)), min_size=1, max_size=12))
def test_no_point_beats_the_curve_and_no_point_of_the_curve_is_beaten(pairs):
    curve = frontier.envelope([{"psnr_db": decibel, "net_bpp": payload} for decibel, payload in pairs])
    found = [(point["psnr_db"], point["net_bpp"]) for point in curve]
    assert found == sorted(found) and set(found) <= set(pairs)
    for decibel, payload in pairs:
        assert any(d >= decibel and p >= payload for d, p in found)
    for d, p in found:
        assert not any(decibel >= d and payload >= p and (decibel, payload) != (d, p) for decibel, payload in pairs)


CARRIERS = {
    "lattice": LatticeCarrier(SOCIAL),
    **{name: LearnedCarrier(JPEG, model) for name, model in LEARNED.items()},
}


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_larger_steps_cost_what_they_should_and_are_read(carrier):
    """Twice the step is four times the squared error, 6 dB; the carrier itself stays as it is."""
    cover = covers.photographs()["astronaut"] // 2 + 64
    larger = frontier.scaled(carrier, 2.0)
    header, body, used = random_bits(carrier, cover)
    quality = [psnr(cover, c.embed(cover, header, body, used)) for c in (carrier, larger, carrier)]
    assert quality[0] == quality[2]
    if carrier.strength.rescaled:  # or nobody would find the geometry
        received = luma(larger.embed(cover, header, body, used))[48:]
        _, aligned = next(search(received, [Template.of(FORMAT_1)]))
        assert aligned.shape == cover.shape[:2]
    assert quality[0] - quality[1] == pytest.approx(6.0, abs=1.0)
    if carrier.name != "plain":  # which hears nothing before it is trained
        reading = larger.read(larger.embed(cover, header, body, used), cover.shape[:2])
        assert wrong(reading.body_llr(header), body) < 0.01


def test_the_journal_goes_on_and_does_not_mix_versions(tmp_path):
    path, about = tmp_path / "journal.sqlite", {"version": "a", "seed": 0}
    other = replace(TRIAL, cover="two.png", psnr_db=None, ssim=None, lpips_vgg=None, net_bpp=0.0, exact=False)
    for trial in (TRIAL, other):
        with opened(path) as kept:
            frontier.Journal(kept, **about).append(trial)
    with opened(path) as kept:
        journal = frontier.Journal(kept, **about)
        with pytest.raises(BadSpec, match="version"):
            frontier.Journal(kept, **about | {"version": "b"})
    assert list(journal.values()) == [TRIAL, other]
    (point,) = journal.points(journal)
    assert (point["net_bpp"], point["psnr_db"]) == (0.025, 41.0)  # nothing carried counts; nothing seen does not
    assert (point["exact"], point["covers"]) == (1, 2)


def test_it_measures_writes_draws_and_does_not_measure_twice(tmp_path, monkeypatch):
    from PIL import Image

    cover = tmp_path / "astronaut.png"
    Image.fromarray(covers.photographs()["astronaut"]).save(cover)
    monkeypatch.setattr(frontier.data, "eval_covers", lambda: [cover])
    monkeypatch.setattr(frontier, "lpips", lambda *_: 0.1)
    command = [
        "--points",
        "2",
        "--strengths",
        "jpeg",
        "--carriers",
        "lattice",
        "--journal",
        str(tmp_path / "made" / "j.sqlite"),
    ]
    command += ["--out", str(tmp_path / "made" / "frontier.json")]
    frontier.main(command)
    found = json.loads((tmp_path / "made" / "frontier.json").read_text())
    full, half = found["metrics"]["points"]
    assert (full["share"], half["share"]) == (1.0, 0.5)
    assert full["exact"] == half["exact"] == 1
    assert half["net_bpp"] == pytest.approx(full["net_bpp"] / 2, rel=0.05)
    assert half["psnr_db"] > full["psnr_db"] + 1
    assert {"seed", "versions", "source_sha256", "command", "date"} <= found.keys()
    assert all((tmp_path / "made" / f"frontier{suffix}").stat().st_size > 5000 for suffix in (".png", ".svg"))
    monkeypatch.setattr(frontier, "trials", lambda _, __, shares, *___: pytest.fail("again") if shares else [])
    frontier.main(command)
    assert json.loads((tmp_path / "made" / "frontier.json").read_text())["metrics"] == found["metrics"]
    assert np.asarray(Image.open(tmp_path / "made" / "frontier.png")).std() > 10
