"""The frontier of payload against quality: net bits per pixel against PSNR, a curve for each carrier and strength.

    STEGOLAB_DATA=DIR python benchmarks/frontier.py [--split valid] [--covers N] [--points N] [--out FILE.json]

Two knobs span it. A ``share`` of the capacity below one, sent with ``sparse``: fewer slots change, which any sender may
do to be seen less. And a ``factor`` on the steps (the lattice's, or those that a network has learned), which both ends
must know: above one it buys payload for distortion. No weights are trained again, so below one it shows what the step
costs that no longer fits JPEG's table. The curve is what no other point of its carrier beats in both directions.

Messages are random bytes, as many as the sender promises for the cover, or that share of them. After every attack that
the strength declares, each must come back bit for bit from the attacked picture, or the point is not exact. A cover
that carries nothing counts with no payload and has no picture to be judged. ``plain``, the network without a lattice,
joins in where its weights ship or ``--weights plain:jpeg=FILE`` names them.

Trials are kept in ``--journal`` as they come: interrupted, the benchmark goes on. Another version of the program needs
another journal.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Container, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from stegolab import data, results, show
from stegolab.carrier.interface import Carrier
from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.learned import LearnedCarrier, learned_carrier
from stegolab.carrier.networks.model import load
from stegolab.carrier.strengths import strength as strength_named
from stegolab.carrier.sync import template
from stegolab.channel import spec
from stegolab.errors import BadSpec, CapacityExceeded, NotTrained, StegolabError
from stegolab.files import folder
from stegolab.images import Picture, from_array, lpips, psnr, read_image, ssim
from stegolab.journal import Journal as Kept
from stegolab.journal import opened
from stegolab.receiver import receive
from stegolab.sender import Sender
from stegolab.study import version

# (factor, share): the first as it ships, then from far to near; --points takes so many from the left
POINTS = ((1.0, 1.0), (1.0, 0.5), (1.2, 1.0), (1.0, 0.7), (0.85, 1.0), (1.0, 0.4), (1.1, 1.0), (1.0, 0.85))
CARRIERS = ("lattice", "inn", "plain")
STRENGTHS = ("jpeg", "social")
MEANS = ("net_bpp", "psnr_db", "ssim", "lpips_vgg")
LOOKS = {"lattice": ("s", show.PALETTE[1]), "inn": ("o", show.PALETTE[0]), "plain": ("^", show.PALETTE[2])}


Setting = tuple[str, str, float, float]  # strength, carrier, factor, share


@dataclass(frozen=True)
class Trial:
    """One message in one cover; without a picture, ``psnr_db`` and the rest are None."""

    strength: str
    carrier: str
    factor: float
    share: float
    cover: str
    net_bpp: float = 0.0
    psnr_db: float | None = None
    ssim: float | None = None
    lpips_vgg: float | None = None
    exact: bool = False

    @property
    def key(self) -> tuple[Setting, str]:
        """The identity of a trial: what was tried, and on which cover."""
        return (self.strength, self.carrier, self.factor, self.share), self.cover


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is not measured yet, then draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", default="eval", choices=("eval", "valid"), help="valid to try things on")
    parser.add_argument("--covers", type=int, default=16)
    parser.add_argument("--points", type=int, default=6, help=f"of each curve, at most {len(POINTS)}")
    parser.add_argument("--strengths", nargs="+", default=STRENGTHS, choices=STRENGTHS)
    parser.add_argument("--carriers", nargs="+", default=CARRIERS, choices=CARRIERS)
    parser.add_argument("--weights", nargs="+", default=(), metavar="CARRIER:STRENGTH=FILE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--journal", type=Path, default=Path("runs/frontier.sqlite"))
    parser.add_argument("--out", type=Path, default=results.FOLDER / "frontier.json", help="the plots lie beside it")
    options = parser.parse_args(argv)
    folder(options.out.parent)
    results.check(options.out.stem, options.out)
    weights = dict(given.split("=", 1) for given in options.weights)
    paths = (data.eval_covers() if options.split == "eval" else data.cover_files(options.split))[: options.covers]
    files = {name: sha256(Path(file).read_bytes()).hexdigest() for name, file in weights.items()}
    about = {"version": version(), "split": options.split, "seed": options.seed, "weights": files}
    folder(options.journal.parent)
    with opened(options.journal) as kept:
        journal = Journal(kept, **about)
        for strength in options.strengths:
            for name in options.carriers:
                try:
                    carrier = base(name, strength, weights)
                except NotTrained as error:
                    print(error, file=sys.stderr)
                    continue
                for factor in dict.fromkeys(factor for factor, _ in POINTS[: options.points]):
                    shares = [share for f, share in POINTS[: options.points] if f == factor]
                    for path in paths:
                        missing = [s for s in shares if ((strength, name, factor, s), path.name) not in journal]
                        for trial in trials(scaled(carrier, factor), factor, missing, path, options.seed):
                            journal.append(trial)
                            print(*asdict(trial).values(), flush=True)
    command = shlex.join(["python", "benchmarks/frontier.py", *(sys.argv[1:] if argv is None else argv)])
    asked = {
        ((strength, name, factor, share), path.name)
        for strength in options.strengths
        for name in options.carriers
        for factor, share in POINTS[: options.points]
        for path in paths
    }
    points = journal.points(asked)
    metrics = {"split": options.split, "weights": files, "points": points}
    results.write(options.out.stem, metrics, profile="command", seed=options.seed, command=command, path=options.out)
    draw(points, options.out)


def base(name: str, strength: str, weights: dict[str, str]) -> Carrier:
    """The carrier as it ships, or with the weights of a file.

    Raises:
        NotTrained: it does not ship.
    """
    chosen, given = strength_named(strength), weights.get(f"{name}:{strength}")
    if given:
        return LearnedCarrier(chosen, load(Path(given)))
    if name == "lattice":
        return LatticeCarrier(chosen)
    return learned_carrier(chosen, network="invertible" if name == "inn" else name)


def scaled(carrier: Carrier, factor: float) -> Carrier:
    """With steps so many times as large, which both ends must know; the template's stay, which nobody is told."""
    if isinstance(carrier, LatticeCarrier):
        strength = carrier.strength
        pinned = template.FREQUENCIES if strength.rescaled else ()
        pairs = zip(strength.frequencies, strength.steps, strict=True)
        steps = tuple(step if frequency in pinned else factor * step for frequency, step in pairs)
        return replace(carrier, strength=replace(strength, steps=steps))
    assert isinstance(carrier, LearnedCarrier)
    model = deepcopy(carrier.model)
    for name, weight in model.named_parameters():
        if name.endswith("log_step"):
            weight.data += np.log(factor)
    return replace(carrier, trained=model)


