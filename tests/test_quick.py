"""`make quick`: what it leaves out exists, and of every folder of the package something is left."""

from pathlib import Path

import pytest

from .conftest import SLOW

TESTS = Path(__file__).parent
FOLDERS = sorted(folder.name for folder in TESTS.iterdir() if (folder / "__init__.py").is_file())


@pytest.mark.parametrize("name", SLOW)
def test_what_is_left_out_exists(name):
    file, _, test = name.partition("::")
    assert (TESTS / file).is_file()
    assert f"def {test}" in (TESTS / file).read_text()


@pytest.mark.parametrize("folder", FOLDERS)
def test_of_every_folder_something_is_quick(folder):
    whole = {name for name in SLOW if "::" not in name}
    left = [path for path in (TESTS / folder).glob("test_*.py") if f"{folder}/{path.name}" not in whole]
    assert left
