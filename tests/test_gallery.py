"""Every way in which a notebook can fail and still look fine is detected, and the other notebooks continue."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stegolab import gallery
from stegolab.errors import BadSpec, CannotWrite, NotebookFailed
from stegolab.kernels import Limits
from tests.small_notebooks import FINISH, START, write

SEEN = """import json, os, sys
kept = {name: os.environ.get(name) for name in ("STEGOLAB_HEADLESS", "STEGOLAB_DATA", "OMP_NUM_THREADS")}
seen = {"prefix": sys.prefix, "profile": profile, "cwd": os.getcwd(), **kept}
run.path("seen.json").write_text(json.dumps(seen))"""
PICTURE = """from matplotlib.figure import Figure
from stegolab import show
show.figure(Figure(figsize=(8, 2)), "A figure <without> anything")"""

#: name -> (code cells after the parameters, what the error must say)
NOTEBOOKS = {
    "00_good": ([START, PICTURE, SEEN, FINISH], None),
    "01_raises": (["first = 1\nfirst / 0", FINISH], r"In \[3\] `first = 1`: ZeroDivisionError: division by zero"),
    "02_exits": (["import sys\nsys.exit(0)", FINISH], r"In \[3\] `import sys`: SystemExit"),
    "03_swallows": (["import ipywidgets\nwith ipywidgets.Output():\n    1 / 0"], "in a widget: ZeroDivision"),
    "04_forgets": ([START], r"no fresh results\.json"),
    "05_dies": (["import os\nos._exit(9)", FINISH], "cell `import os`: Kernel died"),
}


@pytest.fixture(scope="module")
def gallery_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """All of NOTEBOOKS run once, two at a time, from a home that should stay empty."""
    root = tmp_path_factory.mktemp("gallery")
    for name, (codes, _) in NOTEBOOKS.items():
        write(root / "notebooks", name, codes)
    (root / "out" / "04_forgets").mkdir(parents=True)
    (root / "out" / "04_forgets" / "results.json").write_text('{"metrics": {"stale": 1}}')
    (root / "home").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")))
        patch.setenv("HOME", str(root / "home"))
        patch.setenv("STEGOLAB_DATA", "/nowhere")
        for name in ("OMP_NUM_THREADS", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
            patch.delenv(name, raising=False)
        patch.chdir(root)
        (root / "data").mkdir()
        before = dict(os.environ)
        outcomes = gallery.run_notebooks([], "smoke", "out", jobs=2, folder=root / "notebooks", data="data")
        after = dict(os.environ)
    yield SimpleNamespace(root=root, out=root / "out", outcomes=outcomes, before=before, after=after)


def test_the_outcomes_are_in_reading_order(gallery_run: SimpleNamespace) -> None:
    assert [outcome.name for outcome in gallery_run.outcomes] == list(NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_outcome_is_told(name: str, gallery_run: SimpleNamespace) -> None:
    [outcome] = [outcome for outcome in gallery_run.outcomes if outcome.name == name]
    told = NOTEBOOKS[name][1]
    if told is None:
        assert outcome.error is None and outcome.metrics == {"psnr_db": 41.2345, "bits": 3}
    else:
        assert isinstance(outcome.error, NotebookFailed) and outcome.metrics == {}
        assert re.match(f"{name}: .*{told}", str(outcome.error))
        assert "\n" not in str(outcome.error)


def test_failures_are_raised_together(gallery_run: SimpleNamespace) -> None:
    with pytest.raises(NotebookFailed, match=r"^5 of 6 notebooks failed: 01_raises: .*; 02_exits: .*05_dies"):
        gallery.raise_failures(gallery_run.outcomes)
    gallery.raise_failures(gallery_run.outcomes[:1])


def test_the_kernel_is_this_interpreter_and_was_told_everything(gallery_run: SimpleNamespace) -> None:
    seen = json.loads((gallery_run.out / "00_good" / "seen.json").read_text())
    assert seen == {
        "prefix": sys.prefix,
        "profile": "smoke",
        "cwd": str(gallery_run.out),
        "STEGOLAB_HEADLESS": "1",
        "STEGOLAB_DATA": str(gallery_run.root / "data"),
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // 2)),
    }


def test_nothing_else_is_written(gallery_run: SimpleNamespace) -> None:
    names = {path.name for path in gallery_run.out.iterdir()}
    written = {f"{name}{end}" for name in NOTEBOOKS for end in (".ipynb", ".html")}
    assert names == written | {"00_good", "04_forgets", "index.html", "summary.json"}
    assert not [path for path in (gallery_run.root / "home").rglob("*") if path.is_file()]
    assert {path.stem for path in (gallery_run.root / "notebooks").iterdir()} == set(NOTEBOOKS)
    assert gallery_run.after == gallery_run.before


def test_the_executed_notebook_holds_no_path_of_this_machine(gallery_run: SimpleNamespace) -> None:
    text = (gallery_run.out / "00_good.ipynb").read_text()
    assert str(gallery_run.root) not in text and "A figure <without> anything" in text


def test_the_summary_says_it_all(gallery_run: SimpleNamespace) -> None:
    summary = json.loads((gallery_run.out / "summary.json").read_text())
    assert (summary["profile"], summary["passed"], summary["failed"]) == ("smoke", 1, 5)
    assert [entry["name"] for entry in summary["notebooks"]] == list(NOTEBOOKS)
    good, bad = summary["notebooks"][:2]
    assert good["metrics"] == {"psnr_db": 41.2345, "bits": 3} and good["error"] is None
    assert "ZeroDivisionError" in bad["error"]


def test_the_pages_need_no_network(gallery_run: SimpleNamespace) -> None:
    for page in gallery_run.out.glob("*.html"):
        text = page.read_text()
        assert "<script" not in text and "<link" not in text and "@import" not in text
        assert not re.search(r"""(src|href|url\()\s*=?\s*["']?(https?:)?//""", text)


def test_the_index_shows_a_card_for_each(gallery_run: SimpleNamespace) -> None:
    text = (gallery_run.out / "index.html").read_text()
    links = re.findall(r'<h2><a href="([^"]+)">', text)
    assert links == [f"{name}.html" for name in NOTEBOOKS]
    assert all((gallery_run.out / link).exists() for link in links)
    assert "00_good &amp; its &lt;title&gt;" in text
    assert 'alt="A figure &lt;without&gt; anything"' in text
    assert '<p class="headline">41.2</p><p class="faint">psnr_db</p>' in text
    assert text.count('<p class="failed">') == 5 and "5 failed" in text


HANGS = {
    "waits": ("import time\ntime.sleep(3600)", Limits(1e9, 1e9, stall=2), "stalled: next to no processor time"),
    "waits-for-a-child": (
        "import subprocess\nsubprocess.run(['sleep', '3600'])",
        Limits(1e9, 1e9, stall=2),
        "stalled: next to no processor time",
    ),
    "computes": ("x = 1\nwhile True: pass", Limits(4, 1e9, stall=1e9), "took more than the 4 s that a cell may take"),
    "goes-on": ("x = 1\nwhile True: pass", Limits(1e9, 8, stall=1e9), "took more than the 8 s that the notebook may"),
}


@pytest.mark.parametrize("hang", HANGS)
def test_what_hangs_is_ended_and_its_cell_is_named(hang: str, tmp_path: Path) -> None:
    code, limits, told = HANGS[hang]
    write(tmp_path, "00_hangs", ["print('so far')", code, FINISH])
    [outcome] = gallery.run_notebooks([], "smoke", tmp_path / "out", folder=tmp_path, limits=limits)
    assert f"00_hangs: cell `{code.splitlines()[0]}` {told}" in str(outcome.error)
    assert "so far" in (tmp_path / "out" / "00_hangs.html").read_text()


def test_a_cell_that_is_slow_does_not_stall(tmp_path: Path) -> None:
    """It takes twice the limit for a stalled notebook, but computes all the time."""
    slow = "import time\nbegan = time.process_time()\nwhile time.process_time() < began + 8: pass"
    write(tmp_path, "00_slow", [START, f"{slow}\n{FINISH}"])  # no cell but this, which could wait for a busy machine
    [outcome] = gallery.run_notebooks([], "smoke", tmp_path / "out", folder=tmp_path, limits=Limits(1e9, 1e9, stall=4))
    assert outcome.error is None


def test_the_limits_are_ample() -> None:
    for profile, limits in gallery.LIMITS.items():
        assert limits.cell >= 1800 and limits.notebook >= 3600 and limits.stall >= 600, profile


def test_profile_gpu_without_a_gpu_is_one_error_before_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    write(tmp_path, "00_plain", [FINISH])
    with pytest.raises(BadSpec, match="PyTorch sees no GPU"):
        gallery.run_notebooks([], "gpu", tmp_path / "out", folder=tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_broken_kernelspec_is_one_error_before_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernels" / "python3").mkdir(parents=True)
    (tmp_path / "kernels" / "python3" / "kernel.json").write_text("{")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    write(tmp_path, "00_plain", [FINISH])
    with pytest.raises(BadSpec, match="kernelspec python3 cannot be read"):
        gallery.run_notebooks([], "smoke", tmp_path / "out", folder=tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_parameter_that_the_notebook_does_not_declare_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "00_plain", [FINISH])
    write(tmp_path, "01_bare", [FINISH], parameters='profile: str = "smoke"')
    plain, bare = gallery.run_notebooks([], "smoke", tmp_path / "out", folder=tmp_path, parameters={"stepz": 3})
    assert "declares no stepz" in str(plain.error) and "declares no out_dir, stepz" in str(bare.error)


def test_a_file_that_is_no_notebook(tmp_path: Path) -> None:
    (tmp_path / "00_text.ipynb").write_text("Dear reader,")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "00_text.html").write_text("an earlier run")
    [outcome] = gallery.run_notebooks([], "smoke", tmp_path / "out", folder=tmp_path)
    assert "00_text: not a notebook" in str(outcome.error)
    index = (tmp_path / "out" / "index.html").read_text()
    assert "00_text" in index and "href" not in index  # there is no page to link to, not even an earlier run's
    assert not (tmp_path / "out" / "00_text.html").exists()


def test_notebooks_are_found_by_name_in_reading_order(tmp_path: Path) -> None:
    for name in ("04_b", "00_a", "10_c"):
        (tmp_path / f"{name}.ipynb").touch()
    assert [path.stem for path in gallery.find_notebooks([], tmp_path)] == ["00_a", "04_b", "10_c"]
    found = gallery.find_notebooks(["10_c", "notebooks/00_a.ipynb"], tmp_path)
    assert [path.stem for path in found] == ["00_a", "10_c"]
    with pytest.raises(BadSpec, match="choose from 00_a, 04_b, 10_c"):
        gallery.find_notebooks(["05_x"], tmp_path)
    with pytest.raises(BadSpec, match="twice"):
        gallery.find_notebooks(["00_a", "00_a.ipynb"], tmp_path)
    with pytest.raises(BadSpec, match="no notebooks"):
        gallery.find_notebooks([], tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"profile": "fast"}, "smoke, cpu, gpu"), ({"jobs": 0}, "jobs"), ({"names": ["x"]}, "'x'"), ({"data": "x"}, "x")],
)
def test_a_bad_request_writes_nothing(wrong: dict[str, Any], told: str, tmp_path: Path) -> None:
    write(tmp_path, "00_plain", [FINISH])
    request = {"names": [], "profile": "smoke", "out_dir": tmp_path / "out", "folder": tmp_path, **wrong}
    with pytest.raises(BadSpec, match=told):
        gallery.run_notebooks(**request)
    assert not list(tmp_path.glob("out*"))


def test_an_output_folder_that_cannot_be_made(tmp_path: Path) -> None:
    write(tmp_path, "00_plain", [FINISH])
    with pytest.raises(CannotWrite):
        gallery.run_notebooks([], "smoke", tmp_path / "00_plain.ipynb", folder=tmp_path)


def test_names_that_are_no_text_or_look_like_a_format(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / os.fsdecode(b"caf\xe9 {0} 50%")
    write(source, "00_good", [START, FINISH])
    write(source, "01_text", [FINISH.replace("run.", "print.")])
    (source / "01_text.ipynb").rename(source / os.fsdecode(b"01_caf\xe9#.ipynb"))
    good, named = gallery.run_notebooks([], "smoke", out, folder=source)
    assert good.error is None
    assert str(named.error).startswith("01_caf\\udce9#: In [3] ") and "AttributeError" in str(named.error)
    assert 'href="01_caf%E9%23.html"' in (out / "index.html").read_text(encoding="utf-8")
    assert json.loads((out / "summary.json").read_text())["failed"] == 1
