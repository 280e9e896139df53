"""stegolab: speech, cleaned, encrypted, and hidden in a photograph that survives recompression.

The three models are three functions; everything else is in the submodules, in the order in which the data flows. The
names here are imported when they are first used, so that a command starts at once and can be interrupted at once.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from . import extras

if TYPE_CHECKING:
    from .audio import Speech, read_audio, write_wav
    from .images import Picture, read_image, write_image
    from .pipeline import Revealed, Stego, enhance, hide, reveal

extras.explain()

_MODULES = {
    "audio": ("Speech", "read_audio", "write_wav"),
    "images": ("Picture", "read_image", "write_image"),
    "pipeline": ("Revealed", "Stego", "enhance", "hide", "reveal"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Picture",
    "Revealed",
    "Speech",
    "Stego",
    "enhance",
    "hide",
    "read_audio",
    "read_image",
    "reveal",
    "write_image",
    "write_wav",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    if not name.startswith("_") and find_spec(f"{__name__}.{name}"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
