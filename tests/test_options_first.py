"""A mistake in an option is told before anything is read: there is no sound, picture or data here to read."""

import shlex
from dataclasses import replace

import numpy as np
import pytest

import stegolab
from stegolab import study
from stegolab.channel.software import SOFTWARE, Backend
from stegolab.cli import main
from stegolab.errors import BadKey, BadSpec
from stegolab.related.pixinwav.config import TrainConfig
from stegolab.training.command import run as train

HIDE = "hide in.wav cover.png out.png --no-encrypt"
SEALED = "hide in.wav cover.png out.png"
STUDY = "study cover.png --out out"
MISTAKES = {
    f"{HIDE} --strength huge": "BadSpec: no strength 'huge'",
    f"{HIDE} --carrier dct": "BadSpec: no carrier 'dct'",
    f"{HIDE} --codec mp3": "BadSpec: no codec 'mp3'",
    f"{HIDE} --ecc turbo": "BadSpec: no error-correcting code 'turbo'",
    f"{HIDE} --refine -1": "BadSpec: refine must be 0 or more",
    f"{HIDE} --refine 2 --strength file": "BadSpec: only the learned carrier can refine",
    f"{HIDE} --carrier inn --strength file": "NotTrained: ",
    SEALED: "BadKey: no key",
    f"{SEALED} --key-file missing": "BadKey: cannot read the key file missing",
    f"{SEALED} --passphrase-env NOWHERE": "BadKey: the environment variable NOWHERE is not set",
    "reveal in.png out.wav --key-file missing": "BadKey: cannot read the key file missing",
    "attack in.png out.png --spec jpgg:75": "BadSpec: bad attack 'jpgg:75'",
    "attack in.png out.png --platform nowhere": "BadSpec: bad attack 'platform:nowhere'",
    "attack in.png out.png --spec jpeg:75 --background pink": "BadSpec: no background 'pink'",
    "attack in.png out.jpg --spec webp:75": "BadSpec: this attack gives a .webp, not a .jpg",
    "attack in.png out.webp --spec blur:1": "BadSpec: this attack gives a .png, not a .webp",
    "attack in.png out.gif --spec jpeg:75": "BadImage: out.gif: only lossless formats",
    "capacity cover.png --strength huge": "BadSpec: no strength 'huge'",
    "capacity cover.png --carrier dct": "BadSpec: no carrier 'dct'",
    "capacity cover.png --ecc turbo": "BadSpec: no error-correcting code 'turbo'",
    f"{STUDY} --strength huge": "BadSpec: no strength 'huge'",
    f"{STUDY} --carrier lattice --carrier dct": "BadSpec: no carrier 'dct'",
    f"{STUDY} --strength file --carrier inn": "NotTrained: ",
    f"{STUDY} --set many": "BadSpec: no set of attacks 'many'",
    f"{STUDY} --attacks missing": "BadSpec: --attacks missing",
    f"{STUDY} --speech nowhere": "BadSpec: --speech nowhere: no such folder",
    f"{STUDY} --speech valid": "BadData: ",
    f"{STUDY} --engine cloud": "BadSpec: no engine 'cloud'",
    f"{STUDY} --engine cloud --jobs 1": "BadSpec: no engine 'cloud'",
    f"{STUDY} --jobs -3": "BadSpec: jobs -3",
    f"{STUDY} --seed -3": "BadSpec: seed -3",
    f"{STUDY} --data nowhere": "BadData: ",
    "notebooks --out out --profile huge": "BadSpec: profile 'huge'",
    "notebooks --out out --jobs 0": "BadSpec: jobs 0",
    "notebooks --out out --folder nowhere": "BadSpec: no notebooks in nowhere",
    "notebooks --out out --data nowhere": "BadData: ",
}


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STEGOLAB_DATA", raising=False)
    yield
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_in_an_option_is_told_first(words, capsys):
    assert main(shlex.split(words)) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"stegolab: {MISTAKES[words]}") and said.err.count("\n") == 1


def test_an_attack_by_software_that_is_not_installed(capsys, monkeypatch):
    nothing = Backend("nothing", "apt install nothing", lambda: "")
    monkeypatch.setitem(SOFTWARE, "opencv", replace(SOFTWARE["opencv"], needs=nothing))
    assert main(["attack", "in.png", "out.png", "--spec", "jpeg:75,opencv:0.5"]) == 1
    said = "stegolab: MissingSoftware: this needs nothing, which is not installed: apt install nothing\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (BadKey, {"key": None}),
        (BadKey, {"key": b"short"}),
        (BadKey, {"key": 3}),
        (BadSpec, {"salt": b"short"}),
        (BadSpec, {"strength": "huge"}),
    ],
)
def test_python_is_told_first_too(error, options):
    with pytest.raises(error):
        stegolab.hide("missing.wav", "missing.png", **({"key": bytes(32)} | options))


def test_a_study_in_python_is_refused_before_a_cover_is_rehearsed():
    with pytest.raises(BadSpec, match="seed -1"):
        study.run({"black": stegolab.images.from_array(np.zeros((128, 128, 3), np.uint8))}, ["jpeg"], seed=-1)


@pytest.mark.parametrize("option", ["steps", "batch-size", "validate-every"])
def test_a_training_of_nothing(option, capsys):
    with pytest.raises(SystemExit) as left:
        train(TrainConfig(), lambda *_: pytest.fail("the data was read"), "", ["--out", "out", f"--{option}", "0"])
    assert left.value.code == 2
    assert capsys.readouterr().err == f"stegolab: BadSpec: --{option} 0: give 1 or more\n"


def test_a_training_of_a_seed_that_is_none(capsys):
    with pytest.raises(SystemExit):
        train(TrainConfig(), lambda *_: pytest.fail("the data was read"), "", ["--out", "out", "--seed", "-1"])
    assert capsys.readouterr().err == "stegolab: BadSpec: --seed -1: give 0 or more\n"
