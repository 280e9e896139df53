"""Sound through the command line: pipes, formats, sample formats, and folders of clips."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from PIL import Image

from stegolab import pipeline, progress
from stegolab.audio import Speech, encode, read_audio
from stegolab.cli import batch, main, verbs
from stegolab.errors import BadSpec
from stegolab.speech.conditioning import HighPass, whole
from stegolab.speech.enhancer import Enhancer
from tests import covers
from tests.voice import speak

pytestmark = pytest.mark.usefixtures("rehearsed_once")

SPEECH = speak(0.5)


@pytest.fixture(autouse=True)
def network(monkeypatch):
    """An enhancer that halves its input, in place of the shipped one."""
    monkeypatch.setattr(pipeline, "trained", lambda: True)
    for place in (pipeline, verbs):
        monkeypatch.setattr(place, "shipped", lambda: Enhancer(lambda samples: np.float32(0.5) * samples))


@pytest.fixture
def cover(tmp_path):
    Image.fromarray(covers.larger()["coffee"]).save(tmp_path / "cover.png")
    return tmp_path / "cover.png"


def run(*words) -> int:
    return main([str(word) for word in words])


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_enhance_keeps_the_sample_format(tmp_path, subtype):
    soundfile.write(tmp_path / "in.wav", 0.001 * SPEECH.samples, 16_000, subtype=subtype)
    assert run("enhance", tmp_path / "in.wav", tmp_path / "out.wav") == 0
    assert soundfile.info(tmp_path / "out.wav").subtype == subtype
    wanted = 0.0005 * whole(HighPass(), SPEECH.samples).astype(np.float64)  # what lies below 20 Hz goes
    error = soundfile.read(tmp_path / "out.wav")[0] - wanted
    snr = 10 * np.log10(np.mean((0.0005 * SPEECH.samples) ** 2) / np.mean(error**2))
    assert snr > {"PCM_16": 9, "PCM_24": 57}.get(subtype, 90)  # a step of 8 more bits is 48 dB less


@pytest.mark.parametrize("suffix, kind", [("mp3", "MP3"), ("flac", "FLAC"), ("opus", "OGG"), ("aiff", "AIFF")])
def test_enhance_writes_the_format_that_the_suffix_says(tmp_path, suffix, kind):
    soundfile.write(tmp_path / "in.wav", SPEECH.samples, 16_000)
    assert run("enhance", tmp_path / "in.wav", tmp_path / f"out.{suffix}") == 0
    assert soundfile.info(tmp_path / f"out.{suffix}").format == kind
    assert np.corrcoef(read_audio(tmp_path / f"out.{suffix}").samples[:8000], SPEECH.samples)[0, 1] > 0.95


@pytest.mark.parametrize("verb, given", [("enhance", "in.wav"), ("reveal", "cover.png")])
@pytest.mark.parametrize("name", ["out.docx", "nowhere/out.wav"])
def test_outputs_are_refused_before_the_work(monkeypatch, capsys, tmp_path, cover, verb, given, name):
    soundfile.write(tmp_path / "in.wav", SPEECH.samples, 16_000)
    for place, work in ((verbs, "sound_blocks"), (pipeline, "reveal")):
        monkeypatch.setattr(place, work, lambda *_: pytest.fail("it was begun"))
    assert run(verb, tmp_path / given, tmp_path / name) == 1
    said = capsys.readouterr().err
    assert "CannotWrite" in said and name in said and said.count("\n") == 1


def test_standard_input_and_output_are_sound(monkeypatch, capfdbinary, cover):
    sound = encode([SPEECH])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sound)))
    assert run("enhance", "-", "-") == 0
    heard = soundfile.read(io.BytesIO(capfdbinary.readouterr().out))[0]
    np.testing.assert_allclose(heard, SPEECH.samples / 2, atol=4 / 32_768)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sound)))
    monkeypatch.setenv("PHRASE", "a passphrase for the tests")
    stego, key = cover.with_name("stego.png"), ("--passphrase-env", "PHRASE")
    assert run("hide", "-", cover, stego, *key, "--strength", "jpeg", "--json") == 0
    hidden = json.loads(capfdbinary.readouterr().out)
    assert run("reveal", stego, "-", *key, "--json") == 0
    out, err = capfdbinary.readouterr()
    assert len(soundfile.read(io.BytesIO(out))[0]) == 8_000
    assert json.loads(err)["payload_sha256"] == hidden["payload_sha256"]


def test_pipes_and_process_substitution_reach_it(tmp_path):
    """A real shell: the sound arrives through ``/dev/stdin`` and through ``<(...)``, with the network that ships."""
    (tmp_path / "in.wav").write_bytes(encode([SPEECH]))
    stegolab = f"'{sys.executable}' -m stegolab"
    for command in (
        f"cat in.wav | {stegolab} enhance /dev/stdin a.wav",
        f"{stegolab} enhance <(cat in.wav) a.flac",
        f"cat in.wav | {stegolab} enhance - - > b.wav",
    ):
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    one, two, three = (read_audio(tmp_path / name).samples for name in ("a.wav", "a.flac", "b.wav"))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, three)


def test_what_happens_above_8_khz_is_in_the_help(capsys):
    for verb in ("enhance", "hide"):
        with pytest.raises(SystemExit):
            run(verb, "--help")
        assert "above 8 kHz" in " ".join(capsys.readouterr().out.split())


def test_a_study_takes_every_sound_that_can_be_read(tmp_path):
    for number, suffix in enumerate((".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".aiff")):
        name = f"clip{number}{suffix.upper() if number % 2 else suffix}"
        (tmp_path / name).write_bytes(encode([SPEECH], suffix))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "unnamed").write_bytes(encode([SPEECH]))
    (tmp_path / "notes.txt").write_text("what was said")
    (tmp_path / ".hidden").write_text("not looked at")
    with pytest.warns(batch.SkippedWarning, match=r"skipped notes\.txt \(") as caught:
        clips = batch._clips(str(tmp_path))
    assert ".hidden" not in str(caught[0].message)
    assert sorted(clips) == [*(f"clip{number}" for number in range(8)), "unnamed"]
    for clip in clips.values():
        assert clip.rate == 16_000 and clip.seconds == pytest.approx(0.5, abs=0.13)


def test_a_folder_without_sound_is_refused_with_what_was_skipped(tmp_path):
    for number in range(7):
        (tmp_path / f"{number}.txt").write_text("what was said")
    with pytest.raises(BadSpec, match=r"0\.txt .*4\.txt .*and 2 more") as caught:
        batch._clips(str(tmp_path))
    assert "\n" not in str(caught.value)


# --- long sound --------------------------------------------------------------------------------------------------


def dull(samples: np.ndarray) -> np.ndarray:
    return np.convolve(samples, [0.5, 0.3, 0.2])[: len(samples)].astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("gain", [1, 5])
def test_each_channel_is_what_python_makes_of_it_and_silence_stays(monkeypatch, tmp_path, rate, gain):
    """For a file of some blocks, and for one whose peak of 2.5 is scaled down."""
    for place in (pipeline, verbs):
        monkeypatch.setattr(place, "shipped", lambda: Enhancer(dull))
    channels = [speak(7, rate).samples, np.full(7 * rate, 0.25), 0.1 * speak(7, rate, seed=1).samples]
    soundfile.write(tmp_path / "in.wav", gain * np.stack(channels, axis=1), rate, subtype="FLOAT")
    assert run("enhance", tmp_path / "in.wav", tmp_path / "out.wav") == 0
    found, at = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert at == rate and soundfile.info(tmp_path / "out.wav").subtype == "FLOAT"
    scale = np.float32(1 if gain == 1 else 0.4)
    for number in (0, 2):
        wanted = pipeline.enhance(Speech((scale * gain * channels[number]).astype(np.float32), rate)).samples
        np.testing.assert_allclose(found[:, number], wanted, rtol=0, atol=1 / 32_768)
    np.testing.assert_allclose(found[:, 1], 0.25 * gain * scale, rtol=1e-6)


def test_enhance_clips_what_exceeds_full_scale_without_its_noise(monkeypatch, tmp_path):
    monkeypatch.setattr(verbs, "shipped", lambda: Enhancer(lambda samples: np.float32(3) * samples))
    soundfile.write(tmp_path / "in.wav", SPEECH.samples, 16_000, subtype="FLOAT")
    assert run("enhance", tmp_path / "in.wav", tmp_path / "out.wav") == 0
    found = soundfile.read(tmp_path / "out.wav")[0]
    np.testing.assert_allclose(found, np.clip(3 * whole(HighPass(), SPEECH.samples), -1, 1), rtol=0, atol=1e-5)
    assert np.abs(found).max() == 1


def test_how_far_it_is_can_be_heard(monkeypatch, tmp_path):
    said = []
    monkeypatch.setattr(progress.LOGGER, "info", lambda text, *values: said.append(text % values))
    soundfile.write(tmp_path / "in.wav", speak(18).samples, 16_000)
    assert run("enhance", tmp_path / "in.wav", tmp_path / "out.wav") == 0
    assert said == ["reading", *(f"enhancing, in seconds of sound: {done} of 18" for done in (0, 8, 16))]


ENHANCE = """
import sys
import numpy
from stegolab.cli import main, verbs
from stegolab.speech.enhancer import Enhancer

