"""README and docs agree with the published results, their links work, and they stay short."""

import json
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from stegolab import cli, documents, results
from stegolab.errors import BadData, CannotWrite

from .test_architecture import LAYER, MODULES, imported, part_of

DOCUMENTS = documents.all_documents()
PAGES = [  # all pages that people read in the repository
    *DOCUMENTS,
    *sorted(documents.PROJECT.glob("*.md")),
    *sorted((documents.PROJECT / "data_scripts").glob("*.md")),
    *sorted((documents.PROJECT / "stegolab").rglob("*.md")),
]
PAGES = list(dict.fromkeys(PAGES))
LINK = re.compile(r"!?\[[^\]]*\]\(\s*([^)\s]+)\s*\)")


def named(path: Path) -> str:
    return path.relative_to(documents.PROJECT).as_posix()


@pytest.fixture
def published(tmp_path):
    """A folder of results with one measurement."""
    rows = [{"program": "ours", "share": 1.0, "bits": 4096.5}, {"program": "theirs", "share": 0.5, "bits": 32}]
    peers = [
        {
            "program": "ours",
            "payload_bits": 10.4,
            "psnr_db": 40.06,
            "trials": 1234,
            "exact": {"none": 1233, "crop:0.1": 0},
        }
    ]
    found = {
        **dict.fromkeys(results.FIELDS, ""),
        "metrics": {"exact": 7417, "outcomes": {"NoPayload": 3}, "points": rows, "rows": peers},
        "command": "python one.py; python two.py --out X",
        "date": "2026-11-20T10:00:00+00:00",
    }
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "small.json").write_text(json.dumps(found))
    return folder


# What is filled in


def test_a_value_is_formatted_and_what_stood_there_goes(published):
    text = "a <!-- value: small {exact:,} came, {outcomes[NoPayload]} not -->old\nold<!-- end --> z"
    filled = documents.fill(text, published)
    assert filled == "a <!-- value: small {exact:,} came, {outcomes[NoPayload]} not -->7,417 came, 3 not<!-- end --> z"
    assert documents.fill(filled, published) == filled


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        ("{points[1][bits]}", "32"),
        ("{points[program=ours][bits]:,.1f}", "4,096.5"),
        ("{points[program=theirs/ share=0.5][bits]:.0f}", "32"),
        ("{points[share=1.0/\n  bits=4096.5][program]}", "ours"),
    ],
)
def test_an_entry_of_a_list_is_found_by_what_it_holds(asked, value, published):
    assert (
        documents.fill(f"<!-- value: small {asked} --><!-- end -->", published).split("-->")[1] == f"{value}<!-- end "
    )


def test_a_table_is_followed_by_its_date_and_commands(published):
    filled = documents.fill("x\n\n<!-- table: small peers --><!-- end -->\ny", published)
    assert filled == (
        "x\n\n<!-- table: small peers -->\n"
        "| program | payload (bit) | PSNR (dB) | `none` | `crop:0.1` |\n"
        "|---|---|---|---|---|\n"
        "| ours | 10 | 40.1 | 1,233 of 1,234 | 0 of 1,234 |\n\n"
        "Measured on 2026-11-20 by `python one.py` and `python two.py --out X` (`results/small.json`).\n"
        "<!-- end -->\ny"
    )


@pytest.mark.parametrize(
    ("marker", "complaint"),
    [
        ("value: missing {exact}", "no results 'missing' are published"),
        ("value: small {inexact}", "inexact"),
        ("value: small {points[2][bits]}", "out of range"),
        ("value: small {points[share=2.0][bits]}", "share=2.0: 0 entries"),
        ("value: small {points[bits]}", "bits: 0 entries"),
        ("value: small {exact:.2q}", "Unknown format|Invalid format"),
        ("table: small nonsense", "nonsense"),
        ("table: small families", "strengths"),
    ],
)
def test_what_is_not_published_is_refused_by_name(marker, complaint, published, tmp_path):
    with pytest.raises(BadData, match=complaint):
        documents.fill(f"<!-- {marker} -->old<!-- end -->", published)


def test_two_entries_that_hold_the_same_are_not_told_apart(published):
    path = published / "small.json"
    path.write_text(path.read_text().replace("theirs", "ours"))
    with pytest.raises(BadData, match="2 entries"):
        documents.fill("<!-- value: small {points[program=ours][bits]} --><!-- end -->", published)


def test_only_what_differs_is_written(tmp_path):
    right, wrong = tmp_path / "right.md", tmp_path / "wrong.md"
    trials = results.read("attack_study")["metrics"]["trials"]
    for path, content in ((right, trials), (wrong, 1)):
        path.write_text(f"<!-- value: attack_study {{trials}} -->{content}<!-- end -->")
    before = right.stat().st_mtime_ns
    assert documents.update([right, wrong]) == [wrong]
    assert wrong.read_text() == right.read_text() and right.stat().st_mtime_ns == before
    assert documents.update([right, wrong]) == []


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CannotWrite, match=r"gone\.md"):
        documents.update([tmp_path / "gone.md"])
    (tmp_path / "bad.md").write_text("<!-- value: missing {exact} -->1<!-- end -->")
    with pytest.raises(BadData, match=r"bad\.md"):
        documents.update([tmp_path / "bad.md"])


