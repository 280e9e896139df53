"""Covers x strengths x attacks -> one tidy table: what comes back, of how much, and at what cost to the picture.

Every trial is the real thing: a message of exactly the capacity that the tool declares for that cover (or real speech),
sealed and embedded; the attack run by Pillow; and a receiver that is told nothing but the key.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path

import numpy as np

from . import files
from .audio import Speech
from .carrier.strengths import strength
from .channel import spec
from .errors import CapacityExceeded, StegolabError
from .images import Picture, from_array, psnr, ssim
from .message import codecs
from .pipeline import EveryCarrier, carrier_for
from .receiver import receive
from .sender import Sender

_SAME_SIZE = ("jpeg:90", "jpeg:75", "jpeg:50", "jpeg:90:444", "jpeg:75:444", "jpeg:50:444")
#: the attacks of the published table, by strength
ATTACKS = {
    "file": ("none",),
    "jpeg": _SAME_SIZE,
    "social": ("jpeg:50", "resize:0.5,jpeg:75", "resize:0.75,jpeg:75", "webp:80", "jpeg:80,jpeg:60"),
}


@dataclass(frozen=True)
class Trial:
    """A row of the table. ``error`` names the declared error; a trial that is not ``exact`` and has none is corrupt."""

    cover: str
    pixels: int
    speech: str
    codec: str
    carrier: str
    strength: str
    attack: str
    exact: bool
    error: str
    payload_bits: int
    bits_per_pixel: float
    psnr_db: float
    ssim: float
    raw_ber: float
    margin: float
    hide_seconds: float
    reveal_seconds: float


def run(
    covers: dict[str, Picture],
    strengths: Sequence[str],
    attacks: Sequence[str] | None = None,
    speech: dict[str, Speech] | None = None,
    seed: int = 0,
    carrier: str = "auto",
    progress: Callable[[str], object] = lambda cover: None,
) -> list[Trial]:
    """Every cover at every strength through every attack (None: those of :data:`ATTACKS` for the strength).

    Without ``speech`` the message is random bytes, as many as the capacity; with it, the clips take turns and are
    coded as ``auto`` would. Same arguments, same rows, but for the seconds.

    Raises:
        BadSpec: an unknown strength or attack.
    """
    chains = plan(strengths, attacks)
    clips = list((speech or {}).items())
    rows: list[Trial] = []
    for number, (name, cover) in enumerate(covers.items()):
        clip = clips[number % len(clips)] if clips else None
        for strength_name, attacked in chains.items():
            rows += _cover(name, cover, strength_name, attacked, clip, seed + number, carrier)
        progress(name)
    return rows


def plan(strengths: Sequence[str], attacks: Sequence[str] | None = None) -> dict[str, tuple[spec.Chain, ...]]:
    """The attacks that each strength will go through.

    Raises:
        BadSpec: an unknown strength or attack.
    """
    return {s: tuple(map(spec.parse, attacks or ATTACKS[strength(s).name])) for s in strengths}


def _cover(
    name: str,
    cover: Picture,
    strength_name: str,
    attacks: Sequence[spec.Chain],
    clip: tuple[str, Speech] | None,
    seed: int,
    carrier: str,
) -> Iterator[Trial]:
    began = time.perf_counter()
    sender = Sender.on(cover, carrier_for(strength_name, carrier))
    size = sender.capacity()
    key = sha256(f"stegolab study {seed}".encode()).digest()
    pixels = cover.height * cover.width
    common = {"cover": name, "pixels": pixels, "speech": clip[0] if clip else "", "strength": strength_name}
    common |= {"carrier": sender.carrier.name, "codec": "random"}
    try:
        if clip:
            common["codec"], message = codecs.choose(clip[1], size)
        else:
            message = np.random.default_rng(seed).bytes(max(size, 1))
        posted = sender.send(message, key, salt=key[:16])
    except CapacityExceeded as error:
        for attack in attacks:
            yield _failed(common, str(attack), error)
        return
    common |= {"payload_bits": 8 * len(message), "bits_per_pixel": 8 * len(message) / pixels}
    common |= {"psnr_db": psnr(cover.rgb, posted.picture.rgb), "ssim": ssim(cover.rgb, posted.picture.rgb)}
    common["hide_seconds"] = time.perf_counter() - began
    for attack in attacks:
        began = time.perf_counter()
        try:
            got, report = receive(from_array(attack(posted.picture.rgb)), key, EveryCarrier())
        except StegolabError as error:
            yield _failed(common, str(attack), error, time.perf_counter() - began)
            continue
        yield Trial(
            **common,  # type: ignore[arg-type]
            attack=str(attack),
            exact=got == message,
            error="",
            raw_ber=report["corrected_bits"] / report["code_bits"],
            margin=report["margin"],
            reveal_seconds=time.perf_counter() - began,
        )


def _failed(common: dict, attack: str, error: StegolabError, seconds: float = 0.0) -> Trial:
    nothing = {"payload_bits": 0, "bits_per_pixel": 0.0, "psnr_db": np.nan, "ssim": np.nan, "hide_seconds": 0.0}
    measured = {"raw_ber": np.nan, "margin": np.nan, "reveal_seconds": seconds}
    return Trial(**(nothing | measured | common), attack=attack, exact=False, error=type(error).__name__)


def write_csv(path: Path, rows: Sequence[Trial]) -> None:
    """One line a trial, columns as in :class:`Trial`."""
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Trial)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def summary(rows: Sequence[Trial]) -> str:
    """The table as Markdown: a line for each strength and attack, the covers' means."""
    lines = [
        "| strength | attack | exact | PSNR (dB) | SSIM | net payload (bit per pixel) | raw BER | margin |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, attack in dict.fromkeys((row.strength, row.attack) for row in rows):
        group = [row for row in rows if (row.strength, row.attack) == (name, attack)]
        exact = [row for row in group if row.exact]
        means = [np.nanmean([getattr(r, f) for r in group] or [np.nan]) for f in ("psnr_db", "ssim")]
        payload = np.mean([r.bits_per_pixel for r in group])
        raw, margin = (np.mean([getattr(r, f) for r in exact]) if exact else np.nan for f in ("raw_ber", "margin"))
        lines.append(
            f"| {name} | `{attack}` | {len(exact)} of {len(group)} | {means[0]:.2f} | {means[1]:.3f} "
            f"| {payload:.4f} | {raw:.4f} | {margin:+.2f} |"
        )
    return "\n".join(lines)
