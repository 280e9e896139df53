"""Pictures to learn from: crops of the sample photographs."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from stegolab.data import sample_covers
from stegolab.images import luma

Planes = NDArray[np.uint8]
SIDE = 96


@cache
def crops() -> tuple[Planes, tuple[str, ...]]:
    """Luma crops (n, 96, 96) of the photographs, and where each is from."""
    planes, sources = [], []
    for name, rgb in sorted(sample_covers().items()):
        plane = np.rint(luma(rgb)).astype(np.uint8)[:512, :512]
        for y in range(0, plane.shape[0] - SIDE + 1, SIDE):
            for x in range(0, plane.shape[1] - SIDE + 1, SIDE):
                planes.append(plane[y : y + SIDE, x : x + SIDE])
                sources.append(name)
    return np.stack(planes), tuple(sources)
