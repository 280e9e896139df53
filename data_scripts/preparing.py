"""The work of every script here: obtain the archives, prepare the files, add them to the index; all or nothing.

The result is the folder that ``stegolab.data`` reads: OUT/NAME/... with one row per file in OUT/INDEX.csv. Several
sets live in one OUT side by side.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import fetching
from table import DATASETS, Dataset

from stegolab.data import COLUMNS, cache_dir, data_dir
from stegolab.errors import BadData, CannotWrite, StegolabError
from stegolab.files import check_folder, replacing

RATE = 16_000  # hertz: the rate of all prepared speech and noise


class Row(NamedTuple):
    """One prepared file: its path below the set's folder, and its row of the index."""

    path: str
    split: str
    kind: str
    speaker: str
    extent: str


Prepare = Callable[[list[Path], Path], Iterable[Row]]


def run(name: str, prepare: Prepare, arguments: Sequence[str] | None = None) -> int:
    """The whole script: parse ``--from`` and ``--out``, run, return the exit code; errors are one line on stderr.

    ``prepare(folders, ready)`` gets the unpacked folders in the order of the table and writes below ``ready``.
    """
    options = parser(name).parse_args(arguments)
    return reported(name, lambda: _run(DATASETS[name], prepare, options.source, options.out))


def parser(name: str, default_out: str = "STEGOLAB_DATA, else data in the cache") -> argparse.ArgumentParser:
    """The options that all scripts share."""
    dataset = DATASETS[name]
    epilog = f"{dataset.page}  Licence: {dataset.licence}. {fetching.bring(dataset)}."
    parse = argparse.ArgumentParser(prog=f"{name}.py", description=dataset.title, epilog=epilog)
    parse.add_argument("--from", dest="source", type=Path, metavar="DIR", help="use the files in DIR, fetch nothing")
    parse.add_argument("--out", type=Path, metavar="DIR", help=f"folder to add to ({default_out})")
    return parse


def reported(name: str, work: Callable[[], None]) -> int:
    """Exit code of ``work``: 0, or 1 after one line on stderr."""
    try:
        work()
    except StegolabError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0


def work_folder(out: Path) -> tempfile.TemporaryDirectory[str]:
    """A temporary folder inside ``out``, so that a rename from it to its place is atomic."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=".preparing-", dir=out)
    except OSError as error:
        raise CannotWrite(f"cannot write to {out}: {error.strerror}") from error


def to_flac(sound: Path, flac: Path) -> str:
    """Bring a sound file to 16 kHz mono 16-bit FLAC; return its length in seconds, as the index writes it.

    A file that already has this format is copied byte for byte.

    Raises:
        BadData: the file is not readable as sound.
    """
    import numpy as np
    import soundfile
    from scipy.signal import resample_poly

    flac.parent.mkdir(parents=True, exist_ok=True)
    try:
        about = soundfile.info(sound)
        if (about.format, about.subtype, about.samplerate, about.channels) == ("FLAC", "PCM_16", RATE, 1):
            shutil.copyfile(sound, flac)
            return f"{about.duration:.2f}"
        samples, rate = soundfile.read(sound, dtype="float64", always_2d=True)  # (n, channels)
    except soundfile.LibsndfileError as error:
        raise BadData(f"cannot read {sound.name}: {error}") from error
    mono = samples.mean(axis=1)
    if rate != RATE:
        mono = resample_poly(mono, RATE, rate)
    soundfile.write(flac, np.clip(mono, -1, 1), RATE, subtype="PCM_16")
    return f"{len(mono) / RATE:.2f}"


def copy_picture(picture: Path, target: Path) -> str:
    """Copy a picture byte for byte; return its width x height in pixels, as the index writes it.

    Raises:
        BadData: the file is not readable as a picture.
    """
    from PIL import Image

    try:
        with Image.open(picture) as opened:
            size = f"{opened.width}x{opened.height}"
    except OSError as error:
        raise BadData(f"cannot read {picture.name}: {error}") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(picture, target)
    return size


def _run(dataset: Dataset, prepare: Prepare, source: Path | None, out: Path | None) -> None:
    out = out or data_dir() or cache_dir() / "data"
    place = out / dataset.name
    index = _read_index(out / "INDEX.csv")
    if place.exists():
        if not any(row["source"] == dataset.name for row in index):
            raise BadData(f"{place} is in the way and not in {out / 'INDEX.csv'}: move it, then run this again")
        print(f"{dataset.name}: already prepared in {place}")
        return
    check_folder(out, "INDEX.csv")
    with work_folder(out) as temporary:
        work, ready = Path(temporary), Path(temporary) / "ready"
        folders = [fetching.obtain(dataset, archive, source, work) for archive in dataset.archives]
        ready.mkdir()
        try:
            rows = sorted(prepare(folders, ready))
            if len(rows) != dataset.count:
                raise BadData(f"{len(rows)} files where {dataset.title} has {dataset.count}: it is incomplete")
            ready.rename(place)
        except OSError as error:
            raise CannotWrite(f"cannot prepare {place}: {error.strerror or error}") from error
        try:
            _write_index(out / "INDEX.csv", [row for row in index if row["source"] != dataset.name], dataset, rows)
        except BaseException:
            place.rename(ready)  # files without an index would block the next run
            raise
    print(f"{dataset.name}: {len(rows)} files in {place}; use them with STEGOLAB_DATA={out}")


def _read_index(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise BadData(f"{file} is not an index of ours: expected the columns {','.join(COLUMNS)}")
        return list(reader)


def _write_index(file: Path, others: list[dict[str, str]], dataset: Dataset, rows: list[Row]) -> None:
    with replacing(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([other[column] for column in COLUMNS] for other in others)
        for path, *known in rows:
            writer.writerow([f"{dataset.name}/{path}", *known, dataset.name, dataset.licence])
