"""What each part of the learned carrier contributes: the same training with one change, at strength ``jpeg``.

    STEGOLAB_DATA=DIR python benchmarks/ablations.py --out runs/ablations [--steps 1500] [--publish]

Every run starts from the lattice, with the same seed, and is judged on ten pictures of the valid split by its last
weights: information left after the worst declared attack, and the quality that came out.
The first row is trained as what ships: with attention and restoration, of which the next two lack one each; the
discriminator and LPIPS are added to it, since what ships has neither. An interrupted run goes on; ``--publish`` writes
results/ablations.json.
"""

import argparse
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from stegolab import results
from stegolab.carrier.networks.inn import points
from stegolab.carrier.training.config import TrainConfig
from stegolab.carrier.training.trainer import begin
from stegolab.images import lpips, luma, psnr, ssim
from stegolab.training.loop import fit

VARIANTS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "without attention": {"attention": False},
    "without restoration": {"restoration": False},
    "with discriminator": {"adversarial_weight": 0.05},
    "with LPIPS": {"lpips_weight": 3.0},
    "plain network": {"network": "plain"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a folder for each run")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--net", default="vgg", help="LPIPS backbone to judge by: vgg or alex")
    parser.add_argument("--publish", action="store_true")
    options = parser.parse_args()
    if options.publish:
        results.check("ablations")
    rows = []
    for name, changes in VARIANTS.items():
        config = TrainConfig(steps=options.steps, psnr_db=40.3, validate_every=options.steps, **changes)
        rows.append(
            {"variant": name, "changes": changes, **judged(config, options.out / name.replace(" ", "_"), options.net)}
        )
        print(rows[-1], flush=True)
    if options.publish:
        command = "python " + shlex.join(sys.argv)
        results.write("ablations", {"rows": rows, "steps": options.steps}, profile="command", seed=0, command=command)


def judged(config: TrainConfig, out: Path, net: str) -> dict[str, Any]:
    fabric = Fabric(accelerator="cpu", devices=1)
    trainer, pictures, valid = begin(config, fabric)
    for _ in fit(trainer, pictures, valid, out):
        pass
    trainer.load(torch.load(out / "checkpoint.pt", weights_only=True) | {})
    found = trainer.validate(valid)
    seen = []
    with trainer.learner.averaging() as model, torch.no_grad():
        for number, cover in enumerate(valid):
            plane = torch.from_numpy(luma(cover)[None])
            shape = (1, len(model.carried), *(side // model.config.block for side in plane.shape[1:]))
            bits = np.random.default_rng(number).integers(0, 2, shape).astype(np.float32)
            change = model.embed(plane, points(torch.from_numpy(bits)))[0].numpy()
            stego = np.clip(np.rint(cover + change[..., None]), 0, 255).astype(np.uint8)
            seen.append((psnr(cover, stego), ssim(cover, stego), lpips(cover, stego, net)))
    decibel, similar, distance = np.mean(seen, axis=0)
    return {
        "information": found["information"],
        "psnr_db": float(decibel),
        "ssim": float(similar),
        f"lpips_{net}": float(distance),
        "config": asdict(config),
    }


if __name__ == "__main__":
    main()
