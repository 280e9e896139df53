"""Unpack an archive without trusting it: nothing is written outside the folder, damage is a declared error."""

from __future__ import annotations

import gzip
import lzma
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from stegolab.errors import BadData, CannotWrite

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError)


def unpack(archive: Path, into: Path) -> None:
    """Unpack a zip, a (compressed) tar or a rar, recognised by content, into an existing folder.

    Raises:
        BadData: it is damaged, of another kind, or has a member that would land outside ``into``.
        CannotWrite: the disk is full or the folder is not writable.
    """
    try:
        with archive.open("rb") as content:
            start = content.read(4)
        if start == b"Rar!":
            _unpack_rar(archive, into)
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as members:
                _refuse_escapes(archive, members.namelist())  # zipfile would silently put them elsewhere
                members.extractall(into)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as members_of_tar:
                members_of_tar.extractall(into, filter="data")
        else:
            raise BadData(f"{archive} is neither zip, tar nor rar: it is damaged or not what its name says")
    except tarfile.FilterError as error:  # a member that leads outside, or a device
        raise BadData(f"refusing {archive}: {error}") from error
    except _DAMAGED as error:
        raise BadData(f"{archive} is damaged ({error}): delete it and fetch or copy it again") from error
    except OSError as error:
        raise CannotWrite(f"cannot unpack {archive} into {into}: {error.strerror or error}") from error


def _unpack_rar(archive: Path, into: Path) -> None:
    """Rar is a proprietary format that Python does not read; bsdtar (libarchive) does."""
    if (bsdtar := shutil.which("bsdtar")) is None:
        raise BadData(
            f"{archive.name} needs bsdtar (Debian: apt-get install libarchive-tools; conda: libarchive); "
            "or unpack it with any tool and give the folder that holds the result with --from"
        )
    _refuse_escapes(archive, _bsdtar(archive, bsdtar, "-tf", str(archive)).splitlines())
    _bsdtar(archive, bsdtar, "-xf", str(archive), "-C", str(into))
    for path in into.rglob("*"):
        if path.is_symlink():
            raise BadData(f"refusing {archive}: it has a link, {path.name}")


def _bsdtar(archive: Path, *command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        raise BadData(f"{archive} is damaged ({reason}): delete it and fetch or copy it again")
    return done.stdout


def _refuse_escapes(archive: Path, names: list[str]) -> None:
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[:1]:
            raise BadData(f"refusing {archive}: its member {name!r} would land outside the folder")
