"""How well a steganalyst tells stego pictures from covers: carrier x strength x payload x detector -> P_E, ROC area.

    STEGOLAB_DATA=DIR python benchmarks/detectability.py --cache DIR [--network lattice-social-1 ...] [--json FILE]

Detectors learn on crops of the train split and are tried on other pictures, those of the valid split and the eval
covers. ``features`` is SPAM and a part of the rich model with an ensemble of linear discriminants, ``network`` a small
SRNet for the settings that ``--network`` names, ``receiver`` this program's own receiver, which needs no training. P_E
is 0 for a perfect detector, and the last line says what guessing gets; in brackets is the 95 % interval of a bootstrap
over pictures. Messages are random bytes, a share ``payload`` of the capacity, and change no more of the picture than
they need (``sparse``); the default of jpeg and social, which fills the picture with code, looks like payload 1 always.
LSB matching of ``--lsb`` bits per pixel tells how easy the covers are for the features: the less they miss there, the
less a P_E of 0 says about a carrier. Interrupted, the benchmark goes on, as far as pictures, features of carriers and
networks are concerned; another version of the package begins anew.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stegolab import data
from stegolab.detect import ensemble
from stegolab.detect.features import features
from stegolab.detect.lsb import lsb_matching
from stegolab.detect.pictures import Crop, Setting, held_out, prepare, read
from stegolab.detect.reader import presence
from stegolab.detect.roc import Verdict, by_chance, judge
from stegolab.files import folder, replacing
from stegolab.study import version

if TYPE_CHECKING:
    from stegolab.detect.trainer import Trainer

CARRIES = (("lattice", "file"), ("lattice", "jpeg"), ("inn", "jpeg"), ("lattice", "social"), ("inn", "social"))
TRIED = ("valid", "eval")
PICKED = 8  # every so many pictures of the train split pick the network's checkpoint instead of training it


@dataclass(frozen=True)
class Row:
    """One detector on one setting."""

    setting: Setting
    bits_per_pixel: float
    psnr_db: float
    detector: str
    verdicts: dict[str, Verdict]  # by split

    def __str__(self) -> str:
        """A line of the table."""
        s, cells = self.setting, []
        for verdict in self.verdicts.values():
            low, high = verdict.p_e_interval
            cells += [f"{verdict.p_e:.3f} ({low:.2f} to {high:.2f})", f"{verdict.area:.3f}"]
        left = [s.carrier, s.strength, f"{s.payload:g}", f"{self.bits_per_pixel:.4f}", f"{self.psnr_db:.1f}"]
        return "| " + " | ".join([*left, self.detector, *cells]) + " |"

    def record(self) -> dict[str, Any]:
        """What goes into the JSON: as the notebook plots it."""
        return asdict(
            self, dict_factory=lambda items: {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in items}
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="a folder for pictures, features and networks")
    parser.add_argument("--carriers", nargs="+", default=["lattice", "inn"])
    parser.add_argument("--strengths", nargs="+", default=["file", "jpeg", "social"])
    parser.add_argument("--payloads", type=float, nargs="+", default=[1.0, 0.25, 0.0625])
    parser.add_argument("--side", type=int, default=512, help="pixels of a crop")
    parser.add_argument("--crops", type=int, default=2, help="of each picture of the train and valid split")
    parser.add_argument("--covers", type=int, help="only so many pictures of each split")
    parser.add_argument("--network", nargs="*", default=[], metavar="SETTING", help="such as inn-social-0.25")
    parser.add_argument("--steps", type=int, default=600, help="of training a network")
    parser.add_argument("--lsb", type=float, nargs="*", default=[0.02, 0.1, 0.5], help="bits per pixel")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write rows and curves there")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    options.cache = folder(options.cache / version()[:12])  # never another version's pictures
    settings = [
        Setting(carrier, strength, payload)
        for carrier, strength in CARRIES
        if carrier in options.carriers and strength in options.strengths
        for payload in options.payloads
    ]
    files = {split: list(cut(split, settings, options)) for split in ("train", *TRIED)}
    tries = " | ".join(f"P_E {split} | area {split}" for split in TRIED)
    print(f"| carrier | strength | payload | bit per pixel | PSNR (dB) | detector | {tries} |")
    print("|---" * (6 + 2 * len(TRIED)) + "|")
    rows = []
    for row in measure(files, settings, options):
        print(row, flush=True)
        rows.append(row)
    chance = {split: by_chance(len(files[split])) for split in TRIED}
    said = (f"P_E {p_e:.3f} on {len(files[split])} crops ({split})" for split, p_e in chance.items())
    print("\nguessing:", ", ".join(said))
    if options.json:
        found = {"side": options.side, "guessing": chance, "rows": [row.record() for row in rows]}
        with replacing(options.json) as temporary:
            temporary.write_text(json.dumps(found))


def cut(split: str, settings: Sequence[Setting], options: argparse.Namespace) -> Iterator[Path]:
    """Crops of a split; the eval covers are no larger than one."""
    from tqdm import tqdm

    covers = dict(list(data.covers(split).items())[: options.covers])
    crops = 1 if split == "eval" else options.crops
    kept = prepare(covers, settings, options.cache / split, side=options.side, crops=crops)
    yield from tqdm(kept, split, crops * len(covers), disable=None)


def measure(files: Mapping[str, list[Path]], settings: Sequence[Setting], options: argparse.Namespace) -> Iterator[Row]:
    """Every setting under every detector."""
    sources = {split: [crop.source for crop in read(some, [])] for split, some in files.items()}
    for split in TRIED:
        held_out(sources["train"], sources[split])
    described = {split: [description(file, settings) for file in some] for split, some in files.items()}
    for setting in settings:
        rows = {split: both(partial(column, some), ("cover", setting.name)) for split, some in described.items()}
        tried = {split: list(read(files[split], [setting])) for split in TRIED}
        pairs = {split: planes(crops, setting) for split, crops in tried.items()}
        every = [crop for crops in tried.values() for crop in crops]
        bits = float(np.mean([crop.bits[setting.name] / crop.cover.size for crop in every]))
        psnr = float(np.mean([crop.psnr_db[setting.name] for crop in every]))
        linear = ensemble.train(*rows["train"], sources=sources["train"])
        scores = {"features": {split: both(linear, rows[split]) for split in TRIED}}
        if setting.name in options.network:
            network = trained(read(files["train"], [setting]), setting, options)
            scores["network"] = {split: both(network.scores, pairs[split]) for split in TRIED}
        receiver = partial(presence, carrier=setting.carrier, strength=setting.strength)
        scores["receiver"] = {split: both(receiver, pairs[split]) for split in TRIED}
        for detector, of in scores.items():
            yield Row(setting, bits, psnr, detector, {s: judge(*of[s], sources=sources[s]) for s in TRIED})
    for rate in options.lsb:
        rows = {split: (column(described[split], "cover"), by_lsb(some, rate)) for split, some in files.items()}
        linear = ensemble.train(*rows["train"], sources=sources["train"])
        verdicts = {s: judge(*both(linear, rows[s]), sources=sources[s]) for s in TRIED}
        yield Row(Setting("LSB matching", "none", rate), rate, 10 * np.log10(255**2 / (rate / 2)), "features", verdicts)


def by_lsb(files: Sequence[Path], rate: float) -> NDArray[np.float32]:
    """Features (crops, features) of the covers after LSB matching."""
    return np.stack([features(lsb_matching(c.cover, rate, seed)) for seed, c in enumerate(read(files, []))])


def both(function: Callable[[Any], Any], pair: Sequence[Any]) -> tuple[Any, Any]:
    """Of the covers, and of the stego pictures."""
    return function(pair[0]), function(pair[1])


def column(described: Sequence[Mapping[str, NDArray[np.float32]]], name: str) -> NDArray[np.float32]:
    """Features (crops, features) of all crops' pictures of one name."""
    return np.stack([crop[name] for crop in described])


