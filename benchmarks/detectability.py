"""How well a steganalyst tells stego pictures from covers: carrier x strength x payload x detector -> P_E and ROC.

    STEGOLAB_DATA=DIR python benchmarks/detectability.py [--network lattice-social-1 ...] [--weights NAME=FILE ...]

Detectors learn on crops of the train split and are tried on other pictures, those of the valid split and the eval
covers. ``features`` is SPAM and a part of the rich model with an ensemble of linear discriminants, ``network`` a small
SRNet for the settings that ``--network`` names, ``receiver`` this program's own receiver, which needs no training. P_E
is 0 for a perfect detector, ``guessing`` is what chance gets on so few pictures; in brackets is the 95 % interval of a
bootstrap over pictures.

Messages are random bytes and change no more of the picture than they need (``sparse``): its busiest blocks, or with
``--scattered`` also slots anywhere in it. The default of jpeg and social, which fills the picture with code, looks like
payload 1 always. A payload is a share of the capacity, or with ``--bits-per-pixel`` the same message for every carrier.
Payload 0 is the header (at social with the template) alone: no message shows less. ``--weights`` adds carriers trained
otherwise, against a discriminator say, with ``--codes`` that their channel asks for. LSB matching of ``--lsb`` bits
per pixel tells how easy the covers are for the features: the less they miss there, the less a P_E of 0 says.

Pictures and features take minutes and are made anew each time; an interrupted training of a network goes on.
"""

from __future__ import annotations

import argparse
import inspect
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stegolab import data, results, show
from stegolab.detect import ensemble
from stegolab.detect.features import features
from stegolab.detect.figure import draw_errors
from stegolab.detect.lsb import lsb_matching
from stegolab.detect.pictures import Crop, Setting, Stego, cut, held_out, sender_on
from stegolab.detect.reader import detection_scores
from stegolab.detect.roc import Scores, Verdict, by_chance, judge
from stegolab.errors import StegolabError
from stegolab.files import folder
from stegolab.images import Picture
from stegolab.message.envelope import OVERHEAD
from stegolab.sender import Sender

if TYPE_CHECKING:
    from stegolab.detect.trainer import Trainer

CARRIES = (("lattice", "file"), ("lattice", "jpeg"), ("inn", "jpeg"), ("lattice", "social"), ("inn", "social"))
TRIED = {"valid": ("valid",), "eval": ("eval",), "both": ("valid", "eval")}
REHEARSED = 3  # pictures of the train split say how many blocks a message takes
PICKED = 8  # every so many pictures of the train split pick the network's checkpoint instead of training it
Material = Mapping[str, Sequence[Crop]]  # by split
Planes = Sequence[NDArray[np.uint8]]
Of = Mapping[str, Any]  # planes, features (crops, features) or scores (crops,), by split


@dataclass(frozen=True)
class Row:
    """One detector on one setting."""

    carrier: str
    strength: str
    payload: float
    bits_per_pixel: float
    psnr_db: float
    share: float  # of the blocks
    detector: str
    verdicts: dict[str, Verdict]  # by key of TRIED

    def __str__(self) -> str:
        """A line of the table."""
        cells = []
        for verdict in self.verdicts.values():
            low, high = verdict.p_e_interval
            cells += [f"{verdict.p_e:.3f} ({low:.2f} to {high:.2f})", f"{verdict.area:.3f}"]
        left = [self.carrier, self.strength, f"{self.payload:.3g}", f"{self.bits_per_pixel:.5f}", f"{self.psnr_db:.1f}"]
        return "| " + " | ".join([*left, self.detector, *cells]) + " |"

    def record(self) -> dict[str, Any]:
        """The published form, with only the corners of the curve."""
        plain = asdict(replace(self, verdicts={}))
        for name, verdict in self.verdicts.items():
            about = {"p_e": verdict.p_e, "p_e_interval": verdict.p_e_interval, "area": verdict.area}
            curve = [" ".join(f"{share:.4g}" for share in corner) for corner in verdict.roc.corners]
            plain["verdicts"][name] = about | {"area_interval": verdict.area_interval, "roc": ", ".join(curve)}
        return plain


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the table, and publish it with its plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--carriers", nargs="*", default=["lattice", "inn"])
    parser.add_argument("--strengths", nargs="+", default=["file", "jpeg", "social"])
    parser.add_argument("--payloads", type=float, nargs="*", default=[1, 1 / 4, 1 / 16, 1 / 64, 0])
    parser.add_argument("--bits-per-pixel", type=float, nargs="*", default=[], help="further payloads")
    parser.add_argument("--scattered", action="store_true", help="also with the message anywhere in the picture")
    parser.add_argument("--weights", nargs="*", default=[], metavar="NAME=FILE", help="further carriers")
    parser.add_argument("--codes", nargs="*", default=[], metavar="NAME=CODE", help="of these, such as ldpc:1/2")
    parser.add_argument("--side", type=int, default=512, help="pixels of a crop")
    parser.add_argument("--crops", type=int, default=2, help="of each picture of the train and valid split")
    parser.add_argument("--covers", type=int, help="only so many pictures of each split")
    parser.add_argument("--network", nargs="*", default=[], metavar="SETTING", help="such as inn-social-0.25")
    parser.add_argument("--steps", type=int, default=600, help="of training a network")
    parser.add_argument("--networks", type=Path, default=Path("runs/detectability"), help="a folder for each training")
    parser.add_argument("--lsb", type=float, nargs="*", default=[0.02, 0.1, 0.5], help="bits per pixel")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="publish there, such as results/detectability.json")
    options = parser.parse_args(argv)
    if options.out:
        results.check("detectability", options.out)
    import torch

    torch.set_num_threads(options.threads)
    material = material_of(options)
    rows = shown(measure(material, settings_of(options, material["train"]), options))
    about = described_by(material)
    print("\nguessing:", ", ".join(f"P_E {p_e:.3f} ({name})" for name, p_e in about["guessing"].items()))
    if options.out:
        metrics = {"side": options.side, "steps": options.steps, **about}
        metrics |= {"trained": dict(map(account, options.weights)), "rows": rows}
        command = shlex.join(["python", "benchmarks/detectability.py", *(sys.argv[1:] if argv is None else argv)])
        results.write("detectability", metrics, profile="command", seed=0, command=command, path=options.out)
        draw(metrics, options.out.with_suffix(".png"))


