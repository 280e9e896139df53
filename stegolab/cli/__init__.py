"""The command line: the three models as three verbs, and further commands.

The exit code is 0, or 1 with one line on standard error. Outputs are complete or absent: they appear by renaming.
"""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Sequence

from ..errors import StegolabError
from . import output

_CANNOT_CONTINUE = (MemoryError, OSError, RecursionError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the console script ``stegolab``."""
    try:
        output.open_closed_streams()
        warnings.showwarning = _warn
        from .parser import parser  # this and what a verb imports take time; Ctrl-C works while they load

        options = parser().parse_args(arguments)
        options.command = shlex.join(["stegolab", *(sys.argv[1:] if arguments is None else arguments)])
        if getattr(options, "data", None):
            from ..data import use_data

            use_data(options.data)
        with output.progress():
            options.run(options)
        sys.stdout.flush()
        return 0
    except StegolabError as error:
        return _complain(f"{type(error).__name__}: {error}")
    except BrokenPipeError:  # the reader of our output has gone, so there is nobody to tell
        _give_up_output()
        return 1
    except KeyboardInterrupt:
        return _complain("interrupted")
    except _CANNOT_CONTINUE as error:
        _give_up_output()
        return _complain(f"{type(error).__name__}: {error}")


def _complain(message: str) -> int:
    print("stegolab: " + " ".join(message.split()), file=sys.stderr)
    return 1


def _give_up_output() -> None:
    """Discard what standard output could not take, so that Python does not try again when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _warn(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    output.clear_line()
    print(f"stegolab: {category.__name__}: {message}", file=sys.stderr)
