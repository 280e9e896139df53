"""The classical method returns the upper bits exactly and changes only the lower ones."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stegolab.related.wavinwav import lsb


@given(st.integers(1, 12), st.integers(0, 2**31))
def test_bits_of_the_secret_come_back_exactly(count, seed):
    random = np.random.default_rng(seed)
    cover, secret = random.integers(-(2**15), 2**15, (2, 100), dtype=np.int16)
    stego = lsb.hide(cover, secret, count)
    assert stego.dtype == np.int16
    np.testing.assert_array_equal(stego >> count, cover >> count)
    np.testing.assert_array_equal(lsb.reveal(stego, count) >> (16 - count), secret >> (16 - count))
    assert np.abs(lsb.reveal(stego, count) - secret.astype(int)).max() <= 1 << (15 - count)
