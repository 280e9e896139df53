"""Kernels: slow is not mistaken for stalled, a broken kernelspec is reported, the environment is restored."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab import kernels
from stegolab.errors import BadSpec
from stegolab.kernels import TICK, Account, Limits, Stop

AMPLE = 600  # seconds that nothing here should need; only a fault gets there


def samples_until_told(account: Account, seconds: float, used: float, at_most: int) -> tuple[int, str | None]:
    for count in range(1, at_most + 1):
        if problem := account.add(seconds, used):
            return count, problem
    return at_most, None


def test_a_kernel_that_uses_no_processor_time_is_stalled() -> None:
    account = Account(Limits(cell=1800, notebook=3600, stall=600))
    assert samples_until_told(account, 5, 0.0, 1000) == (120, "stalled: next to no processor time used in 600 s")


def test_answering_the_heartbeat_is_not_work() -> None:
    account = Account(Limits(cell=1800, notebook=3600, stall=600))
    assert samples_until_told(account, 5, 0.0025, 1000)[0] == 120  # 0.05 %, an idle kernel


@pytest.mark.parametrize("share", [0.015, 0.1, 0.33, 1.0, 4.0])
def test_a_slow_kernel_is_not_stalled(share: float) -> None:
    account = Account(Limits(cell=1e9, notebook=1e9, stall=600))
    assert samples_until_told(account, 5, 5 * share, 5000) == (5000, None)


def test_a_pause_shorter_than_the_limit_is_no_stall() -> None:
    account = Account(Limits(cell=1e9, notebook=1e9, stall=600))
    for _ in range(10):
        assert samples_until_told(account, 5, 0.0, 110) == (110, None)
        assert samples_until_told(account, 5, 1.0, 10) == (10, None)


def test_a_new_cell_stalls_anew() -> None:
    account = Account(Limits(cell=1e9, notebook=1e9, stall=600))
    for _ in range(10):
        assert samples_until_told(account, 5, 0.0, 110) == (110, None)
        account.begin_cell()


@given(share=st.floats(0.25, 1.0))
def test_a_limit_counts_processor_time_whatever_else_the_machine_does(share: float) -> None:
    """Half an hour of computing counts the same when other processes run beside it."""
    account = Account(Limits(cell=1800, notebook=1e9))
    count, problem = samples_until_told(account, 5, 5 * share, 10_000)
    assert problem == "took more than the 1800 s that a cell may take"
    assert count * 5 * share == pytest.approx(1800, abs=6)


@pytest.mark.parametrize(("used", "clock"), [(20.0, 1800), (0.5, 4 * 1800)], ids=["threads", "waits-in-small-steps"])
def test_a_second_of_the_clock_counts_one_at_most_and_a_quarter_at_least(used: float, clock: int) -> None:
    account = Account(Limits(cell=1800, notebook=1e9))
    assert samples_until_told(account, 5, used, 10_000)[0] * 5 == clock


def test_the_notebook_has_a_limit_over_all_its_cells() -> None:
    account = Account(Limits(cell=1800, notebook=3600))
    for _ in range(3):
        account.begin_cell()
        assert samples_until_told(account, 5, 5.0, 200) == (200, None)
    account.begin_cell()
    assert samples_until_told(account, 5, 5.0, 200) == (120, "took more than the 3600 s that the notebook may take")


def started(code: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout and process.stdout.readline() == b"ready\n"
    return process


PARENT = """import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "{child}"], stdout=subprocess.PIPE)
child.stdout.readline()
print("ready", flush=True)
child.wait()"""


def watch_ends(process: subprocess.Popen[bytes], limits: Limits, stop: Stop) -> str | None:
    """Watch ``process`` until it ends; the verdict."""
    with kernels.watching(limits, stop) as watch:
        watch.follow(process.pid)
        watch.begin_cell("first = 1")
        process.wait(AMPLE)
    return watch.verdict


def test_the_time_of_child_processes_counts() -> None:
    """A kernel that waits for a computing process is working: the cell is ended by its limit, not as stalled."""
    child = "print(flush=True)\\nwhile True: pass"
    process = started(PARENT.replace("{child}", child))
    verdict = watch_ends(process, Limits(cell=6, notebook=1e9, stall=2), Stop())
    assert verdict == "cell `first = 1` took more than the 6 s that a cell may take"


def test_nothing_that_a_stalled_kernel_started_is_left() -> None:
    child = "import time; print(flush=True); time.sleep(3600)"
    process = started(PARENT.replace("{child}", child))
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    assert len(family) == 2
    verdict = watch_ends(process, Limits(cell=1e9, notebook=1e9, stall=1), Stop())
    assert verdict == "cell `first = 1` stalled: next to no processor time used in 1 s"
    assert psutil.wait_procs(family, timeout=AMPLE)[1] == []


def test_a_kernel_that_waits_between_cells_is_not_stalled() -> None:
    """Saving a large notebook on a busy machine may take long, and its kernel has nothing to do meanwhile."""
    process = started("import time; print('ready', flush=True); time.sleep(3600)")
    watch = kernels.Watch(Limits(cell=1e9, notebook=1e9, stall=2), Stop())
    watch.follow(process.pid)
    watch.begin_cell("first = 1")
    watch.end_cell()
    for _ in range(100):
        watch.tick()
    assert watch.verdict is None
    watch.begin_cell("second = 2")
    for _ in range(100):
        watch.tick()
    assert watch.verdict == "cell `second = 2` stalled: next to no processor time used in 2 s"
    assert process.wait(AMPLE) == -signal.SIGKILL


@pytest.mark.parametrize("asked", [1, 2])
def test_a_kernel_that_will_not_be_interrupted_is_ended(asked: int) -> None:
    ignores = "import signal, time; signal.signal(2, signal.SIG_IGN); print('ready', flush=True); time.sleep(3600)"
    process = started(ignores)
    stop = Stop()
    for _ in range(asked):
        stop.ask()
    assert watch_ends(process, Limits(cell=1e9, notebook=1e9), stop) == "interrupted in cell `first = 1`"
    assert process.returncode == -signal.SIGKILL


def test_a_kernel_that_starts_after_the_interruption_is_ended() -> None:
    stop = Stop()
    with kernels.watching(Limits(cell=1e9, notebook=1e9), stop) as watch:
        stop.ask()
        threading.Event().wait(5 * TICK)
        process = started("import time; print('ready', flush=True); time.sleep(3600)")
        watch.follow(process.pid)
        process.wait(AMPLE)
    assert watch.verdict == "interrupted" and process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_ask_and_their_handlers_come_back(number: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda *_: heard.append(1))
    try:
        with kernels.stop_on_signals() as stop:
            signal.raise_signal(number)
            signal.raise_signal(number)
            assert stop.asked == 2 and heard == []
        signal.raise_signal(number)
        assert stop.asked == 2 and heard == [1]
        signal.signal(number, signal.SIG_IGN)  # nohup
        with kernels.stop_on_signals() as stop:
            signal.raise_signal(number)
            assert stop.asked == 0
    finally:
        signal.signal(number, before)


LAUNCH = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]


def kernelspec(root: Path, content: bytes, patch: pytest.MonkeyPatch) -> Path:
    """Let ``content`` be the kernel.json of the kernel python3 that Jupyter finds first."""
    folder = root / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_bytes(content)
    patch.setenv("JUPYTER_PATH", str(root))
    return folder


@pytest.mark.parametrize("command", ["python", "python3", f"python3.{sys.version_info[1]}", sys.executable])
def test_the_kernel_may_be_this_interpreter(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernelspec(tmp_path, json.dumps({"argv": [command, *LAUNCH]}).encode(), monkeypatch)
    kernels.require_own_kernel()


@pytest.mark.parametrize("command", ["/elsewhere/bin/python", "python2", "python3.6", "pythonista"])
def test_the_kernel_may_be_no_other(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = kernelspec(tmp_path, json.dumps({"argv": [command, *LAUNCH]}).encode(), monkeypatch)
    with pytest.raises(BadSpec) as error:
        kernels.require_own_kernel()
    remedy = f"remove the folder {folder}, or run {sys.executable} -m ipykernel install --sys-prefix"
    assert str(error.value) == f"the kernel python3 is {command}, not this interpreter: {remedy}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be read"),
        (b"{", "cannot be read"),
        (b"\xff\xfe{}", "cannot be read"),
        (b"[]", "cannot be read"),
        (b"null", "cannot be read"),
        (b'{"argv": 3}', "cannot be read"),
        (b'{"argv": ["python", 3]}', "starts no ipykernel but 'python 3'"),
        (b"{}", "starts no ipykernel but 'nothing'"),
        (b'{"argv": []}', "starts no ipykernel but 'nothing'"),
        (b'{"argv": ["/bin/true"]}', "starts no ipykernel but '/bin/true'"),
        (b'{"argv": ["python", "-m", "ipykernel_launcher"]}', "starts no ipykernel"),
        (json.dumps({"argv": ["python", "-m", "other", "-f", "{connection_file}"]}).encode(), "starts no ipykernel"),
        (json.dumps({"argv": ["python", *LAUNCH], "metadata": 3}).encode(), "cannot be read"),
        (
            json.dumps(
                {"argv": ["python", *LAUNCH], "metadata": {"kernel_provisioner": {"provisioner_name": "none"}}}
            ).encode(),
            "there is no kernel",
        ),
    ],
)
def test_a_broken_kernelspec_is_one_clear_line(
    content: bytes, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = kernelspec(tmp_path, content, monkeypatch)
    with pytest.raises(BadSpec) as error:
        kernels.require_own_kernel()
    text = str(error.value)
    assert told in text and f"remove the folder {folder}, or run " in text and "\n" not in text


def test_a_kernelspec_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = kernelspec(tmp_path, b"{}", monkeypatch)
    (folder / "kernel.json").chmod(0)
    if os.access(folder / "kernel.json", os.R_OK):
        pytest.skip("root reads everything")
    with pytest.raises(BadSpec, match=r"cannot be read .*Permission denied"):
        kernels.require_own_kernel()


def test_without_a_kernelspec_ipykernel_s_own_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_client.kernelspec.jupyter_path", lambda *_: [str(tmp_path)])
    kernels.require_own_kernel()


def test_the_environment_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEGOLAB_HEADLESS", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("STEGOLAB_DATA", "mine")
    monkeypatch.setenv("STEGOLAB_CACHE", "kept")
    monkeypatch.delenv("IPYTHONDIR", raising=False)
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError), kernels.kernel_environment(tmp_path / "private", 2, None):
        assert os.environ["STEGOLAB_HEADLESS"] == "1"
        assert os.environ["OMP_NUM_THREADS"] == "7"  # the user's word counts
        assert os.environ["STEGOLAB_DATA"] == str(tmp_path / "mine")
        assert os.environ["STEGOLAB_CACHE"] == str(tmp_path / "kept")
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
            assert os.environ[name].startswith(str(tmp_path / "private"))
        raise ZeroDivisionError
    assert dict(os.environ) == before


def test_caches_go_to_a_private_place_only_where_they_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEGOLAB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    private = tmp_path / "private"
    with kernels.kernel_environment(private, 1, None):
        assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "cache")
        assert "STEGOLAB_CACHE" not in os.environ
    (tmp_path / "cache").touch()  # a file: nothing can be written below
    with kernels.kernel_environment(private, 1, None):
        assert os.environ["XDG_CACHE_HOME"] == str(private / "cache")
    (tmp_path / "cache").unlink()
    (tmp_path / "cache" / "stegolab").mkdir(parents=True)
    with kernels.kernel_environment(private, 1, None):
        assert os.environ["STEGOLAB_CACHE"] == str(tmp_path / "cache" / "stegolab")


def test_a_user_whom_the_system_does_not_know_gets_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "")
    with kernels.kernel_environment(tmp_path, 1, None):
        assert os.environ["HOME"] == str(tmp_path)
