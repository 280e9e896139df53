"""Writing outputs: regular files appear complete or not at all, links stay links, streams are written to.

A *stream* is anything but a regular file: a device, a FIFO, one of this process's own descriptors (``/dev/stdout``,
``/dev/fd/3``), and ``-``, standard output.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import CannotWrite

STANDARD_OUTPUT = "-"
_SHOWN = 200  # characters of a name in a message
_BLOCK = 4096  # bytes: even a full disk accepts an empty file
_LINKS = 40  # links that are followed in a row, as on Linux; more are treated as a loop
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/(?:self|thread-self|PID)/fd)/([0-9]+)")
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


@contextmanager
def replacing(path: str | os.PathLike[str], suffix: str | None = None) -> Iterator[Path]:
    """Yield a temporary path; if the block succeeds, what it wrote there replaces ``path``.

    A regular file is replaced by renaming, in its own folder, and keeps its permissions; its other hard links keep the
    old contents. A symbolic link stays a link: its target is replaced, or created if it was missing. To a stream, the
    contents are written.

    The temporary file has ``suffix``, by default that of ``path`` (writers choose their format by it). If the block
    raises, it is removed, and ``path`` is unchanged.

    Raises:
        CannotWrite: see :func:`check`, or the disk is full.
        BrokenPipeError: the reader of the stream has gone.
    """
    with _errors(path):
        check(path)
        stream = _is_stream(path)
        target = Path(os.fspath(path) if stream else os.path.realpath(path))
        handle, name = tempfile.mkstemp(
            prefix=".stegolab-",
            suffix=target.suffix if suffix is None else suffix,
            dir=None if stream else target.parent,
        )
    os.close(handle)
    temporary = Path(name)
    try:
        with _errors(path):
            yield temporary
            if stream:
                _pour(temporary, target)
            else:
                _keep_permissions(temporary, target)
                temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def check(path: str | os.PathLike[str]) -> None:
    """Check, before any work is done, that an output can be written; nothing is changed.

    Raises:
        CannotWrite: its folder is missing or not writable, it is a folder itself or is write-protected, its name is
            empty, too long or holds a NUL, or it is a terminal, which cannot show sound or pictures.
    """
    with _errors(path):
        if not os.fspath(path):
            raise CannotWrite("the name of the output is empty: give one")
        descriptor = _descriptor(path)
        if descriptor is not None:
            os.fstat(descriptor)  # it is open
            if os.isatty(descriptor):
                raise CannotWrite(f"cannot write {shown(path)}: it is a terminal; redirect it or name a file")
            return
        target = Path(os.path.realpath(path))
        kind = _kind(path)
        if kind is None or stat.S_ISREG(kind):
            _probe(target.parent)
        if kind is None:
            return
        if stat.S_ISDIR(kind):
            raise CannotWrite(f"cannot write {shown(path)}: it is a folder; name a file in it")
        if stat.S_ISSOCK(kind):
            raise CannotWrite(f"cannot write {shown(path)}: it is a socket; name a file")
        if not os.access(target if stat.S_ISREG(kind) else path, os.W_OK):
            raise PermissionError(errno.EACCES, "it is write-protected")
        if stat.S_ISREG(kind) and not _may_rename_over(target):
            raise PermissionError(errno.EPERM, f"it belongs to somebody else, in the shared folder {target.parent}")


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Whether an output is written to instead of replaced: a device, a FIFO, a descriptor of this process, or ``-``.

    Raises:
        CannotWrite: there can be no such file.
    """
    with _errors(path):
        return _is_stream(path)


def is_standard_output(path: str | os.PathLike[str]) -> bool:
    """Whether writing to ``path`` goes to the standard output of this process.

    Raises:
        CannotWrite: there can be no such file.
    """
    with _errors(path):
        descriptor = _descriptor(path)
        if descriptor is not None:
            return descriptor == 1 or os.path.sameopenfile(descriptor, 1)
        return _is_stream(path) and os.path.samestat(Path(path).stat(), os.fstat(1))


