"""The receiver itself as the detector, without any training (notebook 08).

In format 1 the place of the header followed from the size of the picture, so anybody who ran the receiver learned that
there was a message. From format 2 on it follows from the key (Kerckhoffs 1883; Ker et al. 2013): with a carrier that is
keyed the scores tell stego pictures from covers, with any other key they do not.
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
