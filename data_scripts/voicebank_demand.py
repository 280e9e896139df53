"""VoiceBank+DEMAND: the noisy and clean pairs on which published speech enhancement is measured.

Its test set is the eval split. Its training speakers p226 and p287 are the valid split, as is customary.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from preparing import Row, run, to_flac

from stegolab.errors import BadData

_VALID_SPEAKERS = ("p226", "p287")


def prepare(folders: list[Path], ready: Path) -> Iterator[Row]:
    """Convert four folders of SPEAKER_000.wav at 48 kHz to clean/ and noisy/ with SPEAKER_000.flac at 16 kHz."""
    clean_test, noisy_test, clean_train, noisy_train = folders
    for clean, noisy, test in ((clean_test, noisy_test, True), (clean_train, noisy_train, False)):
        names = [{path.name for path in folder.glob("*.wav")} for folder in (clean, noisy)]
        if unpaired := names[0] ^ names[1]:
            raise BadData(f"{min(unpaired)} is in only one of {clean.name} and {noisy.name}: an archive is incomplete")
        for kind, side, folder in (("speech", "clean", clean), ("noisy", "noisy", noisy)):
            for sound in sorted(folder.glob("*.wav")):
                speaker = sound.stem.split("_")[0]
                split = "eval" if test else "valid" if speaker in _VALID_SPEAKERS else "train"
                path = f"{side}/{sound.stem}.flac"
                yield Row(path, split, kind, speaker, to_flac(sound, ready / path))


def main(arguments: Sequence[str] | None = None) -> int:
    return run("voicebank_demand", prepare, arguments)


if __name__ == "__main__":
    sys.exit(main())
