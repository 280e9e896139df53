"""The adversary who has this program: no training, the receiver itself is the detector (notebook 08).

The place of the header follows from the size of the picture, not from the key, because a receiver must find it before
it knows anything. So anybody who runs the receiver learns that there is a message, though not its content: encryption
hides the words, and only a detector without the program can be left in doubt (Kerckhoffs 1883; Ker et al. 2013).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..carrier.interface import Carrier
from .roc import Scores


def detection_scores(planes: Iterable[NDArray[np.uint8]], carrier: Carrier) -> Scores:
    """How clearly the receiver finds a header in each luma plane (H, W), in standard deviations of chance."""
    return np.array([carrier.read(np.repeat(p[..., None], 3, axis=2), p.shape).detection_score for p in planes])
