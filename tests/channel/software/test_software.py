"""What holds for every attack by other software: reading needs none of it, running says what is missing."""

import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stegolab.channel import spec
from stegolab.channel.software import SOFTWARE, Backend, available, versions
from stegolab.channel.spec import parse
from stegolab.cli import main
from stegolab.errors import BadSpec, MissingSoftware

from ... import core_only

COFFEE = data.coffee()[:240, :320]
EXAMPLES = {
    "vips": "vips:0.6:lanczos3",
    "vipscap": "vipscap:200:cubic",
    "mozjpeg": "mozjpeg:75",
    "vipswebp": "vipswebp:75",
    "opencv": "opencv:0.7:cubic",
    "canvas": "canvas:0.675:low:jpeg:0.8",
    "canvascap": "canvascap:200:medium:webp:0.8",
    "bitmap": "bitmap:0.6:high",
    "screenshot": "screenshot:0.8:0.2:1.25",
    "magick": "magick:0.75:triangle",
    "magickcap": "magickcap:200:catrom",
    "unsharp": "unsharp:0:1:1:0.02",
    "magickjpeg": "magickjpeg:80",
    "gm": "gm:0.75:triangle",
    "gmcap": "gmcap:200:catrom",
    "gmunsharp": "gmunsharp:0:1:1:0.02",
    "gmjpeg": "gmjpeg:80",
    "gd": "gd:0.7:bicubic",
    "ffmpeg": "ffmpeg:0.75:lanczos",
    "mjpeg": "mjpeg:5:420",
    "jpegli": "jpegli:75",
    "heic": "heic:50",
    "jxl": "jxl:75",
}
HERE = available()


def version_of_nothing() -> str:
    raise ImportError


NOTHING = Backend("nothing", "apt install nothing", version_of_nothing)
each = pytest.mark.parametrize("name", SOFTWARE)


def run_or_skip(name: str) -> spec.Chain:
    if name not in HERE:
        needs = SOFTWARE[name].needs
        pytest.skip(f"{needs.name} is not installed: {needs.remedy}")
    return parse(EXAMPLES[name])


def test_there_is_an_example_of_each():
    assert list(EXAMPLES) == list(SOFTWARE)
    assert not SOFTWARE.keys() & spec.ATTACKS.keys()


@each
def test_it_attacks_and_does_the_same_again(name):
    chain = run_or_skip(name)
    before = COFFEE.copy()
    received = chain(COFFEE)
    assert received.dtype == np.uint8 and received.shape[2] == 3
    assert received.shape != COFFEE.shape or not np.array_equal(received, COFFEE)
    assert np.array_equal(COFFEE, before)
    contents, suffix = chain.encode(COFFEE)
    assert (contents, suffix) == chain.encode(COFFEE)
    assert np.array_equal(received, chain(COFFEE))


@each
def test_the_file_handed_out_holds_what_the_attack_returns(name):
    chain = run_or_skip(name)
    contents, suffix = chain.encode(COFFEE)
    if suffix in (".jpg", ".webp", ".png"):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(contents)).convert("RGB")), chain(COFFEE))
    assert (suffix != ".png") == bool(SOFTWARE[name].encode)


@each
def test_it_is_read_and_written_without_the_software_and_then_says_what_is_missing(name, monkeypatch):
    monkeypatch.setitem(SOFTWARE, name, dataclasses.replace(SOFTWARE[name], needs=NOTHING))
    chain = parse(EXAMPLES[name])
    assert parse(str(chain)) == chain
    assert chain.missing == ("nothing",) and name not in available() and "nothing" not in versions()
    for attack in (chain, chain.encode):
        with pytest.raises(MissingSoftware, match="this needs nothing, which is not installed: apt install nothing"):
            attack(COFFEE)


@each
def test_every_argument_has_a_domain_and_is_checked_against_it(name):
    parameters = [parameter.name for parameter in spec._parameters(name)]
    assert list(SOFTWARE[name].domains) == parameters
    words = EXAMPLES[name].split(":")
    for place, parameter in list(enumerate(parameters, 1))[: len(words) - 1]:
        for bad in ("-1", "1e9", "nan", "worst"):
            with pytest.raises(BadSpec, match=f"{parameter} must be"):
                parse(":".join([*words[:place], bad, *words[place + 1 :]]))


def test_what_is_available_has_a_version():
    assert {SOFTWARE[name].needs.name for name in HERE} == versions().keys()
    assert all(any(letter.isdecimal() for letter in version) for version in versions().values())
    assert parse("vips:0.5,jpeg:80").missing == (() if "vips" in HERE else ("libvips",))
    assert parse("resize:0.5").missing == ()


def test_the_core_reads_every_specification_and_says_in_one_line_what_to_install(tmp_path):
    program = f"""
import numpy, stegolab.channel.spec as spec
from stegolab.channel.software import SOFTWARE, available
from stegolab.errors import MissingSoftware
said = {{}}
for name, example in {EXAMPLES!r}.items():
    try:
        spec.parse(example)(numpy.zeros((64, 64, 3), numpy.uint8))
    except MissingSoftware as error:
        said[name] = str(error)
answer = [said, available()]
"""
    said, here = core_only.run(program, tmp_path)
    of_wheels = {name for name in SOFTWARE if SOFTWARE[name].needs.remedy.startswith("pip install '.[")}
    assert {"vips", "mozjpeg", "opencv", "canvas", "screenshot", "heic", "jxl"} <= of_wheels
    assert of_wheels - {"jpegli"} <= said.keys()  # cjpegli may be on the path
    assert said.keys() | set(here) == SOFTWARE.keys() and {"ffmpeg", "mjpeg"} <= set(here)
    for name, line in said.items():
        assert line.startswith("this needs ") and f"which is not installed: {SOFTWARE[name].needs.remedy}" in line


def test_contributors_and_users_are_told_every_package_of_the_system():
    asked = " ".join(attack.needs.remedy for attack in SOFTWARE.values())
    packages = set(re.findall(r"apt install ([\w-]+)", asked))
    assert {"chromium", "imagemagick"} <= packages
    for document in ("CONTRIBUTING.md", "docs/reference.md"):
        (told,) = re.findall(r"`apt install (chromium [\w -]+)`", (core_only.ROOT / document).read_text())
        assert set(told.split()) == packages, document


def test_the_command_writes_the_very_file_or_says_what_is_missing(tmp_path, monkeypatch, capsys):
    Image.fromarray(COFFEE).save(tmp_path / "cover.png")
    spec = "ffmpeg:0.75:bilinear,mjpeg:4"
    words = ("attack", str(tmp_path / "cover.png"), str(tmp_path / "received.jpg"), "--spec", spec)
    assert main(words) == 0
    assert (tmp_path / "received.jpg").read_bytes() == parse(spec).encode(COFFEE)[0]
    monkeypatch.setitem(SOFTWARE, "mjpeg", dataclasses.replace(SOFTWARE["mjpeg"], needs=NOTHING))
    (tmp_path / "received.jpg").unlink()
    assert main(words) == 1
    said = capsys.readouterr().err
    assert said == f"stegolab: MissingSoftware: this needs nothing, which is not installed: {NOTHING.remedy}\n"
    assert not (tmp_path / "received.jpg").exists()