# The command


def test_the_command_names_what_is_out_of_date_and_then_writes_it(tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- value: attack_study {silent_corruptions} -->12<!-- end -->")
    monkeypatch.setattr(documents, "all_documents", lambda: [page])
    assert cli.main(["results", "--check"]) == 1
    said = capsys.readouterr()
    assert "page.md" in said.err and "stegolab results" in said.err and not said.out
    assert page.read_text().count("12") == 1
    assert cli.main(["results"]) == 0
    assert "page.md" in capsys.readouterr().out
    assert ">0<" in page.read_text()
    assert cli.main(["results", "--check"]) == 0


# The documents themselves


def test_there_are_documents():
    assert {"README.md", "docs/results/robustness.md"} <= set(map(named, DOCUMENTS))
    assert sum(path.read_text().count("<!-- value:") for path in DOCUMENTS) > 20


def test_every_document_holds_what_is_published():
    assert [named(path) for path, _ in documents.outdated(DOCUMENTS)] == [], "bring them up to date: stegolab results"


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_marker_is_one_that_is_filled(path):
    text = path.read_text()
    markers = documents.MARKED.findall(text)
    assert len(markers) == text.count("<!--") - text.count("<!-- end -->") == text.count("<!-- end -->")


def test_the_readme_is_one_page():
    text = (documents.PROJECT / "README.md").read_text()
    assert len(text.encode()) <= 9000
    lines = text.splitlines()
    assert len(lines) <= 200
    assert [line for line in lines if len(line) > 120] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_lines_outside_tables_can_be_read_in_an_editor(path):
    typed = documents.MARKED.sub(lambda match: "" if match[1] == "table" else match[0], path.read_text())
    assert [line for line in typed.splitlines() if len(line) > 120 and not line.startswith("|")] == []


def test_the_citation_and_the_changelog_know_the_version():
    project = tomllib.loads((documents.PROJECT / "pyproject.toml").read_text())["project"]
    cited = yaml.safe_load((documents.PROJECT / "CITATION.cff").read_text())
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
    assert f"## {project['version']}" in (documents.PROJECT / "CHANGELOG.md").read_text()


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub names them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return LINK.findall(re.sub(r"^    .*$|`[^`\n]*`", "", text, flags=re.MULTILINE))


def test_a_link_is_recognised(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One, two: `three`\n[a](b.md) ![c\nd](e.png) `[f](g)`\n\n    [h](i)\n[j](k.md#l)")
    assert links(page) == ["b.md", "e.png", "k.md#l"]
    assert anchors(page) == {"one-two-three"}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, place = unquote(link).partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{named(page)}: {link} leads nowhere"
        assert not place or place in anchors(target), f"{named(page)}: {link}: no such heading"


@pytest.mark.parametrize("page", [*DOCUMENTS, documents.PROJECT / "CONTRIBUTING.md"], ids=named)
def test_files_of_the_project_that_a_page_names_are_there(page):
    every = {named(path) for path in documents.PROJECT.rglob("*.py") if ".venv" not in path.parts}
    ends = {"/".join(name.split("/")[-n:]) for name in every for n in range(1, 6)}
    assert set(re.findall(r"`([\w/]+\.py)\b", page.read_text())) - ends == set()


def test_every_arrow_of_the_diagram_is_an_import():
    """Everything that the diagram names is a part of the package, and every arrow is an import."""
    (chart,) = re.findall(r"```mermaid\n(.*?)```", (documents.PROJECT / "docs/architecture.md").read_text(), re.DOTALL)
    labels = dict(re.findall(r'(\w+)\["([^":(]+)', chart))
    parts = {node: {word.strip() for word in label.split(",")} for node, label in labels.items()}
    assert set().union(*parts.values()) <= set(LAYER)
    knows = {(part_of(path), other) for path in MODULES.values() for other in imported(path)}
    arrows = re.findall(r'^ *(\w+)(?:\[".*?"\])? --> (\w+)', chart, re.MULTILINE)
    assert len(arrows) > 15
    for above, below in arrows:
        assert any((a, b) in knows for a in parts[above] for b in parts[below]), f"{above} does not know {below}"


def test_every_document_is_linked_to():
    """Every document is reached from the README or from a page that it links to."""
    reached, ahead = set(), [documents.PROJECT / "README.md"]
    while ahead:
        page = ahead.pop().resolve()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        ahead += [page.parent / unquote(link).partition("#")[0] for link in links(page)]
    assert [named(path) for path in DOCUMENTS if path.resolve() not in reached] == []
