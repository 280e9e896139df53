"""DIV2K validation: the hundred large photographs on which image hiding is usually measured; all eval."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from preparing import Row, copy_picture, run


def prepare(folders: list[Path], ready: Path) -> Iterator[Row]:
    """Copy 0801.png to 0900.png unchanged."""
    (pictures,) = folders
    for picture in sorted(pictures.glob("*.png")):
        yield Row(picture.name, "eval", "image", "", copy_picture(picture, ready / picture.name))


def main(arguments: Sequence[str] | None = None) -> int:
    return run("div2k_valid", prepare, arguments)


if __name__ == "__main__":
    sys.exit(main())
