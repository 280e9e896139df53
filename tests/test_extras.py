"""The core works by itself, and anything that needs more names the extra that installs it."""

import ast
import re
import sys

import pytest
import soundfile
from packaging.requirements import Requirement
from PIL import Image

from stegolab import extras
from stegolab.errors import MissingExtra, StegolabError

from . import core_only, covers
from .core_only import CORE, PROJECT, ROOT
from .test_environment import UNLOCKED
from .voice import speak

EXTRAS = PROJECT["optional-dependencies"]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "stegolab").rglob("*.py"))
    if path.name != "__main__.py"
]


def brought_by(extra: str) -> list[str]:
    """The requirements of an extra, including those of the extras that it names."""
    found = []
    for line in EXTRAS[extra]:
        one = Requirement(line)
        found += [part for name in one.extras for part in brought_by(name)] if one.name == "stegolab" else [line]
    return found


def test_the_core_holds_neither_torch_nor_jupyter():
    assert {"numpy", "scipy", "PIL", "av", "cryptography", "bchlib", "pycodec2", "safetensors", "soundfile"} <= CORE
    assert not {"torch", "IPython", "jupyter_core", "matplotlib", "pandas", "skimage"} & CORE


def test_every_optional_library_that_is_imported_has_its_extra():
    imported = set()
    for path in (ROOT / "stegolab").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.split(".")[0])
    optional = imported - sys.stdlib_module_names - CORE - {"stegolab"}
    assert "torch" in optional
    assert optional <= extras.EXTRA_OF.keys()


@pytest.mark.parametrize("module", [name for name, extra in extras.EXTRA_OF.items() if extra not in UNLOCKED])
def test_the_extra_that_is_named_brings_the_module(module):
    assert module in core_only.modules_of(core_only.closure(brought_by(extras.EXTRA_OF[module])))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("core")
    speech = speak(1.2)
    soundfile.write(folder / "speech.wav", speech.samples, speech.rate)
    Image.fromarray(covers.larger()["coffee"]).save(folder / "cover.png")
    return folder


VERBS = """
from stegolab.cli import main

def verb(*words):
    assert main(words) == 0, words

verb("keygen", "key")
verb("enhance", "speech.wav", "clean.wav")
verb("hide", "speech.wav", "cover.png", "stego.png", "--key-file", "key", "--strength", "jpeg", "--json")
verb("attack", "stego.png", "received.jpg", "--spec", "jpeg:80")
verb("reveal", "received.jpg", "heard.opus", "--key-file", "key")
verb("capacity", "cover.png", "--strength", "file")
import re
places = [re.split("site-packages.", getattr(module, "__file__", None) or "") for module in sys.modules.values()]
answer = sorted({re.split(r"[/\\\\.]", place[1])[0] for place in places if len(place) == 2})
"""


def test_the_core_enhances_hides_attacks_reveals_and_tells_the_capacity(folder):
    loaded = core_only.run(VERBS, folder)
    assert {"numpy", "scipy", "av"} <= {name for name in loaded if not name.startswith("__editable__")} <= CORE
    assert (folder / "heard.opus").stat().st_size > 100


