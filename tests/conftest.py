"""What holds for every test: the same examples each time, no windows, no widgets, a cache of its own."""

import os
import signal
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Set before anything is imported, and in the environment, because notebook kernels inherit it.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # there is a worker for each processor
os.environ["MPLBACKEND"] = "Agg"
os.environ["STEGOLAB_HEADLESS"] = "1"
_cache = tempfile.TemporaryDirectory(prefix="stegolab-tests-")  # emptied when the tests end
os.environ["STEGOLAB_CACHE"] = _cache.name
os.environ["IPYTHONDIR"] = str(Path(_cache.name) / "ipython")  # the user's IPython start-up files stay out of it

# A shell starts jobs in the background with Ctrl-C ignored, and the processes that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "stegolab", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("stegolab")

# Files, and tests in files, that `make quick` leaves out: what takes more than about a fifth of a second of an idle
# core, as `pytest --durations=0` tells, but two that go the whole way.
SLOW = tuple((Path(__file__).parent / "slow.txt").read_text(encoding="utf-8").split())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def rehearsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders that are made in this test remember what senders in this process have rehearsed before."""
    from stegolab import sender  # only here: what is set above must come before numpy

    from .rehearsals import remembered

    monkeypatch.setattr(sender, "rehearse", remembered)
