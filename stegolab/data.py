"""The data sets and their places: samples that ship, prepared sets, or the user's own folder.

Every notebook starts from here. The samples need no download, so the smoke profile runs without a network. Real data is
one folder with an ``INDEX.csv``. Name it with the variable ``STEGOLAB_DATA`` or the option ``--data``, or let the
scripts in ``data_scripts`` fetch, check and prepare one; each set that they add becomes more rows of the index.

    path,split,kind,speaker,seconds_or_size,source,licence
    speech/librispeech/1688-142285-0005.ogg,valid,speech,1688,4.31,librispeech,CC-BY-4.0

``split`` is train, valid or eval. The eval split is for measuring only: nothing is trained, tuned or picked on it.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import BadData, BadSpec
from .files import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS = ("path", "split", "kind", "speaker", "seconds_or_size", "source", "licence")
SPLITS = ("train", "valid", "eval")

_SAMPLES = Path(__file__).parent / "samples"

# The photographs inside scikit-image's wheel (its other pictures would be downloaded), all public domain or CC0.
_COVERS = {
    "astronaut": "astronaut.png",
    "camera": "camera.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "hubble": "hubble_deep_field.jpg",
    "rocket": "rocket.jpg",
}

# The script that fetches files of a kind, named in the error for missing files.
_SCRIPTS = {
    "speech": "librispeech_dev_clean.py",
    "noisy": "voicebank_demand.py",
    "noise": "esc50.py",
    "image": "div2k_valid.py",
    "thumbnails": "cifar10.py",
}


@dataclass(frozen=True)
class Entry:
    """One row of the index: a file and what is known about it.

    ``kind`` is speech, noisy (speech with noise, the twin of the speech file of the same name), noise, image or
    thumbnails (an archive of many small pictures). ``extent`` is the length in seconds, or width x height in pixels.
    """

    path: Path
    split: str
    kind: str
    speaker: str
    extent: str
    source: str
    licence: str


@dataclass(frozen=True)
class Pair:
    """A noisy recording and the clean speech inside it.

    ``kind`` is noise, voice or reverb; ``level`` is the SNR in decibels, or for reverb the RT60 in seconds
    (NaN if the set does not say).
    """

    name: str
    kind: str
    level: float
    noisy: Path
    clean: Path


def cache_dir() -> Path:
    """The folder for downloads and backbones: STEGOLAB_CACHE, else XDG_CACHE_HOME/stegolab, else ~/.cache/stegolab."""
    if chosen := os.environ.get("STEGOLAB_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "stegolab"


def data_dir() -> Path | None:
    """The folder of real data: STEGOLAB_DATA, else the one that the data scripts prepared in the cache, else None."""
    if chosen := os.environ.get("STEGOLAB_DATA"):
        return Path(chosen).expanduser()
    prepared = cache_dir() / "data"
    return prepared if (prepared / "INDEX.csv").is_file() else None


def use_data(path: str | os.PathLike[str]) -> None:
    """Use the real data in this folder, here and in every process started from here (notebooks, parallel studies).

    Raises:
        BadData: there is no such folder, or it holds no INDEX.csv.
    """
    folder = Path(path).expanduser().absolute()
    _index_file(folder)
    os.environ["STEGOLAB_DATA"] = str(folder)


def index() -> list[Entry]:
    """Every row of the index of :func:`data_dir`, with absolute paths, in the order of the file.

    Raises:
        BadData: there is no real data, or the index cannot be read.
    """
    root = _root()
    file = _index_file(root)
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadData(f"cannot read {shown(file)}: {error}") from error
    entries = []
    for number, row in enumerate(rows, start=2):
        values = [row.get(column) for column in COLUMNS]
        if not all(isinstance(value, str) for value in values) or not values[0]:
            raise BadData(f"{shown(file)}, line {number}: expected the columns {','.join(COLUMNS)}")
        path, *known = (str(value) for value in values)
        entries.append(Entry(root / path, *known))
    return entries


def files(kind: str, split: str) -> list[Path]:
    """The files of one kind and split, ordered by name; noisy and speech files of a set are in the same order.

    Raises:
        BadData: there are none, or a file in the index is missing.
        BadSpec: the split is not one of SPLITS.
    """
    if split not in SPLITS:
        raise BadSpec(f"unknown split {split!r}: choose {', '.join(SPLITS)}")
    paths = sorted(entry.path for entry in index() if entry.kind == kind and entry.split == split)
    if not paths:
        advice = f": python data_scripts/{_SCRIPTS[kind]} adds some" if kind in _SCRIPTS else ""
        raise BadData(f"{shown(_root())} has no {kind} files in its {split} split{advice}")
    for path in paths:
        if not path.is_file():
            raise BadData(f"the index lists {shown(path)}, which does not exist: add the file or remove its row")
    return paths


def speech_files(split: str) -> list[Path]:
    """Clean speech of the train or valid split."""
    return files("speech", split)


def brief_speech(split: str, speakers: int = 8) -> dict[str, Path]:
    """The shortest utterance by name of each of the ``speakers`` who have the shortest ones, the shortest first.

    Raises:
        BadData: there are fewer speakers.
    """
    there = set(speech_files(split))
    shortest: dict[tuple[str, str], Path] = {}
    for entry in sorted((e for e in index() if e.path in there), key=lambda e: (float(e.extent), e.path)):
        shortest.setdefault((entry.source, entry.speaker), entry.path)
    if len(shortest) < speakers:
        raise BadData(f"the {split} split has {len(shortest)} speakers, but {speakers} were asked for")
    return _named(list(shortest.values())[:speakers])


def noise_files(split: str) -> list[Path]:
    """Ambience without speech of the train or valid split."""
    return files("noise", split)


def cover_files(split: str) -> list[Path]:
    """Pictures of the train or valid split."""
    return files("image", split)


def eval_pairs() -> list[Pair]:
    """The noisy and clean recordings on which every enhancement figure is measured.

    They come from ``eval/speech/pairs.csv`` if the data has it, else they are the noisy and speech files of the eval
    split (VoiceBank+DEMAND's test set), paired by name.

    Raises:
        BadData: there is no such data, or one file of a pair is missing.
    """
    folder = _root() / "eval" / "speech"
    if not (folder / "pairs.csv").is_file():
        noisy, clean = files("noisy", "eval"), files("speech", "eval")
        if [path.name for path in noisy] != [path.name for path in clean]:
            raise BadData(f"the noisy and the clean files of the eval split in {shown(_root())} do not pair up by name")
        return [Pair(n.stem, "noise", float("nan"), n, c) for n, c in zip(noisy, clean, strict=True)]
    pairs = []
    try:
        with (folder / "pairs.csv").open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                noisy_path, clean_path = (_with_suffix(folder / side / row["name"]) for side in ("noisy", "clean"))
                level = float(row["snr_db_or_rt60_s"])
                pairs.append(Pair(row["name"], row["kind"], level, noisy_path, clean_path))
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise BadData(f"cannot read {shown(folder / 'pairs.csv')}: {error!r}") from error
    return pairs


def eval_covers() -> list[Path]:
    """The pictures on which every hiding figure is measured: ``eval/images``, else the images of the eval split."""
    pictures = sorted((_root() / "eval" / "images").glob("*.png"))
    return pictures or files("image", "eval")


def thumbnails(split: str) -> NDArray[np.uint8]:
    """CIFAR-10 pictures, shape (n, 32, 32, 3), 0 to 255: its training images for train, its test images for eval.

    Raises:
        BadData: neither ``cifar10/cifar10.npz`` nor ``images/cifar10_6k.npz`` is in the data folder.
    """
    import numpy as np

    key = {"train": "x_train", "eval": "x_test"}.get(split)
    if key is None:
        raise BadSpec(f"unknown split {split!r} of the thumbnails: choose train or eval")
    for name in ("cifar10/cifar10.npz", "images/cifar10_6k.npz"):
        if (file := _root() / name).is_file():
            with np.load(file, allow_pickle=False) as arrays:
                return arrays[key]
    raise BadData(f"{shown(_root())} has no CIFAR-10: python data_scripts/{_SCRIPTS['thumbnails']} adds it")


def sample_speech() -> dict[str, Path]:
    """The three clips that ship with the package: 16 kHz mono FLAC, about 5 s each, synthesised."""
    clips = sorted(_SAMPLES.glob("*.flac"))
    if not clips:
        raise BadData(f"no clips in {_SAMPLES}: reinstall stegolab")
    return {clip.stem: clip for clip in clips}


def sample_covers() -> dict[str, NDArray[np.uint8]]:
    """The photographs inside scikit-image's wheel, as RGB arrays of shape (height, width, 3), 0 to 255.

    Raises:
        MissingExtra: scikit-image is not installed.
    """
    import numpy as np
    from PIL import Image

    pictures = {}
    for name, path in _cover_paths().items():
        with Image.open(path) as picture:
            pictures[name] = np.asarray(picture.convert("RGB"))
    return pictures


def speech_clips(split: str = "samples") -> dict[str, Path]:
    """Clean speech by name: the samples that ship, or a split of the real data (eval: the clean half of the pairs)."""
    if split == "samples":
        return sample_speech()
    return _named([pair.clean for pair in eval_pairs()] if split == "eval" else speech_files(split))


def covers(split: str = "samples") -> dict[str, Path]:
    """Pictures by name: the samples that ship, or a split of the real data."""
    if split == "samples":
        return _cover_paths()
    return _named(eval_covers() if split == "eval" else cover_files(split))


def _cover_paths() -> dict[str, Path]:
    spec = find_spec("skimage")  # finds the wheel without importing it, which takes a second
    assert spec is not None and spec.origin is not None, "what is missing raises, see extras"
    return {name: Path(spec.origin).parent / "data" / file for name, file in _COVERS.items()}


def _named(paths: list[Path]) -> dict[str, Path]:
    """Names without a suffix, relative to the data folder, because file names repeat between sets."""
    return {path.relative_to(_root()).with_suffix("").as_posix(): path for path in paths}


def _root() -> Path:
    root = data_dir()
    if root is None:
        raise BadData(
            "no real data here: set STEGOLAB_DATA or pass --data with a folder that holds INDEX.csv, "
            "or fetch some with the scripts in data_scripts"
        )
    return root


def _index_file(root: Path) -> Path:
    file = root / "INDEX.csv"
    if not file.is_file():
        remedy = "data_scripts/README.md tells how to make one"
        raise BadData(f"{shown(root)} is not a data folder, it has no INDEX.csv: {remedy}")
    return file


def _with_suffix(stem: Path) -> Path:
    """The sound file of this name, in any lossless format."""
    for suffix in (".flac", ".wav"):
        if (path := stem.with_name(stem.name + suffix)).is_file():  # with_suffix would cut "reverb_0.3"
            return path
    raise BadData(f"{shown(stem)}.flac is missing from the eval pairs")
