"""LibriSpeech dev-clean: the clean speech for training Model 1 and for judging the codec ladder.

40 speakers, split by speaker: of every ten, eight train, one valid, one eval.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from preparing import Row, run, to_flac


def prepare(folders: list[Path], ready: Path) -> Iterator[Row]:
    """Copy SPEAKER/CHAPTER/SPEAKER-CHAPTER-0000.flac of the archive to SPEAKER/SPEAKER-CHAPTER-0000.flac."""
    (corpus,) = folders
    speakers = sorted((folder for folder in corpus.iterdir() if folder.is_dir()), key=lambda folder: int(folder.name))
    for number, speaker in enumerate(speakers):
        split = {8: "valid", 9: "eval"}.get(number % 10, "train")
        for utterance in sorted(speaker.rglob("*.flac")):
            path = f"{speaker.name}/{utterance.name}"
            yield Row(path, split, "speech", speaker.name, to_flac(utterance, ready / path))


def main(arguments: Sequence[str] | None = None) -> int:
    return run("librispeech_dev_clean", prepare, arguments)


if __name__ == "__main__":
    sys.exit(main())
