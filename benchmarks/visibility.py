"""What each carrier costs the eye: payload, and six measures of how far it shows, on the eval covers.

    STEGOLAB_DATA=DIR python benchmarks/visibility.py [--journal FILE] [--publish]
    python benchmarks/visibility.py --picture results/visibility.png

Each carrier fills its declared capacity with random bytes. The sender itself reads its picture again after every attack
that the strength declares, and refuses what does not come back; after further attacks of the declared range, which it
does not try (qualities between, a crop), this script reads it. The means of quality are over the covers that carry.
With a journal it goes on where it stopped, and several may work at once. ``--picture`` draws details of two photographs
that ship, as they are and as each carrier fills them at ``social``.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from stegolab import data, results
from stegolab.channel import spec
from stegolab.errors import CapacityExceeded, StegolabError
from stegolab.header import HEADER_CODE_BITS
from stegolab.image_quality import flat_rms, ssimulacra2, watson
from stegolab.images import RGB, Picture, from_array, lpips, psnr, read_image, ssim
from stegolab.pipeline import EveryCarrier, carrier_for
from stegolab.receiver import receive
from stegolab.sender import Sender
from stegolab.tables import TABLES

KEY, SALT = b"k" * 32, b"s" * 16
CARRIERS = ("lattice", "inn", "textured:unseen", "textured:faint", "textured:loud")
FURTHER = {"jpeg": ("jpeg:60", "jpeg:85"), "social": ("resize:0.6,jpeg:85", "crop:0.1,jpeg:80")}
MEASURES = {
    "psnr_db": psnr,
    "ssim": ssim,
    "ssimulacra2": ssimulacra2,
    "lpips_vgg": lambda a, b: lpips(a, b, "vgg"),
    "watson_jnd": watson,
    "flat_rms": flat_rms,
}
WORST = {"psnr_db": min, "ssim": min, "ssimulacra2": min, "lpips_vgg": max, "watson_jnd": max, "flat_rms": max}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--covers", type=int, default=16)
    parser.add_argument("--strengths", nargs="+", default=["jpeg", "social"])
    parser.add_argument("--carriers", nargs="+", default=list(CARRIERS))
    parser.add_argument("--journal", type=Path, help="rows that are done, a line of JSON each; they are not done again")
    parser.add_argument("--publish", action="store_true", help="write results/visibility.json")
    parser.add_argument("--picture", help="only draw details of sample covers, to this file")
    options = parser.parse_args()
    if options.picture:
        draw(options.picture)
        return
    if options.publish:
        results.check("visibility")
    covers = [read_image(path) for path in data.eval_covers()[: options.covers]]
    rows = [row_of(options.journal, *which, covers) for which in product(options.strengths, options.carriers)]
    metrics = {"covers": len(covers), "rows": rows}
    print("\n".join(TABLES["visibility"](metrics)))
    if options.publish:
        command = shlex.join(["STEGOLAB_DATA=DIR", "python", "benchmarks/visibility.py", *sys.argv[1:]])
        results.write("visibility", metrics, profile="command", seed=0, command=command)


def row_of(journal: Path | None, strength: str, carrier: str, covers: Sequence[Picture]) -> dict[str, Any]:
    """A row of the table, from the journal or measured."""
    which = {"strength": strength, "carrier": carrier, "covers": len(covers)}
    lines = journal.read_text().splitlines() if journal and journal.exists() else []
    for done in map(json.loads, lines):
        if which.items() <= done.items():
            return dict(done)
    row = which | measured(strength, carrier, covers)
    print(row, file=sys.stderr, flush=True)
    if journal:
        with journal.open("a") as file:
            file.write(json.dumps(row) + "\n")
    return row


def measured(strength: str, carrier: str, covers: Sequence[Picture]) -> dict[str, Any]:
    """Net payload over all covers, a cover that carries nothing counting 0; quality over those that carry."""
    density, refused, returned = [], 0, dict.fromkeys(FURTHER[strength], 0)
    quality: dict[str, list[float]] = {name: [] for name in MEASURES}
    for number, cover in enumerate(covers):
        sender = Sender.on(cover, carrier_for(strength, carrier))
        message = np.random.default_rng(number).bytes(sender.capacity())
        try:
            stego = sender.send(message, KEY, salt=SALT).picture
        except CapacityExceeded:
            refused += bool(message)
            density.append(0.0)
            continue
        density.append(8 * len(message) / (cover.height * cover.width))
        for name, measure in MEASURES.items():
            quality[name].append(float(measure(cover.rgb, stego.rgb)))
        for attack in returned:
            returned[attack] += comes_back(stego, attack, message)
    carrying = len(quality["psnr_db"])
    return {
        "net_bpp": float(np.mean(density)),
        "carrying": carrying,
        "refused": refused,
        **{name: float(np.mean(found)) if found else None for name, found in quality.items()},
        "worst": {name: WORST[name](found) if found else None for name, found in quality.items()},
        "further": returned,
    }


def draw(path: str) -> None:
    """Two details at three pixels a pixel: a face before a wall, and a cup on a cloth."""
    from matplotlib import pyplot as plt

    details = {"astronaut": np.s_[40:200, 110:270], "coffee": np.s_[40:200, 20:180]}
    shown = {"cover": None, "lattice": "lattice", "inn": "inn", "textured, unseen": "textured:unseen"}
    figure, axes = plt.subplots(len(details), len(shown), figsize=(13.2, 7), dpi=150, layout="constrained")
    for row, (name, where) in zip(axes, details.items(), strict=True):
        cover = data.sample_covers()[name]
        for axis, (title, carrier) in zip(row, shown.items(), strict=True):
            picture = cover if carrier is None else filled(cover, carrier)
            axis.imshow(picture[where], interpolation="nearest")
            score = "" if carrier is None else f"\nSSIMULACRA2 {ssimulacra2(cover, picture):.0f}"
            axis.set_title(title + score, fontsize=12)
            axis.axis("off")
    figure.savefig(path)


def filled(cover: RGB, carrier: str) -> RGB:
    """The cover with random bits in every slot that carries."""
    chosen = carrier_for("social", carrier)
    rng = np.random.default_rng(0)
    slots = chosen.body_slots(cover.shape)
    header, body = (rng.integers(0, 2, count, np.uint8) for count in (HEADER_CODE_BITS, slots))
    return chosen.embed(cover, header, body, np.ones(slots, bool))


def comes_back(stego: Picture, attack: str, message: bytes) -> bool:
    """Whether the message is read from a received picture, bit for bit, by who knows neither carrier nor strength."""
    try:
        return receive(from_array(spec.parse(attack)(stego.rgb)), KEY, EveryCarrier())[0] == message
    except StegolabError:
        return False


if __name__ == "__main__":
    try:
        main()
    except StegolabError as error:
        sys.exit(f"visibility: {type(error).__name__}: {error}")
