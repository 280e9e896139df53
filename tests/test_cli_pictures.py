"""Pictures at the command line: from pipes, and attacked as by platforms, with colours and transparency first."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from stegolab import data
from stegolab.cli import main
from stegolab.images import read_image
from tests import profiles

COVER = np.ascontiguousarray(data.sample_covers()["astronaut"][:256, :256])
P3 = profiles.profile("Display P3", profiles.DISPLAY_P3)


@pytest.fixture
def cover(tmp_path):
    """In Display P3, with a transparent left half."""
    alpha = np.full(COVER.shape[:2], 255, np.uint8)
    alpha[:, :128] = 0
    Image.fromarray(np.dstack([COVER, alpha])).save(tmp_path / "cover.png", icc_profile=P3)
    return tmp_path / "cover.png"


def piped(monkeypatch, contents):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(contents)))


@pytest.mark.parametrize(("options", "level"), [([], 255), (["--background", "black"], 0)])
@pytest.mark.parametrize(
    ("name", "spec"), [("out.png", "none"), ("out.jpg", "jpeg:95:444"), ("out.tif", "jpeg:95:444")]
)
def test_attack_flattens_and_converts(options, level, name, spec, cover, tmp_path):
    assert main(["attack", str(cover), str(tmp_path / name), "--spec", spec, *options]) == 0
    received = read_image(tmp_path / name)
    assert received.icc is None
    assert received.alpha is None
    assert abs(received.rgb[:, :120].mean() - level) < 0.1
    expected = profiles.in_srgb(COVER, profiles.DISPLAY_P3, profiles.srgb_to_linear)
    assert np.abs(received.rgb - expected)[:, 136:].mean() < 3


def test_an_unknown_background_is_refused(cover, tmp_path, capsys):
    assert main(["attack", str(cover), str(tmp_path / "o.jpg"), "--spec", "jpeg:9", "--background", "red"]) == 1
    assert "white, black" in capsys.readouterr().err


def test_pictures_come_out_of_pipes(monkeypatch, tmp_path, capsys):
    file = io.BytesIO()
    Image.fromarray(COVER).save(file, "PNG")
    piped(monkeypatch, file.getvalue())
    assert main(["attack", "-", str(tmp_path / "out.png"), "--spec", "none"]) == 0
    assert np.array_equal(read_image(tmp_path / "out.png").rgb, COVER)
    piped(monkeypatch, file.getvalue())
    assert main(["capacity", "-", "--strength", "file"]) == 0
    piped(monkeypatch, b"no picture")
    capsys.readouterr()
    assert main(["reveal", "-", str(tmp_path / "out.wav")]) == 1
    assert "not an image" in capsys.readouterr().err


def test_hide_converts_unless_told_otherwise(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PHRASE", "a passphrase for the tests")
    Image.fromarray(COVER).save(tmp_path / "cover.png", icc_profile=P3, dpi=(300, 300))
    speech, stego = data.sample_speech()["platform_rms"], tmp_path / "stego.png"
    hide = ["hide", str(speech), str(tmp_path / "cover.png"), str(stego), "--passphrase-env", "PHRASE", "--json"]
    hide += ["--strength", "file", "--codec", "codec2:700", "--no-enhance"]
    for more, icc, notes in ([], None, 1), (["--keep-profile"], P3, 0):
        assert main([*hide, *more]) == 0
        said = capsys.readouterr()
        report = json.loads(said.out)
        assert len(report["notes"]) == notes
        assert report["opaque"] == 1
        assert ("Display P3 to sRGB" in said.err) is bool(notes)
        written = read_image(stego)
        assert written.icc == icc
        assert written.dpi == pytest.approx((300, 300), abs=0.02)
        assert main(["reveal", str(stego), str(tmp_path / "out.wav"), "--passphrase-env", "PHRASE"]) == 0
        capsys.readouterr()
