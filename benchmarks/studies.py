"""The small attack studies of docs/results/robustness.md, each published as results/NAME.json.

    STEGOLAB_DATA=DIR python benchmarks/studies.py full_covers geometry [--jobs 2]

``full_covers``: random messages that fill the declared capacity of the eval covers, at every strength, through the
attacks of its published table. ``geometry``: the same at strength ``social`` on 512 x 512 parts of pictures of the
valid split, cut, shifted, turned and rescaled. ``widths``: rescaled to every width from .45 to 1.05 of the original's
in steps of 8 pixels, and nothing else, by the lattice in the six busiest and the six calmest of that split, because the
busier a picture, the more exactly its scale must be found. A study that is interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from stegolab import data, files, results, study
from stegolab.carrier import blockdct
from stegolab.detect.pictures import cut
from stegolab.errors import StegolabError
from stegolab.images import Picture, luma, read_image

GEOMETRY = (
    "none",
    "jpeg:50",
    "crop:0.05:0.3:0.7,jpeg:75",
    "crop:0.25:0.2:0.9,jpeg:75",
    "shift:7:-4,jpeg:75",
    "flip,jpeg:75",
    "rotate:1,jpeg:75",
    "rotate:2,jpeg:75",
    "flip,rotate:3,jpeg:75",
    "crop:0.1:0.4:0.6,resize:0.75,jpeg:80",
    "rotate:1,crop:0.1,resize:0.8,jpeg:80",
    "crop:0.2:0.5:0.1,resize:1.4,jpeg:75",
    "crop:0.1:0.9:0.2,resize:0.63,jpeg:75",  # a scale that no platform uses
    "resize:0.4,jpeg:75",  # below the declared range
)
PARTS = 12  # of as many pictures
WIDTH_COVERS = 6  # the calmest, and as many of the busiest


def full_covers() -> dict[str, Any]:
    """What is studied: covers, strengths, attacks."""
    covers = {path.name: read_image(path) for path in data.eval_covers()}
    return {"covers": covers, "strengths": ["jpeg", "social", "file"], "attacks": "published"}


def geometry() -> dict[str, Any]:
    """What is studied: covers, strengths, attacks."""
    parts = islice(cut(data.covers("valid")), PARTS)
    return {
        "covers": {part.source: Picture(part.rgb) for part in parts},
        "strengths": ["social"],
        "attacks": [*GEOMETRY],
    }


def widths() -> dict[str, Any]:
    """What is studied: covers, strengths, attacks."""
    size = width, height = 768, 512
    wide = {}
    for name, path in data.covers("valid").items():
        whole = read_image(path).rgb
        top, left = (len(whole) - height) // 2, (whole.shape[1] - width) // 2
        if min(top, left) >= 0:
            wide[name] = Picture(np.ascontiguousarray(whole[top : top + height, left : left + width]))
    by_detail = sorted(wide, key=lambda name: detail(wide[name]))
    chosen = [*by_detail[:WIDTH_COVERS], *by_detail[-WIDTH_COVERS:]]
    attacks = [f"resize:{k * 8 / size[0]:.6g}" for k in range(ceil(0.45 * width / 8), int(1.05 * width / 8) + 1)]
    return {
        "covers": {name: wide[name] for name in chosen},
        "strengths": ["social"],
        "carriers": ["lattice"],
        "attacks": attacks,
    }


def detail(picture: Picture) -> float:
    """The mean magnitude of the template's neighbours in frequency: what a search must see the template through."""
    return float(np.abs(blockdct.analyse(luma(picture.rgb), 16, ((1, 1), (0, 2), (2, 0)))).mean())


STUDIES: dict[str, Callable[[], dict[str, Any]]] = {
    "full_covers": full_covers,
    "geometry": geometry,
    "widths": widths,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=list(STUDIES))
    parser.add_argument("--jobs", type=int, default=0, help="processes; 0: one for each core")
    parser.add_argument("--journals", type=Path, default=Path("runs/studies"), help="where finished trials are kept")
    options = parser.parse_args()
    for name in options.names:
        results.check(name)
    for name in options.names:
        rows = study.run(
            **STUDIES[name](),
            engine=study.engine("local", options.jobs),
            journal=files.folder(options.journals) / f"{name}.sqlite",
        )
        print(f"{name}\n\n{study.summary(rows)}\n", flush=True)
        command = shlex.join(["STEGOLAB_DATA=DIR", "python", "benchmarks/studies.py", name])
        results.write(name, study.figures(rows), profile="command", seed=0, command=command)


if __name__ == "__main__":
    try:
        main()
    except StegolabError as error:
        sys.exit(f"studies: {type(error).__name__}: {error}")