def material_of(options: argparse.Namespace) -> Material:
    """Crops of every split; none of those that detectors are tried on shares a picture with those they learn on."""
    material = {split: list(crops_of(split, options)) for split in ("train", *TRIED["both"])}
    for split in TRIED["both"]:
        held_out(sources(material, ["train"]), sources(material, [split]))
    return material


def shown(rows: Iterator[Row]) -> list[dict[str, Any]]:
    """Print the rows as a table, each as soon as it is measured, and return what is published of them."""
    tries = " | ".join(f"P_E {split} | area {split}" for split in TRIED)
    print(f"| carrier | strength | payload | bit per pixel | PSNR (dB) | detector | {tries} |")
    print("|---" * (6 + 2 * len(TRIED)) + "|")
    records = []
    for row in rows:
        print(row, flush=True)
        records.append(row.record())
    return records


def described_by(material: Material) -> dict[str, Any]:
    """How many pictures and crops each split has, and the P_E of guessing on so few."""
    counts = {
        split: {"pictures": len({c.source for c in some}), "crops": len(some)} for split, some in material.items()
    }
    return {
        "splits": counts,
        "guessing": {name: by_chance(len(sources(material, splits))) for name, splits in TRIED.items()},
    }


def crops_of(split: str, options: argparse.Namespace) -> Iterator[Crop]:
    """Crops of a split; the eval covers are no larger than one."""
    covers = dict(list(data.covers(split).items())[: options.covers])
    yield from cut(covers, side=options.side, crops=1 if split == "eval" else options.crops)


