"""Imports go only downwards: each part of the package may import those below it, and none above."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import stegolab

from .test_reference import verbs

PACKAGE = Path(stegolab.__file__).parent

# From the ground up. A part may import what is on a layer below its own, and from itself.
LAYERS = [
    {"choices", "errors", "extras", "header", "progress"},
    {"files", "keystream", "picture", "picture_kinds", "png_texts"},
    {"colour", "picture_files"},
    {"audio", "images", "image_quality", "data", "journal", "show", "training"},
    {"speech", "message", "channel"},
    {"carrier"},
    {"related", "probe", "receiver", "carriers"},
    {"sender"},
    {"pipeline"},
    {"study", "detect", "lab", "results", "kernels", "execution", "pages", "outcomes", "gallery"}
    | {"documents", "tables", "carrier_tables", "software_tables", "markdown"}
    | {"cli", "__init__", "__main__"},
]
LAYER = {part: number for number, layer in enumerate(LAYERS) for part in layer}
# Neighbours on one layer that know one another, in this direction only.
NEIGHBOURS = {
    "extras": {"errors"},
    "images": {"data"},
    "image_quality": {"images"},
    "show": {"audio"},
    "training": {"data"},
    "pages": {"lab"},
    "execution": {"kernels"},
    "outcomes": {"execution", "pages"},
    "gallery": {"lab", "kernels", "execution", "pages", "outcomes"},
    "results": {"lab"},
    "documents": {"results", "tables"},
    "tables": {"markdown", "carrier_tables", "software_tables"},
    "carrier_tables": {"markdown"},
    "software_tables": {"markdown"},
    "cli": {"study", "lab", "results", "documents", "execution", "gallery", "__init__"},
    "study": {"lab"},
    "__main__": {"cli"},
}
# The same inside ``carrier``: its folders, and the modules beside them.
CARRIER_LAYERS = [
    {"blockdct", "qim", "texture", "calibration", "clipping"},
    {"strengths"},
    {"sync", "networks"},
    {"layout", "interface"},
    {"lattice", "refine", "opacity", "textured", "whitening"},
    {"learned"},
    {"training"},
]
CARRIER_LAYER = {part: number for number, layer in enumerate(CARRIER_LAYERS) for part in layer}
# Parts that layers alone would allow to meet, and that must not.
STRANGERS = {
    "carrier": {"audio", "speech", "message"},
    "speech": {"images"},
    "message": {"images"},
    "channel": {"audio"},
}


def part_of(path: Path) -> str:
    """The first name below the package: a module, or the folder it is in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def names_imported(path: Path) -> list[str]:
    """The full names of all that a module imports, lazily or not, for types or not."""
    package = ["stegolab", *path.relative_to(PACKAGE).parent.parts]
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = [*base, *(node.module or "").split(".")] if node.module else base
            names += [".".join([*origin, alias.name]) for alias in node.names]
    return names


def imported(path: Path) -> set[str]:
    """The parts that a module imports."""
    found = set()
    for name in names_imported(path):
        top, *rest = name.split(".")
        if top == "stegolab":
            known = bool(rest) and rest[0] in LAYER
            found.add(rest[0] if known else "__init__")
    return found


MODULES = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}


def test_there_is_something_to_check():
    assert len(MODULES) > 25
    assert imported(MODULES["carrier/lattice.py"]) == {"images", "carrier", "keystream"}
    assert imported(MODULES["pipeline.py"]) >= {"audio", "carrier", "errors", "images", "message", "receiver", "sender"}
    assert imported(MODULES["message/codecs.py"]) == {"audio", "choices", "errors", "message"}


def test_every_part_has_its_layer():
    parts = {part_of(path) for path in MODULES.values()}
    assert parts == set(LAYER), f"give {parts ^ set(LAYER)} a layer"


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_down_only(module):
    part = part_of(MODULES[module])
    for other in imported(MODULES[module]) - {part}:
        below = LAYER[other] < LAYER[part]
        assert below or other in NEIGHBOURS.get(part, ()), f"{module} must not import {other}"
        assert other not in STRANGERS.get(part, ()), f"{part} and {other} are strangers"


CARRIER = {name: path for name, path in MODULES.items() if name.startswith("carrier/") and path.stem != "__init__"}


