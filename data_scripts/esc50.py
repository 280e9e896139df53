"""ESC-50: the rain, engines and barking dogs that Model 1 learns to remove.

Its five folds keep the pieces of one recording together: folds 1 to 3 train, 4 valid, 5 eval.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from preparing import Row, run, to_flac

from stegolab.errors import BadData

_SPLITS = {"1": "train", "2": "train", "3": "train", "4": "valid", "5": "eval"}


def prepare(folders: list[Path], ready: Path) -> Iterator[Row]:
    """Convert audio/NAME.wav at 44.1 kHz to CATEGORY/NAME.flac at 16 kHz, with the categories of meta/esc50.csv."""
    (repository,) = folders
    table = repository / "meta" / "esc50.csv"
    if not table.is_file():
        raise BadData(f"{repository} has no meta/esc50.csv: it is not ESC-50 or is incomplete")
    with table.open(newline="", encoding="utf-8") as lines:
        for clip in csv.DictReader(lines):
            sound = repository / "audio" / clip["filename"]
            path = f"{clip['category']}/{sound.stem}.flac"
            yield Row(path, _SPLITS[clip["fold"]], "noise", "", to_flac(sound, ready / path))


def main(arguments: Sequence[str] | None = None) -> int:
    return run("esc50", prepare, arguments)


if __name__ == "__main__":
    sys.exit(main())
