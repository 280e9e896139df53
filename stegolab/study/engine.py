"""Where the trials run: in this process, on all cores, or on a Ray cluster; the rows are the same (notebook 08)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from ..errors import BadSpec
from .version import version

Task = TypeVar("Task")
Result = TypeVar("Result")
#: runs a function on every task and yields the results as they come, in any order
Engine = Callable[[Callable[[Task], Result], Sequence[Task]], Iterator[Result]]

ENGINES = ("serial", "local", "ray")
_AHEAD = 2  # tasks assigned to each worker: one running and one waiting


def engine(name: str = "local", jobs: int = 0, address: str = "") -> Engine:
    """The engine called ``name``.

    Args:
        name: ``serial``, this process; ``local``, ``jobs`` processes of this machine (0: one for each core);
            ``ray``, the cluster at ``address`` (``auto``, ``ray://host:10001``; empty: one that is started here).
        jobs: for ``local``.
        address: for ``ray``.

    Raises:
        BadSpec: no such engine, or a negative number of jobs. MissingExtra: Ray is not installed.
    """
    if name not in ENGINES:
        raise BadSpec(f"no engine {name!r}: choose one of {', '.join(ENGINES)}")
    if jobs < 0:
        raise BadSpec(f"jobs {jobs}: give the number of processes, or 0 for one on each core")
    if name == "serial" or jobs == 1:
        return serial
    return local(jobs or cores()) if name == "local" else ray(address)


def cores() -> int:
    """How many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def serial(function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
    """One task after the other, in this process."""
    return map(function, tasks)


def local(jobs: int) -> Engine:
    """Processes of this machine, one thread of linear algebra each.

    They end when this process ends, in whatever way. Their unfinished work is lost then, but not the results that they
    have returned. joblib would be shorter, but its processes outlive a killed one: idle ones wait five minutes for
    another task.
    """

    def run(function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        workers = min(jobs, len(tasks))
        if workers < 2:
            yield from serial(function, tasks)
            return
        context = get_context("spawn")  # a fork of a process that has threads may hang
        with _one_thread_each(), ProcessPoolExecutor(workers, context, _die_with_parent) as pool:
            try:
                yield from _as_they_come(
                    tasks,
                    _AHEAD * workers,
                    lambda task: pool.submit(function, task),
                    lambda waiting: wait(waiting, return_when=FIRST_COMPLETED)[0],
                    lambda future: future.result(),
                )
            except BrokenProcessPool as error:
                advice = "out of memory? Run the same command again, with fewer --jobs: it goes on where it stopped"
                raise ChildProcessError(f"a process of the study was killed, {advice}") from error
            finally:
                pool.shutdown(cancel_futures=True)

    return run


def ray(address: str) -> Engine:
    """A Ray cluster whose machines have exactly this version of the package; a machine with another version is refused.

    Raises:
        MissingExtra: Ray is not installed.
    """
    import ray as cluster

    def run(function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        if not cluster.is_initialized():
            cluster.init(address=address or "local", log_to_driver=False)
        remote = cluster.remote(same_program(function, version()))
        workers = max(1, int(cluster.cluster_resources().get("CPU", 1)))
        yield from _as_they_come(
            tasks,
            _AHEAD * workers,
            remote.remote,
            lambda waiting: cluster.wait(list(waiting))[0],
            answer,
        )

    def answer(reference: Any) -> Any:
        try:
            return cluster.get(reference)
        except cluster.exceptions.RayTaskError as error:
            raise error.cause from None  # ours, without the other machine's traceback

    return run


def same_program(function: Callable[[Task], Result], asking: str) -> Callable[[Task], Result]:
    """``function``, but only if code and weights have the :func:`~stegolab.study.version` ``asking``.

    Raises:
        BadSpec: when called with another version.
    """

    def checked(task: Task) -> Result:
        if version() != asking:
            raise BadSpec("a machine of the cluster runs another version of stegolab: install the same one everywhere")
        return function(task)

    return checked


def _as_they_come(
    tasks: Iterable[Task],
    window: int,
    submit: Callable[[Task], Any],
    finished: Callable[[set[Any]], Iterable[Any]],
    result: Callable[[Any], Result],
) -> Iterator[Result]:
    """Results in the order in which they are ready, ``window`` tasks at a time: waiting tasks take memory."""
    rest = iter(tasks)
    waiting = {submit(task) for task in islice(rest, window)}
    while waiting:
        done = list(finished(waiting))
        waiting -= set(done)
        waiting |= {submit(task) for task in islice(rest, len(done))}
        yield from map(result, done)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started in this block use one thread each, because there are as many of them as cores."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _die_with_parent() -> None:
    """A worker waits for its next task for ever, so it must end when its parent has ended."""
    from multiprocessing import parent_process
    from threading import Thread

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()
