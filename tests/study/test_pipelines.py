"""The set of pipelines by real software: complete, named as it is written, and honest about what cannot run here."""

import dataclasses
import json

import pytest

from stegolab import study
from stegolab.channel import spec
from stegolab.channel.platforms import PLATFORMS, SOFTWARE_PLATFORMS
from stegolab.channel.software import SOFTWARE, Backend
from stegolab.cli import main
from stegolab.errors import BadSpec, MissingSoftware
from stegolab.picture_files import write_image
from stegolab.study import PIPELINES, SWEEPS, Sweep, attacks_of, declared, family, installed, unique
from stegolab.study.trial import _moves

EVERY = attacks_of("software", "social")
STEPS = {attack: spec.parse(attack).attacks for attack in EVERY}


def version_of_nothing() -> str:
    raise ImportError


NOTHING = Backend("nothing", "apt install nothing", version_of_nothing)


def without(monkeypatch, *names: str) -> None:
    for name in names:
        monkeypatch.setitem(SOFTWARE, name, dataclasses.replace(SOFTWARE[name], needs=NOTHING))


def fixed(monkeypatch, name: str, version: str) -> None:
    here = Backend(name, "", lambda: version)
    monkeypatch.setitem(SOFTWARE, name, dataclasses.replace(SOFTWARE[name], needs=here))


def test_every_attack_by_other_software_is_tried_alone_and_in_chains():
    assert SOFTWARE.keys() - {"gmcap"} <= {step.name for steps in STEPS.values() for step in steps}
    files = {"jpeg", "webp", "avif", *(name for name, attack in SOFTWARE.items() if attack.encode)}
    twice = [attack for attack, steps in STEPS.items() if sum(step.name in files for step in steps) == 2]
    assert len(twice) >= 14


@pytest.mark.parametrize(
    "attacks",
    [
        ("vips:0.8,mozjpeg:75", "vips:0.675,mozjpeg:75", "vips:0.6,mozjpeg:80", "vips:0.5,mozjpeg:75"),
        ("vips:0.8,mozjpeg:60", "vips:0.8,vipswebp:75", "vips:0.5,vipswebp:80", "vips:0.6,avif:50"),
        ("canvas:0.675:low:jpeg:0.8", "canvas:0.6:high:jpeg:0.8", "canvas:0.8:low:webp:0.8"),
        ("bitmap:0.6:medium,canvas:1:low:jpeg:0.8", "opencv:0.7:linear,jpeg:75", "opencv:0.5:area,jpeg:75"),
        ("magick:0.75,unsharp:2:0.5:0.7:0,magickjpeg:82", "ffmpeg:0.5,mjpeg:5", "screenshot:1:0.5:1.25"),
        ("vips:0.8,mozjpeg:80,canvas:0.8:low:jpeg:0.8", "none", "mozjpeg:75", "jpegli:60", "heic:50", "jxl:75"),
    ],
)
def test_the_pipelines_that_people_really_use_are_there(attacks):
    assert set(unique(attacks)) <= set(EVERY)


def test_names_are_kept_and_families_are_their_own():
    assert len(EVERY) == len(set(EVERY)) == 1 + sum(len(sweep.attacks) for sweep in PIPELINES)
    assert unique(EVERY) == EVERY
    assert {f"platform:{name}" for name in SOFTWARE_PLATFORMS} <= set(EVERY)
    assert family("platform:discourse") == "platform's own software"
    assert family("canvas:0.6:low:jpeg:0.8") == "canvas, JPEG"
    families = [sweep.family for sweep in (*SWEEPS, *PIPELINES)]
    assert len(families) == len(set(families))
    assert not {f"platform:{name}" for name in PLATFORMS} & set(EVERY)


def test_nothing_is_promised_that_the_sender_does_not_try():
    assert [attack for attack in EVERY if declared(attack, "social")] == ["none"]


