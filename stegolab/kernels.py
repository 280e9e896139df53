"""The kernels that execute notebooks: which kernel, in which environment, and when one must be ended.

The result does not depend on how fast or how busy the machine is. A limit counts the processor time that a kernel and
its child processes used. A stalled kernel is distinguished from a slow one in the same way: a slow one still uses some.
Used by :mod:`stegolab.execution`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from . import progress
from .errors import BadSpec

TICK = 0.2  # seconds between two checks of a kernel
GRACE = 10.0  # seconds for an interrupted kernel to end its cell; none after a second request
SAMPLE = 5.0  # seconds between two readings of processor time, at most
#: A kernel that only waits still answers its heartbeat, 0.05 % of a core; one that computes with the lowest priority
#: beside others gets 1.5 %.
STALLED = 0.005
#: The least that a wall-clock second counts, so that a loop that waits in small steps is ended too.
LEAST = 0.25

_HANG_UP = [signal.Signals[name] for name in ("SIGHUP",) if name in signal.Signals.__members__]  # not on Windows


@dataclass(frozen=True)
class Limits:
    """When a hanging kernel is ended, in seconds of processor time; a wall-clock second counts as one at most.

    A wall-clock second in which the kernel got less than a quarter of a processor counts as a quarter. ``stall`` is
    the time in which a kernel must use at least half a percent of a processor.
    """

    cell: float
    notebook: float
    stall: float = 600


class Account:
    """What a kernel has used, compared with its limits."""

    def __init__(self, limits: Limits):
        self._limits = limits
        self._cell = self._notebook = self._quiet = self._used = 0.0

    def begin_cell(self) -> None:
        """Begin a new cell: the counts for the cell and for stalling start at zero."""
        self._cell = self._quiet = self._used = 0.0

    def add(self, seconds: float, used: float) -> str | None:
        """Add ``used`` seconds of processor time in ``seconds`` of wall-clock time; return the fault, if any."""
        counted = min(seconds, max(used, LEAST * seconds))
        self._cell += counted
        self._notebook += counted
        self._quiet += seconds
        self._used += used
        if self._used >= STALLED * self._limits.stall:
            self._quiet = self._used = 0.0
        if self._quiet >= self._limits.stall:
            return f"stalled: next to no processor time used in {self._limits.stall:g} s"
        if self._cell >= self._limits.cell:
            return f"took more than the {self._limits.cell:g} s that a cell may take"
        if self._notebook >= self._limits.notebook:
            return f"took more than the {self._limits.notebook:g} s that the notebook may take"
        return None


class Stop:
    """Whether somebody asked to stop: the first time is a request, the second time an order."""

    def __init__(self) -> None:
        self.asked = 0

    def ask(self, *_: object) -> None:
        """Ask to stop; can be used as a signal handler."""
        self.asked += 1


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Within the block, Ctrl-C, SIGTERM and a closed terminal do not raise: they ask the yielded Stop.

    Signals that were ignored (``nohup``) stay ignored. Outside the main thread no signal is caught.
    """
    stop = Stop()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, *_HANG_UP):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, stop.ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Watch:
    """Checks one kernel and its child processes every TICK seconds, until the block of :func:`watching` ends."""

    def __init__(self, limits: Limits, stop: Stop):
        self.verdict: str | None = None  # why the kernel was ended, in one line
        self.cell = ""  # first line of the current or last cell
        self._account = Account(limits)
        self._stop = stop
        self._in_cell = False
        self._kernel: psutil.Process | None = None
        self._seen: set[psutil.Process] = set()
        self._processor_time = 0.0
        self._sample = min(SAMPLE, max(TICK, limits.stall / 20))
        self._since_sample = self._since_interrupt = 0.0
        self._lock = threading.Lock()

    def follow(self, pid: int) -> None:
        """Watch the process ``pid`` of a kernel that was just started."""
        with suppress(psutil.Error):  # it has ended already
            self._kernel = psutil.Process(pid)

    def begin_cell(self, line: str) -> None:
        """A cell begins; ``line`` is its first."""
        with self._lock:
            self.cell, self._in_cell = line, True
            self._account.begin_cell()

    def end_cell(self) -> None:
        """The cell has ended, well or not."""
        with self._lock:
            self._in_cell = False

    def tick(self) -> None:
        """TICK seconds have passed: end the kernel if that was requested, or if it is over its limits."""
        with self._lock:
            if self._stop.asked:
                self._interrupt()
                return
            self._since_sample += TICK
            if self._since_sample < self._sample or self._kernel is None:
                return
            before, self._processor_time = self._processor_time, self._read()
            seconds, self._since_sample = self._since_sample, 0.0
            if self.cell and not self._in_cell:
                return  # the kernel waits for this process, which saves the notebook or ends the kernel
            problem = self._account.add(seconds, max(0.0, self._processor_time - before))
            if problem and not self.verdict:
                where = f"cell `{self.cell}`" if self.cell else "the kernel, before its first cell,"
                self.verdict = f"{where} {problem}"
                self.kill()

    def kill(self) -> None:
        """End the kernel and every process it started."""
        self._read()
        for process in self._seen:
            with suppress(psutil.Error):
                process.kill()

    def _interrupt(self) -> None:
        """End the kernel; a running cell may first report where it was, and clean up."""
        if not self.verdict:
            self.verdict = f"interrupted in cell `{self.cell}`" if self.cell else "interrupted"
            if self._in_cell and self._stop.asked == 1:
                self._read()
                for process in self._seen:
                    with suppress(psutil.Error):
                        process.send_signal(signal.SIGINT)
                return
        self._since_interrupt += TICK
        if self._since_interrupt > GRACE or not self._in_cell or self._stop.asked > 1:
            self.kill()

    def _read(self) -> float:
        """Seconds of processor time that the kernel and its child processes, past and present, have used."""
        if self._kernel is None:
            return 0.0
        total = 0.0
        with suppress(psutil.Error):  # the kernel has ended
            tree = [self._kernel, *self._kernel.children(recursive=True)]
            self._seen.update(tree)
            for process in tree:
                with suppress(psutil.Error):
                    times = process.cpu_times()
                    total += times.user + times.system
                    # of child processes that have ended, if the system reports it
                    total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return total


