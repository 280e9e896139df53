"""requirements/install.py: what is chosen from the lock, in which order, and that a set-up cut short is completed."""

import base64
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


def _module() -> ModuleType:
    found = importlib.util.spec_from_file_location("install", ROOT / "requirements" / "install.py")
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


install = _module()
LOCKED = install.entries((ROOT / "requirements" / "lock.txt").read_text())
UV = shutil.which("uv") and subprocess.run(["uv", "--version"], capture_output=True).returncode == 0
CPU_BUILDS = {name: f"{name}==1+cpu --hash=sha256:{'0' * 64}" for name in install.PYTORCH}


def wheel(folder: Path, name: str, version: str = "1.0", platform: str = "any") -> str:
    """Write a wheel of one module to ``folder``, which says its platform; returns its SHA-256 in hexadecimal."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"PLATFORM = {platform!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-{platform}\n",
    }
    record = []
    path = folder / f"{name}-{version}-py3-none-{platform}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, content in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode().rstrip("=")
            record.append(f"{place},sha256={digest},{len(content)}\n")
            archive.writestr(place, content)
        archive.writestr(f"{info}/RECORD", "".join(record) + f"{info}/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def venv(tmp_path_factory) -> Path:
    """A virtual environment with pip, and nothing else."""
    place = tmp_path_factory.mktemp("an environment, ö") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True)
    return place


@pytest.fixture
def wheelhouse(monkeypatch, tmp_path) -> Path:
    """A folder that is all that pip may take packages from."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def imports(venv: Path, *names: str) -> bool:
    command = [str(venv / "bin" / "python"), "-c", f"import {', '.join(names)}"]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_every_entry_of_the_lock_is_found_under_its_name():
    assert set(install.PYTORCH) | install.NEVER_LOADED | set(install.FROM_SOURCE) <= LOCKED.keys()
    assert sum(len(entry.splitlines()) for entry in LOCKED.values()) == len(
        (ROOT / "requirements" / "lock.txt").read_text().splitlines()
    )
    assert LOCKED["numpy"].count("numpy==") == 2  # one for each Python


def test_without_a_gpu_what_only_a_gpu_needs_stays_away():
    trimmed, cpu = install.without_gpu(LOCKED, {}), install.without_gpu(LOCKED, CPU_BUILDS)
    assert LOCKED.keys() - trimmed.keys() == install.NEVER_LOADED
    assert "nvidia-cublas" in trimmed and "triton" not in trimmed  # torch links to the first
    assert not [name for name in cpu if name.startswith(("nvidia", "cuda"))]
    assert {name: cpu[name] for name in CPU_BUILDS} == CPU_BUILDS
    for name in cpu.keys() - CPU_BUILDS.keys():
        assert cpu[name] == trimmed[name] == LOCKED[name]


def test_batches_hold_everything_once_and_what_must_be_built_comes_last():
    groups = install.batches(LOCKED)
    assert [entry for group in groups for entry in group if entry not in groups[-1]] + groups[-1] == [
        *(entry for name, entry in LOCKED.items() if name not in install.FROM_SOURCE),
        *(entry for name, entry in LOCKED.items() if name in install.FROM_SOURCE),
    ]
    assert max(len(group) for group in groups) == install.BATCH


@pytest.mark.parametrize("name", install.FROM_SOURCE)
def test_what_builds_a_package_from_source_is_locked_and_there_by_then(name):
    tools = install.FROM_SOURCE[name]
    assert tools and set(tools) <= LOCKED.keys() - install.FROM_SOURCE.keys()
    for chosen in (LOCKED, install.without_gpu(LOCKED, {}), install.without_gpu(LOCKED, CPU_BUILDS)):
        *earlier, last = install.batches(chosen)
        assert LOCKED[name] in last and {LOCKED[tool] for tool in tools} <= {entry for one in earlier for entry in one}


def test_uv_is_told_where_pip_takes_packages_from():
    configured = (
        ":env:.no-index='1'\nglobal.cert='/etc/cert'\nglobal.find-links='/wheels /more'\n"
        "global.index-url='https://one/simple'\nglobal.extra-index-url='https://two/simple'\n"
    )
    assert install.index_options(configured) == [
        *("--no-index", "--find-links", "/wheels", "--find-links", "/more"),
        *("--index-url", "https://one/simple", "--extra-index-url", "https://two/simple"),
        *("--index-strategy", "unsafe-best-match"),
    ]
    assert install.index_options("global.cert='/etc/cert'\n:env:.no-index='0'\n") == []


def index(place: Path, wheels: dict[str, str]) -> str:
    """An index of packages in the folder ``place``, with a wheel of "fifth" for each platform; returns its address."""
    folder = place / "simple" / "fifth"
    folder.mkdir(parents=True)
    for platform in wheels:
        wheels[platform] = wheel(folder, "fifth", platform=platform)
    files = "".join(f'<a href="{path.name}">{path.name}</a>\n' for path in sorted(folder.iterdir()))
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{files}</body></html>")
    return (place / "simple").as_uri()