def folder(path: str | os.PathLike[str]) -> Path:
    """The folder ``path``, made when missing.

    Raises:
        CannotWrite: it cannot be created, or is a file.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise CannotWrite(f"cannot make the folder {shown(path)}: {reason(error)}") from error
    return Path(path)


def check_folder(path: str | os.PathLike[str], *inside: str) -> None:
    """Check that :func:`folder` can create ``path``, or that files can be put into it; nothing is changed.

    ``inside`` are the names of those files.

    Raises:
        CannotWrite: neither is possible, or ``path`` is a file; or see :func:`check` for one of ``inside``.
    """
    with _errors(path):
        if not os.fspath(path):
            raise CannotWrite("the name of the output folder is empty: give one")
        place = Path(path)
        while _kind(place) is None:
            if len(os.fsencode(place.name)) > 255:  # POSIX's NAME_MAX: its parents may be missing as well
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
            place = place.parent
        if not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{place} is not a folder")
        _probe(place)
    if place == Path(path):
        for name in inside:
            check(place / name)


def printable(path: str | os.PathLike[str]) -> str:
    """A name as a single line of text that can be printed and stored anywhere; different names give different texts.

    File names are bytes: invalid UTF-8, characters that are not printable and backslashes become escapes, such as
    ``\\udcff`` for the byte 0xff and ``\\n`` for a line feed. It does not depend on the locale.
    """
    try:
        text = os.fsencode(path).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no file can have such a name here
        text = os.fspath(path)
    return "".join(c if c.isprintable() and c != "\\" else repr(c)[1:-1] for c in text)


def shown(path: str | os.PathLike[str]) -> str:
    """A name for a message: like :func:`printable`, but short."""
    text = printable(path)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}...{text[-_SHOWN // 2 :]}"


@contextmanager
def _errors(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader has gone, which is not an error of the output
        raise
    except (OSError, ValueError) as error:
        if not (isinstance(error, OSError | UnicodeEncodeError) or "embedded null" in str(error)):
            raise
        raise CannotWrite(f"cannot write {shown(path)}: {reason(error)}") from error


def reason(error: OSError | ValueError) -> str:
    """Why a file could not be opened, in a few words."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, UnicodeEncodeError):
        return "its name holds a character that file names cannot hold here"
    return "its name holds a NUL character"


def _kind(path: str | os.PathLike[str]) -> int | None:
    """The mode bits of the target of ``path``, or None if there is none."""
    try:
        return Path(path).stat().st_mode
    except FileNotFoundError:
        return None


def _is_stream(path: str | os.PathLike[str]) -> bool:
    if _descriptor(path) is not None:
        return True
    kind = _kind(path)
    return kind is not None and not stat.S_ISREG(kind) and not stat.S_ISDIR(kind)


def _descriptor(path: str | os.PathLike[str]) -> int | None:
    """The descriptor of this process that ``path`` names, directly or through links; None if it names none.

    Such a name must not be opened again: a file opened by ``>`` would then have another position, and renaming onto it
    would leave the shell with a file without a name.
    """
    place = os.fspath(path)
    if place == STANDARD_OUTPUT:
        return 1
    for _ in range(_LINKS):
        if place in _STANDARD:
            return _STANDARD[place]
        if found := _DESCRIPTOR.fullmatch(place.replace(f"/proc/{os.getpid()}/", "/proc/PID/")):
            return int(found[1])
        if not Path(place).is_symlink():
            return None
        place = os.path.normpath(Path(place).parent / Path(place).readlink())
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _probe(place: Path) -> None:
    """Create a file there and remove it: permissions do not show read-only file systems, full disks and quotas."""
    handle, name = tempfile.mkstemp(prefix=".stegolab-", dir=place)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(bytes(_BLOCK))
    finally:
        Path(name).unlink()


def _may_rename_over(target: Path) -> bool:
    """Whether a file may be replaced: in a sticky folder, such as /tmp, only by its owner or the file's owner."""
    place, file = target.parent.stat(), target.stat()
    return not place.st_mode & stat.S_ISVTX or _user() in (0, place.st_uid, file.st_uid)


def _user() -> int:
    """The user who runs this process; -1 where the system has no user numbers (Windows)."""
    return getattr(os, "geteuid", lambda: -1)()


def _keep_permissions(temporary: Path, target: Path) -> None:
    """Give the new file the old one's owner and mode, and never more: mkstemp makes private files, outputs are
    public."""
    try:
        old = target.stat()
    except FileNotFoundError:
        temporary.chmod(0o666 & ~_umask())
        return
    mode = stat.S_IMODE(old.st_mode) & 0o777
    try:
        getattr(os, "chown", _as_it_is)(temporary, old.st_uid if _user() == 0 else -1, old.st_gid)
    except PermissionError:  # we are not in that group: our group may do no more than everybody
        mode = mode & 0o707 | (mode & 0o007) << 3 & mode
    temporary.chmod(mode)


def _as_it_is(*_: object) -> None:
    """Do nothing, where files have no owner that could be changed."""


def _pour(temporary: Path, target: Path) -> None:
    """Copy the temporary file to a stream."""
    descriptor = _descriptor(target)
    if sys.stdout is not None:
        sys.stdout.flush()  # what was printed before must come first
    handle = os.open(target, os.O_WRONLY | getattr(os, "O_NOCTTY", 0)) if descriptor is None else os.dup(descriptor)
    with temporary.open("rb") as source, os.fdopen(handle, "wb") as sink:
        shutil.copyfileobj(source, sink)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
