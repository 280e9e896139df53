"""Blocks of another size: the same samples, and all but the last of the size that was asked for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stegolab.audio.blocks import of_size


@given(lengths=st.lists(st.integers(0, 50), max_size=8), size=st.integers(1, 40))
def test_the_samples_are_the_same_in_blocks_of_the_size(lengths, size):
    sound = np.arange(2 * sum(lengths), dtype=np.float32).reshape(-1, 2)
    found = list(of_size(np.split(sound, np.cumsum(lengths)[:-1]) if lengths else [], size))
    assert all(len(block) == size for block in found[:-1]) and all(0 < len(block) <= size for block in found)
    np.testing.assert_array_equal(np.concatenate([np.zeros((0, 2)), *found]), sound)
