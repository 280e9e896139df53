"""The data of the network: clips of speech at one level (notebook 12)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ... import data
from ...audio import read_audio
from ...errors import BadData
from .. import levels
from .config import TrainConfig

Samples = NDArray[np.float32]
Clips = Sequence[Samples]  # waveforms (n,) at the network's level, each at least a crop long

_PAIRS = 12  # number of clips by which checkpoints are chosen
_QUIETEST = 1e-4  # root mean square: quieter sound is not amplified further, so that silence stays silence


def at_level(samples: Samples) -> Samples:
    """The waveform (n,) at the network's level, :data:`~..levels.LEVEL`; silence stays silence."""
    return levels.levelled(samples, max(levels.rms(samples), _QUIETEST))


def read(config: TrainConfig) -> tuple[Clips, Clips]:
    """The clips of the train split, and some of the valid split.

    Raises:
        BadData: no data, or no clip as long as a crop.
    """
    valid = _clips("valid", config.crop)
    return _clips("train", config.crop), valid[:: max(1, len(valid) // (2 * _PAIRS))][: 2 * _PAIRS]


def crops(clips: Clips, count: int, size: int, random: np.random.Generator) -> Samples:
    """Stretches of random clips, (count, size)."""
    found = []
    for _ in range(count):
        clip = clips[int(random.integers(len(clips)))]
        start = int(random.integers(len(clip) - size + 1))
        found.append(clip[start : start + size])
    return np.stack(found)


def _clips(split: str, crop: int) -> list[Samples]:
    clips = [read_audio(path).samples for path in data.speech_files(split)]
    long = [at_level(clip) for clip in clips if len(clip) >= crop]
    if len(long) < 2:
        raise BadData(f"no two clips of {crop} samples and more in the {split} split: see data_scripts")
    return long
