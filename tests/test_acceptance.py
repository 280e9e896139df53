"""A plain ``pip install`` from the network: what it brings, how large it is, and that it hides and reveals.

And that the tools of which the lock knows build what comes as source.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import soundfile
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from . import covers
from .core_only import ROOT
from .test_install import LOCKED, install
from .voice import speak

pytestmark = pytest.mark.acceptance
LARGEST = 450e6  # bytes
# what Python itself is told by the tests' surroundings, and the environment that is made must not be told
SURROUNDINGS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


def run(*command: object, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in SURROUNDINGS}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def venv(tmp_path_factory) -> Path:
    """An environment with this project, and nothing but what it asks for."""
    place = tmp_path_factory.mktemp("acceptance")
    source = place / "source"  # building leaves things behind
    shutil.copytree(ROOT / "stegolab", source / "stegolab", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    assert run(sys.executable, "-m", "venv", place / "venv", folder=place).returncode == 0
    done = run(place / "venv" / "bin" / "pip", "install", "--no-compile", source, folder=place)
    assert done.returncode == 0, done.stderr
    return place / "venv"


def test_it_is_small_and_has_neither_torch_nor_jupyter(venv):
    [packages] = venv.glob("lib/python*/site-packages")
    size = sum(path.lstat().st_size for path in venv.rglob("*") if not path.is_dir())
    print(f"{size / 1e6:.0f} MB")
    assert 100e6 < size < LARGEST
    there = {path.name for path in packages.iterdir()}
    assert "numpy" in there and not {"torch", "IPython", "jupyter_core", "matplotlib"} & there


def test_what_is_hidden_there_is_revealed_there(venv, tmp_path):
    speech = speak(1.2)
    soundfile.write(tmp_path / "speech.wav", speech.samples, speech.rate)
    Image.fromarray(covers.larger()["coffee"]).save(tmp_path / "cover.png")

    def verb(*words: str) -> str:
        done = run(venv / "bin" / "stegolab", *words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    verb("keygen", "key")
    verb("enhance", "speech.wav", "clean.wav")
    verb("capacity", "cover.png", "--strength", "jpeg")
    sent = json.loads(verb("hide", "speech.wav", "cover.png", "stego.png", "--key-file", "key", "--json"))
    verb("attack", "stego.png", "received.jpg", "--spec", "resize:0.75,jpeg:75")
    found = json.loads(verb("reveal", "received.jpg", "heard.wav", "--key-file", "key", "--json"))
    assert sent["enhanced"] and found["payload_sha256"] == sent["payload_sha256"]
    heard, rate = soundfile.read(tmp_path / "heard.wav")
    assert len(heard) / rate == pytest.approx(1.2, abs=0.1)


def test_what_is_missing_is_named_in_one_line(venv, tmp_path):
    done = run(venv / "bin" / "stegolab", "notebooks", "--out", "runs", folder=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.endswith("pip install '.[notebooks]' in the repository's folder\n")


@pytest.mark.parametrize("name", install.FROM_SOURCE)
def test_the_locked_tools_are_all_that_a_package_asks_for_to_be_built(name, tmp_path):
    installer = install.Installer(tmp_path / "venv", uv=False)
    installer.make_environment()
    tools = {*install.FROM_SOURCE[name], "pycparser"}  # which cffi imports
    installer.install([LOCKED[tool] for tool in tools])
    version = re.split(r"[\s;\\]", LOCKED[name], maxsplit=1)[0]
    source = ("--no-deps", "--no-cache-dir", "--no-binary", name, *installer.build_options, version)
    for verb in ("download", "wheel"):
        done = run(installer.python, "-m", "pip", verb, *source, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    [archive] = tmp_path.glob(f"{name}-*.tar.gz")
    with tarfile.open(archive) as content:
        files = [content.extractfile(one) for one in content if one.name.partition("/")[2] == "pyproject.toml"]
        asked = [tomllib.load(file)["build-system"]["requires"] for file in files if file]
    assert {canonicalize_name(Requirement(line).name) for lines in asked for line in lines} <= tools
    assert len(list(tmp_path.glob(f"{name}-*.whl"))) == 1
