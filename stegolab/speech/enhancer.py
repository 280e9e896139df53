"""Model 1 at work: a recording in, the same recording without its noise out (notebook 03).

The network hears 16 kHz mono at one level. What goes in at another rate, louder or quieter, comes out at that rate and
that level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE, Speech, resample
from ..errors import NotTrained
from .dccrn_numpy import NumpyDccrn

WEIGHTS = Path(str(resources.files("stegolab"))) / "weights" / "speech.safetensors"
LEVEL = 10 ** (
    -26 / 20
)  # RMS of speech that the network hears: -26 dB below full scale, the nominal level of ITU-T P.56

_FRAME = RATE // 50  # samples; 20 ms


@dataclass(frozen=True)
class Enhancer:
    """A network and what it needs around it.

    ``network`` maps mono samples (n,) at 16 kHz to as many. Calling the enhancer takes mono speech of any length and
    rate, and returns as many samples at that rate and level. What lies above 8 kHz is lost: the network does not hear
    it. Silence stays silence.
    """

    network: Callable[[NDArray[np.float32]], NDArray[np.float32]]

    def __call__(self, speech: Speech) -> Speech:
        """The enhanced speech, in [-1, 1]: scaled down where taking away the noise made a peak exceed that."""
        if not speech.samples.any():
            return speech
        heard = resample(speech, RATE).samples
        level = speech_level(heard) or LEVEL
        said = self.network(heard * np.float32(LEVEL / level)) * np.float32(level / LEVEL)
        said /= max(np.abs(said).max(), 1)
        return Speech(resample(Speech(said, RATE), speech.rate).samples[: len(speech.samples)], speech.rate)


def speech_level(samples: NDArray[np.float32]) -> float:
    """RMS of the frames that speak, those at most 10 dB below the mean power: pauses do not make a talker quiet.

    ``samples``: mono of shape (n,) at 16 kHz. Scales with them; 0 for silence.
    """
    frames = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    return float(np.sqrt(power[power >= power.mean() / 10].mean()))


def trained() -> bool:
    """Whether the weights ship with this version."""
    return WEIGHTS.exists()


def shipped() -> Enhancer:
    """The enhancer with the weights that ship.

    Raises:
        NotTrained: none do.
    """
    if not trained():
        raise NotTrained("speech enhancement is not trained yet: without it speech is hidden as it is (--no-enhance)")
    return _loaded(WEIGHTS)


@lru_cache
def _loaded(path: Path) -> Enhancer:
    return Enhancer(NumpyDccrn.load(path))
