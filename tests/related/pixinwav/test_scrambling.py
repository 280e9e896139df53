"""A key determines the order, a different one in each row, and the order stays the same in all versions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stegolab.related.pixinwav import scrambling
from tests.related.pixinwav.small import KEY, OTHER


@given(st.integers(1, 5), st.integers(1, 30))
def test_an_order_permutes_every_row_by_its_key(rows, frames):
    found = scrambling.order(KEY, rows, frames)
    assert found.shape == (rows, frames)
    assert np.array_equal(np.sort(found, axis=1), np.tile(np.arange(frames), (rows, 1)))
    assert np.array_equal(found, scrambling.order(KEY, rows, frames))


def test_orders_differ_by_key_salt_and_row_and_never_change():
    first = scrambling.order(KEY, 4, 128)
    assert len({tuple(row) for row in first}) == 4
    for other in (scrambling.order(OTHER, 4, 128), scrambling.order(KEY, 4, 128, bytes(15) + b"1")):
        assert (other == first).mean() < 0.05
    assert first[0, :6].tolist() == [80, 107, 87, 29, 44, 18]
