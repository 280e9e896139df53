"""What a command says: its report when it is done, and on a terminal what it is doing."""

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
    """Print the report: as JSON when that was asked for, else as ``text``.

    It goes to standard error where standard output carries what the command made (output ``-``).
    """
    clear_line()
    output = getattr(options, "output", None)
    carries = output is not None and files.is_standard_output(output)
    print(json.dumps(report, indent=2) if options.json else text, file=sys.stderr if carries else sys.stdout)


def open_closed_streams() -> None:
    """Let nothing that a command says end it.

    A standard stream that the caller has closed leads nowhere from here on: else the first file to be opened would take
    its place. Names that are not text in the terminal's encoding are printed with backslashes.
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
    """While the block runs, what it is doing stands in one line of the terminal; nowhere else if there is none."""
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
    """Take back what :func:`progress` shows, before something is printed that is to stay."""
    if any(isinstance(handler, _Line) for handler in LOGGER.handlers):
        print(end=_CLEAR, file=sys.stderr, flush=True)


class _Line(logging.Handler):
    """One line of a terminal that is written over."""

    def emit(self, record: logging.LogRecord) -> None:
        width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        print(f"{_CLEAR}{record.getMessage()[: width - 1]}", end="", file=sys.stderr, flush=True)
