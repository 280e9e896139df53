"""The training data: hosts at one level and small pictures, drawn from a generator."""

import numpy as np
import pytest

from stegolab.data import sample_covers
from stegolab.errors import BadData
from stegolab.related.pixinwav.codec import as_picture, as_tensor
from stegolab.related.pixinwav.data import Dataset, host, levelled, thumbnail
from tests.related.pixinwav.small import clip, picture
from tests.voice import speak


def test_a_host_is_the_loudest_clip_at_its_level_and_never_clips():
    samples = np.concatenate([0.01 * clip(0, 3_000), clip(1, 3_000), 0.01 * clip(2, 3_000)])
    np.testing.assert_allclose(host(samples, 3_000), levelled(samples[3_000:6_000]), atol=1e-6)
    click = np.zeros(3_000, np.float32)
    click[7] = 0.5
    assert np.abs(levelled(click)).max() == pytest.approx(0.9)


def test_pictures_become_tensors_and_bytes_again():
    assert np.array_equal(as_picture(as_tensor(picture())), picture())
    grey = as_picture(as_tensor(picture(colours=1)))
    assert grey.shape == (16, 16, 3)
    assert np.array_equal(grey[..., 0], picture(colours=1)[..., 0])


def test_a_dataset_draws_from_its_generator_and_holds_its_fixed_examples():
    dataset = Dataset([speak(1.0).samples, speak(0.2).samples], [sample_covers()["coffee"]], 5_952, 16)
    drawn = [dataset.draw(3, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert drawn[0][0].shape == (3, 5_952)
    assert drawn[0][1].shape == (3, 16, 16, 3)
    for one, same, other in zip(*drawn, strict=True):
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)
    fixed = list(dataset.fixed())
    assert len(fixed) == 1
    assert np.array_equal(fixed[0][1], thumbnail(sample_covers()["coffee"], 16))
    with pytest.raises(BadData, match="sound"):
        Dataset([speak(0.2).samples], [sample_covers()["coffee"]], 5_952, 16)
    with pytest.raises(BadData, match="picture"):
        Dataset([speak(1.0).samples], [sample_covers()["coffee"][:8]], 5_952, 16)
