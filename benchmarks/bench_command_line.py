"""What a person waits for: ``stegolab hide`` and ``reveal`` as processes, imports and all, 5 s into 1600 x 1200.

    make bench        (or: pytest benchmarks/bench_command_line.py -s)

Limits: 3 s each on two idle cores, 1.5 GB of memory. Strength file carries FLAC, so it moves the most bits.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from stegolab import data

SECONDS, BYTES = 3.0, 1.5e9
STRENGTHS = ("social", "jpeg", "file")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    cover = Image.fromarray(data.sample_covers()["coffee"]).resize((1600, 1200), Image.Resampling.LANCZOS)
    cover.save(folder / "cover.png")
    for strength in STRENGTHS:
        command("hide", speech(), folder / "cover.png", folder / f"{strength}.png", "--strength", strength)
        lossy = "none" if strength == "file" else "jpeg:75"
        received = folder / f"{strength}_received{'.png' if strength == 'file' else '.jpg'}"
        command("attack", folder / f"{strength}.png", received, "--spec", lossy, key=False)
    return folder


def speech() -> Path:
    return data.sample_speech()["morning_awb"]


def command(*words: object, key: bool = True) -> int:
    """Run a command; its peak resident memory in bytes."""
    program = [sys.executable, "-m", "stegolab", *map(str, words), *(["--passphrase-env", "PHRASE"] if key else [])]
    process = subprocess.Popen(program, env=os.environ | {"PHRASE": "benchmark"}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * 1024


@pytest.mark.parametrize("strength", STRENGTHS)
def test_hide(benchmark, folder, strength):
    words = ("hide", speech(), folder / "cover.png", folder / "out.png", "--strength", strength)
    peak = benchmark.pedantic(command, words, rounds=3)
    check(benchmark, peak)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_reveal(benchmark, folder, strength):
    received = next(folder.glob(f"{strength}_received.*"))
    peak = benchmark.pedantic(command, ("reveal", received, folder / "out.wav"), rounds=3)
    check(benchmark, peak)


def check(benchmark, peak: int) -> None:
    benchmark.extra_info["peak_megabytes"] = round(peak / 1e6)
    print(f"\n{benchmark.name}: {benchmark.stats['min']:.2f} s, {peak / 1e6:.0f} MB")
    assert benchmark.stats["min"] < SECONDS
    assert peak < BYTES
