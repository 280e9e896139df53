"""One browser a process, wherever it is asked from; a new one where it died or the process was forked."""

import asyncio
import multiprocessing
import signal
import subprocess
import sys
import threading

import numpy as np
import psutil
import pytest

from stegolab.channel.software import browser, chromium
from stegolab.channel.spec import parse
from stegolab.errors import MissingSoftware

from . import line_of, only_with

pytestmark = only_with(chromium.CHROMIUM)

PICTURE, HALVED = line_of(180), parse("canvas:0.5")


def threads() -> int:
    return sum(thread.name == "browser" for thread in threading.enumerate())


def test_all_threads_share_one_browser():
    received: list[np.ndarray] = []
    asking = [threading.Thread(target=lambda: received.append(HALVED(PICTURE))) for _ in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(received) == 4 and all(np.array_equal(one, received[0]) for one in received)
    assert threads() == 1


def test_it_answers_where_an_event_loop_runs_as_in_a_notebook():
    async def cell() -> np.ndarray:
        return HALVED(PICTURE)

    assert np.array_equal(asyncio.run(cell()), HALVED(PICTURE))


def test_a_browser_that_has_died_is_started_again():
    before = HALVED(PICTURE)
    browser.ask(chromium.executable(), lambda page: page.context.browser.close())
    assert np.array_equal(HALVED(PICTURE), before)
    browser.close()
    assert threads() == 0
    assert np.array_equal(HALVED(PICTURE), before)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking where there are threads
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_have_browsers_of_their_own_and_end_with_them(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    before = HALVED(PICTURE)
    with multiprocessing.get_context(method).Pool(2) as pool:
        received = pool.map(HALVED, [PICTURE] * 2)
        pool.close()
        pool.join()
    assert all(np.array_equal(one, before) for one in received)
    assert np.array_equal(HALVED(PICTURE), before)


def test_a_browser_that_does_not_start_says_so(tmp_path, monkeypatch):
    (tmp_path / "chromium").write_text("#!/bin/sh\necho Chromium 1.0\nexit 3\n")
    (tmp_path / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(MissingSoftware, match="chromium does not start: "):
        HALVED(PICTURE)


USES_A_BROWSER = """
import numpy, os, psutil, signal, sys
from stegolab.channel.spec import parse
parse("canvas:0.5")(numpy.zeros((16, 16, 3), numpy.uint8))
print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
if "killed" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("ending", ["ends", "killed"])
def test_the_browser_ends_with_its_process(ending):
    command = [sys.executable, "-c", USES_A_BROWSER, ending]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if ending == "ends" else -signal.SIGKILL), done.stderr
    children = [int(word) for word in done.stdout.split()]
    assert len(children) > 2  # the driver, the browser, its helpers
    left = [psutil.Process(pid) for pid in children if psutil.pid_exists(pid)]
    _, alive = psutil.wait_procs(left, timeout=120)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []
