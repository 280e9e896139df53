"""Published figures: one JSON file per measurement in ``results/``, with everything needed to repeat it (notebook 08).

``tests/test_results.py`` compares them with what the project promises; the notebooks print them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import files, lab
from .errors import BadData, BadSpec

FOLDER = Path(__file__).parent.parent / "results"  # beside the package in the project's folder; not part of a wheel
FIELDS = ("name", "command", "metrics", "profile", "seed", "versions", "source_sha256", "date")


def write(
    name: str,
    metrics: Mapping[str, Any],
    *,
    profile: str,
    seed: int,
    command: str,
    path: Path | None = None,
) -> Path:
    """Write a measurement to ``results/NAME.json``, or to ``path`` to be copied there later; returns the path.

    Args:
        name: of the measurement, for :func:`read`.
        metrics: the results. Numbers (numpy's and torch's scalars too), strings, booleans, None, lists, mappings.
        profile: smoke, cpu or gpu for a notebook; ``command`` for a command.
        seed: of the random numbers.
        command: the command that repeats the measurement.
        path: another file, in a folder that exists.

    Raises:
        BadSpec: an unknown profile, no command, or a value that JSON cannot hold (NaN and infinity included).
        CannotWrite: no such folder, no permission, disk full.
    """
    if profile not in (*lab.PROFILES, "command"):
        raise BadSpec(f"profile {profile!r}: choose one of {', '.join(lab.PROFILES)}, command")
    if not command.strip():
        raise BadSpec(f"results {name!r} lack the command that measures them again")
    found = lab.record(name, metrics, profile, seed) | {"command": command}
    path = path or files.folder(FOLDER) / f"{name}.json"
    lab.write_json(path, {field: found[field] for field in FIELDS})
    return path


def check(name: str, path: Path | None = None) -> None:
    """Check before the measurement that :func:`write` can write it; nothing is changed.

    Raises:
        CannotWrite: it cannot.
    """
    if path is None:
        files.check_folder(FOLDER, f"{name}.json")
    else:
        files.check(path)


def read(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The result published under ``name``, with all of FIELDS; the figures are in ``metrics``.

    Raises:
        BadData: nothing was published, or the file holds something else.
    """
    path = folder / f"{name}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadData(f"no results {name!r} are published: {path} does not exist") from None
    except (OSError, ValueError) as error:
        raise BadData(f"cannot read {path}: {error}") from error
    if not isinstance(found, dict) or set(FIELDS) - set(found):
        raise BadData(f"{path} is not a published result: write it with stegolab.results.write")
    return found
