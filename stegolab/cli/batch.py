"""The verbs that take hours: a study of many trials, and the notebooks."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .. import extras, files, progress
from ..audio import Speech, read_audio
from ..carrier.strengths import STRENGTHS
from ..data import brief_speech, eval_covers
from ..errors import BadAudio, BadSpec
from ..pipeline import cover_of
from .output import clear_line, tell

if TYPE_CHECKING:
    from tqdm import tqdm

_NAMED = 5  # files that were skipped; the others are counted


class SkippedWarning(UserWarning):
    """Files of a folder, or attacks of a set, were left out because they cannot be used here."""


def study(options: argparse.Namespace) -> None:
    """Run a study and write its table into a folder."""
    from .. import results
    from .. import study as trials

    extras.require("pyarrow", *(["pesq", "pystoi"] if options.speech else []))
    trials.check_output(options.out)
    engine = trials.engine(options.engine, options.jobs, options.address)
    strengths = options.strength or [s for s in STRENGTHS if s != "file"]
    attacks = _lines(options.attacks) if options.attacks else options.set
    chains = trials.plan(strengths, attacks)
    carriers = options.carrier or ["auto"]
    trials.check(strengths, carriers, options.seed)
    left_out = _left_out(options.set, strengths) if not options.attacks else {}
    if options.speech:
        _check_speech(options.speech)
    paths = _by_name(options.covers or eval_covers())
    covers = {name: cover_of(paths[name]) for name in progress.steps(paths, len(paths), "reading covers")}
    clips = _clips(options.speech) if options.speech else None
    out = files.folder(options.out)
    with _bar() as bar:

        def count(done: int, total: int) -> None:
            first = bar.total is None and done < total
            bar.set_description_str("rehearsing the covers" if first else "", refresh=False)
            bar.total, bar.n = total, done
            bar.refresh()

        rows = trials.run(
            *(covers, strengths, attacks, clips, options.seed, carriers),
            enhance=options.enhance,
            turns=options.turns,
            engine=engine,
            journal=out / trials.JOURNAL,
            progress=count,
        )
    trials.write_csv(out / trials.CSV, rows)
    trials.write_parquet(out / trials.PARQUET, rows)
    software = trials.installed.used(attack for chain in chains.values() for attack in chain)
    table = trials.summary(rows, software, left_out)
    with files.replacing(out / trials.SUMMARY) as temporary:
        temporary.write_text(table + "\n", encoding="utf-8")
    results.write(
        *("attack_study", trials.figures(rows) | {"software": software, "left_out": left_out}),
        profile="command",
        seed=options.seed,
        command=options.command if options.command.isprintable() else files.printable(options.command),
        path=out / trials.RESULTS,
    )
    corrupt = sum(row.outcome == trials.CORRUPT for row in rows)
    tell(options, {"trials": len(rows), "exact": sum(r.exact for r in rows), "silent_corruptions": corrupt}, table)


def _left_out(name: str, strengths: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The attacks of a set that cannot run here, by what to install; a warning says how many."""
    from .. import study as trials

    found = trials.installed.left_out(attack for one in strengths for attack in trials.attacks_of(name, one))
    if found:
        counted = "; ".join(
            f"{software}: {len(attacks)} attack{'s' * (len(attacks) > 1)}" for software, attacks in found.items()
        )
        warnings.warn(f"--set {name}: left out what is not installed here: {counted}", SkippedWarning, stacklevel=2)
    return found


@contextmanager
def _bar() -> Iterator[tqdm[NoReturn]]:
    """On a terminal, a bar of the trials, whose clock keeps running while covers are rehearsed and no trial ends."""
    from tqdm import tqdm

    clear_line()
    progress.LOGGER.disabled = True  # messages of single trials would be printed over the bar
    try:
        with tqdm(unit="trial", disable=None) as bar, progress.every(1, bar.refresh):
            yield bar
    finally:
        progress.LOGGER.disabled = False


def _check_speech(source: str) -> None:
    """Refuse speech that is not there before covers are read."""
    if source == "valid":
        brief_speech(source)
    elif not Path(source).is_dir():
        raise BadSpec(f"--speech {files.shown(source)}: no such folder; name one with sound files, or valid")


def _clips(source: str) -> dict[str, Speech]:
    if source == "valid":
        brief = brief_speech("valid")
        return {name: read_audio(brief[name]) for name in progress.steps(brief, len(brief), "reading speech")}
    folder = Path(source)
    clips: dict[Path, Speech] = {}
    skipped = []
    there = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    for path in progress.steps(there, len(there), "reading speech"):
        try:
            clips[path] = read_audio(path)
        except BadAudio as error:
            skipped.append(f"{files.shown(path.name)} ({str(error).removeprefix(f'cannot use {files.shown(path)}: ')})")
    more = [f"and {len(skipped) - _NAMED} more"] if len(skipped) > _NAMED else []
    left_out = "; ".join([*skipped[:_NAMED], *more]) or "nothing"
    if not clips:
        raise BadSpec(f"--speech {files.shown(folder)}: it holds no sound that can be read; skipped {left_out}")
    if skipped:
        warnings.warn(f"--speech {files.shown(folder)}: skipped {left_out}", SkippedWarning, stacklevel=2)
    return {name: clips[path] for name, path in _by_name(list(clips)).items()}


def _by_name(paths: Sequence[str | Path]) -> dict[str, Path]:
    named = {Path(path).stem: Path(path) for path in paths}
    if len(named) < len(paths):
        raise BadSpec("two files of the same name would be one row of the table: rename one")
    return named


def notebooks(options: argparse.Namespace) -> None:
    """Execute notebooks and write their gallery."""
    from .. import gallery

    outcomes = gallery.run_notebooks(
        options.names, options.profile, options.out, options.jobs, Path(options.folder), options.data
    )
    gallery.raise_failures(outcomes)
    print(f"{len(outcomes)} notebooks executed: {files.printable(Path(options.out) / 'index.html')}")


def _lines(path: str) -> list[str]:
    try:
        lines = [line.partition("#")[0].strip() for line in Path(path).read_text("utf-8-sig").splitlines()]
    except (OSError, ValueError) as error:
        raise BadSpec(
            f"--attacks {files.shown(path)}: cannot be read, one attack a line is expected ({error})"
        ) from error
    attacks = [line for line in lines if line]
    if not attacks:
        raise BadSpec(f"--attacks {files.shown(path)}: it names no attack; write one a line, such as jpeg:75")
    return attacks
