"""Rehearsals, remembered: a test file that hides in the same covers again and again does each once.

A rehearsal depends only on the carrier, the cover and the share, and nobody changes it: tests stay independent.
"""

from functools import wraps
from hashlib import sha256
from typing import Any

from numpy.typing import NDArray

from stegolab.carrier.interface import Carrier
from stegolab.probe import Rehearsal, rehearse

_found: dict[tuple[Any, ...], Rehearsal] = {}


def _what(picture: NDArray[Any] | None) -> tuple[Any, ...] | None:
    return None if picture is None else (picture.shape, picture.dtype.str, sha256(picture.tobytes()).digest())


@wraps(rehearse)
def remembered(carrier: Carrier, rgb: NDArray[Any], share: float = 1.0, alpha: NDArray[Any] | None = None) -> Rehearsal:
    key = (carrier, _what(rgb), share, _what(alpha))
    if key not in _found:
        _found[key] = rehearse(carrier, rgb, share, alpha)
    return _found[key]
