"""The examples of the documents run as they are printed, each in a Python of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from stegolab import data, documents

DOCS = documents.PROJECT / "docs"


def examples(page: Path) -> dict[str, str]:
    """The Python code of each section, by its heading."""
    sections = re.split(r"^## ", page.read_text(), flags=re.MULTILINE)[1:]
    return {
        section.split("\n")[0]: "\n".join(code)
        for section in sections
        if (code := re.findall(r"```python\n(.*?)```", section, re.DOTALL))
    }


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(documents.PROJECT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*map(str, command)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


EXAMPLES = examples(DOCS / "architecture.md")


def test_there_is_an_example_of_everything_that_can_be_added():
    assert set(EXAMPLES) == {"Add a codec", "Add an attack", "Add a carrier", "Add a related system"}
    assert all(code.count("assert") >= 1 for code in EXAMPLES.values())


@pytest.mark.parametrize("heading", EXAMPLES)
def test_what_is_added_works(heading, tmp_path):
    (tmp_path / "example.py").write_text(EXAMPLES[heading])
    done = run(sys.executable, "example.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def own_files(tmp_path):
    """A recording and a photograph, as the README has them."""
    sound, rate = soundfile.read(data.sample_speech()["morning_awb"])
    soundfile.write(tmp_path / "speech.wav", sound[: 2 * rate], rate)
    Image.fromarray(data.sample_covers()["coffee"]).save(tmp_path / "photo.png")
    return tmp_path


def test_the_readmes_python_example_gives_the_speech_back(own_files):
    (code,) = re.findall(r"```python\n(.*?)```", (documents.PROJECT / "README.md").read_text(), re.DOTALL)
    (own_files / "example.py").write_text(code)
    done = run(sys.executable, "example.py", folder=own_files)
    assert done.returncode == 0, done.stderr
    codec, margin = done.stdout.split()
    assert ":" in codec and float(margin) > 0
    heard, rate = soundfile.read(own_files / "heard.wav")
    assert rate == 16_000 and len(heard) == 2 * rate and np.ptp(heard) > 0


def test_the_readmes_commands_give_the_speech_back(own_files):
    lines = re.findall(r"^    stegolab (.+)$", (documents.PROJECT / "README.md").read_text(), re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["keygen", "hide", "attack", "reveal"]
    for line in lines:
        done = run("bash", "-c", f'"$0" -m stegolab {line}', sys.executable, folder=own_files)
        assert done.returncode == 0, done.stderr
    heard, rate = soundfile.read(own_files / "heard.wav")
    assert rate == 16_000 and len(heard) == 2 * rate and np.ptp(heard) > 0
