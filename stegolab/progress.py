"""What long work says of itself while it goes on: to the logger ``stegolab.progress``, at level INFO.

Nobody hears it unless a handler is there. The command line has one on a terminal (``cli/output.py``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

LOGGER = logging.getLogger(__name__)
LOGGER.propagate = False  # dozens of messages a second are nothing for a log file
LOGGER.addHandler(logging.NullHandler())

T = TypeVar("T")


def say(text: str) -> None:
    """What is being done now, in a few words."""
    LOGGER.info("%s", text)


def steps(items: Iterable[T], total: float, text: str, size: Callable[[T], float] = lambda item: 1) -> Iterator[T]:
    """``items``, with ``text`` and how much of ``total`` is done said before each; ``size`` is what each amounts to."""
    done = 0.0
    for item in items:
        LOGGER.info("%s: %.0f of %.0f", text, done, total)
        yield item
        done += size(item)
