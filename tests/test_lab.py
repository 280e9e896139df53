"""stegolab.lab: the same seed gives the same numbers, the record is correct, bad values are refused."""

import json
import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab import lab
from stegolab.errors import BadSpec, CannotWrite

METRICS = {"psnr_db": 41.23456, "bits": np.int64(12345), "exact": np.bool_(True), "curve": np.array([0.5, 1234.5])}


@pytest.fixture
def run(tmp_path: Path) -> lab.Run:
    return lab.start("00_example", "smoke", 7, tmp_path)


def record(run: lab.Run) -> dict:
    return json.loads((run.folder / "results.json").read_text())


def draws() -> tuple[float, float]:
    return random.random(), float(np.random.rand())  # noqa: NPY002  the global generator is what is seeded


@given(seed=st.integers(0, 2**32 - 1))
def test_a_seed_repeats_its_draws(seed: int) -> None:
    lab.seed_everything(seed)
    first = draws()
    lab.seed_everything(seed)
    assert draws() == first
    lab.seed_everything((seed + 1) % 2**32)
    assert draws() != first


def test_torch_is_seeded_when_it_has_been_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(manual_seed=seeds.append))
    lab.seed_everything(5)
    assert seeds == [5]


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "0"])
def test_a_seed_is_32_unsigned_bits(seed: Any) -> None:
    with pytest.raises(BadSpec, match="seed"):
        lab.seed_everything(seed)


@pytest.mark.parametrize("profile", ["", "fast", "GPU"])
def test_an_unknown_profile_is_refused(profile: str, tmp_path: Path) -> None:
    with pytest.raises(BadSpec, match="smoke, cpu, gpu"):
        lab.start("00_example", profile, 0, tmp_path)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-x"])
def test_a_name_is_a_plain_file_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadSpec, match="name"):
        lab.start(name, "smoke", 0, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("there", [False, True])
def test_profile_gpu_needs_a_gpu(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: there), manual_seed=lambda seed: None)
    monkeypatch.setitem(sys.modules, "torch", torch)
    if there:
        assert lab.start("00_example", "gpu", 0, tmp_path).device == "cuda"
    else:
        with pytest.raises(BadSpec, match="no GPU"):
            lab.start("00_example", "gpu", 0, tmp_path)


def test_an_output_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite):
        lab.start("00_example", "smoke", 0, tmp_path / "file")


def test_starting_says_what_runs_in_one_line(run: lab.Run, capsys: pytest.CaptureFixture[str]) -> None:
    lab.start("00_example", "smoke", 7, run.folder.parent)
    line = capsys.readouterr().out
    assert line.startswith("00_example: profile smoke, seed 7, cpu, Python 3.") and line.count("\n") == 1


def test_outputs_stay_in_the_folder_of_the_run(run: lab.Run, tmp_path: Path) -> None:
    assert run.path("x.png") == tmp_path / "00_example" / "x.png"
    assert run.path("deep/x.png").parent.is_dir()
    for outside in ("../x.png", "/x.png"):
        with pytest.raises(BadSpec, match="leads out"):
            run.path(outside)


@pytest.mark.parametrize("profile", ["smoke", "cpu"])
def test_pick_follows_the_profile_unless_overridden(profile: str, tmp_path: Path) -> None:
    run = lab.start("00_example", profile, 0, tmp_path)
    assert run.pick(smoke="smoke", cpu="cpu", gpu="gpu") == profile
    assert run.pick(0, smoke=1, cpu=2, gpu=3) == {"smoke": 1, "cpu": 2}[profile]
    assert run.pick("", smoke="smoke", cpu="cpu", gpu="gpu") == profile
    assert run.pick(9, smoke=1, cpu=2, gpu=3) == 9


