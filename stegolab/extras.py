"""What a plain ``pip install stegolab`` leaves out: each optional library, and the extra that installs it.

Modules import optional libraries by a plain ``import``, at their top or in a function. If one is not installed, Python
asks :class:`_Explainer` after every other finder has failed, and the error then says what to install instead of ``No
module named 'torch'``. Only imports made by this package are explained: other libraries import such modules on trial.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from .errors import MissingExtra

_MODULES = {  # an extra, and what only it and larger ones install
    "scores": ("lpips", "pesq", "pystoi"),
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
    "ray": ("ray",),
}
#: module -> the extra that installs it
EXTRA_OF = {module: extra for extra, modules in _MODULES.items() for module in modules}


def require(*modules: str) -> None:
    """Check that optional libraries are installed, without importing them: before long work that ends with them.

    Raises:
        MissingExtra: one of ``modules`` is not installed; the message names the extra.
    """
    for module in modules:
        find_spec(module)  # asks _Explainer, which raises


@contextmanager
def one_line() -> Iterator[None]:
    """End the program with one line where an extra is missing: for commands, around their imports."""
    try:
        yield
    except MissingExtra as error:
        sys.exit(f"stegolab: MissingExtra: {error}")


class _Explainer:
    """The last finder on ``sys.meta_path``: it finds nothing, and says which extra has it."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """See ``importlib.abc.MetaPathFinder``.

        Raises:
            MissingExtra: a module of this package imports an optional library that is not installed.
        """
        module = name.partition(".")[0]
        if module in EXTRA_OF and _importer().partition(".")[0] == __package__:
            remedy = f"pip install 'stegolab[{EXTRA_OF[module]}]'"
            raise MissingExtra(f"this needs {module}, which is not installed: {remedy}", name=name)


def _importer() -> str:
    """The module whose ``import`` is being carried out: the nearest caller outside the import system."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(("importlib", "_frozen_importlib")):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", ""))


def explain() -> None:
    """Put the explainer behind all other finders, once."""
    if _Explainer not in sys.meta_path:
        sys.meta_path.append(_Explainer)
