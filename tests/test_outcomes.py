"""The gallery over several runs into one folder: results of earlier runs stay, and are marked."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from stegolab import outcomes
from stegolab.errors import NotebookFailed
from stegolab.outcomes import Gallery, Outcome


def leave(out: Path, name: str, psnr: float, error: bool = False) -> Outcome:
    """The files that executing the notebook ``name`` leaves in ``out``; its outcome is not in the gallery yet."""
    output = [new_output("error", ename="ValueError", evalue="bad", traceback=[])] if error else []
    cells = [new_markdown_cell(f"# Title of {name}"), new_code_cell("x = 1", execution_count=1, outputs=output)]
    (out / name).mkdir(parents=True, exist_ok=True)
    write(new_notebook(cells=cells), out / f"{name}.ipynb")
    (out / f"{name}.html").write_text("page")
    if error:
        return Outcome(name, f"Title of {name}", 1.5, {}, NotebookFailed(f"{name}: In [1] `x = 1`: ValueError: bad"))
    found = {"metrics": {"psnr_db": psnr}, "profile": "cpu", "date": "2026-01-02T03:04:05+00:00", "seconds": 1.5}
    (out / name / "results.json").write_text(json.dumps(found))
    return Outcome(name, f"Title of {name}", 1.5, {"psnr_db": psnr})


def summary(out: Path) -> dict[str, Any]:
    return json.loads((out / "summary.json").read_text())


def told(out: Path, key: str) -> dict[str, Any]:
    return {entry["name"]: entry[key] for entry in summary(out)["notebooks"]}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder where three notebooks were executed with profile cpu; the last failed."""
    gallery = Gallery(tmp_path, "cpu")
    for name, error in (("02_c", True), ("00_a", False), ("01_b", False)):
        gallery.add(leave(tmp_path, name, 40.0, error))
    return tmp_path


def test_a_run_of_all_is_in_reading_order_and_of_now(out: Path) -> None:
    assert told(out, "executed_now") == {"00_a": True, "01_b": True, "02_c": True}
    assert list(told(out, "name")) == ["00_a", "01_b", "02_c"]
    assert (summary(out)["passed"], summary(out)["failed"]) == (2, 1)
    assert "earlier" not in (out / "index.html").read_text()


def test_a_run_of_one_keeps_the_others_and_marks_them(out: Path) -> None:
    before = told(out, "date")
    Gallery(out, "smoke").add(leave(out, "01_b", 50.0))
    assert told(out, "executed_now") == {"00_a": False, "01_b": True, "02_c": False}
    assert told(out, "profile") == {"00_a": "cpu", "01_b": "smoke", "02_c": "cpu"}
    assert told(out, "metrics") == {"00_a": {"psnr_db": 40.0}, "01_b": {"psnr_db": 50.0}, "02_c": {}}
    assert told(out, "error")["02_c"] == "02_c: In [1] `x = 1`: ValueError: bad"
    assert told(out, "date")["00_a"] == before["00_a"]
    assert (summary(out)["passed"], summary(out)["failed"]) == (2, 1)
    page = (out / "index.html").read_text()
    assert re.findall(r'<h2><a href="([^"]+)">', page) == ["00_a.html", "01_b.html", "02_c.html"]
    assert "3 notebooks, profile smoke" in page and "1 executed now, the others in earlier runs" in page
    assert page.count(f"1.5 s, earlier run: cpu, {before['00_a'][:10]}") == 2


def test_a_third_run_still_knows_the_first(out: Path) -> None:
    Gallery(out, "smoke").add(leave(out, "01_b", 50.0))
    Gallery(out, "gpu").add(leave(out, "02_c", 60.0))
    assert told(out, "profile") == {"00_a": "cpu", "01_b": "smoke", "02_c": "gpu"}
    assert told(out, "executed_now") == {"00_a": False, "01_b": False, "02_c": True}


@pytest.mark.parametrize("damage", [None, "", "[]", '{"notebooks": [3, {}, {"name": "00_a"}]}', '{"profile": 1}'])
def test_where_the_summary_is_lost_the_executed_notebooks_tell(damage: str | None, out: Path) -> None:
    (out / "summary.json").unlink()
    if damage is not None:
        (out / "summary.json").write_text(damage)
    Gallery(out, "smoke").add(leave(out, "02_c", 50.0))
    assert told(out, "title") == {name: f"Title of {name}" for name in ("00_a", "01_b", "02_c")}
    assert told(out, "metrics")["00_a"] == {"psnr_db": 40.0} and told(out, "profile")["00_a"] == "cpu"
    assert told(out, "date")["00_a"] == "2026-01-02T03:04:05+00:00" and told(out, "seconds")["00_a"] == 1.5


def test_the_summary_of_a_version_before_is_understood(out: Path) -> None:
    old = summary(out)
    for entry in old["notebooks"]:
        for key in ("executed_now", "profile", "date"):
            del entry[key]
    (out / "summary.json").write_text(json.dumps(old))
    Gallery(out, "smoke").add(leave(out, "01_b", 50.0))
    assert told(out, "profile") == {"00_a": "cpu", "01_b": "smoke", "02_c": "cpu"}
    assert told(out, "date")["00_a"] == old["date"]


def test_what_has_lost_its_page_is_dropped(out: Path) -> None:
    (out / "00_a.html").unlink()
    Gallery(out, "smoke").add(leave(out, "01_b", 50.0))
    assert list(told(out, "name")) == ["01_b", "02_c"]


def test_what_leads_out_of_the_folder_is_dropped(out: Path) -> None:
    wrong = summary(out)
    wrong["notebooks"][2]["name"] = "../02_c"
    (out / "summary.json").write_text(json.dumps(wrong))
    assert set(outcomes.earlier_outcomes(out)) == {"00_a", "01_b"}


def test_an_earlier_notebook_that_cannot_be_read_has_a_card_without_picture(out: Path) -> None:
    (out / "00_a.ipynb").write_text("{")
    Gallery(out, "smoke").add(leave(out, "01_b", 50.0))
    assert "Title of 00_a" in (out / "index.html").read_text()


def test_other_files_in_the_folder_are_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "results.json").write_text('{"metrics": {"exact": 1}}')
    write(new_notebook(), tmp_path / "mine.ipynb")
    assert outcomes.earlier_outcomes(tmp_path) == {}
