"""Which of the attacks that a sender tries stands for what real programs do: results/stand_ins.json.

    STEGOLAB_DATA=DIR python benchmarks/stand_ins.py [--carrier lattice] [--journal FILE] [--publish]

A sender cannot run a browser and an image server on every cover; it tries a handful of attacks of Pillow's and promises
what survives the worst. So each pipeline of the study's set ``software`` is measured beside them, on parts of pictures
of the valid split from calm to busy: how much the receiver still knows, in bits a slot, with the picture laid back to
its size. A pipeline is covered if on every cover that is at least :data:`NEEDED` of what is left by the worst attack
that was tried, which is what the chosen code needs. ``CANDIDATES`` are further attacks that could be tried: what each
would cover, and what it would cost in payload.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from studies import detail

from stegolab import data, files, journal, progress, results
from stegolab.carriers import carrier_for
from stegolab.channel import spec
from stegolab.detect.pictures import cut
from stegolab.errors import StegolabError
from stegolab.header import HEADER_CODE_BITS
from stegolab.images import Picture
from stegolab.keystream import public_bits
from stegolab.probe import information
from stegolab.study import installed
from stegolab.study.pipelines import PIPELINES

COVERS = 8
# A message is decoded from about 1 / .9 of its code rate, and the rate is .85 of what the worst attack leaves, less the
# tenth of the picture that a crop may take.
NEEDED = 0.86
CANDIDATES = (
    *("resize:0.6:box,jpeg:85", "resize:0.5:bilinear,jpeg:75", "resize:0.75,jpeg:60", "resize:0.6,jpeg:60"),
    *("resize:0.5,jpeg:60", "resize:0.5,jpeg:50", "resize:0.75,webp:80", "resize:0.6,webp:80", "resize:0.5,webp:80"),
    *("resize:0.75,webp:75", "resize:0.6,webp:75", "webp:60", "resize:0.8,jpeg:80,resize:0.75,jpeg:80"),
)
# With the page around it, what has to be found is the place: that is the search's work, and the study's.
NOT_LAID_BACK = "screenshot, with the page"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--carrier", default="lattice")
    parser.add_argument("--strength", default="social")
    parser.add_argument("--journal", type=Path, default=Path("runs/stand_ins.sqlite"), help="what is measured already")
    parser.add_argument("--publish", action="store_true", help="write results/stand_ins.json")
    options = parser.parse_args()
    if options.publish:
        results.check("stand_ins")
    tried = carrier_for(options.strength, options.carrier).strength.attacks
    families = {sweep.family: sweep.within + sweep.beyond for sweep in PIPELINES if sweep.family != NOT_LAID_BACK}
    pipelines = [attack for some in families.values() for attack in some]
    lost = {attack for some in installed.left_out(pipelines).values() for attack in some}
    here = [attack for attack in pipelines if attack not in lost]
    files.folder(options.journal.parent)
    with journal.opened(options.journal) as log:
        known = measured(options.carrier, options.strength, [*tried, *CANDIDATES, *here], log)
    figures = summary(known, tried, {name: [a for a in some if a in here] for name, some in families.items()})
    figures |= {"carrier": options.carrier, "strength": options.strength, "needed": NEEDED}
    print(json.dumps(figures, indent=1))
    if options.publish:
        used = {"software": installed.used(here), "not_installed": sorted(lost)}
        command = shlex.join(["STEGOLAB_DATA=DIR", "python", "benchmarks/stand_ins.py", *sys.argv[1:]])
        results.write("stand_ins", figures | used, profile="command", seed=0, command=command)


def measured(carrier: str, strength: str, attacks: Iterable[str], log: journal.Journal) -> dict[str, list[float]]:
    """Bits a slot after each attack, one for each cover, calm to busy."""
    parts = sorted(cut(data.covers("valid")), key=lambda part: detail(Picture(part.rgb)))
    chosen = [parts[round(k)] for k in np.linspace(0, len(parts) - 1, COVERS)]
    sender = carrier_for(strength, carrier)
    found: dict[str, list[float]] = {attack: [] for attack in attacks}
    for part in progress.steps(chosen, len(chosen), "covers"):
        slots = sender.body_slots(part.rgb.shape)
        header, body = public_bits("stand-in header", HEADER_CODE_BITS), public_bits("stand-in body", slots)
        stego = None
        for attack in found:
            name = f"{strength} {carrier} {part.source} {attack}"
            if name not in log.rows:
                if stego is None:
                    stego = sender.embed(part.rgb, header, body, np.ones(slots, bool))
                reading = sender.read(spec.parse(attack)(stego), stego.shape[:2])
                left = information((body.astype(np.float32) * 2 - 1) * reading.body_llr(header))
                log.append([(name, {"information": left})])
            found[attack].append(log.rows[name]["information"])
    return found


def summary(known: dict[str, list[float]], tried: tuple[str, ...], families: dict[str, list[str]]) -> dict[str, Any]:
    """What stands for each pipeline, how often each attack that is tried was the worst, and what more would cost."""
    left = {attack: np.array(some) for attack, some in known.items()}  # (covers,) each
    worst = np.min([left[attack] for attack in tried], axis=0)  # (covers,)

    def row(attack: str) -> dict[str, Any]:
        ratios = left[attack] / np.maximum(worst, 1e-9)  # (covers,)
        harder = [t for t in tried if (left[attack] >= NEEDED * left[t]).all()]
        return {
            "attack": attack,
            "information": float(left[attack].mean()),
            "least_ratio": float(ratios.min()),
            "covered": int((ratios >= NEEDED).sum()),
            "stand_in": max(harder, key=lambda t: left[t].mean()) if harder else None,
        }

    pipelines = [attack for some in families.values() for attack in some]
    covers = len(worst)

    def candidate(attack: str) -> dict[str, Any]:
        with_it = np.minimum(worst, left[attack])
        more = [p for p in pipelines if (left[p] >= NEEDED * with_it).all() and not (left[p] >= NEEDED * worst).all()]
        return row(attack) | {"payload": float((with_it / np.maximum(worst, 1e-9)).mean()), "covers_more": more}

    return {
        "covers": covers,
        "tried": [
            {
                "attack": attack,
                "information": float(left[attack].mean()),
                "worst_on": int((left[attack] <= worst).sum()),
                "stands_for": sum(row(p)["stand_in"] == attack for p in pipelines),
            }
            for attack in tried
        ],
        "families": [{"family": name, "attacks": [row(a) for a in some]} for name, some in families.items() if some],
        "candidates": [candidate(attack) for attack in CANDIDATES if attack not in tried],
    }


if __name__ == "__main__":
    try:
        main()
    except StegolabError as error:
        sys.exit(f"stand_ins: {type(error).__name__}: {error}")