def trials(carrier: Carrier, factor: float, shares: Sequence[float], path: Path, seed: int) -> list[Trial]:
    """One rehearsal of the cover, then a message for each share of what it promises."""
    if not shares:
        return []
    cover = read_image(path)
    sender = Sender.on(cover, carrier)
    promised, found = sender.capacity(), []
    for share in shares:
        blank = Trial(carrier.strength.name, carrier.name, factor, share, path.name)
        sparing = sender if share == 1 else replace(sender, sparse=True)
        drawn = np.random.default_rng([seed, *sha256(f"{path.name} {factor} {share}".encode()).digest()])
        message = drawn.bytes(min(int(share * promised), sparing.capacity()))
        try:
            stego = sparing.send(message, KEY, salt=SALT).picture
        except CapacityExceeded:
            found.append(blank)
            continue
        exact = all(comes_back(stego, attack, message, carrier) for attack in carrier.strength.attacks)
        density, before, after = 8 * len(message) / (cover.height * cover.width), cover.rgb, stego.rgb
        near = (psnr(before, after), ssim(before, after), lpips(before, after, "vgg"))
        found.append(Trial(*blank.key[0], path.name, density, *near, exact))
    return found


KEY, SALT = b"k" * 32, b"s" * 16


def comes_back(stego: Picture, attack: str, message: bytes, carrier: Carrier) -> bool:
    """Whether a receiver that has the attacked picture and the key gets the message, bit for bit."""
    try:
        return receive(from_array(spec.parse(attack)(stego.rgb)), KEY, [carrier])[0] == message
    except StegolabError:
        return False


