"""Where data is looked for, what the index says, and what the samples that ship are."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stegolab import data
from stegolab.errors import BadData, BadSpec

HEADER = ",".join(data.COLUMNS)
REAL = os.environ.get("STEGOLAB_DATA", "")


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch, tmp_path):
    monkeypatch.setenv("STEGOLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("STEGOLAB_DATA", "")  # set, so that what use_data changes is undone


@pytest.fixture
def root(tmp_path):
    """A data folder with one file per kind and split, and the eval folder."""
    rows = [HEADER]
    for split in ("valid", "train"):
        for kind, suffix in (("speech", "ogg"), ("noise", "ogg"), ("image", "jpg")):
            for letter in "ba":
                path = f"{kind}/set/{split}_{letter}.v1.{suffix}"
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / path).touch()
                rows.append(f"{path},{split},{kind},me,1.5,a set,CC0-1.0")
    (tmp_path / "INDEX.csv").write_text("\n".join(rows) + "\n")
    for name in (
        "clean/00_reverb_0.3.flac",
        "noisy/00_reverb_0.3.flac",
        "clean/01_noise_5.wav",
        "noisy/01_noise_5.wav",
    ):
        (tmp_path / "eval/speech" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "eval/speech" / name).touch()
    table = (
        "name,kind,snr_db_or_rt60_s,clean_source,interference\n00_reverb_0.3,reverb,0.3,a,b\n01_noise_5,noise,5,a,b\n"
    )
    (tmp_path / "eval/speech/pairs.csv").write_text(table)
    (tmp_path / "eval/images").mkdir()
    for number in (1, 0):
        (tmp_path / f"eval/images/0{number}.png").touch()
    data.use_data(tmp_path)
    return tmp_path


def test_the_cache_is_where_the_nearest_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert data.cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("STEGOLAB_CACHE")
    assert data.cache_dir() == tmp_path / "xdg" / "stegolab"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert data.cache_dir() == tmp_path / "home" / ".cache" / "stegolab"


def test_data_is_where_the_variable_says_else_what_was_prepared_else_nowhere(monkeypatch, tmp_path):
    assert data.data_dir() is None
    prepared = data.cache_dir() / "data"
    prepared.mkdir(parents=True)
    assert data.data_dir() is None
    (prepared / "INDEX.csv").write_text(HEADER)
    assert data.data_dir() == prepared
    monkeypatch.setenv("STEGOLAB_DATA", str(tmp_path / "mine"))
    assert data.data_dir() == tmp_path / "mine"


def test_chosen_data_reaches_child_processes(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    data.use_data(root.name)  # a relative path must mean the same in a notebook that runs elsewhere
    code = "from stegolab import data; print(data.data_dir())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert Path(child.stdout.strip()) == root


def test_the_index_gives_each_row_with_its_absolute_path(root):
    entries = data.index()
    assert len(entries) == 12
    assert entries[0] == data.Entry(
        root / "speech/set/valid_b.v1.ogg", "valid", "speech", "me", "1.5", "a set", "CC0-1.0"
    )


@pytest.mark.parametrize("split", ["train", "valid"])
def test_files_are_of_the_kind_and_split_asked_for_and_ordered(root, split):
    for kind, files in (("speech", data.speech_files), ("noise", data.noise_files), ("image", data.cover_files)):
        found = files(split)
        assert [path.name[:7] for path in found] == [f"{split}_a", f"{split}_b"]
        assert all(path.parent == root / kind / "set" for path in found)


def test_eval_pairs_are_those_of_the_list(root):
    folder = root / "eval/speech"
    first, second = data.eval_pairs()
    assert first == data.Pair(
        "00_reverb_0.3", "reverb", 0.3, folder / "noisy/00_reverb_0.3.flac", folder / "clean/00_reverb_0.3.flac"
    )
    assert (second.level, second.noisy.name) == (5.0, "01_noise_5.wav")


def test_eval_covers_are_ordered(root):
    assert [path.name for path in data.eval_covers()] == ["00.png", "01.png"]


def test_names_are_unique_and_lead_to_their_files(root):
    assert data.covers("eval") == {f"eval/images/0{n}": root / f"eval/images/0{n}.png" for n in (0, 1)}
    assert list(data.covers("train")) == ["image/set/train_a.v1", "image/set/train_b.v1"]
    assert list(data.speech_clips("valid")) == ["speech/set/valid_a.v1", "speech/set/valid_b.v1"]
    assert list(data.speech_clips("eval")) == ["eval/speech/clean/00_reverb_0.3", "eval/speech/clean/01_noise_5"]


def test_brief_speech_is_the_shortest_of_each_speaker(root):
    rows = [HEADER]
    for speaker, number, seconds in (("a", 0, 3), ("a", 1, 2.5), ("b", 0, 1), ("c", 0, 10), ("c", 1, 11)):
        path = f"speech/{speaker}{number}.ogg"
        (root / path).touch()
        rows.append(f"{path},valid,speech,{speaker},{seconds},set,CC0")
    (root / "INDEX.csv").write_text("\n".join(rows) + "\n")
    assert list(data.brief_speech("valid", 2)) == ["speech/b0", "speech/a1"]
    with pytest.raises(BadData, match="3 speakers, but 4 were asked for"):
        data.brief_speech("valid", 4)


def test_thumbnails_are_read_from_either_place(root):
    arrays: dict[str, Any] = {
        "x_train": np.zeros((3, 32, 32, 3), np.uint8),
        "x_test": np.ones((2, 32, 32, 3), np.uint8),
    }
    for place in ("images/cifar10_6k.npz", "cifar10/cifar10.npz"):
        (root / place).parent.mkdir(exist_ok=True)
        np.savez(root / place, **arrays)
        assert data.thumbnails("train").shape == (3, 32, 32, 3) and data.thumbnails("eval").sum() == 2 * 32 * 32 * 3
        (root / place).unlink()
    with pytest.raises(BadData, match=r"cifar10\.py"):
        data.thumbnails("train")
    with pytest.raises(BadSpec, match="valid"):
        data.thumbnails("valid")


def test_without_data_the_error_says_how_to_get_some():
    for ask in (data.index, data.eval_pairs, data.eval_covers, lambda: data.thumbnails("train")):
        with pytest.raises(BadData, match=r"STEGOLAB_DATA.*--data.*data_scripts"):
            ask()


def test_a_folder_without_an_index_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BadData, match=r"no INDEX\.csv"):
            data.use_data(folder)
    assert data.data_dir() is None


def test_missing_files_are_named(root):
    (root / "noise/set/train_a.v1.ogg").unlink()
    with pytest.raises(BadData, match=r"train_a\.v1\.ogg"):
        data.noise_files("train")
    (root / "eval/speech/noisy/01_noise_5.wav").unlink()
    with pytest.raises(BadData, match="01_noise_5"):
        data.eval_pairs()


def test_an_empty_split_names_the_script_that_fills_it(root):
    with pytest.raises(BadData, match=r"voicebank_demand\.py"):
        data.files("noisy", "train")
    with pytest.raises(BadSpec, match="test"):
        data.speech_files("test")


@pytest.mark.parametrize(
    "content",
    [
        b"path,split\na,b\n",
        HEADER.encode() + b"\na.ogg,train,speech\n",
        HEADER.encode() + b"\n,train,speech,,1,s,l\n",
        b"\xff\xfe",
    ],
)
def test_a_broken_index_is_a_declared_error(root, content):
    (root / "INDEX.csv").write_bytes(content + b"\n,,,,,,\n")
    with pytest.raises(BadData, match=r"INDEX\.csv"):
        data.index()


@pytest.mark.parametrize(
    "content", ["name,kind\n00_reverb_0.3,reverb\n", "name,kind,snr_db_or_rt60_s\n00_reverb_0.3,noise,loud\n"]
)
def test_a_broken_list_of_pairs_is_a_declared_error(root, content):
    (root / "eval/speech/pairs.csv").write_text(content)
    with pytest.raises(BadData, match=r"pairs\.csv"):
        data.eval_pairs()


@pytest.mark.parametrize("clip", data.sample_speech().values(), ids=lambda clip: clip.stem)
class TestSampleSpeech:
    def test_is_short_clean_16_khz_mono(self, clip):
        samples, rate = soundfile.read(clip)
        assert rate == 16_000 and samples.ndim == 1 and soundfile.info(clip).format == "FLAC"
        assert 4 <= len(samples) / rate <= 6
        assert clip.stat().st_size < 120_000

    def test_is_of_the_loudness_declared_and_not_clipped(self, clip):
        samples, _ = soundfile.read(clip)
        assert np.abs(samples).max() < 10 ** (-3 / 20)
        assert 10 * np.log10(np.mean(samples**2)) == pytest.approx(-23, abs=0.1)

    def test_is_told_about(self, clip):
        page = (clip.parent / "README.md").read_text()
        section = page.split(f"## {clip.name}\n")[1].split("##")[0]
        assert "Voice:" in section and re.search(r"\n> \w.*\.\n", section)
        assert "Licence" in page


def test_three_clips_ship():
    assert len(data.sample_speech()) == 3 and data.speech_clips() == data.sample_speech()


def test_sample_covers_are_rgb_photographs_from_the_wheel():
    pictures = data.sample_covers()
    assert len(pictures) >= 5 and pictures.keys() == data.covers().keys()
    for picture in pictures.values():
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
        assert min(picture.shape[:2]) >= 300 and picture.std() > 5


def test_nothing_heavy_is_imported_for_the_samples():
    code = (
        "import sys; from stegolab import data; data.speech_clips(); data.covers();"
        "print(*{'torch', 'skimage', 'pandas', 'pooch', 'scipy', 'numpy'} & sys.modules.keys())"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch" not in child.stdout and "skimage" not in child.stdout and "pooch" not in child.stdout


@pytest.mark.data
@pytest.mark.skipif(not REAL, reason="STEGOLAB_DATA is not set")
def test_the_real_data_is_complete(monkeypatch):
    monkeypatch.setenv("STEGOLAB_DATA", REAL)
    for split in ("train", "valid"):
        assert data.speech_files(split) and data.noise_files(split) and data.cover_files(split)
    assert data.eval_pairs() and data.eval_covers()
    trained_on = {entry.speaker for entry in data.index() if entry.kind == "speech" and entry.split == "train"}
    assert not trained_on & {
        entry.speaker for entry in data.index() if entry.kind == "speech" and entry.split == "valid"
    }
