"""Fill the virtual environment from requirements/lock.txt: what ``make env`` runs, by the standard library alone.

    python requirements/install.py VENV --torch cpu|cuda [--uv]

It goes in batches, so that after Ctrl-C the next run does only what is left; what is on disk already is checked and
kept. Where packages come from is pip's configuration alone (``PIP_INDEX_URL``, ``PIP_FIND_LINKS``, ``PIP_NO_INDEX``,
``pip.conf``), which uv is told as well. Whatever is installed has the hash that the lock states.

With ``--torch cpu`` two gigabytes of CUDA libraries stay away if an index has CPU builds of PyTorch: these carry the
hash that the index states for them, since the lock cannot know it. Without such an index PyTorch is the build for
CUDA, which loads most of these libraries even where there is no GPU; the rest of them stays away.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements" / "lock.txt"
PYTORCH = ("torch", "torchaudio", "torchvision")
CUDA = re.compile(r"(nvidia|cuda)-.*|triton")
# Of these the CUDA build of torch loads nothing before it meets a GPU; the others it links to.
NEVER_LOADED = {
    *("cuda-bindings", "cuda-pathfinder", "cuda-toolkit", "nvidia-cuda-nvrtc", "nvidia-cusolver", "nvidia-nvtx"),
    "triton",
}
FROM_SOURCE = {  # some Pythons find no wheel of these -> what builds them, which the lock holds
    "bchlib": ("setuptools",),
    "pesq": ("cython", "numpy", "setuptools"),
    "pyvips": ("cffi", "pkgconfig", "setuptools"),
}
BATCH = 20  # packages
KINDS = {  # what it is, GB to download, GB on disk
    "cuda": ("PyTorch for a GPU", 3.2, 6.0),
    "trimmed": ("PyTorch less what only a GPU needs", 2.7, 4.9),
    "cpu": ("PyTorch for CPUs", 0.8, 2.0),
}
INDEX_OPTIONS = ("index-url", "extra-index-url", "find-links", "no-index")


def entries(lock: str) -> dict[str, str]:
    """Name -> its lines in the lock, for each version that the lock holds of it."""
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        name = re.split(r"[=\[ ]", entry, maxsplit=1)[0].lower()
        found[name] = f"{found[name]}\n{entry}" if name in found else entry
    return found


def without_gpu(locked: dict[str, str], cpu_builds: dict[str, str]) -> dict[str, str]:
    """What a machine without a GPU needs of ``locked``, with ``cpu_builds`` of PyTorch or without."""
    if cpu_builds:
        return {name: cpu_builds.get(name, entry) for name, entry in locked.items() if not CUDA.fullmatch(name)}
    return {name: entry for name, entry in locked.items() if name not in NEVER_LOADED}


def batches(chosen: dict[str, str]) -> list[list[str]]:
    """Groups of entries in the order to install them: what must be built comes last, when its tools are there."""
    wheels = [entry for name, entry in chosen.items() if name not in FROM_SOURCE]
    built = [entry for name, entry in chosen.items() if name in FROM_SOURCE]
    return [wheels[at : at + BATCH] for at in range(0, len(wheels), BATCH)] + ([built] if built else [])


def index_options(configured: str) -> list[str]:
    """What ``pip config list`` says about indexes, as options of uv, which reads no configuration of pip's."""
    options: list[str] = []
    for name, value in re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", configured, re.MULTILINE):
        if name not in INDEX_OPTIONS:
            continue
        if name == "no-index":
            options += ["--no-index"] * (value.lower() in ("1", "true", "yes", "on"))
        else:
            options += [part for one in value.replace("\\n", " ").split() for part in (f"--{name}", one)]
    return [*options, "--index-strategy", "unsafe-best-match"] if options else []


def without_extra_indexes(options: list[str]) -> list[str]:
    """``options`` of uv less each ``--extra-index-url`` and its value."""
    extra = {at for at, option in enumerate(options) if option == "--extra-index-url"}
    return [option for at, option in enumerate(options) if not {at, at - 1} & extra]


def drop_half_installed(site_packages: Path, torch: str) -> list[str]:
    """Forget packages whose installation was cut short, so that they are installed again; returns their names.

    So are CPU builds of PyTorch where a GPU has come since: ``torch`` is "cpu" or "cuda".
    """
    cut_short = [info for info in site_packages.glob("*.dist-info") if not (info / "RECORD").is_file()]
    if torch == "cuda":
        cut_short += site_packages.glob("torch*+cpu.dist-info")
    for info in cut_short:
        shutil.rmtree(info)
    return [info.name.split("-")[0] for info in cut_short]