def carrier_part(name: str) -> str:
    """The folder or module of ``carrier`` that a file is in."""
    return name.removeprefix("carrier/").removesuffix(".py").split("/")[0]


def test_every_part_of_the_carrier_has_its_layer():
    assert {carrier_part(name) for name in CARRIER} == set(CARRIER_LAYER)
    assert len(list((PACKAGE / "carrier").glob("*.py"))) <= 14


@pytest.mark.parametrize("module", CARRIER)
def test_imports_in_the_carrier_run_down_only(module):
    part = carrier_part(module)
    others = {name.split(".")[2] for name in names_imported(CARRIER[module]) if name.startswith("stegolab.carrier.")}
    assert others - {part} <= {other for other, layer in CARRIER_LAYER.items() if layer < CARRIER_LAYER[part]}


def modules_after(code: str) -> set[str]:
    """Everything that is imported once ``code`` has run, in a fresh interpreter."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_hiding_and_revealing_do_without_torch_and_other_heavy_things():
    """The command must start in well under a second; importing torch alone costs over two."""
    loaded = modules_after("""
import numpy, stegolab
from stegolab.pipeline import EveryCarrier, carrier_for
from stegolab.receiver import receive
from stegolab.sender import Sender
rgb = numpy.random.default_rng(0).integers(100, 160, (256, 256), 'uint8')
for carrier in ('textured', 'inn', 'lattice'):
    sender = Sender.on(stegolab.pipeline.picture_of(rgb), carrier_for('jpeg', carrier))
    picture = sender.send(b'hello', bytes(32)).picture
    assert receive(picture, bytes(32), EveryCarrier())[0] == b'hello'
assert len(list(EveryCarrier())) == 7
""")
    assert "stegolab.sender" in loaded
    heavy = {"torch", "torchaudio", "matplotlib", "pandas", "skimage", "papermill", "lpips", "sionna", "scipy.signal"}
    assert not heavy & loaded


SLOW = {"numpy", "PIL", "av", "soundfile", "scipy", "torch", "matplotlib", "papermill", "skimage", "pyarrow"}
SLOW |= {"stegolab.audio", "stegolab.carrier", "stegolab.channel", "stegolab.data", "stegolab.message"}
SLOW |= {"stegolab.pipeline", "stegolab.speech", "stegolab.study", "importlib.metadata", "inspect"}
# The list of attacks and their arguments is read from the functions that carry them out.
READ_FOR_ITS_HELP = {"attack": {"numpy", "PIL", "stegolab.channel", "inspect"}}


@pytest.mark.parametrize("verb", ["", *verbs()])
def test_help_is_printed_before_anything_slow_is_imported(verb):
    loaded = modules_after(f"""
import contextlib, io
from stegolab.cli import main
with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
    main([*{verb.split()!r}, '--help'])
