"""After a resize the original's size is found again, exactly; where there is no payload nothing is found."""

import time

import numpy as np
import pytest

from stegolab.carrier.interface import HEADER_CODE_BITS, PRESENT
from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.strengths import FILE, JPEG, SOCIAL
from stegolab.channel import spec
from stegolab.errors import NoPayload
from stegolab.images import from_array
from stegolab.receiver import receive
from tests import covers

CARRIER = LatticeCarrier(SOCIAL)
HEADER = np.random.default_rng(1).integers(0, 2, HEADER_CODE_BITS, np.uint8)
ODD = 0.8347  # no platform's factor: found by the sweep


def stego(name):
    cover, rng = covers.larger()[name], np.random.default_rng(2)
    slots = CARRIER.body_slots(cover.shape)
    return CARRIER.embed(cover, HEADER, rng.integers(0, 2, slots, np.uint8), np.ones(slots, bool))


STEGO = {name: stego(name) for name in covers.larger()}


def found(received):
    """The first reading that shows the header, as the receiver would take it."""
    for reading in CARRIER.locate(received):
        if np.mean((reading.header_llr > 0) == HEADER) > 0.75:
            return reading
    return None


@pytest.mark.parametrize("name", STEGO)
@pytest.mark.parametrize(
    "resize",
    ["0.5", "0.6", "0.75:lanczos", "0.75:bilinear", "0.9", "1.25", "0.5:bilinear", "0.5:lanczos", f"{ODD}"],
)
def test_the_exact_size_is_found_again(name, resize):
    received = spec.parse(f"resize:{resize},jpeg:80")(STEGO[name])
    assert received.shape != STEGO[name].shape
    began = time.process_time()
    reading = found(received)
    assert reading is not None
    assert reading.shape == STEGO[name].shape[:2]
    assert reading.presence > PRESENT
    assert time.process_time() - began < 15


@pytest.mark.parametrize("name", ["astronaut", "camera"])
def test_without_a_payload_nothing_is_found_in_bounded_time(name):
    cover = covers.photographs()[name]
    began = time.process_time()
    assert list(CARRIER.locate(cover)) == []
    assert time.process_time() - began < 15
    with pytest.raises(NoPayload, match="no payload found"):
        receive(from_array(cover), bytes(32), [CARRIER])


@pytest.mark.parametrize("strength", [FILE, JPEG])
def test_strengths_that_promise_no_resize_are_not_searched(strength):
    assert list(LatticeCarrier(strength).locate(STEGO["coffee"])) == []


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (17, 40), (16, 2000)])
def test_tiny_pictures_are_searched_without_a_crash(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert list(CARRIER.locate(noise)) == []