def test_finish_records_and_prints(run: lab.Run, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    run.finish(METRICS, timings={"hide_s": 1.5}, tolerance={"psnr_db": 0.05, "curve": "2 %"})
    assert capsys.readouterr().out.splitlines() == [
        "results.json: 4 metrics",
        "  psnr_db = 41.23 +- 0.05",
        "  bits = 12345",
        "  exact = true",
        "  curve = [0.500 +- 2 %, 1234 +- 2 %]",
    ]
    kept = record(run)
    assert kept["metrics"] == {"psnr_db": 41.23456, "bits": 12345, "exact": True, "curve": [0.5, 1234.5]}
    assert next(iter(kept["metrics"])) == "psnr_db"  # the headline comes first
    assert (kept["profile"], kept["seed"], kept["timings"]) == ("smoke", 7, {"hide_s": 1.5})
    assert kept["tolerance"] == {"psnr_db": 0.05, "curve": "2 %"}
    assert kept["source_sha256"] == lab.source_hash() and kept["seconds"] >= 0
    assert kept["versions"]["numpy"] == np.__version__


@pytest.mark.parametrize("value", [float("nan"), np.float32("inf"), [1.0, float("-inf")], {"a": np.array([np.nan])}])
def test_what_is_not_finite_is_refused_and_named(run: lab.Run, value: object) -> None:
    run.finish({"ber": 0.1})
    with pytest.raises(BadSpec, match=r"metrics\.ber"):
        run.finish({"ber": value})
    assert record(run)["metrics"] == {"ber": 0.1}  # the record before is untouched


@pytest.mark.parametrize("metrics", [{}, {"x": object()}, {"x": {1, 2}}])
def test_what_json_cannot_hold_is_refused(run: lab.Run, metrics: dict) -> None:
    with pytest.raises(BadSpec):
        run.finish(metrics)
    assert not list(run.folder.iterdir())


@pytest.mark.parametrize(
    ("value", "tolerance", "printed"),
    [
        (41.23456, 0.05, "41.23 +- 0.05"),
        (41.23456, 0.02, "41.235 +- 0.02"),
        (-0.0959, 0.003, "-0.0959 +- 0.003"),
        (1234.5678, 5, "1235 +- 5"),
        (0.000115, "20 %", "0.000115 +- 20 %"),
        (2.0, "0.5%", "2.000 +- 0.5 %"),
        (0.0, "5 %", "0 +- 5 %"),
        (25.0, 0, "25 +- 0"),
        (1e-9, 0.0, "0.000000001 +- 0"),
        (0.1, None, "0.1"),
        (3.0, None, "3.0"),  # a float is seen to be one
        (2e-5, None, "2e-05"),
        (12345, 20, "12345 +- 20"),
        (np.float32(0.5), 1e-5, "0.500000 +- 0.00001"),
        ([1.5, 200.0], [0.1, 10], "[1.50 +- 0.1, 200 +- 10]"),
        ([1.5, 7], [0.1, None], "[1.50 +- 0.1, 7]"),
        ({"a": 1.5, "b": {"c": 2.5}}, 0.5, "{a: 1.5 +- 0.5, b: {c: 2.5 +- 0.5}}"),
        ({"a": 1.5, "b": "word"}, {"b": None, "a": 0.5}, "{a: 1.5 +- 0.5, b: word}"),
    ],
)
def test_a_value_is_printed_with_its_tolerance(value: Any, tolerance: Any, printed: str) -> None:
    assert lab.within(value, tolerance) == printed


@given(value=st.floats(-1e9, 1e9), tolerance=st.floats(1e-9, 1e6))
def test_rounding_takes_a_tenth_of_the_tolerance_at_most(value: float, tolerance: float) -> None:
    number, _, _ = lab.within(value, tolerance).partition(" +- ")
    assert abs(float(number) - value) <= 0.1 * tolerance * (1 + 1e-9) + 1e-15 * abs(value)


@pytest.mark.parametrize(
    ("tolerance", "told"),
    [
        ({"psnr": 0.1}, "no such metric"),
        ({"psnr_db": -0.1}, "0 or more"),
        ({"psnr_db": "small"}, "2 %"),
        ({"psnr_db": "-2 %"}, "2 %"),
        ({"psnr_db": True}, "0 or more"),
        ({"psnr_db": float("nan")}, "finite"),
        ({"psnr_db": [0.1]}, "0 or more"),
        ({"exact": 0.1}, "only a number"),
        ({"curve": [0.1]}, "the value has 0, 1"),
        ({"curve": {"a": 0.1}}, "the value has 0, 1"),
    ],
)
def test_a_tolerance_that_makes_no_sense_is_refused(run: lab.Run, tolerance: dict, told: str) -> None:
    with pytest.raises(BadSpec, match=told):
        run.finish(METRICS, tolerance=tolerance)
    assert not list(run.folder.iterdir())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(metrics=st.dictionaries(st.text(), json_values, min_size=1, max_size=4))
def test_the_record_is_what_was_given(metrics: dict, tmp_path_factory: pytest.TempPathFactory) -> None:
    run = lab.start("00_example", "smoke", 0, tmp_path_factory.mktemp("runs"))
    run.finish(metrics)
    assert record(run)["metrics"] == metrics


@given(value=st.floats(-1e300, 1e300, allow_subnormal=False))
def test_three_digits_are_within_half_a_per_cent(value: float) -> None:
    assert float(lab.three_digits(value)) == pytest.approx(value, rel=5.001e-3)


def test_the_source_hash_depends_on_the_source_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lab.py").write_text("x = 1")
    monkeypatch.setattr(lab, "__file__", str(tmp_path / "lab.py"))
    first = lab.source_hash()
    (tmp_path / "notes.txt").write_text("no source")
    assert lab.source_hash() == first
    (tmp_path / "more.py").touch()
    second = lab.source_hash()
    (tmp_path / "more.py").write_text("y = 2")
    assert len({first, second, lab.source_hash()}) == 3
