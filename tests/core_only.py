"""A Python with only the core installed: optional libraries are hidden from every finder."""

import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, packages_distributions, requires
from inspect import getmodulename
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stegolab.extras import EXTRA_OF

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

_HIDE = """
import json, sys

HIDDEN = {hidden!r}

class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in HIDDEN else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = map(Hiding, sys.meta_path)
for name in [name for name in sys.modules if name.partition(".")[0] in HIDDEN]:
    del sys.modules[name]
"""


def closure(names: list[str]) -> set[str]:
    """The distributions that pip would install for requirements, including their own requirements."""
    found: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    todo = [(str(canonicalize_name(one.name)), frozenset(one.extras)) for one in map(Requirement, names)]
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found.add(name)
        todo += [needed for extra in ("", *extras) for needed in _needed(name, extra)]
    return found


@cache
def _needed(name: str, extra: str) -> list[tuple[str, frozenset[str]]]:
    """What a distribution needs for one of its extras, "" for none, with their extras.

    For a distribution that is not installed, such as one that only a GPU needs, nothing is known.
    """
    try:
        lines = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        return []
    wanted = [one for one in lines if one.marker is None or one.marker.evaluate({"extra": extra})]
    return [(str(canonicalize_name(one.name)), frozenset(one.extras)) for one in wanted]


def modules_of(distributions: set[str]) -> set[str]:
    """The top-level modules that distributions install."""
    return {module for module, names in _owners().items() if names & distributions}


@cache
def _owners() -> dict[str, set[str]]:
    """Top-level module -> the distributions that install it; Python 3.11 overlooks those of one compiled file."""
    owners = {module: {str(canonicalize_name(n)) for n in names} for module, names in packages_distributions().items()}
    for one in distributions():
        for file in one.files or ():
            if len(file.parts) == 1 and (module := getmodulename(file.name)):
                owners.setdefault(module, set()).add(str(canonicalize_name(one.name)))
    return owners


CORE = modules_of(closure(PROJECT["dependencies"]))


def run(program: str, folder: Path, *, also: tuple[str, ...] = ()) -> Any:
    """What ``program`` assigns to ``answer`` if only the core and the modules ``also`` are installed."""
    hidden = (_owners().keys() | EXTRA_OF.keys()) - CORE - {"stegolab", *also}
    lines = [_HIDE.format(hidden=hidden), program, "print('answer:' + json.dumps(answer))"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [answer] = re.findall("^answer:(.*)$", done.stdout, re.MULTILINE)
    return json.loads(answer)
