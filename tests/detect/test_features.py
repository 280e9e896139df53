from itertools import product

import numpy as np
import pytest

from stegolab.detect.features import SPAM, SRM, features, spam, srm
from stegolab.detect.lsb import lsb_matching
from tests.detect.material import crops


def plane():
    return crops()[0][40][:70, :90]


@pytest.mark.parametrize(("turns", "mirror"), [*product(range(4), (1, -1))])
def test_mirror_images_and_quarter_turns_are_the_same_picture(turns, mirror):
    turned = np.rot90(plane(), turns)[:, ::mirror]
    np.testing.assert_allclose(features(turned), features(plane()), atol=1e-7)


def test_brightness_does_not_matter_and_a_change_of_sign_does_not_to_the_rich_model():
    tame = np.clip(plane(), 0, 200)
    np.testing.assert_array_equal(features(tame + 50), features(tame))
    np.testing.assert_allclose(srm(255 - tame), srm(tame), atol=1e-7)


def test_sizes_and_sums():
    assert spam(plane()).shape == (SPAM,) and srm(plane()).shape == (SRM,)
    assert features(plane()).dtype == np.float32
    given_two = spam(lsb_matching(plane())).reshape(2, 49, 7).sum(axis=-1)  # certain, wherever it occurs both ways
    assert given_two.max() == pytest.approx(1) and given_two.min() >= 0
    assert srm(plane()).sum() == pytest.approx(8)


def test_spam_is_what_loops_count():
    x = plane()[:20, :17].astype(int)
    expected = []
    for ways in (((0, 1), (0, -1), (1, 0), (-1, 0)), ((1, 1), (-1, -1), (1, -1), (-1, 1))):
        total = np.zeros((7, 7, 7))
        for dy, dx in ways:
            counts = np.zeros((7, 7, 7))
            for y, column in np.ndindex(x.shape):
                if not (0 <= y + 3 * dy < x.shape[0] and 0 <= column + 3 * dx < x.shape[1]):
                    continue
                values = [x[y + k * dy, column + k * dx] for k in range(4)]
                counts[tuple(np.clip(np.diff(values), -3, 3) + 3)] += 1
            total += counts / np.maximum(counts.sum(-1, keepdims=True), 1)
        expected.append(total.ravel() / 4)
    np.testing.assert_allclose(spam(x.astype(np.uint8)), np.concatenate(expected), atol=1e-6)


def test_a_plane_leaves_no_residual():
    rows, columns = np.indices((32, 40))
    flat = srm((2 * rows + 3 * columns).astype(np.uint8))
    assert np.count_nonzero(flat) == 8 and flat.max() == 1  # every run is 0, 0, 0, 0


def test_residuals_beyond_the_largest_count_as_it():
    noise = np.random.default_rng(0).integers(0, 2, (40, 40), np.uint8)
    np.testing.assert_array_equal(srm(noise * np.uint8(255)), srm(noise * np.uint8(60)))