TRAININGS = [".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "stegolab").rglob("*/__main__.py")]
# What needs an extra: a program, and the extra that its error names.
NEEDS = {
    "notebooks": ("main(['notebooks', '--out', 'runs'])", "notebooks"),
    "study": ("main(['study', 'cover.png', '--out', 'table'])", "study"),
    "hide with the key service": ("main(['hide', 'missing.wav', 'missing.png', 'x.png', '--kms-key-id', 'k'])", "kms"),
    "hide and refine": (
        "main(['hide', 'speech.wav', 'cover.png', 'x.png', '--no-encrypt', '--refine', '1', '--strength', 'jpeg'])",
        "train",
    ),
    "study.engine": ("stegolab.study.engine('ray')", "ray"),
    "study.write_parquet": ("stegolab.study.write_parquet(Path('x.parquet'), [])", "study"),
    "data.sample_covers": ("stegolab.data.sample_covers()", "notebooks"),
    "data.covers": ("stegolab.data.covers()", "notebooks"),
    "images.lpips_network": ("stegolab.images._lpips_model('alex', Path('key'))", "scores"),
    "speech.scores.pesq_wb": ("stegolab.speech.scores.pesq_wb(noise, noise, 16_000)", "scores"),
    "speech.scores.stoi": ("stegolab.speech.scores.stoi(noise, noise, 16_000)", "scores"),
    "speech.rooms": ("stegolab.speech.rooms.simulate(numpy.random.default_rng(0))", "train"),
    "lab.start": ("stegolab.lab.start('00', 'smoke', 0, 'runs')", "notebooks"),
    "pages.mathml": ("stegolab.pages.mathml('x')", "notebooks"),
    "execution.read": ("stegolab.execution.read(Path('x.ipynb'))", "notebooks"),
    "show.pictures": ("stegolab.show.pictures({'a': numpy.zeros((9, 9))})", "notebooks"),
    "show.audio": ("stegolab.show.audio(stegolab.audio.Speech(noise, 16_000), 'noise')", "notebooks"),
    "Curriculum.plot": ("stegolab.channel.curriculum.default('jpeg', 10).plot()", "notebooks"),
    "require": ("stegolab.extras.require('torch')", "train"),
    **{f"python -m {name}": (f"runpy.run_module({name!r}, run_name='__main__')", "train") for name in TRAININGS},
}
ASK = """
import contextlib, importlib, io, numpy, runpy, warnings
from pathlib import Path
import stegolab, stegolab.channel.curriculum, stegolab.speech.scores, stegolab.speech.rooms
from stegolab.cli import main

noise, answer = numpy.random.default_rng(0).normal(size=16_000).astype("float32") / 9, {}
warnings.simplefilter("ignore")
for name, program in PROGRAMS.items():
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            value = eval(program)
        except BaseException as error:
            said.write(f"{type(error).__name__}: {error}")
        else:
            assert value == 1, (name, value)
    answer[name] = said.getvalue()
for name in MODULES:
    try:
        importlib.import_module(name)
    except BaseException as error:
        answer[name] = f"{type(error).__name__}: {error}"
"""


@pytest.fixture(scope="module")
def said(folder):
    programs = {name: program for name, (program, _) in NEEDS.items()}
    return core_only.run(f"PROGRAMS = {programs!r}\nMODULES = {MODULES!r}\n{ASK}", folder)


@pytest.mark.parametrize("name", NEEDS)
def test_what_needs_an_extra_names_it_in_one_line(name, said, folder):
    line = said[name].removeprefix("SystemExit: ").rstrip("\n")  # a command prints this, and ends
    assert name.startswith("python -m") == said[name].startswith("SystemExit: stegolab: ")
    assert line.removeprefix("stegolab: ").startswith("MissingExtra: this needs ")
    assert line.endswith(f"which is not installed: {extras.remedy(NEEDS[name][1])}") and "\n" not in line
    assert not {"x.png", "table", "runs", "x.parquet"} & {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_imported_or_names_its_extra(module, said):
    if module in said:
        assert said[module].startswith("MissingExtra: ") and "pip install '.[" in said[module]
    else:
        assert not module.startswith("stegolab.related.pixinwav.trainer")


def test_an_extra_is_installed_from_the_repository():
    """The project is on no index: what names one there sends people to somebody else's package, or nowhere."""
    assert extras.remedy("train") == "pip install '.[train]' in the repository's folder"
    folders = [ROOT / name for name in ("stegolab", "benchmarks", "data_scripts", "docs", "notebooks", "requirements")]
    texts = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".md", ".ipynb", ".j2")]
    texts += [*ROOT.glob("*.md"), ROOT / "Makefile"]
    assert len(texts) > 200
    named = {str(path): re.findall(r"pip3? install[^\n]*?\bstegolab\b.*", path.read_text("utf-8")) for path in texts}
    assert {name: lines for name, lines in named.items() if lines} == {}


def test_others_may_still_look_for_what_is_not_installed(folder):
    program = (
        "import importlib.util, stegolab\n"
        "(lambda: None).__globals__['__name__'] = 'another_library'\n"
        "answer = [importlib.util.find_spec('torch') is None]\n"
        "try:\n    import torch\n"
        "except ImportError as error:\n    answer.append(type(error).__name__)"
    )
    assert core_only.run(program, folder) == [True, "ModuleNotFoundError"]


def test_what_is_there_is_imported_as_ever(folder):
    assert (
        core_only.run(
            "import stegolab.study.table as t, pyarrow\nanswer = pyarrow.__name__",
            folder,
            also=("pyarrow", "dateutil", "pytz", "six"),
        )
        == "pyarrow"
    )


def test_the_error_is_of_both_families():
    assert issubclass(MissingExtra, StegolabError) and issubclass(MissingExtra, ImportError)
    extras.require("numpy")  # is there: nothing is said