@contextmanager
def watching(limits: Limits, stop: Stop) -> Iterator[Watch]:
    """Watch the kernel that is started within the block; no process of it is left when the block ends."""
    watch = Watch(limits, stop)
    try:
        # Checks are counted and no clock is read, so a sleeping machine or a stopped process is not a stalled kernel.
        with progress.every(TICK, watch.tick):
            yield watch
    finally:
        watch.kill()


def require_own_kernel() -> None:
    """Check that the kernel ``python3`` is the interpreter that runs this code, where the package is installed.

    Raises:
        BadSpec: it is another one, or its kernelspec is broken; the message says how to repair it.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    remedy = f"run {sys.executable} -m ipykernel install --sys-prefix"
    manager = KernelSpecManager()
    folder = manager.find_kernel_specs().get("python3")
    if folder:
        remedy = f"remove the folder {folder}, or {remedy}"
    try:
        argv = [str(word) for word in manager.get_kernel_spec("python3").argv]
    except NoSuchKernel:
        raise BadSpec(f"there is no kernel python3 here: {remedy}") from None
    except Exception as error:  # the errors of a wrong file and of wrong values (traitlets) have no common base class
        cause = " ".join(str(error).split())
        raise BadSpec(f"the kernelspec python3 cannot be read ({cause}): {remedy}") from error
    if "ipykernel_launcher" not in argv or not any("{connection_file}" in word for word in argv):
        raise BadSpec(f"the kernelspec python3 starts no ipykernel but {' '.join(argv) or 'nothing'!r}: {remedy}")
    # jupyter_client replaces these three by its own sys.executable
    version = sys.version_info
    if argv[0] in ("python", f"python{version[0]}", f"python{version[0]}.{version[1]}"):
        return
    if Path(argv[0]).absolute() != Path(sys.executable).absolute():
        raise BadSpec(f"the kernel python3 is {argv[0]}, not this interpreter: {remedy}")


@contextmanager
def kernel_environment(private: Path, threads: int, data_dir: str | os.PathLike[str] | None) -> Iterator[None]:
    """The environment of kernels started in this block: no widgets, no windows, separate from the user's Jupyter.

    Args:
        private: a folder that receives the files of Jupyter, IPython and Matplotlib, and the caches of other libraries
            where the user's own cache cannot be written.
        threads: number for each kernel's numerical libraries, unless OMP_NUM_THREADS is set.
        data_dir: the value of STEGOLAB_DATA; None leaves it unchanged.
    """
    wanted = {
        "STEGOLAB_HEADLESS": "1",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",  # the kernelspec of this environment comes before the user's
        "MPLCONFIGDIR": str(private / "matplotlib"),
    }
    home = os.path.expanduser("~")  # noqa: PTH111  pathlib's raises where the system does not know the user
    if home == "~":
        home = wanted["HOME"] = str(private)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path(home) / ".cache")
    if not _writable(cache):
        wanted["XDG_CACHE_HOME"] = str(private / "cache")
    own = Path(os.environ.get("STEGOLAB_CACHE") or cache / "stegolab")
    folders = {"STEGOLAB_DATA": data_dir or os.environ.get("STEGOLAB_DATA")}
    if "STEGOLAB_CACHE" in os.environ or own.is_dir():  # a read-only cache is good enough if it holds what is needed
        folders["STEGOLAB_CACHE"] = own
    for name, folder in folders.items():
        if folder:
            # absolute, because the kernels work in another folder
            wanted[name] = str(Path(folder).expanduser().resolve())
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _writable(folder: Path) -> bool:
    """Whether ``folder`` can be written to, or created."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