@pytest.mark.parametrize("uv", [False, pytest.param(True, marks=pytest.mark.skipif(not UV, reason="uv is not here"))])
def test_an_extra_index_with_half_of_the_files_does_not_hide_the_right_one(uv, wheelhouse, monkeypatch):
    here = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    whole, half = {"any": "", here: ""}, {"any": ""}
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", index(wheelhouse / "main", whole))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index(wheelhouse / "extra", half))
    installer = install.Installer(wheelhouse / "venv", uv=uv)
    installer.make_environment()
    installer.install(["fifth==1.0 " + " ".join(f"--hash=sha256:{one}" for one in {*whole.values(), *half.values()})])
    command = [str(wheelhouse / "venv" / "bin" / "python"), "-c", "import fifth; print(fifth.PLATFORM)"]
    assert subprocess.run(command, capture_output=True, text=True).stdout.strip() == here


def test_what_only_an_extra_index_has_is_taken_from_there(wheelhouse, monkeypatch):
    main, extra = ["--index-url", "https://one/simple"], ["--extra-index-url", "https://two/simple"]
    options = [*main, *extra, "--no-index"]
    assert install.without_extra_indexes(options) == [*main, "--no-index"]
    installer = install.Installer(wheelhouse / "venv", uv=True)
    installer.all_indexes, installer.options = options, main
    asked: list[list[str]] = []

    def nothing_there(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(install.subprocess, "run", nothing_there)
    wheelhouse.joinpath("venv").mkdir()
    with pytest.raises(SystemExit):
        installer.install(["fifth==1.0"])
    assert ["--extra-index-url" in command for command in asked] == [False, True]


def test_a_set_up_cut_short_is_completed(venv, wheelhouse):
    lines = [f"{name}==1.0 --hash=sha256:{wheel(wheelhouse, name)}" for name in ("first", "second")]
    installer = install.Installer(venv, uv=False)
    installer.make_environment()
    installer.install(lines[:1])
    assert imports(venv, "first") and not imports(venv, "second")
    [info] = installer.site_packages().glob("first-*.dist-info")
    (info / "RECORD").unlink()  # as an installation leaves it that ends before its last file
    (installer.site_packages() / "first.py").unlink()
    assert install.drop_half_installed(installer.site_packages(), "cpu") == ["first"]
    installer.install(lines)
    assert imports(venv, "first", "second")


def test_an_environment_without_pip_is_made_anew(tmp_path):
    place = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    install.Installer(place, uv=False).make_environment()
    assert imports(place, "pip")


def test_packages_are_compiled_even_where_python_is_told_not_to(venv, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    installer = install.Installer(venv, uv=False)
    module, template = (installer.site_packages() / name for name in ("of_today.py", "template.py"))
    module.write_text("ANSWER = 42\n")
    template.write_text("class {{ name }}:\n")
    installer.compile()
    assert Path(importlib.util.cache_from_source(str(module))).exists()
    assert not Path(importlib.util.cache_from_source(str(template))).exists()


def test_another_hash_than_the_locked_one_is_refused(venv, wheelhouse):
    wheel(wheelhouse, "third")
    with pytest.raises(SystemExit, match="failed: see above"):
        install.Installer(venv, uv=False).install([f"third==1.0 --hash=sha256:{'0' * 64}"])
    assert not imports(venv, "third")


def test_cpu_builds_are_taken_where_they_are_and_with_the_hash_of_the_index(venv, wheelhouse):
    locked = {name: f"{name}==2.0 \\\n    --hash=sha256:{'0' * 64}" for name in install.PYTORCH}
    installer = install.Installer(venv, uv=False)
    assert installer.cpu_builds(locked) == {}
    hashes = {name: wheel(wheelhouse, name, "2.0+cpu") for name in install.PYTORCH[:2]}
    assert installer.cpu_builds(locked) == {}  # not all of them
    hashes[install.PYTORCH[2]] = wheel(wheelhouse, install.PYTORCH[2], "2.0+cpu")
    builds = installer.cpu_builds(locked)
    assert builds == {name: f"{name}==2.0+cpu --hash=sha256:{digest}" for name, digest in hashes.items()}
    installer.install(list(builds.values()))
    assert len(list(installer.site_packages().glob("torch*+cpu.dist-info"))) == 3
    # a GPU came: these do for it no more
    assert len(install.drop_half_installed(installer.site_packages(), "cuda")) == 3


def test_without_a_cache_of_the_user_downloads_are_kept_in_the_environment(monkeypatch, tmp_path):
    for name in ("PIP_CACHE_DIR", "UV_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(install.os, "access", lambda path, mode: path != tmp_path)
    kept = install.Installer(tmp_path / "venv", uv=False).environment
    assert kept["PIP_CACHE_DIR"] == kept["UV_CACHE_DIR"] == str(tmp_path / "venv" / "downloads")
    monkeypatch.setattr(install.os, "access", lambda path, mode: True)
    assert "PIP_CACHE_DIR" not in install.Installer(tmp_path / "venv", uv=False).environment


@pytest.mark.parametrize("uv", [False, pytest.param(True, marks=pytest.mark.skipif(not UV, reason="uv is not here"))])
def test_an_environment_that_keeps_its_downloads_itself_is_made_all_the_same(uv, monkeypatch, tmp_path):
    """Where the user's cache cannot be written, as with a HOME that is read-only."""
    for name in ("PIP_CACHE_DIR", "UV_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(install.os, "access", lambda path, mode: False)
        installer = install.Installer(tmp_path / "venv", uv=uv)
    assert installer.environment["UV_CACHE_DIR"] == str(tmp_path / "venv" / "downloads")
    installer.make_environment()
    assert subprocess.run([installer.python, "-c", "pass"]).returncode == 0
