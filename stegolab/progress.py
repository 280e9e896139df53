"""What long work says of itself while it goes on: to the logger ``stegolab.progress``, at level INFO.

Nobody hears it unless a handler is there. The command line has one on a terminal (``cli/output.py``).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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


@contextmanager
def every(seconds: float, tick: Callable[[], object]) -> Iterator[None]:
    """While the block runs, call ``tick`` again and again in a thread of its own, so many seconds apart."""
    over = threading.Event()

    def ticking() -> None:
        while not over.wait(seconds):
            tick()

    thread = threading.Thread(target=ticking, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
