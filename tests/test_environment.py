"""The three files that list what is installed agree, and everything that the package imports is listed."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
LOCK = (ROOT / "requirements" / "lock.txt").read_text()
# name -> versions: a universal lock may hold one version for each Python
LOCKED: dict[str, set[Version]] = {}
for _name, _version in re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", LOCK, re.MULTILINE):
    LOCKED.setdefault(canonicalize_name(_name), set()).add(Version(_version))


def requirements(lines: list[str]) -> dict[str, tuple[str, frozenset[str]]]:
    """Canonical name -> (specifier, extras)."""
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): (str(one.specifier), frozenset(one.extras)) for one in parsed}


DEFAULT = requirements(PROJECT["dependencies"])
# Rivals to measure against and a cluster are for those who ask for them: their dependencies stay out of the lock.
UNLOCKED = {"detect", "enhancers", "peers", "processors", "ray"}
EXTRAS = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name not in UNLOCKED}
OTHERS = [line for extra in EXTRAS.values() for line in extra if not line.startswith("stegolab[")]
EVERYTHING = DEFAULT | requirements(OTHERS)


def extras_in(name: str) -> set[str]:
    """An extra, and those that it names."""
    named = [Requirement(line).extras for line in PROJECT["optional-dependencies"][name] if "stegolab[" in line]
    return {name}.union(*(extras_in(other) for extras in named for other in extras))


def test_what_is_for_developers_holds_every_extra_of_the_lock() -> None:
    assert extras_in("dev") == EXTRAS.keys()
    assert "--extra dev" in (ROOT / "Makefile").read_text()


def test_a_library_of_several_extras_is_asked_for_in_the_same_way() -> None:
    asked: dict[str, set[tuple[str, frozenset[str]]]] = {}
    for extra in PROJECT["optional-dependencies"].values():
        for name, wanted in requirements(extra).items():
            if name != "stegolab":
                asked.setdefault(name, set()).add(wanted)
    assert {name: ways for name, ways in asked.items() if len(ways) > 1} == {}


def test_conda_installs_what_the_project_asks_for() -> None:
    [by_pip] = [entry["pip"] for entry in CONDA if isinstance(entry, dict)]
    assert by_pip[-1] == "-e ."
    assert requirements(by_pip[:-1]) == EVERYTHING


def test_conda_installs_a_python_that_the_project_supports() -> None:
    [python] = [entry for entry in CONDA if isinstance(entry, str) and entry.startswith("python ")]
    assert SpecifierSet(python.removeprefix("python ")) == SpecifierSet(PROJECT["requires-python"])


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_lock_satisfies_the_project(name: str) -> None:
    specifier = SpecifierSet(EVERYTHING[name][0])
    assert LOCKED.get(name), f"{name} is not locked: make lock"
    assert all(version in specifier for version in LOCKED[name]), f"{name} is locked outside {specifier}: make lock"


def test_every_locked_package_has_its_hashes() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(entries) > len(EVERYTHING)
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]


def test_the_lock_says_nothing_about_where_it_was_made() -> None:
    assert not re.search(r"://|index-url|find-links|file:|(^|\s)/|@", LOCK)


def test_what_the_package_imports_is_a_dependency() -> None:
    """It must not be only a dependency of a dependency, which may drop it."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "stegolab").rglob("*.py")]
    modules = set()
    for node in [node for tree in trees for node in ast.walk(tree)]:
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            modules.add(node.module.split(".")[0])
    foreign = modules - sys.stdlib_module_names - {"stegolab"}
    assert "numpy" in foreign
    owners = packages_distributions()
    of_users = [line for name, lines in PROJECT["optional-dependencies"].items() if name != "dev" for line in lines]
    allowed = DEFAULT.keys() | requirements(of_users).keys()
    undeclared = {n for n in foreign if not {canonicalize_name(one) for one in owners.get(n, [n])} & allowed}
    assert not undeclared
