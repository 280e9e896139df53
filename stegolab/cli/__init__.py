"""The command line: the three models as three verbs, and what goes with them.

Exit code 0, or 1 with one line on standard error. Nothing is half-written: outputs appear by rename.
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
        from ..data import use_data  # these take most of the time of starting: Ctrl-C is answered while they load
        from .parser import parser

        options = parser().parse_args(arguments)
        options.command = shlex.join(["stegolab", *(sys.argv[1:] if arguments is None else arguments)])
        if getattr(options, "data", None):
            use_data(options.data)
        with output.progress():
            options.run(options)
        sys.stdout.flush()
        return 0
    except StegolabError as error:
        return _complain(f"{type(error).__name__}: {error}")
    except BrokenPipeError:  # the reader of our output has gone: nothing to tell anybody
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
    """What standard output has not taken by now, it will not take when Python ends either."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _warn(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    output.clear_line()
    print(f"stegolab: {category.__name__}: {message}", file=sys.stderr)
