"""The classical method loses what it says, and changes no more than its bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.errors import BadSpec
from stegolab.related.hide_reveal.lsb import LowBits


@given(st.integers(1, 7), st.integers(0, 255), st.integers(0, 255))
def test_low_bits_change_the_cover_and_lose_of_the_secret_what_they_say(bits, one, other):
    cover, secret = (np.full((16, 16, 3), value, np.uint8) for value in (one, other))
    container = LowBits(bits).hide(cover, secret)
    revealed = LowBits(bits).reveal(container)
    assert container.dtype == revealed.dtype == np.uint8
    assert abs(int(container[0, 0, 0]) - one) < 2**bits
    assert abs(int(revealed[0, 0, 0]) - other) <= 2 ** (8 - bits) // 2
    assert container[0, 0, 0] >> bits == one >> bits
    assert container[0, 0, 0] & (2**bits - 1) == other >> (8 - bits)


def test_low_bits_of_no_number_are_refused():
    for bits in (0, 8):
        with pytest.raises(BadSpec):
            LowBits(bits)
