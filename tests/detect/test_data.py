"""What the command trains on: each cover with its own stego picture, and each split from its own photographs."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stegolab.data import COLUMNS, sample_covers
from stegolab.detect.config import CommandConfig
from stegolab.detect.data import read
from stegolab.detect.trainer import begin
from stegolab.errors import BadData, NotTrained
from stegolab.training.loop import fit
from tests.training import cpu

TINY = CommandConfig(
    steps=2, batch_size=2, validate_every=2, side=32, width=4, carrier="lattice", cover_side=128, crops=2
)


@pytest.fixture
def some_data(tmp_path, monkeypatch):
    """The smallest data folder that can be trained on: one photograph for training, and one for measuring."""
    rows = [("train.png", "train", "coffee"), ("valid.png", "valid", "astronaut")]
    for path, _, cover in rows:
        Image.fromarray(sample_covers()[cover][100:300, 100:300]).save(tmp_path / path)
    lines = [",".join((path, split, "image", "", "200x200", "skimage", "CC0-1.0")) for path, split, _ in rows]
    (tmp_path / "INDEX.csv").write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    monkeypatch.setenv("STEGOLAB_DATA", str(tmp_path))


def test_a_pair_is_a_cover_and_the_little_that_hiding_changed(some_data):
    (covers, stegos), (unseen, _) = read(TINY)
    assert covers.shape == stegos.shape == unseen.shape == (2, 128, 128)
    assert covers.dtype == stegos.dtype == np.uint8
    change = stegos.astype(int) - covers
    assert all(0 < np.abs(one).mean() < 10 for one in change)
    assert np.abs(covers.astype(int) - unseen).mean() > 20  # other photographs
    (again, _), _ = read(replace(TINY, payload=0.0))
    assert np.array_equal(again, covers)


def test_the_command_trains_on_them(some_data, tmp_path):
    (record,) = fit(*begin(TINY, cpu()), tmp_path / "run")
    assert record["step"] == 2 and 0 <= record["valid"]["p_e"] <= 0.5


def test_what_cannot_be_trained_is_refused(some_data):
    with pytest.raises(BadData, match="512 pixels"):
        read(replace(TINY, cover_side=512))
    with pytest.raises(NotTrained):
        read(replace(TINY, carrier="inn", strength="file"))
