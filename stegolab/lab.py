"""What every notebook starts and ends with: profile, seed, device, and a record of the results.

Every notebook's third cell reads ``run = lab.start("00_start_here", profile, seed, out_dir)`` and its last
``run.finish({"psnr_db": ...}, tolerance={"psnr_db": 0.05})``. Between the two,
``run.pick(smoke=..., cpu=..., gpu=...)`` chooses values for three budgets of time.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import os
import platform
import random
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from . import files, show
from .errors import BadSpec

PROFILES = ("smoke", "cpu", "gpu")
RECORDED = ("stegolab", "numpy", "scipy", "pillow", "torch", "torchaudio", "av")

T = TypeVar("T")


def start(name: str, profile: str = "smoke", seed: int = 0, out_dir: str | os.PathLike[str] = "runs") -> Run:
    """Seed everything, choose the device, create ``out_dir/name`` and print in one line what is running.

    Args:
        name: the notebook's file name without suffix.
        profile: ``smoke`` (seconds, no network), ``cpu`` (minutes) or ``gpu`` (real data, published numbers).
        seed: 0 to 2**32 - 1. PyTorch is seeded only when it has been imported: import it above this call.
        out_dir: the folder that receives a folder of this name.

    Raises:
        BadSpec: unknown profile, ``gpu`` without a GPU, a seed out of range, a name that is not a file name.
        CannotWrite: the folder cannot be created.
    """
    if not re.fullmatch(r"\w[\w-]*", name):
        raise BadSpec(f"notebook name {name!r}: use letters, digits, _ and - only")
    if profile not in PROFILES:
        raise BadSpec(f"profile {profile!r}: choose one of {', '.join(PROFILES)}")
    device = "cpu"
    if profile == "gpu":
        device = "cuda"
        _require_gpu()
    seed_everything(seed)
    show.style()
    folder = files.folder(Path(out_dir) / name)
    run = Run(name, profile, seed, device, folder, _versions(), time.perf_counter())
    shown = [f"{package} {run.versions[package]}" for package in ("numpy", "torch") if package in run.versions]
    print(f"{name}: profile {profile}, seed {seed}, {device}, Python {run.versions['python']}, {', '.join(shown)}")
    return run


def seed_everything(seed: int) -> None:
    """Seed python's, numpy's and (when it has been imported) PyTorch's global generators.

    Raises:
        BadSpec: ``seed`` is not an integer from 0 to 2**32 - 1.
    """
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise BadSpec(f"seed {seed!r}: give an integer from 0 to 4294967295")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  libraries we call still draw from numpy's global generator
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


@dataclass(frozen=True)
class Run:
    """One execution of a notebook. Made by :func:`start`; ``device`` is what ``tensor.to()`` takes."""

    name: str
    profile: str
    seed: int
    device: str
    folder: Path
    versions: dict[str, str]
    started: float  # seconds of time.perf_counter; the duration is only recorded and decides nothing

    def path(self, name: str) -> Path:
        """The path of the output ``name`` inside this run's folder; subfolders are created as needed.

        Raises:
            BadSpec: ``name`` leads out of the folder.
        """
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise BadSpec(f"output {name!r} leads out of {self.folder}: give a name inside it")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def pick(self, override: T | None = None, /, *, smoke: T, cpu: T, gpu: T) -> T:
        """The value for this profile, unless ``override`` is given: 0, "" and None mean "from the profile"."""
        return override or {"smoke": smoke, "cpu": cpu, "gpu": gpu}[self.profile]

    def finish(
        self,
        metrics: Mapping[str, Any],
        timings: Mapping[str, Any] | None = None,
        *,
        tolerance: Mapping[str, Any] | None = None,
    ) -> None:
        """Write ``results.json`` and print the metrics with their tolerances, as in ``  psnr_db = 40.12 +- 0.05``.

        These lines are stored in the notebook, and a later run is compared with them number by number.

        Args:
            metrics: the results of the notebook, the headline figure first; for one profile and seed they are the same
                on every machine, within the tolerance. Numbers (numpy's and torch's scalars too), booleans, strings, or
                lists and mappings of them.
            timings: what differs between machines; recorded, not printed.
            tolerance: for each metric that depends on the processor's arithmetic, by how much: a number (absolute) or
                a string like ``"2 %"`` (of the stored value). For a list or mapping one tolerance serves all numbers
                inside; a list or mapping of the same shape gives each its own, None where there is none. Whatever
                has no tolerance must be equal: counts, hashes, booleans, strings. A float needs a tolerance, 0 if it
                must be equal; ``tests/notebook_contract.py`` checks this.

        Raises:
            BadSpec: no metric, a value that JSON cannot hold (NaN and infinity included), a tolerance for an unknown
                metric or for a value that is not a number, or an invalid one.
            CannotWrite: the folder is gone, not writable, or the disk is full.
        """
        if not metrics:
            raise BadSpec("finish() needs at least one metric: the first is the notebook's headline")
        measured = record(self.name, metrics, self.profile, self.seed)
        tolerated = _clean("tolerance", tolerance or {})
        for name in tolerated.keys() - measured["metrics"].keys():
            raise BadSpec(f"tolerance of {name!r}: there is no such metric")
        lines = [f"  {name} = {within(value, tolerated.get(name))}" for name, value in measured["metrics"].items()]
        found = {
            **measured,
            "tolerance": tolerated,
            "timings": _clean("timings", timings or {}),
            "device": self.device,
            "seconds": round(time.perf_counter() - self.started, 3),
        }
        write_json(self.folder / "results.json", found)
        print(f"results.json: {len(lines)} metric{'s' * (len(lines) != 1)}")
        print(*lines, sep="\n")


def record(name: str, metrics: Mapping[str, Any], profile: str, seed: int) -> dict[str, Any]:
    """The record of a measurement: its figures, and everything needed to repeat it.

    Raises:
        BadSpec: a value that JSON cannot hold (NaN and infinity included).
    """
    return {
        "name": name,
        "metrics": _clean("metrics", metrics),
        "profile": profile,
        "seed": seed,
        "versions": _versions(),
        "source_sha256": source_hash(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def write_json(path: Path, found: Mapping[str, Any]) -> None:
    """Write a record to a file, completely or not at all.

    Raises:
        CannotWrite: no such folder, no permission, disk full.
    """
    with files.replacing(path) as temporary:
        temporary.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def within(value: Any, tolerance: Any = None) -> str:
    """A value with the tolerance within which every machine reproduces it: ``40.12 +- 0.05``, ``0.000115 +- 20 %``.

    For the output of cells that are compared with the stored output. The number of decimals depends on the tolerance:
    rounding changes the value by at most a tenth of it.

    Args:
        value: a number, or a list or mapping of numbers, strings and booleans.
        tolerance: see :meth:`Run.finish`; None prints the value alone, a float with all its digits.

    Raises:
        BadSpec: the tolerance is negative, not finite or not a number, differs in shape from ``value``, or belongs to a
        string.
    """
    value = _clean("value", value)
    if isinstance(value, list | dict):
        each = value if isinstance(value, dict) else dict(enumerate(value))
        if not isinstance(tolerance, list | dict):  # one for all
            tolerance = dict.fromkeys(each, tolerance)
        elif isinstance(tolerance, list):
            tolerance = dict(enumerate(tolerance))
        if set(tolerance) != set(each):
            raise BadSpec(f"tolerance for {', '.join(map(str, tolerance))}: the value has {', '.join(map(str, each))}")
        shown = {key: within(inner, tolerance[key]) for key, inner in each.items()}
        if isinstance(value, list):
            return "[" + ", ".join(shown.values()) + "]"
        return "{" + ", ".join(f"{key}: {text}" for key, text in shown.items()) + "}"
    if tolerance is None:
        return value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadSpec(f"tolerance {tolerance!r} of {value!r}: only a number has one")
    percent = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", tolerance) if isinstance(tolerance, str) else None
    if percent:
        return f"{_decimals(value, float(percent[1]) / 100 * abs(value))} +- {percent[1]} %"
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < math.inf:
        raise BadSpec(f"tolerance {tolerance!r}: give a number of 0 or more, or a share such as '2 %'")
    return f"{_decimals(value, tolerance)} +- {_decimals(tolerance, 0)}"


def _decimals(value: float, tolerance: float) -> str:
    """``value`` without an exponent, rounded by at most a tenth of ``tolerance``."""
    if tolerance == 0 or isinstance(value, int):
        return np.format_float_positional(value, trim="-") if isinstance(value, float) else str(value)
    return f"{value:.{max(0, math.ceil(-math.log10(tolerance / 5)))}f}"


def three_digits(value: Any) -> str:
    """A metric for people to read: floats with three significant digits, everything else as in JSON."""
    if isinstance(value, float):
        return f"{float(f'{value:.3g}'):g}"  # 1234.5 is 1230, not 1.23e+03
    if isinstance(value, list):
        return "[" + ", ".join(map(three_digits, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {three_digits(inner)}" for key, inner in value.items()) + "}"
    return value if isinstance(value, str) else json.dumps(value)


def source_hash() -> str:
    """SHA-256 (hex) over the names and contents of the package's Python files; it identifies the code."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _require_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        raise BadSpec("profile gpu: PyTorch sees no GPU here; use profile cpu, or check the driver with nvidia-smi")


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in RECORDED:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _clean(where: str, value: Any) -> Any:
    """``value`` as JSON holds it; BadSpec names the place, as in ``metrics.ber[2]``."""
    if isinstance(value, Mapping):
        return {str(key): _clean(f"{where}.{key}", inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):  # numpy and torch, scalars and arrays
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_clean(f"{where}[{index}]", inner) for index, inner in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise BadSpec(f"{where} is {value}: a result must be a finite number")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise BadSpec(f"{where} is a {type(value).__name__}: give numbers, strings, or lists and mappings of them")
