"""Training Hide-Net and Reveal-Net: ``python -m stegolab.related.hide_reveal.train --out DIR``.

The defaults are the original's full run, for a GPU. The model card beside the weights that ship has the command that
two CPU cores had time for. Notebook 10 takes the same steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from ... import data, training_command
from ...errors import BadData, BadSpec
from ...images import read_image
from .trainer import Pictures, TrainConfig, Trainer


def begin(config: TrainConfig, fabric: Any) -> tuple[Trainer, Pictures, Pictures]:
    """The trainer, the squares it learns from (train split), and those it is measured on (valid split).

    Raises:
        BadData: no data, or no picture as large as ``config.side``. BadSpec: crops that the networks cannot take.
    """
    if config.crop > config.side or config.crop % 2**config.depth or config.side % 2**config.depth:
        raise BadSpec(f"--crop and --side must be multiples of {2**config.depth} (2 to the --depth), crop at most side")
    trainer = Trainer(config, fabric)
    return trainer, squares("train", config.pictures, config.side), squares("valid", config.valid_pictures, config.side)


def squares(split: str, count: int, side: int) -> Pictures:
    """``count`` squares from the photographs of ``split`` in turn, (count, side, side, 3); always the same ones.

    The first time around whole pictures cut square, later at random places and scales, shrunk to ``side`` pixels.

    Raises:
        BadData: no photographs of that size.
    """
    random = np.random.default_rng(0)
    large = [p for p in (read_image(path).rgb for path in data.cover_files(split)) if min(p.shape[:2]) >= side]
    if not large:
        raise BadData(f"no pictures of {side} pixels and more in the {split} split: see data_scripts")
    found = np.empty((count, side, side, 3), np.uint8)
    for number in range(count):
        picture = Image.fromarray(large[number % len(large)])
        whole = min(picture.size)
        size = whole if number < len(large) else round(np.exp(random.uniform(np.log(side), np.log(whole))))
        place = (0.5, 0.5) if number < len(large) else random.random(2)
        x, y = (round(share * (full - size)) for share, full in zip(place, picture.size, strict=True))
        box = (x, y, x + size, y + size)
        square = picture.resize((side, side), Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)
        found[number] = np.asarray(square)
    return found


if __name__ == "__main__":
    training_command.run(TrainConfig(), begin, __doc__)
