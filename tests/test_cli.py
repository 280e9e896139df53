"""The shell contract: what each command prints, writes and returns; and that errors are one line and leave nothing."""

import json
import os
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from stegolab import data, pipeline
from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.strengths import JPEG
from stegolab.cli import main
from stegolab.speech import enhancer

from .voice import speak

pytestmark = pytest.mark.usefixtures("rehearsed_once")

HIDE_KEYS = {
    *("psnr_db", "ssim", "payload_sha256", "payload_bits", "capacity_bits"),
    *("codec", "seconds", "strength", "carrier", "code_rate"),
}
REVEAL_KEYS = {
    *("payload_sha256", "codec", "seconds", "corrected_bits", "estimated_ber"),
    *("margin", "strength", "carrier"),
}
SPEECH = data.sample_speech()["platform_rms"]


@pytest.fixture(autouse=True)
def passphrase(monkeypatch):
    monkeypatch.setenv("PHRASE", "a passphrase for the tests")


@pytest.fixture(autouse=True)
def weights(monkeypatch, tmp_path_factory):
    """Where the weights of Model 1 would be: none are there, whatever ships."""
    monkeypatch.setattr(enhancer, "WEIGHTS", tmp_path_factory.mktemp("weights") / "speech.safetensors")
    return enhancer.WEIGHTS


@pytest.fixture
def trained(weights):
    import torch

    from stegolab.speech.dccrn import Dccrn, DccrnConfig
    from stegolab.speech.dccrn_weights import save

    torch.manual_seed(0)
    save(Dccrn(DccrnConfig(channels=(4, 8), hidden=6)), weights)


@pytest.fixture(scope="module")
def cover(tmp_path_factory):
    path = tmp_path_factory.mktemp("cover") / "cover.png"
    Image.fromarray(data.sample_covers()["astronaut"][:384, :448]).save(path)
    return path


@pytest.fixture
def short(tmp_path):
    path = tmp_path / "short.wav"
    samples, rate = soundfile.read(SPEECH)
    soundfile.write(path, samples[: 3 * rate], rate)
    return path