class Through:
    def stream(self):
        return self

    def push(self, samples):
        return samples

    def flush(self):
        return numpy.zeros(0, numpy.float32)

verbs.shipped = lambda: Enhancer(Through())
assert main(["enhance", *sys.argv[1:]]) == 0
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked for the memory that it took")
def test_the_memory_does_not_grow_with_the_length(tmp_path):
    """10 and 100 s of stereo; the latter is 38 MB of samples, more than the accepted difference in memory."""
    second = np.stack([speak(1, 48_000).samples, speak(1, 48_000, seed=1).samples], axis=1)
    peaks = []
    for seconds in (10, 100):
        with soundfile.SoundFile(tmp_path / "in.wav", "w", 48_000, 2) as sound:
            for _ in range(seconds):
                sound.write(second)
        done = subprocess.run(
            [sys.executable, "-c", ENHANCE, tmp_path / "in.wav", tmp_path / "out.wav"],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout) / 1000)  # megabytes
        assert soundfile.info(tmp_path / "out.wav").duration == seconds
    assert peaks[1] < peaks[0] + 20


def test_whoever_stops_reading_is_told_nothing(tmp_path):
    (tmp_path / "in.wav").write_bytes(encode([speak(5)]))
    command = f"set -o pipefail; '{sys.executable}' -m stegolab enhance in.wav - | head -c 4"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"RIFF", b"")
