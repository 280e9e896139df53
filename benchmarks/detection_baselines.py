"""Steganography that only avoids detection, and a detector by others, for comparison with ``detectability.py``.

    pip install -e '.[detect]'
    STEGOLAB_DATA=DIR python benchmarks/detection_baselines.py --crops 1 --out results/detection_baselines.json
    STEGOLAB_DATA=DIR python benchmarks/detection_baselines.py --crops 1 --srmq1 --hill --juniward

HILL (Li et al. 2014) and J-UNIWARD (Holub, Fridrich & Denemark 2014) as the library ``conseal`` simulates them: what
the best code would do, with no message to read and nothing that survives a JPEG. HILL changes pixels, at so many bits
per pixel; J-UNIWARD changes the coefficients of a JPEG of quality 75, at so many bits per AC coefficient that is not
zero, and its covers are that JPEG. They are judged as the carriers are: by the same features and ensemble, on the same
crops.

``--srmq1`` adds rows for one setting of a carrier under the 12,753 features of ``sealwatch``'s SRMQ1, beside the 2,350
of this package: is a P_E the carrier's, or our compact features'? It takes 15 to 30 seconds a crop.
"""

from __future__ import annotations

import argparse
import io
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from detectability import TRIED, Material, Row, described_by, judged, material_of, scored, shown, sources
from numpy.typing import NDArray
from PIL import Image

from stegolab import extras, results
from stegolab.detect import ensemble
from stegolab.detect.features import features
from stegolab.detect.pictures import Crop, Setting, Stego
from stegolab.errors import StegolabError

Plane = NDArray[np.uint8]
Pair = tuple[Plane, Plane, float]  # cover, stego picture, and how many bits it holds
Describe = Callable[[Plane], NDArray[np.float32]]
QUALITY = 75  # of the JPEGs that J-UNIWARD changes


def hill(plane: Plane, rate: float, seed: int) -> Pair:
    """At ``rate`` bits per pixel."""
    import conseal

    return plane, conseal.hill.simulate_single_channel(x0=plane, alpha=rate, seed=seed), rate * plane.size


def juniward(plane: Plane, rate: float, seed: int) -> Pair:
    """A JPEG of the plane, and the same with ``rate`` bits per non-zero AC coefficient, both decoded."""
    import conseal
    import jpeglib

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "picture.jpg"
        Image.fromarray(plane).save(path, quality=QUALITY)
        cover = np.asarray(Image.open(io.BytesIO(path.read_bytes())))
        jpeg = jpeglib.read_dct(str(path))
        pixels = jpeglib.read_spatial(str(path)).spatial[..., 0]
        places = np.count_nonzero(jpeg.Y) - np.count_nonzero(jpeg.Y[..., 0, 0])
        jpeg.Y = conseal.juniward.simulate_single_channel(pixels, jpeg.Y, jpeg.qt[0], alpha=rate, seed=seed)
        jpeg.write_dct(str(path))
        return cover, np.asarray(Image.open(io.BytesIO(path.read_bytes()))), rate * places


def srmq1(plane: Plane) -> NDArray[np.float32]:
    """The spatial rich model with one quantisation, (12753,), by ``sealwatch``."""
    import sealwatch

    return np.concatenate([np.ravel(part) for part in sealwatch.srmq1.extract(plane).values()]).astype(np.float32)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the table, and publish it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hill", type=float, nargs="*", default=[0.02, 0.1, 0.4], help="bits per pixel")
    parser.add_argument("--juniward", type=float, nargs="*", default=[0.1, 0.4], help="bits per AC coefficient")
    parser.add_argument("--srmq1", action="store_true", help="also a carrier under the features of sealwatch")
    parser.add_argument("--setting", default="inn-jpeg-0.0625", help="which: carrier, strength and payload")
    parser.add_argument("--side", type=int, default=512, help="pixels of a crop")
    parser.add_argument("--crops", type=int, default=2, help="of each picture of the train and valid split")
    parser.add_argument("--covers", type=int, help="only so many pictures of each split")
    parser.add_argument("--out", type=Path, help="publish there, such as results/detection_baselines.json")
    options = parser.parse_args(argv)
    if options.out:
        results.check("detection_baselines", options.out)
    extras.require("conseal", "jpeglib", *(["sealwatch"] if options.srmq1 else []))
    material = material_of(options)
    rows = shown(measure(material, options))
    if options.out:
        metrics = {"side": options.side, "quality": QUALITY, **described_by(material), "rows": rows}
        command = shlex.join(["python", "benchmarks/detection_baselines.py", *(sys.argv[1:] if argv is None else argv)])
        results.write("detection_baselines", metrics, profile="command", seed=0, command=command, path=options.out)


def measure(material: Material, options: argparse.Namespace) -> Iterator[Row]:
    """Every baseline under the features of this package, then a carrier under both."""
    for name, simulate, rates in (("HILL", hill, options.hill), ("J-UNIWARD", juniward, options.juniward)):
        for rate in rates:
            pairs = {split: [simulate(c.plane, rate, c.seed) for c in some] for split, some in material.items()}
            yield verdict(material, pairs, Setting(name, "none", rate), "features", features)
    if options.srmq1:
        carrier, strength, payload = options.setting.rsplit("-", 2)
        setting = Setting(carrier, strength, float(payload))
        pairs = {split: [by_carrier(crop, setting) for crop in some] for split, some in material.items()}
        for detector, describe in (("features", features), ("SRMQ1", srmq1)):
            yield verdict(material, pairs, setting, detector, describe)


def by_carrier(crop: Crop, setting: Setting) -> Pair:
    """A carrier of this package, with a message of its own length."""
    stego = Stego.of(crop, setting)
    return crop.plane, stego.plane, stego.bits


def verdict(
    material: Material, pairs: Mapping[str, Sequence[Pair]], setting: Setting, detector: str, describe: Describe
) -> Row:
    """A detector that learns from the pairs of the train split, on those of the others."""
    before = {split: np.stack([describe(cover) for cover, _, _ in some]) for split, some in pairs.items()}
    after = {split: np.stack([describe(stego) for _, stego, _ in some]) for split, some in pairs.items()}
    linear = ensemble.train(before["train"], after["train"], sources(material, ["train"]))
    tried = [pair for split in TRIED["both"] for pair in pairs[split]]
    density = float(np.mean([bits / cover.size for cover, _, bits in tried]))
    psnr = float(np.mean([decibels(cover, stego) for cover, stego, _ in tried]))
    what = (setting.carrier, setting.strength, setting.payload, density, psnr, setting.share)
    return Row(*what, detector, judged(scored(linear, before), scored(linear, after), material))


def decibels(cover: Plane, stego: Plane) -> Any:
    """PSNR of two planes."""
    return 10 * np.log10(255**2 / np.square(cover.astype(float) - stego).mean())


if __name__ == "__main__":
    try:
        main()
    except StegolabError as error:
        sys.exit(f"detection_baselines: {type(error).__name__}: {error}")