def run(capsys, *words):
    """Exit code, standard output, standard error of a command run in this process."""
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def refused(capsys, folder, *words):
    """The one line that a refused command prints; asserts that it left no file behind."""
    before = names(folder)
    code, out, err = run(capsys, *words)
    assert code == 1
    assert out == ""
    assert err.startswith("stegolab: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert names(folder) == before
    return err


def test_hide_attack_reveal(capsys, tmp_path, cover, short):
    stego, received, out = tmp_path / "stego.png", tmp_path / "received.jpg", tmp_path / "out.wav"
    options = "--passphrase-env", "PHRASE", "--visibility", "loud", "--json"
    code, text, _ = run(capsys, "hide", short, cover, stego, *options)
    hidden = json.loads(text)
    assert code == 0
    assert set(hidden) >= HIDE_KEYS
    assert hidden["strength"] == "social"
    assert run(capsys, "attack", stego, received, "--spec", "resize:0.5,jpeg:75")[0] == 0
    assert Image.open(received).size == (224, 192)
    code, text, _ = run(capsys, "reveal", received, out, "--passphrase-env", "PHRASE", "--json")
    found = json.loads(text)
    assert code == 0
    assert set(found) >= REVEAL_KEYS
    assert found["payload_sha256"] == hidden["payload_sha256"]
    assert soundfile.info(out).duration == pytest.approx(3, abs=1e-3)


def test_refinement_is_the_learned_carriers(capsys, tmp_path, cover, short):
    hide = ("hide", short, cover, tmp_path / "stego.png", "--passphrase-env", "PHRASE", "--strength", "jpeg", "--json")
    code, text, _ = run(capsys, *hide, "--refine", "1")
    assert code == 0
    assert json.loads(text)["refine_steps"] == 1
    other = (*hide[:3], tmp_path / "other.png", *hide[4:], "--refine", "1", "--carrier", "lattice")
    assert "carrier inn" in refused(capsys, tmp_path, *other)


def test_key_files_are_made_and_used(capsys, tmp_path, cover, short):
    key, other, stego, out = (tmp_path / name for name in ("key", "other", "stego.png", "out.wav"))
    assert run(capsys, "keygen", key)[0] == 0
    assert run(capsys, "keygen", other)[0] == 0
    assert "exists" in refused(capsys, tmp_path, "keygen", key)
    hide = ("hide", short, cover, stego, "--key-file", key, "--strength", "jpeg", "--codec", "codec2:1300")
    code, text, _ = run(capsys, *hide)
    assert code == 0
    assert "codec2:1300" in text
    assert "NoPayload" in refused(capsys, tmp_path, "reveal", stego, out, "--key-file", other)
    assert run(capsys, "reveal", stego, out, "--key-file", key)[0] == 0


def test_enhance_writes_as_much_speech_as_it_read(capsys, trained, tmp_path, short):
    assert run(capsys, "enhance", short, tmp_path / "out.wav")[:2] == (0, "")
    before, after = soundfile.read(short)[0], soundfile.read(tmp_path / "out.wav")[0]
    assert before.shape == after.shape
    assert np.abs(before - after).max() > 0.01
    assert np.corrcoef(before, after)[0, 1] > 0.5
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
    assert "silent" in refused(capsys, tmp_path, "enhance", tmp_path / "silent.wav", tmp_path / "not.wav")
    assert "CannotWrite" in refused(capsys, tmp_path, "enhance", short, tmp_path / "no" / "such.wav")


def test_enhance_keeps_channels_and_rate(capsys, trained, tmp_path):
    left = speak(1.0, 44_100).samples
    soundfile.write(tmp_path / "in.wav", np.stack([left, 0.1 * left, 0 * left], axis=1), 44_100)
    assert run(capsys, "enhance", tmp_path / "in.wav", tmp_path / "out.wav")[0] == 0
    found, rate = soundfile.read(tmp_path / "out.wav")
    assert found.shape == (len(left), 3) and rate == 44_100
    np.testing.assert_allclose(found[:, 1], 0.1 * found[:, 0], atol=2e-3)  # each at its own level
    assert found[:, 0].any() and not found[:, 2].any()


def test_hide_enhances_unless_told_otherwise(capsys, trained, tmp_path, cover, short):
    hide = ("hide", short, cover, tmp_path / "out.png", "--passphrase-env", "PHRASE", "--strength", "jpeg")
    reports = [json.loads(run(capsys, *hide, *more, "--json")[1]) for more in ((), ("--no-enhance",))]
    assert [report["enhanced"] for report in reports] == [True, False]
    assert reports[0]["payload_sha256"] != reports[1]["payload_sha256"]
    assert "enhanced speech" in run(capsys, *hide)[1]


def test_unencrypted_is_said_loudly(capsys, tmp_path, cover, short):
    stego, out = tmp_path / "stego.png", tmp_path / "out.wav"
    code, _, err = run(capsys, "hide", short, cover, stego, "--no-encrypt", "--no-enhance", "--carrier", "lattice")
    assert code == 0
    assert "NOT ENCRYPTED" in err
    assert run(capsys, "reveal", stego, out)[0] == 0
    out.unlink()
    assert "--allow-unencrypted" in refused(capsys, tmp_path, "reveal", stego, out, "--passphrase-env", "PHRASE")
    assert run(capsys, "reveal", stego, out, "--passphrase-env", "PHRASE", "--allow-unencrypted")[0] == 0


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"stegolab {version('stegolab')}\n"


def test_an_output_that_cannot_be_written_is_told_before_the_work(capsys, monkeypatch, tmp_path, cover, short):
    monkeypatch.setattr(pipeline, "sender_for", lambda *_: pytest.fail("the work had begun"))
    hide = ("hide", short, cover)
    assert "use .png" in refused(capsys, tmp_path, *hide, tmp_path / "a.jpg", "--no-encrypt")
    assert "No such file" in refused(capsys, tmp_path, *hide, tmp_path / "missing" / "a.png", "--no-encrypt")
    assert "it is a folder" in refused(capsys, tmp_path, "attack", cover, tmp_path, "--spec", "jpeg:75")


def test_attacks_are_read_from_a_file_with_a_mark_and_an_empty_one_is_refused(capsys, tmp_path, cover):
    attacks = tmp_path / "attacks.txt"
    attacks.write_bytes(b"\xef\xbb\xbfjpeg:75  # as Windows saves it\n")
    study = ("study", cover, "--attacks", attacks, "--strength", "jpeg", "--carrier", "lattice", "--engine", "serial")
    code, text, _ = run(capsys, *study, "--out", tmp_path / "out", "--json")
    assert (code, json.loads(text)["trials"]) == (0, 1)
    attacks.write_text("# nothing\n")
    assert "names no attack" in refused(capsys, tmp_path, *study, "--out", tmp_path / "out2")


def test_attack_writes_the_platform_s_own_bytes(capsys, tmp_path, cover):
    assert run(capsys, "attack", cover, tmp_path / "a.jpg", "--platform", "telegram")[0] == 0
    assert Image.open(tmp_path / "a.jpg").format == "JPEG"
    assert run(capsys, "attack", cover, tmp_path / "a.png", "--spec", "jpeg:50")[0] == 0
    assert run(capsys, "attack", cover, tmp_path / "b.jpg", "--spec", "jpeg:50")[0] == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), np.asarray(Image.open(tmp_path / "b.jpg")))
    assert ".webp" in refused(capsys, tmp_path, "attack", cover, tmp_path / "c.jpg", "--spec", "webp:80")
    assert "jpog" in refused(capsys, tmp_path, "attack", cover, tmp_path / "c.jpg", "--spec", "resize:0.5,jpog:5")
    assert "myspace" in refused(capsys, tmp_path, "attack", cover, tmp_path / "c.jpg", "--platform", "myspace")


