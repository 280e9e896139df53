"""The learned carrier against the lattice on the eval covers: payload at equal PSNR, visibility at equal payload.

    STEGOLAB_DATA=DIR python benchmarks/carriers.py [--net vgg] [--covers N]

For each strength: both carriers fill their declared capacity with random bytes; then the learned one carries the
lattice's very messages, changing no more than it needs (``sparse``). Every stego picture goes through the attacks of
the study, and what it carried must come back bit for bit. A cover that carries nothing, or not that message, counts
with no payload and as not exact.
"""

import argparse

import numpy as np

from stegolab import data
from stegolab.channel import spec
from stegolab.errors import CapacityExceeded, StegolabError
from stegolab.images import Picture, from_array, lpips, psnr, read_image, ssim
from stegolab.pipeline import EveryCarrier, carrier_for
from stegolab.sender import Sender
from stegolab.study import ATTACKS

KEY, SALT = b"k" * 32, b"s" * 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", default="vgg", help="LPIPS backbone: vgg or alex")
    parser.add_argument("--covers", type=int, default=16)
    parser.add_argument("--strengths", nargs="+", default=["jpeg", "social"])
    options = parser.parse_args()
    covers = [read_image(path) for path in data.eval_covers()[: options.covers]]
    print(f"| strength | carrier | net bit per pixel | PSNR (dB) | SSIM | LPIPS-{options.net} | exact |")
    print("|---|---|---|---|---|---|---|")
    for strength in options.strengths:
        messages = [
            np.random.default_rng(n).bytes(Sender.on(c, carrier_for(strength, "lattice")).capacity())
            for n, c in enumerate(covers)
        ]
        report(strength, "lattice", covers, messages, options.net)
        fuller = [
            np.random.default_rng(n).bytes(Sender.on(c, carrier_for(strength, "inn")).capacity())
            for n, c in enumerate(covers)
        ]
        report(strength, "inn", covers, fuller, options.net)
        report(strength, "inn", covers, messages, options.net, sparse=True)


def report(
    strength: str, carrier: str, covers: list[Picture], messages: list[bytes], net: str, sparse: bool = False
) -> None:
    rows, exact = [], 0
    for cover, message in zip(covers, messages, strict=True):
        try:
            stego = (
                Sender.on(cover, carrier_for(strength, carrier), sparse=sparse).send(message, KEY, salt=SALT).picture
            )
        except CapacityExceeded:  # counts as carrying nothing, and has no picture to be judged
            rows.append((0.0, np.nan, np.nan, np.nan))
            continue
        exact += all(comes_back(stego, attack, message, strength, carrier) for attack in ATTACKS[strength])
        before, after = cover.rgb, stego.rgb
        density = 8 * len(message) / (cover.height * cover.width)
        rows.append((density, psnr(before, after), ssim(before, after), lpips(before, after, net)))
    density = float(np.mean(rows, axis=0)[0])
    _, decibel, similar, distance = np.nanmean(rows, axis=0)
    name = f"{carrier}, the lattice's messages" if sparse else carrier
    print(
        f"| {strength} | {name} | {density:.4f} | {decibel:.2f} | {similar:.4f} | {distance:.4f} "
        f"| {exact} of {len(covers)} |",
        flush=True,
    )


def comes_back(stego: Picture, attack: str, message: bytes, strength: str, carrier: str) -> bool:
    from stegolab.receiver import receive

    try:
        found, account = receive(from_array(spec.parse(attack)(stego.rgb)), KEY, EveryCarrier())
    except StegolabError:
        return False
    return found == message and (account["strength"], account["carrier"]) == (strength, carrier)


if __name__ == "__main__":
    main()
