"""One browser for the whole process, in a thread of its own.

Playwright's synchronous interface belongs to the thread that started it, and refuses to start where an event loop runs,
such as in a notebook. So one thread owns it and does what the others ask, one thing after the other. It starts at
the first question and is closed when the process ends, a worker of a pool too. After a fork the child has none, and
starts its own.
"""

from __future__ import annotations

import multiprocessing.util
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from ...errors import BadImage, MissingSoftware

#: How long one step of the browser may take, in milliseconds: it ends what hangs, however slow the machine is.
PATIENCE_MS = 600_000
_Answer = TypeVar("_Answer")


class _Browser:
    """A Chromium and the thread that drives it."""

    def __init__(self, executable: str) -> None:
        self.executable = executable
        self._questions: SimpleQueue[tuple[Callable[[Any], Any], float, Future[Any]] | None] = SimpleQueue()
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, name="browser", daemon=True)
        self._thread.start()
        self._started.result()

    def ask(self, question: Callable[[Any], _Answer], ratio: float) -> _Answer:
        """What ``question`` answers when the thread asks it of a page whose ``devicePixelRatio`` is ``ratio``."""
        answer: Future[_Answer] = Future()
        self._questions.put((question, ratio, answer))
        return answer.result()

    def close(self) -> None:
        self._questions.put(None)
        self._thread.join()

    def _serve(self) -> None:
        from playwright.sync_api import sync_playwright

        try:
            with sync_playwright() as driver:
                chromium = driver.chromium.launch(
                    executable_path=self.executable,
                    # Only our own pages are shown, without a network: root may do without the sandbox.
                    args=["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--hide-scrollbars"],
                    timeout=PATIENCE_MS,
                )
                self._started.set_result(None)
                pages: dict[float, Any] = {}
                while asked := self._questions.get():
                    question, ratio, answer = asked
                    try:
                        if ratio not in pages:
                            pages[ratio] = _new_page(chromium, ratio)
                        answer.set_result(question(pages[ratio]))
                    except BaseException as error:
                        pages.clear()
                        answer.set_exception(error)
                chromium.close()
        except BaseException as error:
            if not self._started.done():
                self._started.set_exception(error)


def _new_page(chromium: Any, ratio: float) -> Any:
    context = chromium.new_context(device_scale_factor=ratio, offline=True)
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


_lock = threading.Lock()
_opened: _Browser | None = None
_inherited: list[_Browser | None] = []  # kept: what is thrown away in a child would close the parent's


def ask(executable: str, question: Callable[[Any], _Answer], ratio: float = 1.0) -> _Answer:
    """What ``question`` answers when it is asked of a page of this process's browser, which is started if need be.

    ``ratio`` is the page's ``devicePixelRatio``. Where a page or the browser has died, a fresh one is asked, once.

    Raises:
        MissingSoftware: the browser does not start. BadImage: it does not carry out what is asked.
    """
    from playwright.sync_api import Error

    with _lock:
        try:
            try:
                return _running(executable).ask(question, ratio)
            except Error:
                close()
                return _running(executable).ask(question, ratio)
        except Error as error:
            raise BadImage(f"Chromium refuses the picture: {_line(error)}") from error


def close() -> None:
    """End the browser of this process, if there is one."""
    global _opened
    if _opened is not None:
        _opened.close()
        _opened = None


def _running(executable: str) -> _Browser:
    global _opened
    if _opened is not None and _opened.executable != executable:
        close()
    if _opened is None:
        try:
            _opened = _Browser(executable)
        except Exception as error:
            raise MissingSoftware(f"{executable} does not start: {_line(error)}") from error
        multiprocessing.util.Finalize(None, close, exitpriority=100)  # runs in workers too, which atexit does not
    return _opened


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return next(filter(None, lines), type(error).__name__)


def _after_fork() -> None:
    global _lock, _opened
    _inherited.append(_opened)
    _lock, _opened = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
