"""jpegli, the JPEG encoder of the JPEG XL project: its own tables, and quantisation that adapts to the texture.

The program ``cjpegli`` is built with jpegli's own source and came with libjxl's releases for some time; Debian 12 is
older. Where it is not on the path, the wheel ``pyjpegli`` calls the same library.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ...errors import BadImage
from ..attacks import RGB
from .backend import PLATFORMS_EXTRA, QUALITY, Backend, Software, decoded, first_line, found, png


def jpegli(rgb: RGB, quality: int) -> RGB:
    """Compress with jpegli at ``quality`` 1 to 100, chroma 4:2:0."""
    return decoded(jpegli_file(rgb, quality)[0])


def jpegli_file(rgb: RGB, quality: int) -> tuple[bytes, str]:
    """Return the file itself, as :func:`jpegli` sees it, and its suffix."""
    try:
        program = found("cjpegli")
    except FileNotFoundError:
        return _by_the_wheel(rgb, quality), ".jpg"
    return _by_the_program(program, rgb, quality), ".jpg"


def _by_the_program(program: str, rgb: RGB, quality: int) -> bytes:
    with TemporaryDirectory() as folder:
        source, result = Path(folder, "source.png"), Path(folder, "result.jpg")
        source.write_bytes(png(rgb))
        command = [program, str(source), str(result), f"--quality={quality}", "--chroma_subsampling=420"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode or not result.exists():
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise BadImage(f"cjpegli refuses the picture: {said[-1]}")
        return result.read_bytes()


def _by_the_wheel(rgb: RGB, quality: int) -> bytes:
    import pyjpegli

    height, width = rgb.shape[:2]
    try:
        return pyjpegli.encode(np.ascontiguousarray(rgb), width, height, quality=quality)
    except (RuntimeError, ValueError) as error:
        raise BadImage(f"jpegli refuses the picture: {error}") from error


def _version() -> str:
    try:
        return first_line(found("cjpegli"), "--version")
    except FileNotFoundError:
        import pyjpegli

        return f"pyjpegli {pyjpegli.__version__}"


JPEGLI = Backend("jpegli", PLATFORMS_EXTRA, _version)
ATTACKS = {"jpegli": Software(jpegli, JPEGLI, {"quality": QUALITY}, jpegli_file)}
