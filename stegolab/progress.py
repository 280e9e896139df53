"""Progress messages of long work, sent to the logger ``stegolab.progress`` at level INFO.

They are shown only if there is a handler. The command line has one on a terminal (``cli/output.py``).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

LOGGER = logging.getLogger(__name__)
LOGGER.propagate = False  # dozens of messages a second do not belong in a log file
LOGGER.addHandler(logging.NullHandler())

T = TypeVar("T")


def say(text: str) -> None:
    """Say in a few words what is being done now."""
    LOGGER.info("%s", text)


def steps(items: Iterable[T], total: float, text: str, size: Callable[[T], float] = lambda item: 1) -> Iterator[T]:
    """Yield ``items``, and before each say ``text`` and how much of ``total`` is done; ``size`` is that of an item."""
    done = 0.0
    for item in items:
        LOGGER.info("%s: %.0f of %.0f", text, done, total)
        yield item
        done += size(item)


@contextmanager
def every(seconds: float, tick: Callable[[], object]) -> Iterator[None]:
    """While the block runs, call ``tick`` repeatedly from a separate thread, at intervals of ``seconds``."""
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
