"""What real programs beside Pillow do to pictures: one file for each program, used only where it is installed.

Notebook 05 teaches what they do. :mod:`..spec` reads the attacks by their names, beside those of :mod:`..attacks`.
"""

from __future__ import annotations

from . import chromium, ffmpeg, gd, graphicsmagick, heic, jpegli, jxl, magick, opencv, vips
from .backend import Backend, Software

__all__ = ["SOFTWARE", "Backend", "Software", "available", "versions"]

#: name of an attack -> what carries it out
SOFTWARE: dict[str, Software] = {
    name: attack
    for module in (vips, opencv, chromium, magick, graphicsmagick, gd, ffmpeg, jpegli, heic, jxl)
    for name, attack in module.ATTACKS.items()
}


def available() -> list[str]:
    """The names of the attacks whose software is installed here, in the order of :data:`SOFTWARE`."""
    here = {backend: backend.here() for backend in _backends()}
    return [name for name, attack in SOFTWARE.items() if here[attack.needs]]


def versions() -> dict[str, str]:
    """The version of each software that is installed here, as it says itself: with what a study was measured."""
    return {backend.name: backend.version() for backend in _backends() if backend.here()}


def _backends() -> list[Backend]:
    return list(dict.fromkeys(attack.needs for attack in SOFTWARE.values()))