assert said.getvalue().startswith({f"usage: stegolab {verb}".rstrip()!r})
""")
    assert "stegolab.cli.parser" in loaded
    assert not loaded & SLOW - READ_FOR_ITS_HELP.get(verb, set())


def test_nothing_slow_is_imported_where_an_interrupt_is_not_yet_answered():
    assert not {"numpy", "PIL", "av", "soundfile"} & modules_after("import stegolab, stegolab.cli")


# Where a clock may stand, and why: it records how long something took, or ends what hangs. None decides a result.
CLOCKS = {
    "execution.py": "ends a cell that hangs",
    "gallery.py": "how long each notebook took stands beside it",
    "lab.py": "how long a run took stands in its record",
    "study/trial.py": "how long hiding and revealing took stands in the table",
    "training/loop.py": "how long a run took stands in its log; a person may stop it, to go on with the same result",
}
_STOPWATCHES = ("monotonic", "perf_counter", "process_time", "thread_time", "time")
TICKING = {*_STOPWATCHES, *(f"{name}_ns" for name in _STOPWATCHES), "clock_gettime", "getrusage", "times"}


def clocks(path: Path) -> set[str]:
    """The clocks that a module reads, under any name."""
    found, sources = set(), {"time", "timeit", "resource", "os"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module in sources:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in sources:
            found.add(node.attr)
    return found & TICKING


@pytest.mark.parametrize("module", MODULES)
def test_no_clock_stands_where_it_could_decide_a_result(module):
    found = clocks(MODULES[module])
    assert not found or module in CLOCKS, f"{module} reads {found}: limits count work, and records are listed"


def test_no_test_holds_a_stopwatch():
    tests = Path(__file__).parent
    assert {str(path.relative_to(tests)): found for path in tests.rglob("*.py") if (found := clocks(path))} == {}


@pytest.mark.parametrize(
    "code", ["import time\nt = time.thread_time()", "from time import monotonic as m", "import os\nos.times()"]
)
def test_a_clock_is_recognised(code, tmp_path):
    (tmp_path / "module.py").write_text(code)
    assert clocks(tmp_path / "module.py")


# --- the related systems have one shape --------------------------------------------------------------------------

SYSTEMS = ("audio_cnn", "hide_reveal", "pixinwav", "wavinwav")
# What each file of a related system defines at least.
SHAPE = {
    "config": {"NetworkConfig", "TrainConfig"},
    "network": {"load", "shipped"},
    "data": {"read"},
    "codec": {"hide", "reveal"},
    "lsb": {"hide", "reveal"},
    "trainer": {"Trainer", "begin"},
    "__main__": set(),
    "__init__": set(),
}


def defined(path: Path) -> set[str]:
    """The names of all functions, methods and classes of a module."""
    kinds = ast.FunctionDef | ast.ClassDef
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)}


def test_no_related_system_is_forgotten():
    assert tuple(sorted(path.parent.name for path in (PACKAGE / "related").glob("*/__init__.py"))) == SYSTEMS


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_related_system_has_the_shape_of_the_others(system):
    files = {path.stem: path for path in (PACKAGE / "related" / system).glob("*.py")}
    for name, wanted in SHAPE.items():
        assert wanted <= defined(files[name]), f"{system}/{name}.py"
    (listed,) = re.findall(rf"^\| `{system}` \|(.*)\|$", (PACKAGE.parent / "docs/architecture.md").read_text(), re.M)
    assert set(re.findall(r"`(\w+)\.py`", listed)) == files.keys() - SHAPE.keys(), "files of its own, and why"


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_tests_of_a_related_system_are_where_it_is(system):
    tests = {path.stem for path in (Path(__file__).parent / "related" / system).glob("test_*.py")}
    assert {"test_codec", "test_network", "test_trainer"} <= tests
    assert {f"test_{path.stem}" for path in (PACKAGE / "related" / system).glob("*.py")} >= tests


def test_what_the_related_systems_share_stands_once():
    """Loudness, bytes to numbers, missing weights: each has its one file."""
    paths = list((PACKAGE / "related").glob("*/*.py"))
    assert len(paths) > 8 * len(SYSTEMS)
    for path in paths:
        text = path.read_text()
        assert "raise NotTrained" not in text, f"{path}: weights.py does"
        assert "np.sqrt(np.mean(np.square" not in text, f"{path}: levels.py does"
        assert "permute(0, 3, 1, 2)" not in text and "byte()" not in text, f"{path}: pictures.py does"
        assert "0.587" not in text, f"{path}: pictures.py does"


# What Python has on POSIX systems only, as its documentation says; getattr asks for it where it may be missing.
POSIX_MODULES = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
POSIX_NAMES = {
    *("chown", "fchown", "lchown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getuid", "killpg", "mkfifo"),
    *("nice", "sched_getaffinity", "setsid", "setuid", "statvfs", "uname", "wait3", "wait4", "O_NOCTTY", "O_NONBLOCK"),
    *("O_CLOEXEC", "SIGHUP", "SIGKILL", "SIGALRM", "SIGCHLD", "SIGUSR1", "SIGUSR2", "alarm", "setitimer"),
}


def posix_only(path: Path) -> set[str]:
    """What a module uses that does not exist on Windows."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & POSIX_MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} & POSIX_MODULES
            if node.module in ("os", "signal"):
                found |= {alias.name for alias in node.names} & POSIX_NAMES
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("os", "signal"):
            found |= {node.attr} & POSIX_NAMES
    return found


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_for_posix_only(module):
    assert not posix_only(MODULES[module])


@pytest.mark.parametrize(
    "code", ["import fcntl", "from fcntl import flock", "import os\nos.geteuid()", "from signal import SIGHUP"]
)
def test_what_is_for_posix_only_is_recognised(code, tmp_path):
    (tmp_path / "module.py").write_text(code)
    assert posix_only(tmp_path / "module.py")
