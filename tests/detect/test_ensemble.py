import numpy as np
import pytest

from stegolab.detect import ensemble
from stegolab.detect.features import features
from stegolab.detect.lsb import lsb_matching
from stegolab.detect.roc import Roc, judge
from tests.detect.material import crops


@pytest.fixture(scope="module")
def described():
    """Features of crops and of their LSB-matched twins, from all photographs but two; then from those two."""
    planes, sources = crops()
    both = [np.stack([features(plane) for plane in some]) for some in (planes, lsb_matching(planes))]
    kept = np.isin(sources, ["chelsea", "rocket"])
    names = np.array(sources)
    return (both[0][~kept], both[1][~kept], names[~kept]), (both[0][kept], both[1][kept], names[kept])


def train(*known, **settings):
    return ensemble.train(*known, **{"learners": 20, "subspaces": (50, 150), **settings})


def test_lsb_matching_is_found_in_photographs_never_seen(described):
    known, (covers, stegos, sources) = described
    detector = train(*known)
    verdict = judge(detector(covers), detector(stegos), sources, resamples=50)
    assert verdict.p_e < 0.2 and verdict.area > 0.88
    assert detector.out_of_bag < 0.4  # of few and very different photographs


def test_with_random_labels_there_is_nothing_to_learn(described):
    (covers, stegos, sources), (other_covers, other_stegos, _) = described
    swapped = np.random.default_rng(0).random(len(covers)) < 0.5
    detector = train(np.where(swapped[:, None], stegos, covers), np.where(swapped[:, None], covers, stegos), sources)
    assert detector.out_of_bag > 0.4
    swapped = np.random.default_rng(1).random(len(other_covers)) < 0.5
    scores = [detector(np.where(s[:, None], other_stegos, other_covers)) for s in (swapped, ~swapped)]
    assert Roc.of(*scores).p_e > 0.35


def test_out_of_bag_means_never_seen_a_crop_of_the_picture():
    """A learner recognises sources by noise that their crops share, so it must not be tested on them."""
    random = np.random.default_rng(0)
    sources = np.repeat(np.arange(12), 8)
    covers, stegos = (random.normal(size=(12, 30))[sources] + 0.01 * random.normal(size=(96, 30)) for _ in range(2))
    assert train(covers, stegos, [str(s) for s in sources], subspaces=(30,)).out_of_bag > 0.2
    assert train(covers, stegos, [str(n) for n in range(96)], subspaces=(30,)).out_of_bag < 0.1


def test_scores_do_not_depend_on_units_or_on_features_that_never_move():
    random = np.random.default_rng(0)
    covers = random.normal(size=(40, 8))
    stegos = covers + np.eye(8)[0] * 0.8
    covers[:, 3] = stegos[:, 3] = 7.0
    units, shift = random.uniform(0.5, 20, 8), random.normal(size=8)
    sources = [str(n) for n in range(40)]
    one, other = (train(u * covers + s, u * stegos + s, sources, subspaces=(4,)) for u, s in ((1, 0), (units, shift)))
    np.testing.assert_allclose(one(covers), other(units * covers + shift), atol=1e-6)
    assert one.weights[3] == 0


def test_the_same_seed_gives_the_same_detector(described):
    known, _ = described
    one, same, other = (train(*known, learners=2, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.weights, same.weights)
    assert (one.weights != other.weights).any()


def test_a_subspace_is_no_larger_than_the_features():
    random = np.random.default_rng(0)
    detector = train(random.normal(size=(20, 5)), random.normal(size=(20, 5)) + 3, [*"abcdefghijklmnopqrst"])
    assert detector.subspace == 5 and detector.out_of_bag < 0.1
