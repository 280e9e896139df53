"""The learned carrier against the lattice on the eval covers: payload at equal PSNR, visibility at equal payload.

    STEGOLAB_DATA=DIR python benchmarks/carriers.py [--covers N] [--publish]

For each strength: both carriers fill their declared capacity with random bytes; then the learned one carries the same
messages as the lattice, changing no more than it needs (``sparse``). Every stego picture goes through the attacks of
the study, and what it carried must come back bit for bit. A cover that carries nothing, or not that message, counts
with no payload and as not exact.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from stegolab import data, results
from stegolab.channel import spec
from stegolab.errors import CapacityExceeded, StegolabError
from stegolab.images import Picture, from_array, lpips, psnr, read_image, ssim
from stegolab.pipeline import EveryCarrier, carrier_for
from stegolab.sender import Sender
from stegolab.study import ATTACKS
from stegolab.tables import TABLES

KEY, SALT = b"k" * 32, b"s" * 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--covers", type=int, default=16)
    parser.add_argument("--strengths", nargs="+", default=["jpeg", "social"])
    parser.add_argument("--publish", action="store_true", help="write results/carriers.json")
    options = parser.parse_args()
    if options.publish:
        results.check("carriers")
    covers = [read_image(path) for path in data.eval_covers()[: options.covers]]
    rows = []
    for strength in options.strengths:
        messages = filling(strength, "lattice", covers)
        for name, carrier, sent, sparse in (
            ("lattice", "lattice", messages, False),
            ("inn", "inn", filling(strength, "inn", covers), False),
            ("inn, the lattice's messages", "inn", messages, True),
        ):
            print(f"{strength} {name} ...", file=sys.stderr, flush=True)
            rows.append({"strength": strength, "carrier": name, **measured(strength, carrier, covers, sent, sparse)})
    metrics = {"rows": rows}
    print("\n".join(TABLES["carriers"](metrics)))
    if options.publish:
        command = shlex.join(["STEGOLAB_DATA=DIR", "python", "benchmarks/carriers.py", *sys.argv[1:]])
        results.write("carriers", metrics, profile="command", seed=0, command=command)


def filling(strength: str, carrier: str, covers: Sequence[Picture]) -> list[bytes]:
    """Random messages that fill the declared capacity of each cover."""
    chosen = carrier_for(strength, carrier)
    return [np.random.default_rng(n).bytes(Sender.on(cover, chosen).capacity()) for n, cover in enumerate(covers)]


def measured(
    strength: str, carrier: str, covers: Sequence[Picture], messages: Sequence[bytes], sparse: bool
) -> dict[str, Any]:
    """Means over the covers; means of quality over those that held their message."""
    rows, exact = [], 0
    for cover, message in zip(covers, messages, strict=True):
        sender = Sender.on(cover, carrier_for(strength, carrier), sparse=sparse)
        try:
            stego = sender.send(message, KEY, salt=SALT).picture
        except CapacityExceeded:  # counts as carrying nothing, and has no picture to be judged
            rows.append((0.0, np.nan, np.nan, np.nan))
            continue
        exact += all(comes_back(stego, attack, message, strength, carrier) for attack in ATTACKS[strength])
        before, after = cover.rgb, stego.rgb
        density = 8 * len(message) / (cover.height * cover.width)
        rows.append((density, psnr(before, after), ssim(before, after), lpips(before, after, "vgg")))
    net = float(np.mean(rows, axis=0)[0])
    quality = dict(zip(("psnr_db", "ssim", "lpips_vgg"), np.nanmean(rows, axis=0)[1:], strict=True))
    return {"net_bpp": net, **quality, "exact": exact, "covers": len(covers)}


def comes_back(stego: Picture, attack: str, message: bytes, strength: str, carrier: str) -> bool:
    from stegolab.receiver import receive

    try:
        found, account = receive(from_array(spec.parse(attack)(stego.rgb)), KEY, EveryCarrier())
    except StegolabError:
        return False
    return found == message and (account["strength"], account["carrier"]) == (strength, carrier)


if __name__ == "__main__":
    main()
