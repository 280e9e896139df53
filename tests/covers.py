"""Covers for tests: crops of the sample photographs, and the pictures on which carriers go wrong."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from stegolab.data import sample_covers
from stegolab.header import HEADER_CODE_BITS

RGB = NDArray[np.uint8]
_SIDE = 256


@cache
def photographs() -> dict[str, RGB]:
    """Crops of 256 pixels, one of them grey, and one with odd sides."""
    whole = sample_covers()
    return {
        "astronaut": whole["astronaut"][:_SIDE, 100 : 100 + _SIDE],
        "camera": whole["camera"][:_SIDE, :_SIDE],
        "coffee, odd": whole["coffee"][100:301, 100:433],
    }


@cache
def larger() -> dict[str, RGB]:
    """Two photographs large enough for a sentence."""
    whole = sample_covers()
    return {"coffee": whole["coffee"][:384, :512], "chelsea": whole["chelsea"][:300, :450]}


@cache
def synthetic() -> dict[str, RGB]:
    """Flat, clipped, saturated and busy pictures, 256 pixels each."""
    rows, columns = np.indices((_SIDE, _SIDE))
    grey = {
        "black": np.zeros((_SIDE, _SIDE)),
        "white": np.full((_SIDE, _SIDE), 255),
        "half black": np.where(columns < _SIDE // 2, 0, 200),
        "checkerboard": (rows + columns) % 2 * 255,
        "large checkerboard": (rows // 8 + columns // 8) % 2 * 255,
        "middle grey": np.full((_SIDE, _SIDE), 128),
    }
    pictures = {name: np.repeat(plane.astype(np.uint8)[..., None], 3, axis=2) for name, plane in grey.items()}
    pictures["red"] = np.dstack([pictures["white"][..., 0], *2 * [pictures["black"][..., 0]]])
    pictures["noise"] = np.random.default_rng(5).integers(0, 256, (_SIDE, _SIDE, 3), np.uint8)
    return pictures


def every() -> dict[str, RGB]:
    """Photographs and synthetic pictures."""
    return photographs() | synthetic()


def random_bits(carrier, cover, seed=0, share=1.0):
    """Header, body and which of the body's slots are used."""
    rng, slots = np.random.default_rng(seed), carrier.body_slots(cover.shape)
    header, body = rng.integers(0, 2, HEADER_CODE_BITS, np.uint8), rng.integers(0, 2, slots, np.uint8)
    return header, body, rng.random(slots) < share


def wrong(llr, bits):
    """Share of hard decisions that are wrong."""
    return float(np.mean((llr > 0) != (bits == 1)))
