"""The output of a command: its report at the end, and on a terminal its progress."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from .. import files
from ..progress import LOGGER

_CLEAR = "\r\x1b[K"  # to the start of the line, and erase it


def tell(options: argparse.Namespace, report: dict[str, Any], text: str) -> None:
    """Print the report: as JSON if that was asked for, else as ``text``.

    It goes to standard error if standard output carries the result of the command (output ``-``).
    """
    clear_line()
    output = getattr(options, "output", None)
    carries = output is not None and files.is_standard_output(output)
    print(json.dumps(report, indent=2) if options.json else text, file=sys.stderr if carries else sys.stdout)


def open_closed_streams() -> None:
    """Make sure that printing cannot end a command.

    A standard stream that the caller has closed is replaced by the null device; otherwise the first file to be opened
    would take its place. Names that are not text in the terminal's encoding are printed with backslashes.
    """
    for descriptor, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))
    out: TextIO = sys.stdout
    if getattr(out, "errors", "") == "strict":
        out.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]  # what is strict is a TextIOWrapper


@contextmanager
def progress() -> Iterator[None]:
    """While the block runs, show its progress in one line of the terminal; without a terminal, show nothing."""
    if not sys.stderr.isatty():
        yield
        return
    handler = _Line()
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        clear_line()
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(logging.NOTSET)


def clear_line() -> None:
    """Erase what :func:`progress` shows, before printing something permanent."""
    if any(isinstance(handler, _Line) for handler in LOGGER.handlers):
        print(end=_CLEAR, file=sys.stderr, flush=True)


class _Line(logging.Handler):
    """One line of a terminal that is overwritten."""

    def emit(self, record: logging.LogRecord) -> None:
        width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        print(f"{_CLEAR}{record.getMessage()[: width - 1]}", end="", file=sys.stderr, flush=True)
