"""The optional libraries that a plain ``pip install .`` leaves out, and the extra that installs each.

Modules import optional libraries by a plain ``import``, at their top or in a function. If one is not installed, Python
asks :class:`_Explainer` after every other finder has failed, and the error then says what to install instead of ``No
module named 'torch'``. Only imports by this package are explained, because other libraries try to import such modules
and handle failure.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from .errors import MissingExtra

_MODULES = {  # an extra, and the modules that only it and larger ones install
    "scores": ("lpips", "pesq", "pystoi", "ssimulacra2"),
    "train": (
        *("lightning_fabric", "pyroomacoustics", "tensorboard", "torch", "torch_pesq", "torch_stoi", "torchaudio"),
        *("torchvision", "tyro"),
    ),
    "study": ("pyarrow",),
    "notebooks": (
        *("IPython", "ipywidgets", "jinja2", "jupyter_client", "latex2mathml", "matplotlib", "nbclient", "nbconvert"),
        *("nbformat", "papermill", "psutil", "pygments", "skimage"),
    ),
    "kms": ("boto3", "botocore"),
    "detect": ("conseal", "jpeglib", "sealwatch"),
    "heif": ("pillow_heif",),
    "platforms": ("cv2", "imagecodecs", "playwright", "pyjpegli", "pyvips"),
    "ray": ("ray",),
}
#: module -> the extra that installs it
EXTRA_OF = {module: extra for extra, modules in _MODULES.items() for module in modules}


def remedy(extra: str) -> str:
    """What to type to install an extra, and where: the project is on no index of packages."""
    return f"pip install '.[{extra}]' in the repository's folder"


def require(*modules: str) -> None:
    """Check that optional libraries are installed, without importing them, before long work that needs them at the end.

    Raises:
        MissingExtra: one of ``modules`` is not installed; the message names the extra.
    """
    for module in modules:
        find_spec(module)  # asks _Explainer, which raises


@contextmanager
def one_line() -> Iterator[None]:
    """End the program with one line if an extra is missing; commands use this around their imports."""
    try:
        yield
    except MissingExtra as error:
        sys.exit(f"stegolab: MissingExtra: {error}")


class _Explainer:
    """The last finder on ``sys.meta_path``: it finds no module, but says which extra installs it."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """See ``importlib.abc.MetaPathFinder``.

        Raises:
            MissingExtra: a module of this package imports an optional library that is not installed.
        """
        module = name.partition(".")[0]
        if module in EXTRA_OF and _importer().partition(".")[0] == __package__:
            what = remedy(EXTRA_OF[module])
            raise MissingExtra(f"this needs {module}, which is not installed: {what}", name=name)


def _importer() -> str:
    """The module whose ``import`` is being executed: the nearest caller outside the import system."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(("importlib", "_frozen_importlib")):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", ""))


def explain() -> None:
    """Add the explainer after all other finders, once."""
    if _Explainer not in sys.meta_path:
        sys.meta_path.append(_Explainer)
