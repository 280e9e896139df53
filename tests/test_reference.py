"""The reference, the list of errors and the glossary name what the code has, and nothing else."""

import argparse
import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest

import stegolab
from stegolab import documents
from stegolab.audio import SUFFIXES
from stegolab.channel.platforms import PLATFORMS, SOFTWARE_PLATFORMS
from stegolab.channel.software import SOFTWARE
from stegolab.channel.spec import ATTACKS, usage
from stegolab.cli.parser import parser
from stegolab.header import HEADER_CODE_BITS
from stegolab.message import codecs, frame
from stegolab.picture_files import _LOSSLESS, _READABLE
from stegolab.pipeline import hide, reveal

from . import covers
from .voice import speak

DOCS = documents.PROJECT / "docs"
REFERENCE = (DOCS / "reference.md").read_text()
TROUBLESHOOTING = (DOCS / "troubleshooting.md").read_text()
PACKAGE = Path(stegolab.__file__).parent


def section(text: str, heading: str) -> str:
    """What stands below a heading of any level, up to the next one."""
    (found,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    return found


def first_cells(table: str) -> set[str]:
    """What is in backticks in the first column."""
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def verbs() -> dict[str, argparse.ArgumentParser]:
    (action,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    return action.choices


@cache
def parents() -> dict[str, set[str]]:
    """The classes of the package, and the names of those that each is made from."""
    return {
        node.name: {parent.id for parent in node.bases if isinstance(parent, ast.Name)}
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }


def declared(base: str) -> set[str]:
    """The classes below ``base`` that the package declares."""
    found, size = {base}, 0
    while len(found) > size:
        size = len(found)
        found |= {name for name, above in parents().items() if above & found}
    return found - {base}


def test_the_classes_below_another_are_found():
    assert {"BadAudio", "Unsafe", "Untraceable", "Diverged"} <= declared("StegolabError")
    assert declared("CapacityExceeded") == {"Unsafe", "Untraceable"}


def test_every_error_has_its_row():
    assert first_cells(section(TROUBLESHOOTING, "Errors")) == declared("StegolabError")


def test_every_warning_has_its_row():
    assert first_cells(section(TROUBLESHOOTING, "Warnings")) == declared("UserWarning")


def test_every_verb_has_its_row():
    assert {cell.split()[0] for cell in first_cells(section(REFERENCE, "Verbs"))} == set(verbs())


def test_every_option_has_its_row_with_its_verbs_and_default():
    rows = [line.split(" | ") for line in section(REFERENCE, "Options").splitlines() if line.startswith("| `")]
    listed = {row[0].strip("| `").split()[0]: (row[1].split(", "), row[2]) for row in rows}
    options = {option for verb in verbs().values() for option in verb._option_string_actions} - {"-h", "--help"}
    assert listed.keys() == options and len(options) > 25
    for option, (where, default) in listed.items():
        actions = {name: verb._option_string_actions.get(option) for name, verb in verbs().items()}
        having = {name: action for name, action in actions.items() if action}
        assert set(where) == having.keys(), option
        for name, action in having.items():
            if isinstance(action.default, str) and action.default:
                said = dict(re.findall(r"(\w+): ([^;]+)", default)).get(name, default)
                assert said == f"`{action.default}`", (option, name)


def test_every_attack_and_platform_is_listed():
    listed = section(REFERENCE, "Attacks")
    names = {name.split(":")[0].split("[")[0] for name in first_cells(listed)}
    assert names == {*ATTACKS, "platform", "none"}
    by_others = first_cells(section(REFERENCE, "Attacks by other software"))
    assert by_others == {line for line in usage().splitlines() if line.split(":")[0] in SOFTWARE}
    (presets,) = re.findall(r"`platform:NAME` \| a preset: (.+?) \|", listed)
    assert presets.split(", ") == list(PLATFORMS)
    (in_software,) = re.findall(r"presets in this software: (.+?)\.\s", REFERENCE, re.DOTALL)
    assert re.findall(r"`platform:(\w+)`", in_software) == list(SOFTWARE_PLATFORMS)


def test_every_variable_that_the_package_reads_is_listed():
    read = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                read |= set(re.findall(r"^STEGOLAB_\w+$", node.value))
    assert read
    assert {name for name in first_cells(section(REFERENCE, "Environment variables")) if "STEGOLAB" in name} == read


def fields(module: str, name: str) -> set[str]:
    """The options of a configuration: its fields, as the command line writes them."""
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        if isinstance(node, ast.ClassDef) and node.name == name:
            lines = [line for line in node.body if isinstance(line, ast.AnnAssign)]
            lines = [line for line in lines if "ClassVar" not in ast.unparse(line.annotation)]
            return {"--" + line.target.id.replace("_", "-") for line in lines if isinstance(line.target, ast.Name)}
    raise AssertionError(f"{module} has no {name}")


def test_every_option_of_a_training_is_listed():
    shared = fields("training/config.py", "RunConfig")
    own = fields("training/command.py", "Place")
    assert "--learning-rate" in shared and "--out" in own
    assert first_cells(section(REFERENCE, "Options of every training")) == shared | own
    for heading, module in (("Model 1", "speech/config.py"), ("the learned carrier", "carrier/training/config.py")):
        assert first_cells(section(REFERENCE, f"Options of {heading}")) == fields(module, "TrainConfig") - shared


def test_the_formats_are_those_that_are_read_and_written():
    files = section(REFERENCE, "Files that are read and written")
    written = re.findall(r"`(\.\w+)`", files.split("**Pictures.**")[0])
    assert written == list(SUFFIXES)
    pictures = files.split("**Pictures.**")[1]
    assert re.findall(r"`(\.\w+)`", pictures.split("Written by `hide`")[1].split("Written by `attack`")[0]) == list(
        _LOSSLESS
    )
    read = {
        name.replace(" ", "").upper()
        for name in re.findall(r"[A-Z]\w+(?: 2000)?", pictures.split(" with the extra")[0])
    }
    assert set(_READABLE) <= read


def test_the_numbers_of_codecs_are_those_of_the_format():
    (listed,) = re.findall(r"Codec\s+numbers:\s(.+?)\.\s", REFERENCE, re.DOTALL)
    entry = re.compile(r"(\d+)(?: to (\d+))? ([A-Z][\w-]*(?: \d\b)?)(?: \(([\d, ]+)\))?")
    numbered: dict[int, str] = {}
    for first, last, family, rates in entry.findall(" ".join(listed.split())):
        name = re.sub(r"\W", "", family).lower()
        each = [f"{name}:{rate}" for rate in rates.split(", ")] if rates else [name]
        assert len(each) == int(last or first) - int(first) + 1
        numbered |= dict(enumerate(each, int(first)))
    assert numbered == dict(enumerate(codecs._NUMBERED))
    assert f"LDPC 48 to {HEADER_CODE_BITS}" in REFERENCE and f"Format version {frame.VERSION}." in REFERENCE


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_key_of_the_reports_has_its_row():
    stego = hide(speak(1.0), covers.larger()["coffee"], None, "file", encrypt=False, enhance=False)
    only_refined = {"margin_before_refinement", "margin_after_refinement"}
    assert first_cells(section(REFERENCE, "hide")) == {*stego.report, *only_refined, "removed_db", "visibility"}
    found = reveal(stego.picture)
    assert first_cells(section(REFERENCE, "reveal")) == set(found.report)


def test_each_term_of_the_glossary_occurs_in_the_notebook_that_teaches_it():
    texts = {}
    for path in (documents.PROJECT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        texts[path.name[:2]] = " ".join(" ".join("".join(cell["source"]) for cell in cells).lower().split())
    terms = (DOCS / "glossary.md").read_text().split("## Notation")[0]
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| (\d\d(?:, \d\d)*) \|$", terms, re.MULTILINE)
    assert len(rows) > 50
    for cell, numbers in rows:
        words = [word.split(" (")[0].strip().lower() for word in cell.split(",")]
        for number in numbers.split(", "):
            assert any(word in texts[number] for word in words), f"{cell}: not in notebook {number}"