def test_capacity_is_what_hide_takes(capsys, cover):
    code, text, _ = run(capsys, "capacity", cover, "--json")
    table = json.loads(text)
    assert code == 0
    assert list(table) == ["file", *(f"{name}{how}" for name in ("jpeg", "social") for how in ("", " faint", " loud"))]
    assert table["social"]["capacity_bits"] < table["social faint"]["capacity_bits"]
    assert table["file"]["capacity_bits"] > table["jpeg"]["capacity_bits"] > table["social"]["capacity_bits"] > 0
    assert table["social"]["seconds"]["codec2:700"] > table["social"]["seconds"]["opus:24000"]
    code, text, _ = run(capsys, "capacity", cover, "--strength", "jpeg")
    assert code == 0
    assert str(table["jpeg"]["capacity_bits"]) in text


def test_too_long_says_how_much_fits_and_how_large_a_cover_is_needed(capsys, tmp_path, cover):
    err = refused(
        *(capsys, tmp_path, "hide", SPEECH, cover, tmp_path / "x.png", "--passphrase-env", "PHRASE"),
        *("--codec", "opus:24000"),
    )
    assert "CapacityExceeded" in err
    assert "s fit" in err
    assert "megapixels" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["enhance", "IN", "OUT.wav"], "NotTrained"),
        (
            ["hide", "IN", "COVER", "OUT.png", "--passphrase-env", "PHRASE", "--carrier", "inn", "--strength", "file"],
            "NotTrained",
        ),
        (["hide", "IN", "COVER", "OUT.png"], "--no-encrypt"),
        (["hide", "IN", "COVER", "OUT.png", "--passphrase-env", "UNSET"], "UNSET"),
        (["hide", "IN", "COVER", "OUT.png", "--key-file", "missing"], "BadKey"),
        (["hide", "IN", "COVER", "OUT.png", "--passphrase-env", "PHRASE", "--strength", "huge"], "BadSpec"),
        (["hide", "IN", "COVER", "OUT.png", "--passphrase-env", "PHRASE", "--codec", "mp3"], "BadSpec"),
        (["hide", "IN", "COVER", "OUT.png", "--passphrase-env", "PHRASE", "--ecc", "turbo"], "BadSpec"),
        (["hide", "IN", "COVER", "OUT.jpg", "--passphrase-env", "PHRASE", "--strength", "jpeg"], "lossless"),
        (["hide", "IN", "COVER", "no/such/OUT.png", "--passphrase-env", "PHRASE", "--strength", "jpeg"], "CannotWrite"),
        (["hide", "missing.wav", "COVER", "OUT.png", "--passphrase-env", "PHRASE"], "BadAudio"),
        (["hide", "COVER", "COVER", "OUT.png", "--passphrase-env", "PHRASE"], "BadAudio"),
        (["hide", "IN", "IN", "OUT.png", "--passphrase-env", "PHRASE"], "BadImage"),
        (["reveal", "COVER", "OUT.wav"], "NoPayload"),
        (["reveal", "missing.png", "OUT.wav"], "BadImage"),
        (["attack", "COVER", "OUT.jpg"], "--spec"),
        (["study", "COVER", "--strength", "huge", "--out", "OUT"], "BadSpec"),
        (["study", "COVER", "--speech", "no-such-folder", "--out", "OUT"], "BadSpec"),
        (["notebooks", "no_such_notebook", "--out", "OUT"], "BadSpec"),
        (["bogus"], "bogus"),
        ([], "COMMAND"),
    ],
)
def test_refusals(capsys, tmp_path, cover, short, words, said):
    places = {"IN": short, "COVER": cover}
    given = [places.get(w, tmp_path / w if w.startswith(("OUT", "no/", "missing")) else w) for w in words]
    assert said in refused(capsys, tmp_path, *given)


