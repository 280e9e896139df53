"""What every attack by other software consists of, and how it is checked before that software is asked for.

A specification is read wherever stored results are, on machines without the software too. So the range of each argument
stands beside the function, and nothing is started to check it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import BadImage, BadSpec, MissingSoftware
from ...extras import remedy
from ..attacks import RGB

FACTOR = (0.05, 4.0)
SIDE = (16, 65535)
QUALITY = (1, 100)
#: The domain of an argument: the lowest and the highest number, or the words that there are.
Domain = tuple[float, float] | Collection[str]
PLATFORMS_EXTRA = remedy("platforms")


@dataclass(frozen=True)
class Backend:
    """A program or a library that attacks pictures.

    ``version`` returns what the software says of itself; it raises ImportError or OSError where there is none, and
    starts nothing that lasts. ``remedy`` is what to type to install it.
    """

    name: str
    remedy: str
    version: Callable[[], str]

    def here(self) -> bool:
        """Whether the software is installed and answers."""
        try:
            return bool(self.version())
        except (ImportError, OSError):
            return False

    def require(self) -> None:
        """Check that the software is installed.

        Raises:
            MissingSoftware: it is not; the message says how to install it.
        """
        if not self.here():
            raise MissingSoftware(f"this needs {self.name}, which is not installed: {self.remedy}")


@dataclass(frozen=True)
class Software:
    """An attack that other software carries out.

    ``run`` takes a picture, uint8 (H, W, 3), and the arguments, and returns a picture. ``domains`` has one entry for
    each argument. ``encode``, where the result is a file, takes the same and returns it with its suffix.
    """

    run: Callable[..., RGB]
    needs: Backend
    domains: Mapping[str, Domain] = field(default_factory=dict)
    encode: Callable[..., tuple[bytes, str]] | None = None

    def check(self, *arguments: object) -> None:
        """Check arguments without asking for the software.

        Raises:
            BadSpec: one is outside its domain.
        """
        check_domains(self.domains, *arguments)

    def __call__(self, rgb: RGB, *arguments: object) -> RGB:
        """Attack a picture, uint8 (H, W, 3).

        Raises:
            BadSpec: an argument is outside its domain. MissingSoftware: the software is not installed.
            BadImage: the software refuses the picture.
        """
        self.check(*arguments)
        self.needs.require()
        return self.run(rgb, *arguments)

    def file(self, rgb: RGB, *arguments: object) -> tuple[bytes, str]:
        """Return the very file that the software writes, and its suffix; raises what a call does."""
        assert self.encode is not None
        self.check(*arguments)
        self.needs.require()
        return self.encode(rgb, *arguments)


def check_domains(domains: Mapping[str, Domain], *arguments: object) -> None:
    """Check each argument against its domain.

    Raises:
        BadSpec: one is outside.
    """
    for (name, domain), value in zip(domains.items(), arguments, strict=False):
        if isinstance(value, int | float):
            low, high = domain
            if not float(low) <= value <= float(high):  # written so that nan fails too
                raise BadSpec(f"{name} must be {float(low):g} to {float(high):.10g}, not {value}")
        elif value not in domain:
            raise BadSpec(f"{name} must be one of {', '.join(map(str, domain))}, not {value}")


def decoded(contents: bytes) -> RGB:
    """The picture in a file of any kind that Pillow reads, uint8 (H, W, 3)."""
    return np.array(Image.open(BytesIO(contents)).convert("RGB"))


def png(rgb: RGB) -> bytes:
    """The picture as a PNG, made fast rather than small: how a program is handed it."""
    file = BytesIO()
    Image.fromarray(rgb).save(file, "PNG", compress_level=1)
    return file.getvalue()


def half_up(length: float) -> int:
    """The nearest whole number of pixels, halves up, at least 1."""
    return max(1, int(length + 0.5))


def found(*names: str) -> str:
    """The path of the first of these programs that is installed.

    Raises:
        FileNotFoundError: none is.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    raise FileNotFoundError(f"none of {', '.join(names)} is on the path")


def piped(command: list[str], contents: bytes) -> bytes:
    """What a program writes to its standard output when it is given ``contents`` on its standard input.

    Raises:
        BadImage: it fails; the message is the last line that it says.
    """
    done = subprocess.run(command, input=contents, capture_output=True, check=False)
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise BadImage(f"{Path(command[0]).name} refuses the picture: {said[-1]}")
    return done.stdout


@cache
def first_line(path: str, option: str) -> str:
    """The first line that a program prints for ``option``, such as its version; asked for once."""
    done = subprocess.run([path, option], capture_output=True, text=True, errors="replace", check=False)
    return (done.stdout.strip() or done.stderr.strip() or "\n").splitlines()[0]
