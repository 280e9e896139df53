import numpy as np
import pytest

from stegolab.detect.lsb import lsb_matching

PLANE = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)


@pytest.mark.parametrize("rate", [0.0, 0.1, 1.0])
def test_half_of_the_pixels_used_move_by_one_either_way(rate):
    change = lsb_matching(PLANE, rate).astype(int) - PLANE
    assert np.abs(change).max() <= 1
    assert (change != 0).mean() == pytest.approx(rate / 2, abs=0.01)
    assert change.mean() == pytest.approx(0, abs=0.01)


def test_black_and_white_do_not_wrap_around():
    ends = np.repeat(np.array([[0], [255]], np.uint8), 50, axis=1)
    assert np.isin(lsb_matching(ends), [0, 1, 254, 255]).all()
