"""The data of the detector network: covers, each with its own stego picture (notebook 08)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import data
from ..errors import BadData
from .config import CommandConfig
from .pictures import Setting, Stego, cut

Planes = NDArray[np.uint8]  # luma (n, H, W)
Pairs = tuple[Planes, Planes]  # covers and their stego pictures


def read(config: CommandConfig) -> tuple[Pairs, Pairs]:
    """Covers and stego pictures for training (train split) and for measuring (valid split).

    Raises:
        BadData: no data, or no photograph as large as ``config.cover_side``.
        BadSpec, NotTrained, CapacityExceeded: see :func:`.pictures.embed`.
    """
    return _pairs("train", config), _pairs("valid", config)


def _pairs(split: str, config: CommandConfig) -> Pairs:
    files = {path.stem: path for path in data.cover_files(split)}
    crops = list(cut(files, side=config.cover_side, crops=config.crops))
    if not crops:
        raise BadData(f"no pictures of {config.cover_side} pixels and more in the {split} split: see data_scripts")
    setting = Setting(config.carrier, config.strength, config.payload)
    return np.stack([crop.plane for crop in crops]), np.stack([Stego.of(crop, setting).plane for crop in crops])
