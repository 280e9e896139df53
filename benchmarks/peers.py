"""Other programs on our covers and attacks: how many bits, how visible, what comes back.

    pip install -e '.[peers]'
    STEGOLAB_DATA=DIR python benchmarks/peers.py [--covers 16] [--split eval] [--attacks jpeg:50 webp:80 ...]

Each peer hides random bits, as many as it is made for; a figure under an attack counts the covers from which all of
them came back. A peer that is not installed has a line that says so. ``stegolab`` hides its declared capacity at
strength ``social``; its receiver knows nothing but the key, the peers are told how many bits to expect. ``--publish``
writes results/peers.json, which notebook 08 shows.
"""

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stegolab import data, results
from stegolab.channel import spec
from stegolab.errors import CapacityExceeded, StegolabError
from stegolab.images import from_array, psnr, read_image
from stegolab.pipeline import EveryCarrier, carrier_for
from stegolab.receiver import receive
from stegolab.sender import Sender
from stegolab.study import wilson

ATTACKS = ("none", "jpeg:90", "jpeg:75", "jpeg:50", "webp:80", "blur:1", "resize:0.5,jpeg:75", "crop:0.1", "shift:3:5")
KEY = b"k" * 32


@dataclass(frozen=True)
class Peer:
    """``hide`` takes a picture and random bits and returns the stego picture; ``reveal`` the bits, or raises."""

    name: str
    needs: str
    hide: Callable[[np.ndarray, np.ndarray], np.ndarray]
    reveal: Callable[[np.ndarray, int], np.ndarray]
    bits: Callable[[np.ndarray], int]
    program: bool = False

    @property
    def there(self) -> bool:
        return bool(shutil.which(self.needs) if self.program else find_spec(self.needs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--covers", type=int, default=16)
    parser.add_argument("--split", default="eval", help="valid or eval")
    parser.add_argument("--attacks", nargs="+", default=list(ATTACKS))
    parser.add_argument("--side", type=int, default=512, help="the middle of each cover, this many pixels a side")
    parser.add_argument("--peers", nargs="+", help=f"some of: {', '.join(peer.name for peer in PEERS)}")
    parser.add_argument("--publish", action="store_true", help="write results/peers.json")
    options = parser.parse_args()
    if options.publish:
        results.check("peers")
    chains = [spec.parse(attack) for attack in options.attacks]
    paths = data.eval_covers() if options.split == "eval" else data.cover_files(options.split)
    covers = [middle(read_image(path).rgb, options.side) for path in paths[: options.covers]]
    print("| program | payload (bits) | PSNR (dB) | " + " | ".join(f"`{chain}`" for chain in chains) + " |")
    print("|---" * (3 + len(chains)) + "|", flush=True)
    rows = []
    for peer in PEERS:
        if options.peers and peer.name not in options.peers:
            continue
        if peer.there:
            rows.append(measured(peer, covers, chains))
            print(line(rows[-1]), flush=True)
        else:
            print(f"| {peer.name} | not installed: {peer.needs} | |" + " |" * len(chains), flush=True)
    low, _ = wilson(len(covers), len(covers))
    print(f"\n{len(covers)} covers: all of them is a rate of {100 * low:.0f} % or more (95 % interval).")
    if options.publish:
        found = {"covers": len(covers), "side": options.side, "split": options.split, "rows": rows}
        results.write("peers", found, profile="command", seed=0, command="python " + shlex.join(sys.argv))


def measured(peer: Peer, covers: list[np.ndarray], chains: list[spec.Chain]) -> dict[str, Any]:
    """A row; ``psnr_db`` is of the covers that took the payload, the others count as not exact."""
    sizes, decibels, exact = [], [], np.zeros(len(chains), int)
    for number, cover in enumerate(covers):
        bits = np.random.default_rng(number).integers(0, 2, peer.bits(cover), np.uint8)
        sizes.append(len(bits))
        try:
            stego = peer.hide(cover, bits)
        except (CapacityExceeded, OSError, subprocess.CalledProcessError):
            continue
        decibels.append(psnr(cover, stego))
        exact += [comes_back(peer, chain(stego), bits) for chain in chains]
    return {
        "program": peer.name,
        "payload_bits": float(np.mean(sizes)),
        "psnr_db": float(np.mean(decibels)) if decibels else None,
        "hidden": len(decibels),
        "trials": len(covers),
        "exact": {str(chain): int(count) for chain, count in zip(chains, exact, strict=True)},
    }


def line(row: dict[str, Any]) -> str:
    counts = " | ".join(f"{count} of {row['trials']}" for count in row["exact"].values())
    quality = "-" if row["psnr_db"] is None else f"{row['psnr_db']:.1f}"
    return f"| {row['program']} | {row['payload_bits']:.0f} | {quality} | {counts} |"


def comes_back(peer: Peer, received: np.ndarray, bits: np.ndarray) -> bool:
    try:
        return np.array_equal(peer.reveal(received, len(bits)), bits)
    except StegolabError:
        return False
    except Exception:  # what the peers raise for a damaged picture is anything from IndexError to cv2.error
        return False


def middle(rgb: np.ndarray, side: int) -> np.ndarray:
    top, left = ((length - side) // 2 for length in rgb.shape[:2])
    return np.ascontiguousarray(rgb[max(top, 0) :, max(left, 0) :][:side, :side])


def to_bytes(bits: np.ndarray) -> bytes:
    return np.packbits(bits).tobytes()


def to_bits(message: bytes) -> np.ndarray:
    return np.unpackbits(np.frombuffer(message, np.uint8))


def social(rgb: np.ndarray) -> Sender:
    return Sender.on(from_array(rgb), carrier_for("social", "lattice"))


def our_hide(rgb: np.ndarray, bits: np.ndarray) -> np.ndarray:
    return social(rgb).send(to_bytes(bits), KEY, salt=KEY[:16]).picture.rgb


def our_reveal(rgb: np.ndarray, count: int) -> np.ndarray:
    return to_bits(receive(from_array(rgb), KEY, EveryCarrier())[0])


def invisible(method: str) -> dict[str, Callable]:
    """invisible-watermark; it works on BGR, and takes bits as a list."""

    def hide(rgb: np.ndarray, bits: np.ndarray) -> np.ndarray:
        from imwatermark import WatermarkEncoder

        encoder = WatermarkEncoder()
        encoder.set_watermark("bits", list(bits))
        if method == "rivaGan":
            WatermarkEncoder.loadModel()
        return encoder.encode(np.ascontiguousarray(rgb[..., ::-1]), method)[..., ::-1].copy()

    def reveal(rgb: np.ndarray, count: int) -> np.ndarray:
        from imwatermark import WatermarkDecoder

        if method == "rivaGan":
            WatermarkDecoder.loadModel()
        found = WatermarkDecoder("bits", count).decode(np.ascontiguousarray(rgb[..., ::-1]), method)
        return np.asarray(found).astype(np.uint8)

    return {"hide": hide, "reveal": reveal}


def blind_hide(rgb: np.ndarray, bits: np.ndarray) -> np.ndarray:
    from blind_watermark import WaterMark, bw_notes

    bw_notes.close()  # it would greet us in the middle of the table
    mark = WaterMark(password_img=1, password_wm=1)
    mark.read_img(img=rgb[..., ::-1].astype(np.float32))
    mark.read_wm(bits.astype(bool), mode="bit")
    return np.clip(np.rint(mark.embed()), 0, 255).astype(np.uint8)[..., ::-1].copy()


def blind_reveal(rgb: np.ndarray, count: int) -> np.ndarray:
    from blind_watermark import WaterMark

    mark = WaterMark(password_img=1, password_wm=1)
    found = mark.extract(embed_img=rgb[..., ::-1].astype(np.float32), wm_shape=count, mode="bit")
    return (np.asarray(found) > 0.5).astype(np.uint8)


def stegano_hide(rgb: np.ndarray, bits: np.ndarray) -> np.ndarray:
    from stegano import lsb

    return np.array(lsb.hide(Image.fromarray(rgb), to_bytes(bits).hex()).convert("RGB"))  # it hides text only


def stegano_reveal(rgb: np.ndarray, count: int) -> np.ndarray:
    from stegano import lsb

    return to_bits(bytes.fromhex(lsb.reveal(Image.fromarray(rgb))))


def steghide_hide(rgb: np.ndarray, bits: np.ndarray) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        cover, secret, stego = (Path(folder, name) for name in ("cover.bmp", "secret", "stego.bmp"))
        Image.fromarray(rgb).save(cover)
        secret.write_bytes(to_bytes(bits))
        steghide("embed", "-cf", cover, "-ef", secret, "-sf", stego, "-Z", "-K")
        return np.array(Image.open(stego).convert("RGB"))


def steghide_reveal(rgb: np.ndarray, count: int) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        stego, secret = Path(folder, "stego.bmp"), Path(folder, "secret")
        Image.fromarray(rgb).save(stego)
        steghide("extract", "-sf", stego, "-xf", secret)
        return to_bits(secret.read_bytes())


def steghide(*words: str | Path) -> None:
    subprocess.run(["steghide", *map(str, words), "-p", "key", "-q", "-f"], check=True, capture_output=True)


PEERS = (
    Peer("stegolab", "stegolab", our_hide, our_reveal, lambda rgb: 8 * social(rgb).capacity()),
    Peer("invisible-watermark dwtDctSvd", "imwatermark", **invisible("dwtDctSvd"), bits=lambda rgb: 32),
    Peer("invisible-watermark rivaGan", "imwatermark", **invisible("rivaGan"), bits=lambda rgb: 32),
    Peer("blind-watermark", "blind_watermark", blind_hide, blind_reveal, lambda rgb: 64),
    Peer("stegano LSB", "stegano", stegano_hide, stegano_reveal, lambda rgb: 4096),
    Peer("steghide", "steghide", steghide_hide, steghide_reveal, lambda rgb: rgb.size // 24 // 8 * 8, program=True),
)


if __name__ == "__main__":
    main()