def test_study_prints_the_table_and_writes_the_trials(capsys, tmp_path, cover, monkeypatch):
    monkeypatch.setattr("stegolab.study.trial.EveryCarrier", lambda: [LatticeCarrier(JPEG)])
    attacks = tmp_path / "attacks.txt"
    attacks.write_text("jpeg:75  # one a line\n\njpeg:10\n")
    code, text, _ = run(
        *(
            capsys,
            "study",
            cover,
            "--strength",
            "jpeg",
            "--carrier",
            "lattice",
            "--attacks",
            attacks,
            "--out",
            tmp_path / "study",
        ),
    )
    assert code == 0
    assert "| jpeg | `jpeg:75` | 1 of 1 |" in text
    assert "| jpeg | *`jpeg:10`* | 0 of 1 |" in text
    assert (tmp_path / "study" / "summary.md").read_text() == text
    assert len((tmp_path / "study" / "trials.csv").read_text().splitlines()) == 3
    assert names(tmp_path / "study") == ["journal.sqlite", "results.json", "summary.md", "trials.csv", "trials.parquet"]
    found = json.loads((tmp_path / "study" / "results.json").read_text())
    assert found["command"].startswith("stegolab study ") and found["seed"] == 0
    assert (found["metrics"]["trials"], found["metrics"]["exact"]) == (2, 1)


def test_study_refuses_two_covers_of_one_name_and_engines_that_are_not_there(capsys, tmp_path, cover):
    assert "same name" in refused(capsys, tmp_path, "study", cover, cover, "--out", tmp_path / "study")
    assert "cloud" in refused(capsys, tmp_path, "study", cover, "--engine", "cloud", "--out", tmp_path / "study")


def process(*words, **options):
    program = [sys.executable, "-m", "stegolab", *map(str, words)]
    return subprocess.run(program, capture_output=True, text=True, timeout=1800, check=False, **options)


def test_a_full_disk_is_one_line_and_no_file(tmp_path, cover, short):
    def at_most_8_kilobytes() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    words = ("hide", short, cover, tmp_path / "out.png", "--passphrase-env", "PHRASE", "--strength", "jpeg")
    done = process(*words, preexec_fn=at_most_8_kilobytes)
    assert done.returncode == 1
    assert "CannotWrite" in done.stderr
    assert done.stderr.count("\n") == 1
    assert names(tmp_path) == ["short.wav"]


def test_it_writes_nowhere_else(tmp_path, cover, short):
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "STEGOLAB_", "PYTHON"))}
    words = ("hide", short, cover, "out.png", "--passphrase-env", "PHRASE", "--strength", "jpeg")
    paths = {"HOME": str(home), "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = process(*words, cwd=here, env=environment | paths)
    assert done.returncode == 0, done.stderr
    assert names(here) == ["out.png"]
    assert names(home) == []


def test_a_closed_pipe_is_no_error_message():
    program = f"{sys.executable} -m stegolab --help | head -c 1"
    done = subprocess.run(program, shell=True, capture_output=True, text=True, timeout=1800, check=False)
    assert "Traceback" not in done.stderr