class Installer:
    """pip of the environment, or uv, which is faster."""

    def __init__(self, venv: Path, uv: bool) -> None:
        self.python = venv / "bin" / "python"
        self.venv, self.uv = venv, uv
        self.environment = {**os.environ, "PYTHONUTF8": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        while not cache.exists():
            cache = cache.parent
        self.own_cache = venv / "downloads"
        if not os.access(cache, os.W_OK):  # without a cache, what was downloaded before Ctrl-C would be lost
            for variable in ("PIP_CACHE_DIR", "UV_CACHE_DIR"):
                self.environment.setdefault(variable, str(self.own_cache.absolute()))
        # Of one version uv takes a file of the first index that has any, and asks extra indexes before the main one: a
        # mirror with half of a version's files hides the right one, which pip would take. So they are asked last.
        self.all_indexes = self._uv_options() if uv else []
        self.options = without_extra_indexes(self.all_indexes)
        # Built with the tools that the lock has installed by then, not with others from an index.
        self.build_options = ["--no-build-isolation"] if uv else ["--no-build-isolation", "--use-pep517"]

    def _uv_options(self) -> list[str]:
        own = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX", "UV_FIND_LINKS", "UV_NO_INDEX")
        if any(name.startswith(own) for name in os.environ):
            return []
        listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
        if listed.returncode == 0:
            return index_options(listed.stdout)
        variables = {option: f"PIP_{option.upper().replace('-', '_')}" for option in INDEX_OPTIONS}
        lines = [f":env:.{option}='{os.environ[name]}'" for option, name in variables.items() if name in os.environ]
        return index_options("\n".join(lines))

    def make_environment(self) -> None:
        """Make the environment, or complete one that was cut short."""
        works = ["-c", "pass"] if self.uv else ["-m", "pip", "--version"]
        if self.python.exists() and subprocess.run([self.python, *works], capture_output=True).returncode == 0:
            return
        clear = ["--clear"] if self.venv.exists() else []
        if self.uv:
            # The cache may lie within the environment, and uv refuses a folder that it has just put its cache into.
            self._run(["uv", "venv", "--quiet", "--no-cache", *clear, "--python", sys.executable, str(self.venv)])
        else:
            self._run([sys.executable, "-m", "venv", *clear, str(self.venv)])

    def site_packages(self) -> Path:
        """Where the environment's packages lie."""
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        return Path(
            subprocess.run([self.python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
        )

    def install(self, lines: list[str], *options: str) -> None:
        """Install what ``lines`` of a requirements file say, each with its hash."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=self.venv) as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            what = ["--require-hashes", *options, "--requirement", file.name]
            command = [*self._install(), *what]
            if self.options != self.all_indexes:
                if not subprocess.run(command, env=self.environment, cwd=ROOT).returncode:
                    return
                print("asking the extra indexes as well", flush=True)
                command = [*command, *self.all_indexes]
            self._run(command)

    def install_project(self) -> None:
        """Install the project itself, where it lies; setuptools is there by now."""
        self._run([*self._install(), "--no-build-isolation", "--editable", "."])

    def compile(self) -> None:
        """Compile all packages to bytecode, on all processors; what is compiled already is not again.

        Installers leave that to the first import of each module. Where a user has PYTHONDONTWRITEBYTECODE set, or may
        not write there, that would be each process's every import: twice the time that PyTorch takes to load.
        """
        command = [str(self.python), "-W", "ignore", "-m", "compileall", "-q", "-j", "0", str(self.site_packages())]
        subprocess.run(
            command, env=self.environment, stdout=subprocess.DEVNULL
        )  # some packages hold templates: no code

    def _install(self) -> list[str]:
        if self.uv:
            return ["uv", "pip", "install", "--python", str(self.python), *self.options, "--no-deps"]
        return [str(self.python), "-m", "pip", "install", "--no-deps", "--no-compile"]

    def cpu_builds(self, locked: dict[str, str]) -> dict[str, str]:
        """Entries for the CPU builds of PyTorch, if an index that is configured has them all; else nothing."""
        wanted = [re.split(r"[\s;\\]", locked[name], maxsplit=1)[0] + "+cpu" for name in PYTORCH]
        if self.uv:
            command = ["uv", "pip", "compile", "-", "--python", str(self.python), *self.all_indexes]
            command += ["--no-deps", "--quiet"]
            command += ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
            asked = subprocess.run(
                command, input="\n".join(wanted), capture_output=True, text=True, env=self.environment, cwd=ROOT
            )
            return entries(asked.stdout) if asked.returncode == 0 else {}
        command = [str(self.python), "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        command += ["--only-binary", ":all:", "--report", "-", *wanted]
        asked = subprocess.run(command, capture_output=True, text=True, env=self.environment, cwd=ROOT)
        if asked.returncode:
            return {}
        found = {}
        for one in json.loads(asked.stdout)["install"]:
            name, version = one["metadata"]["name"].lower(), one["metadata"]["version"]
            digest = one["download_info"]["archive_info"].get("hashes", {}).get("sha256")
            if digest:
                found[name] = f"{name}=={version} --hash=sha256:{digest}"
        return found if found.keys() == set(PYTORCH) else {}

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, env=self.environment, cwd=ROOT)
        if done.returncode:
            raise SystemExit(f"{shlex.join(command[:4])} ... failed: see above; make env goes on from here")


def main() -> None:
    """Make the environment, complete what is missing, and say what is being done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("venv", type=Path)
    parser.add_argument("--torch", choices=["cpu", "cuda"], required=True, help="cpu: leave out what only a GPU needs")
    parser.add_argument("--uv", action="store_true", help="install by uv")
    options = parser.parse_args()
    installer = Installer(options.venv, options.uv)
    installer.make_environment()
    locked = entries(LOCK.read_text(encoding="utf-8"))
    cpu_builds = installer.cpu_builds(locked) if options.torch == "cpu" else {}
    chosen = without_gpu(locked, cpu_builds) if options.torch == "cpu" else locked
    kind = "cuda" if options.torch == "cuda" else "cpu" if cpu_builds else "trimmed"
    what, download, disk = KINDS[kind]
    print(
        f"{options.venv}: {len(chosen)} packages, {what}: up to {download} GB to download, {disk} GB on disk.\n"
        "A minute or two where they are cached, five to ten where not. After Ctrl-C make env goes on from there.",
        flush=True,
    )
    drop_half_installed(installer.site_packages(), options.torch)
    groups = batches(chosen)
    for number, group in enumerate(groups, start=1):
        print(f"[{number} of {len(groups)}]", flush=True)
        installer.install(group, *(installer.build_options if number == len(groups) else []))
    installer.install_project()
    print("compiling them to bytecode, which half of every start would go into otherwise", flush=True)
    installer.compile()
    shutil.rmtree(installer.own_cache, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("\ninterrupted: make env goes on where it stopped") from None