def settings_of(options: argparse.Namespace, learned: Sequence[Crop]) -> Iterator[Setting]:
    """Every carrier, strength and payload that was asked for."""
    codes = dict(given.split("=", 1) for given in options.codes)
    kinds = [Setting(c, s) for c, s in CARRIES if c in options.carriers and s in options.strengths]
    for given in options.weights:
        name, file = given.split("=", 1)
        kinds.append(trained_carrier(name, Path(file), codes.get(name, "")))
    blank = Picture(np.zeros((options.side, options.side, 3), np.uint8))
    rehearsed = learned[:: -(-len(learned) // REHEARSED)]
    for kind in kinds:
        full = 8 * sender_on(blank, kind).capacity() / options.side**2
        for payload in (*options.payloads, *(bits / full for bits in options.bits_per_pixel)):
            chosen = replace(kind, payload=payload)
            if payload > 1:
                continue
            if kind.sender.strength.dense:
                yield chosen
                continue
            yield replace(chosen, share=least_share(kind, payload * full * options.side**2, rehearsed))
            if options.scattered and not kind.trained and payload < 1:
                yield replace(chosen, carrier=f"{kind.carrier} scattered", trained=kind.sender)


def least_share(kind: Setting, bits: float, crops: Sequence[Crop]) -> float:
    """The share of blocks that a message of this length needs on the median picture, by the sender's rehearsal."""
    body = round(bits) + 8 * OVERHEAD
    return float(np.median([Sender.on(Picture(c.rgb), kind.sender, sparse=True).least_share(body) for c in crops]))


def trained_carrier(name: str, file: Path, code: str) -> Setting:
    """The learned carrier with the weights of a file, at the strength that they are for."""
    from stegolab.carrier.learned import LearnedCarrier
    from stegolab.carrier.networks.model import load
    from stegolab.carrier.strengths import strength

    model = load(file)
    return Setting(name, model.config.strength, 1.0, LearnedCarrier(strength(model.config.strength), model), code)


def account(given: str) -> tuple[str, dict[str, Any]]:
    """A carrier of ``--weights``: its name, and how it was trained."""
    import json

    from safetensors import safe_open

    from stegolab.carrier.training.config import TrainConfig

    name, file = given.split("=", 1)
    with safe_open(file, framework="np") as weights:
        training = json.loads(weights.metadata().get("training", "{}"))
    return name, {
        "sha256": sha256(Path(file).read_bytes()).hexdigest(),
        "training": TrainConfig.current_names(training),
    }


def measure(material: Material, settings: Iterator[Setting], options: argparse.Namespace) -> Iterator[Row]:
    """Every setting under every detector."""
    covers = {split: [crop.plane for crop in some] for split, some in material.items()}
    plain = {split: described(planes) for split, planes in covers.items()}
    found = sources(material, ["train"])
    silence: dict[tuple[str, str], Of] = {}  # what each receiver makes of the covers
    for setting in settings:
        stegos = {split: [Stego.of(crop, setting) for crop in some] for split, some in material.items()}
        planes = {split: [stego.plane for stego in some] for split, some in stegos.items()}
        tried = [stego for split in TRIED["both"] for stego in stegos[split]]
        bits, psnr = (float(np.mean(x)) for x in zip(*((s.bits, s.psnr_db) for s in tried), strict=True))
        rows = {split: described(some) for split, some in planes.items()}
        linear = ensemble.train(plain["train"], rows["train"], found)
        scores = {"features": (scored(linear, plain), scored(linear, rows))}
        if setting.name in options.network:
            network = trained_network(material, covers["train"], planes["train"], setting.name, options).scores
            scores["network"] = scored(network, covers), scored(network, planes)
        receiver, kind = partial(detection_scores, carrier=setting.sender), (setting.carrier, setting.strength)
        if kind not in silence:
            silence[kind] = scored(receiver, covers)
        scores["receiver"] = silence[kind], scored(receiver, planes)
        for name, (before, after) in scores.items():
            what = (setting.carrier, setting.strength, setting.payload, bits / options.side**2, psnr, setting.share)
            yield Row(*what, name, judged(before, after, material))
    for rate in options.lsb:
        rows = {s: described([lsb_matching(p, rate, n) for n, p in enumerate(some)]) for s, some in covers.items()}
        linear = ensemble.train(plain["train"], rows["train"], found)
        verdicts = judged(scored(linear, plain), scored(linear, rows), material)
        yield Row("LSB matching", "none", rate, rate, 10 * np.log10(255**2 / (rate / 2)), 1.0, "features", verdicts)


def scored(detector: Callable[[Any], Scores], of: Of) -> Of:
    """Scores of data that the detector has not learned from, by split."""
    return {split: detector(of[split]) for split in TRIED["both"]}


def judged(covers: Of, stegos: Of, material: Material) -> dict[str, Verdict]:
    """The verdict on the scores of covers and stego pictures."""
    verdicts = {}
    for name, splits in TRIED.items():
        of_cover, of_stego = (np.concatenate([scores[split] for split in splits]) for scores in (covers, stegos))
        verdicts[name] = judge(of_cover, of_stego, sources(material, splits))
    return verdicts


def sources(material: Material, splits: Sequence[str]) -> list[str]:
    """Which picture each crop is from."""
    return [crop.source for split in splits for crop in material[split]]


def described(planes: Planes) -> NDArray[np.float32]:
    """Features (planes, features)."""
    return np.stack([features(plane) for plane in planes])


def trained_network(
    material: Material, covers: Planes, stegos: Planes, name: str, options: argparse.Namespace
) -> Trainer:
    """A network that has learned the setting, in a folder of its own for these very pictures."""
    from lightning_fabric import Fabric

    from stegolab.detect import network, trainer
    from stegolab.detect.config import TrainConfig
    from stegolab.detect.trainer import Trainer, best
    from stegolab.training.loop import fit

    config = TrainConfig(steps=options.steps, validate_every=max(1, options.steps // 4))
    known = sources(material, ["train"])
    picks = np.isin(known, list(dict.fromkeys(known))[::PICKED])
    pairs = np.stack(covers), np.stack(stegos)
    learned, picking = ((pairs[0][part], pairs[1][part]) for part in (~picks, picks))
    digest = sha256((repr(config) + inspect.getsource(network) + inspect.getsource(trainer)).encode())
    for planes in (*learned, *picking):
        digest.update(planes.tobytes())
    out, fabric = folder(options.networks) / f"{name}-{digest.hexdigest()[:12]}", Fabric(accelerator="auto", devices=1)
    for record in fit(Trainer(config, fabric), learned, picking, out):
        print(name, record, file=sys.stderr, flush=True)
    return best(config, out / "best.safetensors", fabric)


def draw(metrics: Mapping[str, Any], out: Path) -> None:
    """The published figure."""
    from matplotlib.figure import Figure

    show.style()
    drawn = Figure(figsize=(show.WIDTH, 4.8), layout="constrained")
    draw_errors(drawn, metrics)
    drawn.savefig(out, dpi=200)


if __name__ == "__main__":
    try:
        main()
    except StegolabError as error:
        sys.exit(f"detectability: {type(error).__name__}: {error}")
