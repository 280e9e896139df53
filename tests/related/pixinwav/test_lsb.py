"""The classical method returns what it was given, and changes no more than its bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.errors import CapacityExceeded
from stegolab.related.pixinwav import lsb


@given(st.binary(max_size=60), st.integers(1, 8))
def test_lsb_returns_the_message_and_changes_no_more_than_its_bits(message, bits):
    pcm = np.random.default_rng(0).integers(-(2**15), 2**15, 500).astype(np.int16)
    stego = lsb.hide(pcm, message, bits)
    assert lsb.reveal(stego, len(message), bits) == message
    assert np.array_equal(stego >> bits, pcm >> bits)
    with pytest.raises(CapacityExceeded, match="bytes do"):
        lsb.hide(pcm, bytes(500 * bits // 8 + 1), bits)
