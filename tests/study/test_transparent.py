"""A transparent cover is used unchanged for hiding, and attacked on white, as a program that makes a JPEG sees it."""

import numpy as np
import pytest

from stegolab import study
from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.strengths import JPEG
from stegolab.images import from_array
from stegolab.study import trial
from stegolab.study.setting import Cover

from .pictures import sample


def partly_transparent():
    """Noise lies under the transparent quarter."""
    rgb = sample("astronaut", 256, 256).rgb.copy()
    rgb[:, :64] = np.random.default_rng(0).integers(0, 256, (256, 64, 3))
    alpha = np.full(rgb.shape[:2], 255, np.uint8)
    alpha[:, :64] = 0
    return from_array(np.dstack([rgb, alpha]))


def test_what_is_received_has_been_laid_onto_white(monkeypatch):
    cover, received = partly_transparent(), []
    real = trial.receive

    def watched(picture, key, carriers):
        received.append(picture)
        return real(picture, key, [LatticeCarrier(JPEG)])

    monkeypatch.setattr(trial, "receive", watched)
    plain, compressed = study.run({"sticker": cover}, ["jpeg"], ["none", "jpeg:75"], carriers=["lattice"])
    assert plain.exact and compressed.exact and plain.payload_bits > 0
    assert plain.raw_ber < compressed.raw_ber < 0.2
    for picture in received:
        assert picture.alpha is None and picture.rgb[:, :48].mean() > 254
    assert not np.array_equal(received[0].rgb[:, 64:], cover.rgb[:, 64:])


def test_the_true_error_rate_is_read_on_white_too():
    setting = trial.Setting(Cover.of("a", partly_transparent()), None, "lattice", "jpeg", 0, False)
    sent = trial._sent(setting)
    assert sent.raw_ber(sent.seen) == pytest.approx(1 / 8, abs=0.01)  # a quarter does not arrive, and is half wrong


def test_covers_that_differ_in_transparency_alone_are_two():
    whole = partly_transparent()
    assert Cover.of("a", whole).digest != Cover.of("a", from_array(whole.rgb)).digest