class Journal(dict[tuple[Setting, str], Trial]):
    """All trials of one version of the program on one split, kept in a file as they come.

    Raises:
        BadSpec: the file was made by another version, on other pictures or with another seed.
    """

    def __init__(self, kept: Kept, **about: Any) -> None:
        super().__init__()
        self.kept = kept
        kept.append([("about", about)])  # counts only where nothing is there yet
        first, *rows = kept.rows.values()
        other = [name for name, value in about.items() if first.get(name) != value]
        if other:
            raise BadSpec(f"it was measured with another {', '.join(other)}: name another place with --journal")
        self.update((trial.key, trial) for trial in (Trial(**row) for row in rows))

    def append(self, trial: Trial) -> None:
        """Keep one more."""
        self[trial.key] = trial
        self.kept.append([(json.dumps(trial.key), asdict(trial))])

    def points(self, asked: Container[tuple[Setting, str]]) -> list[dict[str, Any]]:
        """The means over covers for each setting that was asked for."""
        by_setting: dict[Setting, list[Trial]] = {}
        for key, trial in self.items():
            if key in asked:
                by_setting.setdefault(key[0], []).append(trial)
        return [
            dict(zip(("strength", "carrier", "factor", "share"), setting, strict=True))
            | {name: _mean([getattr(trial, name) for trial in found]) for name in MEANS}
            | {"exact": sum(trial.exact for trial in found), "covers": len(found)}
            for setting, found in by_setting.items()
        ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def envelope(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points that no other beats in both payload and PSNR, by rising PSNR."""
    best: list[dict[str, Any]] = []
    for point in sorted(points, key=lambda p: (-p["psnr_db"], -p["net_bpp"])):
        if not best or point["net_bpp"] > best[-1]["net_bpp"]:
            best.append(point)
    return best[::-1]


def draw(points: Sequence[dict[str, Any]], out: Path) -> None:
    """Write the plot beside ``out``, as PNG and SVG: a panel for each strength, a curve for each carrier."""
    from matplotlib.figure import Figure

    show.style()
    judged = [point for point in points if point["psnr_db"] is not None]
    strengths = [name for name in STRENGTHS if any(point["strength"] == name for point in judged)]
    drawn = Figure(figsize=(show.WIDTH, 3.8), layout="constrained")
    panels = drawn.subplots(1, max(len(strengths), 1), squeeze=False, sharex=True)[0]
    for axes, strength in zip(panels, strengths, strict=False):
        for carrier, (marker, colour) in LOOKS.items():
            here = [p for p in judged if (p["strength"], p["carrier"]) == (strength, carrier)]
            if not here:
                continue
            curve = envelope(here)
            axes.plot(*_coordinates(curve), "-", color=colour, label=carrier, linewidth=2)
            for point in here:
                exact = point["exact"] == point["covers"]
                style = {"color": colour, "alpha": 1.0 if point in curve else 0.35, "markersize": 6}
                axes.plot(*_coordinates([point]), marker, markerfacecolor=colour if exact else "white", **style)
                if (point["factor"], point["share"]) == (1, 1):
                    axes.plot(*_coordinates([point]), "o", markersize=14, markerfacecolor="none", color=colour)
        axes.set(title=f"strength {strength}", xlabel="mean PSNR (dB)", ylim=(0, None))
        axes.legend(loc="upper right", handlelength=1.5)
    drawn.axes[0].set_ylabel("net payload (bits per pixel)")
    covers = max((point["covers"] for point in points), default=0)
    note = f"means of {covers} covers; filled: exact after every declared attack on all; ring: as it ships"
    drawn.supxlabel(note, fontsize="small", color="0.35")
    for suffix in (".png", ".svg"):
        drawn.savefig(out.with_suffix(suffix), dpi=200)


def _coordinates(points: Sequence[dict[str, Any]]) -> tuple[list[float], list[float]]:
    return [point["psnr_db"] for point in points], [point["net_bpp"] for point in points]


if __name__ == "__main__":
    try:
        main()
    except StegolabError as error:
        sys.exit(f"frontier: {type(error).__name__}: {error}")
