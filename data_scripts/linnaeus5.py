"""Linnaeus 5: photographs of 256 x 256 px (berries, birds, dogs, flowers, other) that related systems hide in.

Its test pictures are the eval split; every tenth of its training pictures is valid. It is a rar archive, see --help.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from preparing import Row, copy_picture, run


def prepare(folders: list[Path], ready: Path) -> Iterator[Row]:
    """Copy train/CLASS/1_256.jpg and test/CLASS/1_256.jpg unchanged."""
    (pictures,) = folders
    for part in ("train", "test"):
        for number, picture in enumerate(sorted((pictures / part).glob("*/*.jpg"))):
            split = "eval" if part == "test" else "valid" if number % 10 == 9 else "train"
            path = picture.relative_to(pictures).as_posix()
            yield Row(path, split, "image", "", copy_picture(picture, ready / path))


def main(arguments: Sequence[str] | None = None) -> int:
    return run("linnaeus5", prepare, arguments)


if __name__ == "__main__":
    sys.exit(main())
