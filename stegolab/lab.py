"""What every notebook starts and ends with: profile, seed, device, and a record of what came out.

Every notebook's third cell reads ``run = lab.start("00_start_here", profile, seed, out_dir)`` and its last
``run.finish({"psnr_db": ...}, tolerance={"psnr_db": 0.05})``. Between the two,
``run.pick(smoke=..., cpu=..., gpu=...)`` is how one text serves three budgets.
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
    """Seed everything, choose the device, make ``out_dir/name`` and say in one line what is running.

    Args:
        name: the notebook's file name without suffix.
        profile: ``smoke`` (seconds, no network), ``cpu`` (minutes) or ``gpu`` (real data, published numbers).
        seed: 0 to 2**32 - 1. PyTorch is seeded only when it has been imported: import it above this call.
        out_dir: the folder that receives a folder of this name.

    Raises:
        BadSpec: unknown profile, ``gpu`` without a GPU, a seed out of range, a name that is no file name.
        CannotWrite: the folder cannot be made.
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
    started: float  # on time.perf_counter's clock, seconds; how long it took is recorded and decides nothing

    def path(self, name: str) -> Path:
        """Where the output ``name`` goes: inside this run's folder, whose subfolders are made as needed.

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
            metrics: what the notebook found, the headline figure first; for one profile and seed the same on every
                machine, but for the tolerance. Numbers (numpy's and torch's scalars too), booleans, strings, or lists
                and mappings of them.
            timings: what differs between machines; recorded, not printed.
            tolerance: for each metric that depends on the processor's arithmetic, by how much: a number (absolute) or
                a string like ``"2 %"`` (of the stored value). For a list or mapping one tolerance serves all numbers
                inside; a list or mapping of the same shape gives each its own, None where there is none. Whatever
                has no tolerance must be equal: counts, hashes, booleans, strings. Of a float, which seldom is exact,
                that is said by a tolerance of 0; ``tests/notebook_contract.py`` asks for one or the other.

        Raises:
            BadSpec: no metric, a value that JSON cannot hold (NaN and infinity included), a tolerance of nothing, of
                what is no number, or that is none.
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
    """What is kept of every measurement: its figures, and what it takes to make them again.

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
    """A record as a file, whole or not at all.

    Raises:
        CannotWrite: no such folder, no permission, disk full.
    """
    with files.replacing(path) as temporary:
        temporary.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def within(value: Any, tolerance: Any = None) -> str:
    """A value with the tolerance within which every machine finds it: ``40.12 +- 0.05``, ``0.000115 +- 20 %``.

    For the output of cells that are checked against what is stored. It has as many decimals as the tolerance has sense
    for: what rounding takes away is a tenth of it at most.

    Args:
        value: a number, or a list or mapping of numbers, strings and booleans.
        tolerance: see :meth:`Run.finish`; None prints the value alone, a float with all its digits.

    Raises:
        BadSpec: the tolerance is negative, not finite, not a number; of another shape than ``value``, or of a string.
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
    """A metric as people read it: floats to three significant digits, everything else as JSON has it."""
    if isinstance(value, float):
        return f"{float(f'{value:.3g}'):g}"  # 1234.5 is 1230, not 1.23e+03
    if isinstance(value, list):
        return "[" + ", ".join(map(three_digits, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {three_digits(inner)}" for key, inner in value.items()) + "}"
    return value if isinstance(value, str) else json.dumps(value)


def source_hash() -> str:
    """SHA-256 (hex) over the names and contents of the package's Python files: which code gave these numbers."""
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
