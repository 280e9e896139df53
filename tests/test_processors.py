"""Sender and receiver on processors of different kinds understand each other, whatever the last digits do."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import processors
from stegolab.channel import spec
from stegolab.images import read_image, write_image
from stegolab.pipeline import picture_of

OLD = "Nehalem-default-2"
#: strength and carrier -> what its picture goes through
CHANNELS = {
    ("file", "lattice"): "none",
    ("jpeg", "lattice"): "jpeg:50",
    ("jpeg", "inn"): "jpeg:50",
    ("social", "lattice"): "resize:0.7,jpeg:75",
    ("social", "inn"): "resize:0.7,jpeg:75",
}

COMMON = """
import ctypes, json, sys
from pathlib import Path
import numpy
import stegolab
from stegolab.data import sample_covers
from tests.voice import speak
folder, KEY = Path(sys.argv[1]), bytes(range(32))
channels = [name.split("-") for name in sys.argv[2:]]
libraries = list(Path(numpy.__file__).parent.parent.glob("numpy.libs/libscipy_openblas64_*.so"))
core = ""
if libraries:
    ask = ctypes.CDLL(str(libraries[0])).scipy_openblas_get_corename64_
    ask.restype = ctypes.c_char_p
    core = ask().decode()
"""
HIDE = """
from stegolab.images import write_image
found = {}
cover = sample_covers()["coffee"][:320, :320]
for strength, carrier in channels:
    options = {"strength": strength, "carrier": carrier, "codec": "codec2:1300", "enhance": False}
    stego = stegolab.hide(speak(0.4), cover, KEY, **options)
    write_image(folder / f"{strength}-{carrier}.png", stego.picture)
    found[f"{strength}-{carrier}"] = stego.report["payload_sha256"]
print(json.dumps({"core": core, "payloads": found}))
"""
REVEAL = """
found = {}
for strength, carrier in channels:
    report = stegolab.reveal(folder / f"received-{strength}-{carrier}.png", KEY).report
    found[f"{strength}-{carrier}"] = report["payload_sha256"]
print(json.dumps({"core": core, "payloads": found}))
"""


def processor(kernel: str | None) -> dict[str, str]:
    """The environment of a machine with those kernels; None: with those that this machine chooses itself."""
    own = {**os.environ, "PYTHONPATH": str(processors.ROOT), "OMP_NUM_THREADS": "1"}
    return processors.environment(kernel) if kernel else own


def on(kernel: str | None, script: str, folder: Path) -> dict:
    command = [sys.executable, "-c", COMMON + script, str(folder), *("-".join(channel) for channel in CHANNELS)]
    ended = subprocess.run(command, env=processor(kernel), cwd=processors.ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize(("sender", "receiver"), [(None, OLD), (OLD, None)], ids=["this to old", "old to this"])
def test_sender_and_receiver_on_different_kernels_understand_each_other(
    sender: str | None, receiver: str | None, tmp_path: Path
) -> None:
    hidden = on(sender, HIDE, tmp_path)
    for (strength, carrier), attack in CHANNELS.items():
        stego = read_image(tmp_path / f"{strength}-{carrier}.png")
        received = spec.parse(attack)(stego.rgb)
        write_image(tmp_path / f"received-{strength}-{carrier}.png", picture_of(received))
    found = on(receiver, REVEAL, tmp_path)
    assert found["payloads"] == hidden["payloads"] and len(hidden["payloads"]) == len(CHANNELS)
    if platform.machine() == "x86_64" and hidden["core"]:  # or the two were the same, and nothing was shown
        assert {hidden["core"], found["core"]} > {"Nehalem"}


def test_the_kernels_are_three_families_with_and_without_vectors_on_one_and_two_threads() -> None:
    assert len(processors.KERNELS) == 12 and OLD in processors.KERNELS
    for kernel, chosen in processors.KERNELS.items():
        assert kernel == "-".join(
            chosen[name] for name in ("OPENBLAS_CORETYPE", "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS")
        )


def test_spreads_are_of_numbers_and_nested_ones_have_names() -> None:
    metrics = {"a": 1.5, "b": [1, {"c": True}]}
    assert dict(processors.flat(metrics)) == {"a": 1.5, "b[0]": 1, "b[1].c": True}
    assert dict(processors.flat(processors.spread_out({"b": 0.1}, metrics))) == {"a": None, "b[0]": 0.1, "b[1].c": 0.1}
    assert processors.spread([1.0, 3, 2.5]) == 2 and processors.spread([True, False]) is None