def description(file: Path, settings: Sequence[Setting]) -> dict[str, NDArray[np.float32]]:
    """Features of a crop and of its stego pictures, kept beside it."""
    kept = folder(file.parent / "features") / file.name
    if kept.exists():
        with np.load(kept, allow_pickle=False) as arrays:
            if {setting.name for setting in settings} <= set(arrays.files):
                return dict(arrays)
    crop = next(read([file], settings))
    found = {name: features(plane) for name, plane in {"cover": crop.cover, **crop.stego}.items()}
    with replacing(kept) as temporary:
        np.savez(temporary, **found)  # type: ignore[arg-type]
    return found


def planes(crops: Iterable[Crop], setting: Setting) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Covers and stego pictures (n, side, side)."""
    covers, stegos = zip(*((crop.cover, crop.stego[setting.name]) for crop in crops), strict=True)
    return np.stack(covers), np.stack(stegos)


def trained(crops: Iterable[Crop], setting: Setting, options: argparse.Namespace) -> Trainer:
    """A network that has learned the setting, in the cache's own folder for it."""
    from lightning_fabric import Fabric

    from stegolab.detect.trainer import TrainConfig, Trainer, best
    from stegolab.training import fit

    known = list(crops)
    picks = set(list(dict.fromkeys(crop.source for crop in known))[::PICKED])
    learned, picking = (planes((c for c in known if (c.source in picks) == side), setting) for side in (False, True))
    config = TrainConfig(steps=options.steps, validate_every=max(1, options.steps // 4))
    out, fabric = folder(options.cache / "networks") / setting.name, Fabric(accelerator="auto", devices=1)
    for _ in fit(Trainer(config, fabric), learned, picking, out):
        pass
    return best(config, out / "best.safetensors", fabric)


if __name__ == "__main__":
    main()
