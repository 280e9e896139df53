"""The verbs that take hours: a study of many trials, and the notebooks."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from .. import files
from ..audio import Speech, read_audio
from ..carrier.strengths import STRENGTHS
from ..data import brief_speech, eval_covers
from ..errors import BadAudio, BadSpec
from ..pipeline import cover_of
from .output import tell

_NAMED = 5  # files that were skipped; the others are counted


class SkippedWarning(UserWarning):
    """Files of a folder were left out, because they are no sound that can be used."""


def study(options: argparse.Namespace) -> None:
    """The table of what comes back, in a folder."""
    from tqdm import tqdm

    from .. import results
    from .. import study as trials

    engine = trials.engine(options.engine, options.jobs, options.address)
    strengths = options.strength or [s for s in STRENGTHS if s != "file"]
    attacks = _lines(options.attacks) if options.attacks else options.set
    trials.plan(strengths, attacks)
    covers = {name: cover_of(path) for name, path in _by_name(options.covers or eval_covers()).items()}
    clips = _clips(options.speech) if options.speech else None
    out = files.folder(options.out)
    with tqdm(unit="trial", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        rows = trials.run(
            *(covers, strengths, attacks, clips, options.seed, options.carrier or ["auto"]),
            enhance=options.enhance,
            turns=options.turns,
            engine=engine,
            journal=out / "journal.jsonl",
            progress=progress,
        )
    trials.write_csv(out / "trials.csv", rows)
    trials.write_parquet(out / "trials.parquet", rows)
    table = trials.summary(rows)
    with files.replacing(out / "summary.md") as temporary:
        temporary.write_text(table + "\n")
    results.write(
        *("attack_study", trials.figures(rows)),
        profile="command",
        seed=options.seed,
        command=options.command,
        path=out / "results.json",
    )
    corrupt = sum(row.outcome == trials.CORRUPT for row in rows)
    tell(options, {"trials": len(rows), "exact": sum(r.exact for r in rows), "silent_corruptions": corrupt}, table)


def _clips(source: str) -> dict[str, Speech]:
    if source == "valid":
        return {name: read_audio(path) for name, path in brief_speech("valid").items()}
    folder = Path(source)
    clips: dict[Path, Speech] = {}
    skipped = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
        try:
            clips[path] = read_audio(path)
        except BadAudio as error:
            skipped.append(f"{path.name} ({str(error).removeprefix(f'cannot use {path}: ')})")
    more = [f"and {len(skipped) - _NAMED} more"] if len(skipped) > _NAMED else []
    left_out = "; ".join([*skipped[:_NAMED], *more]) or "nothing"
    if not clips:
        raise BadSpec(f"--speech {folder}: no sound there that can be read; skipped {left_out}")
    if skipped:
        warnings.warn(f"--speech {folder}: skipped {left_out}", SkippedWarning, stacklevel=2)
    return {name: clips[path] for name, path in _by_name(list(clips)).items()}


def _by_name(paths: Sequence[str | Path]) -> dict[str, Path]:
    named = {Path(path).stem: Path(path) for path in paths}
    if len(named) < len(paths):
        raise BadSpec("two files of the same name would be one row of the table: rename one")
    return named


def notebooks(options: argparse.Namespace) -> None:
    """Notebooks executed, and their gallery."""
    from .. import gallery

    outcomes = gallery.run_notebooks(
        options.names, options.profile, options.out, options.jobs, Path(options.folder), options.data
    )
    gallery.raise_failures(outcomes)
    print(f"{len(outcomes)} notebooks executed: {Path(options.out) / 'index.html'}")


def _lines(path: str) -> list[str]:
    try:
        lines = [line.partition("#")[0].strip() for line in Path(path).read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadSpec(f"--attacks {path}: cannot be read, one attack a line is expected ({error})") from error
    attacks = [line for line in lines if line]
    if not attacks:
        raise BadSpec(f"--attacks {path}: it names no attack; write one a line, such as jpeg:75")
    return attacks
