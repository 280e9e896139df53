"""A keyed permutation of the residual along time, separately for each frequency (notebook 11).

Frequencies stay in place, so that what a network has learned about quiet and loud ones still holds. It is obfuscation,
not encryption: nothing is authenticated, and a linear mixture of known pictures reveals it. What must stay secret
should use ``message.envelope``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...keystream import keyed_words, order_of
from ...message.keys import Key, as_provider

_INFO = b"stegolab/1 pixinwav permutation\0"


def order(key: Key, rows: int, frames: int, salt: bytes = bytes(16)) -> NDArray[np.int64]:
    """A permutation of 0 .. frames - 1 for each row, (rows, frames): that of ChaCha20's keystream under ``key``.

    Raises:
        BadKey: the key cannot be used.
    """
    return order_of(keyed_words(as_provider(key).derive(salt), salt, _INFO, rows, frames))