def test_what_is_not_installed_is_left_out_of_the_set_and_named(monkeypatch):
    without(monkeypatch, "vips", "mozjpeg", "canvas")
    lost = {attack for attack, steps in STEPS.items() if {"vips", "mozjpeg", "canvas"} & {step.name for step in steps}}
    left_out = installed.left_out(EVERY)
    assert set(left_out["nothing (apt install nothing)"]) <= lost
    assert lost <= {attack for attacks in left_out.values() for attack in attacks}
    remaining = study.plan(["social", "jpeg"], "software")
    assert remaining["social"] == remaining["jpeg"]
    assert not lost & set(remaining["jpeg"])
    assert {"none", "mjpeg:5"} <= set(remaining["jpeg"])  # FFmpeg is in the core
    assert "mozjpeg:75" not in installed.versions(remaining["jpeg"])


def test_an_attack_of_ones_own_whose_software_is_missing_is_refused_before_anything_runs(covers, monkeypatch):
    without(monkeypatch, "mozjpeg")
    with pytest.raises(MissingSoftware, match="nothing, which is not installed: apt install nothing"):
        study.run(covers, ["jpeg"], ["none", "jpeg:90,mozjpeg:75"])


def test_trials_by_another_version_of_a_software_are_run_again(covers, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "version", lambda: "this")
    one = {"astronaut": covers["astronaut"]}
    finished: list[int] = []
    for version in ("1", "1", "2"):
        fixed(monkeypatch, "mjpeg", version)
        study.run(
            *(one, ["jpeg"], ["none", "mjpeg:2"]),
            journal=tmp_path / "journal.sqlite",
            progress=lambda done, total: finished.append(done),
        )
    assert finished == [0, 2, 2, 1, 2]  # of two: at the start, and after each task


def test_a_machine_with_another_version_is_refused(monkeypatch):
    fixed(monkeypatch, "mjpeg", "2")
    installed.same({"mjpeg:5": {"mjpeg": "2"}, "none": {}})
    with pytest.raises(BadSpec, match="has mjpeg 2, not 1: install the same one everywhere"):
        installed.same({"mjpeg:5": {"mjpeg": "1"}})
    without(monkeypatch, "mjpeg")
    with pytest.raises(MissingSoftware):
        installed.same({"mjpeg:5": {"mjpeg": "1"}})


@pytest.mark.parametrize(
    ("attack", "moves"), [("screenshot:1.2", False), ("screenshot:1:0.1", True), ("crop:0.1", True)]
)
def test_a_screenshot_moves_the_picture_where_the_page_is_around_it(attack, moves):
    assert any(map(_moves, spec.parse(attack).attacks)) == moves


def test_the_command_says_what_it_leaves_out_and_records_the_versions(covers, tmp_path, monkeypatch, capsys):
    """And what it leaves out is in the summary and in the results."""
    monkeypatch.setattr(study.sweeps, "PIPELINES", (Sweep("two", (), ("mjpeg:2", "jpeg:90,mozjpeg:75")),))
    without(monkeypatch, "mozjpeg")
    fixed(monkeypatch, "mjpeg", "7.5")
    write_image(tmp_path / "cover.png", covers["astronaut"])
    words = ["study", str(tmp_path / "cover.png"), "--set", "software", "--strength", "jpeg", "--carrier", "lattice"]
    assert main([*words, "--engine", "serial", "--out", str(tmp_path / "out")]) == 0
    text, said = capsys.readouterr()
    remedy = "nothing (apt install nothing)"
    assert f"SkippedWarning: --set software: left out what is not installed here: {remedy}: 1 attack" in said
    assert "| jpeg | *`mjpeg:2`* | " in text
    assert "Software: mjpeg 7.5." in text
    assert f"Left out without {remedy}: `jpeg:90,mozjpeg:75`." in text
    assert (tmp_path / "out" / study.SUMMARY).read_text() == text
    found = json.loads((tmp_path / "out" / study.RESULTS).read_text())["metrics"]
    assert (found["trials"], found["software"]) == (2, {"mjpeg": "7.5"})
    assert found["left_out"] == {remedy: ["jpeg:90,mozjpeg:75"]}
