"""Every engine gives the same rows; workers end with their parent."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stegolab import study
from stegolab.errors import BadSpec
from stegolab.study.engine import engine, same_program
from stegolab.study.version import version

from .pictures import measured, text


def test_processes_give_the_rows_of_one(undisturbed, tmp_path):
    assert text(measured(tmp_path / "journal.sqlite", engine("local", jobs=2))) == undisturbed


def test_ray_gives_the_rows_of_one(undisturbed):
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert text(measured(engine=engine("ray"))) == undisturbed
    finally:
        ray.shutdown()


def test_a_machine_with_another_version_does_not_answer():
    assert same_program(abs, version())(-3) == 3
    with pytest.raises(BadSpec, match="another version"):
        same_program(abs, "another")(-3)


def test_every_task_is_done_once_and_its_error_is_ours():
    assert sorted(engine("local", jobs=2)(abs, [-3, 1, -2, 5, 4, -9])) == [1, 2, 3, 4, 5, 9]
    with pytest.raises(TypeError):
        list(engine("local", jobs=2)(abs, [1, "two"]))


def test_a_killed_worker_is_told_in_one_line():
    with pytest.raises(ChildProcessError, match="Run the same command again"):
        list(engine("local", jobs=2)(os._exit, [1, 1]))


def test_workers_do_not_outlive_the_study(tmp_path):
    program = (
        "import os, signal, sys, time\n"
        "from stegolab.study.engine import engine\n"
        "from tests.study.test_engine import stamp\n"
        "if __name__ == '__main__':\n"
        "    for pid in engine('local', jobs=2)(stamp, range(4)):\n"
        "        print(pid, flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "killed.py").write_text(program)
    done = subprocess.run(
        [sys.executable, tmp_path / "killed.py"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    worker = int(done.stdout)
    for _ in range(100):
        if not alive(worker):
            return
        time.sleep(0.1)
    raise AssertionError("the worker is still there")


def stamp(number):
    return os.getpid()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_unknown_engines_are_refused():
    with pytest.raises(BadSpec, match="local, ray"):
        study.engine("cloud")
