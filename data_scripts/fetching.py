"""Find an archive on disk or fetch it, and check it: a file that differs from the table is refused."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from table import Archive, Dataset
from unpacking import unpack

from stegolab.data import cache_dir
from stegolab.errors import BadData, CannotWrite
from stegolab.files import replacing


def obtain(dataset: Dataset, archive: Archive, source: Path | None, work: Path) -> Path:
    """The folder with an archive's content, unpacked below ``work`` unless ``source`` already holds it unpacked.

    Raises:
        BadData: not available, wrong checksum, damaged, or with an unexpected layout.
    """
    if source is not None and archive.folder:
        for folder in (source / archive.folder, source / Path(archive.folder).name):
            if folder.is_dir():
                return folder
    file = fetch(dataset, archive, source)
    content = work / Path(archive.file).stem
    content.mkdir()
    unpack(file, content)
    if not (content / archive.folder).is_dir():
        raise BadData(f"{file} holds no folder {archive.folder}: it is not the archive of {dataset.page}")
    return content / archive.folder


def fetch(dataset: Dataset, archive: Archive, source: Path | None) -> Path:
    """The checked file of an archive: from ``source`` if given, else fetched from its address into the cache."""
    if source is None:
        return _download(dataset, archive)
    file = source / archive.file
    if not file.is_file():
        raise BadData(f"{source} has no {archive.file}. {bring(dataset)}")
    check(file, archive)
    return file


def check(file: Path, archive: Archive) -> None:
    """Compare a file with the digest in the table, or with the one recorded when the file was first seen.

    Raises:
        BadData: they differ.
    """
    import pooch

    expected = archive.digest or _recorded(archive)
    algorithm, _, digest = (expected or "sha256:").rpartition(":")
    seen = pooch.file_hash(str(file), alg=algorithm)
    if expected is None:
        _record(archive, seen)
    elif seen != digest:
        raise BadData(_mismatch(file, archive, expected))


def bring(dataset: Dataset) -> str:
    """A sentence that says what to do without a network."""
    wanted = "; ".join(
        f"{a.file} ({f'{a.megabytes} MB, ' if a.megabytes else ''}{a.digest or 'no published checksum'}) from {a.url}"
        for a in dataset.archives
    )
    return (
        f"Without a network: bring {wanted}; put everything into one folder and run "
        f"python data_scripts/{dataset.name}.py --from FOLDER"
    )


def _download(dataset: Dataset, archive: Archive) -> Path:
    import pooch
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel(logging.WARNING)
    downloads = cache_dir() / "downloads"
    known = archive.digest or _recorded(archive)
    try:
        path = pooch.retrieve(
            archive.url, known_hash=known, fname=archive.file, path=downloads, progressbar=sys.stderr.isatty()
        )
    except RequestException as error:
        raise BadData(f"cannot fetch {archive.url} ({type(error).__name__}). {bring(dataset)}") from error
    except ValueError as error:  # pooch raises this for a wrong checksum, and has removed the file
        raise BadData(_mismatch(archive.url, archive, str(known))) from error
    except OSError as error:
        raise CannotWrite(f"cannot write to {downloads}: {error.strerror or error}") from error
    if known is None:
        check(Path(path), archive)
    return Path(path)


def _mismatch(what: object, archive: Archive, expected: str) -> str:
    where = archive.digest_from if archive.digest else f"{_sidecar(archive)}, written when it was first seen"
    return f"{what} does not have checksum {expected} ({where}): it is damaged or was replaced, fetch it again"


def _sidecar(archive: Archive) -> Path:
    return cache_dir() / "downloads" / f"{archive.file}.sha256"


def _recorded(archive: Archive) -> str | None:
    sidecar = _sidecar(archive)
    return f"sha256:{sidecar.read_text().split()[0]}" if sidecar.is_file() else None


def _record(archive: Archive, digest: str) -> None:
    sidecar = _sidecar(archive)
    try:
        sidecar.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"cannot write to {sidecar.parent}: {error.strerror}") from error
    with replacing(sidecar) as temporary:
        temporary.write_text(f"{digest}  {archive.file}\n")  # the format of sha256sum
    print(f"{archive.file}: no published checksum; recorded sha256 {digest} in {sidecar}")
