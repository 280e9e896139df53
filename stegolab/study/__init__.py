"""Covers x speech x carriers x strengths x attacks -> one tidy table of what comes back, and at what cost.

Taught in notebook 08. Each part has its file: the attacks (``sweeps``; ``pipelines``, by other software, and which is
``installed``), one trial (``trial``), where the trials run (``engine``), what survives a crash (``journal``), the table
on disk (``table``), its summary (``summary``), and its published figures (``figures``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path

from ..audio import Speech
from ..carrier.strengths import strength
from ..errors import BadSpec
from ..images import Picture
from ..pipeline import carrier_for
from ..speech.enhancer import trained
from . import installed
from . import journal as journals
from .engine import ENGINES, Engine, engine, serial
from .figures import figures
from .pipelines import PIPELINES
from .setting import Clip, Cover, Setting
from .summary import summary, wilson
from .sweep import Sweep, unique
from .sweeps import ATTACKS, SETS, SWEEPS, attacks_of, declared, family
from .table import CSV, JOURNAL, PARQUET, RESULTS, SUMMARY, check_output, write_csv, write_parquet
from .trial import CORRUPT, EXACT, Trial, trials
from .version import version

__all__ = [
    "ATTACKS", "CORRUPT", "CSV", "ENGINES", "EXACT", "JOURNAL", "PARQUET", "PIPELINES", "RESULTS", "SETS", "SUMMARY",
    "SWEEPS", "Sweep", "Trial", "attacks_of", "check_output", "declared", "engine", "family", "figures", "installed",
    "plan", "run", "summary", "wilson", "write_csv", "write_parquet",
]  # fmt: skip

_TOGETHER = 8  # attacks per task: limits the loss per core in a crash, and how often a stego picture is made again


def run(
    covers: Mapping[str, Picture],
    strengths: Sequence[str],
    attacks: str | Sequence[str] = "published",
    speech: Mapping[str, Speech] | None = None,
    seed: int = 0,
    carriers: Sequence[str] = ("auto",),
    *,
    enhance: bool | None = None,
    turns: bool = False,
    engine: Engine = serial,
    journal: Path | None = None,
    progress: Callable[[int, int], object] = lambda done, all_of_them: None,
) -> list[Trial]:
    """Every cover, clip, carrier and strength through every attack; same arguments, same rows, except for the times.

    Args:
        covers: pictures by name.
        strengths: ``file``, ``jpeg``, ``social``.
        attacks: specifications, or the name of a set of them; see :func:`~stegolab.study.sweeps.attacks_of`.
        speech: clips by name, coded as ``hide`` would; without speech, the message is as many random bytes as fit.
        seed: of random messages and keys.
        carriers: ``auto`` (``textured`` where it can), ``lattice``, ``inn``, ``textured:faint`` and so on.
        enhance: remove noise from the speech first (Model 1); None does so if its weights are there.
        turns: one clip per cover, in turn, instead of every clip in every cover.
        engine: where to run; see :func:`~stegolab.study.engine.engine`.
        journal: a file that remembers finished trials. A study that was killed continues from there when it is run
            again with the same arguments, and returns the same rows. A study with other arguments, or of another
            version of this package, does not use these trials.
        progress: called with the number of finished trials and of all trials.

    Raises:
        BadSpec: an unknown strength, carrier or attack, before anything runs. NotTrained: a carrier without weights,
            or ``enhance`` without. MissingSoftware: an attack of one's own needs what is not installed. CannotWrite:
            the journal.
    """
    chains = plan(strengths, attacks)
    check(strengths, carriers, seed)
    clips = [Clip.of(name, sound) for name, sound in (speech or {}).items()]
    cleaned = bool(clips) and (trained() if enhance is None else enhance)
    software = installed.versions(attack for chain in chains.values() for attack in chain)
    todo = [
        _Task.of(Setting(cover, clip, carrier, name, seed + number, cleaned), chains[name], software)
        for number, cover in enumerate(Cover.of(name, picture) for name, picture in covers.items())
        for clip in _clips(clips, number, turns)
        for carrier, name in product(carriers, chains)
    ]
    total = sum(len(task.attacks) for task in todo)
    with journals.opened(journal) if journal else nullcontext(_Memory()) as done:
        names = [name for task in todo for name in task.names]
        missing = [part for task in todo for part in task.without(done)]
        finished = total - sum(len(task.attacks) for task in missing)
        progress(finished, total)
        for rows in engine(perform, missing):
            done.append(rows)
            finished += len(rows)
            progress(finished, total)
        return [done[name] for name in names]


def check(strengths: Sequence[str], carriers: Sequence[str], seed: int) -> None:
    """Check arguments of :func:`run` before covers and speech are read.

    Raises:
        BadSpec: an unknown strength or carrier, or a negative seed. NotTrained: a carrier without weights.
    """
    if seed < 0:
        raise BadSpec(f"seed {seed}: give 0 or more")
    for name, carrier in product(strengths, carriers):
        carrier_for(name, carrier)


def plan(strengths: Sequence[str], attacks: str | Sequence[str] = "published") -> dict[str, tuple[str, ...]]:
    """The attacks for each strength: those given, or a set; see :func:`~stegolab.study.sweeps.attacks_of`.

    Of a set, attacks whose software is not installed are left out; :func:`stegolab.study.installed.left_out` of
    ``attacks_of`` names them.

    Raises:
        BadSpec: an unknown strength, set or attack. MissingSoftware: a given attack needs what is not installed.
    """
    if not isinstance(attacks, str):
        installed.require(attacks)
        return {strength(name).name: unique(attacks) for name in strengths}
    sets = {strength(name).name: attacks_of(attacks, name) for name in strengths}
    lost = {attack for of_one in sets.values() for some in installed.left_out(of_one).values() for attack in some}
    return {name: tuple(attack for attack in of_one if attack not in lost) for name, of_one in sets.items()}


@dataclass(frozen=True)
class _Task:
    """A stego picture and some of its attacks: the unit of work of a worker. ``names`` are the trials' identities.

    ``software`` has the versions of the software of each attack.
    """

    setting: Setting
    attacks: tuple[str, ...]
    names: tuple[str, ...]
    software: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, setting: Setting, attacks: tuple[str, ...], software: Mapping[str, Mapping[str, str]]) -> _Task:
        """Make a task; an identity is a digest of everything that a row depends on, including the programs."""
        about = (version(), *setting.identity)
        full = ([*about, attack, *([software[attack]] if software[attack] else [])] for attack in attacks)
        return cls(setting, attacks, tuple(sha256(json.dumps(one).encode()).hexdigest()[:32] for one in full), software)

    def without(self, done: Mapping[str, Trial]) -> Iterator[_Task]:
        """What is left of the task, split into parts."""
        left = [pair for pair in zip(self.attacks, self.names, strict=True) if pair[1] not in done]
        for start in range(0, len(left), _TOGETHER):
            attacks, names = zip(*left[start : start + _TOGETHER], strict=True)
            yield _Task(self.setting, attacks, names, {attack: self.software[attack] for attack in attacks})


class _Memory(dict[str, Trial]):
    """A journal in memory only."""

    def append(self, finished: Sequence[tuple[str, Trial]]) -> None:
        """Keep trials."""
        self.update(finished)


def perform(task: _Task) -> list[tuple[str, Trial]]:
    """Run a task in any process; returns the trials by identity.

    Raises:
        BadSpec: this machine has another version of a software. MissingSoftware: it lacks one.
    """
    installed.same(task.software)
    return list(zip(task.names, trials(task.setting, task.attacks), strict=True))


def _clips(clips: Sequence[Clip], number: int, turns: bool) -> Sequence[Clip | None]:
    if not clips:
        return [None]
    return [clips[number % len(clips)]] if turns else clips
