"""The classical method: low bits come back to within their step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.errors import BadSpec
from stegolab.related.audio_cnn.lsb import LowBits


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_low_bits_come_back_to_their_step(bits, seed):
    random = np.random.default_rng(seed)
    hider, samples = LowBits(bits, 16), random.uniform(-3.9, 3.9, 300).astype(np.float32)
    tiles = random.integers(0, 256, (2, 16, 16, 3), np.uint8)
    filled = hider.hide(tiles, samples)
    assert np.abs(hider.reveal(filled)[:300] - samples).max() <= 4 / 2 ** (3 * bits) + 1e-5
    assert (filled >> bits == tiles >> bits).all()


def test_low_bits_are_one_to_four():
    for bits in (0, 5):
        with pytest.raises(BadSpec):
            LowBits(bits)
