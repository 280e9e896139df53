"""One level for all sound: reached to the digit, bounded by a peak, and silence is refused or stays silence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.errors import BadAudio
from stegolab.related.audio_cnn.data import normalised
from stegolab.related.levels import LEVEL, audible_rms, levelled, rms
from stegolab.related.pixinwav.data import levelled as host_level
from stegolab.related.wavinwav.data import at_level


def noise(count=500):
    return np.random.default_rng(0).normal(size=count).astype(np.float32)


@given(st.floats(1e-3, 1.0))
def test_every_system_reaches_its_level_whatever_the_loudness(gain):
    samples = (gain * noise()).astype(np.float32)
    assert rms(normalised(samples)) == pytest.approx(1, rel=1e-5)
    for found in (levelled(samples, rms(samples)), host_level(samples), at_level(samples)):
        assert found.dtype == np.float32
        assert rms(found) == pytest.approx(LEVEL, rel=1e-5)


def test_a_peak_is_not_exceeded():
    click = np.zeros(3_000, np.float32)
    click[7] = 0.5
    assert np.abs(levelled(click, rms(click), peak=0.9)).max() == pytest.approx(0.9)
    assert np.abs(levelled(click, rms(click))).max() == pytest.approx(LEVEL * np.sqrt(3_000), rel=1e-5)


@pytest.mark.parametrize("silent", [np.zeros(100, np.float32), np.zeros(0, np.float32)])
def test_silence_is_refused_where_nothing_could_be_sent(silent):
    for refuse in (audible_rms, normalised, host_level):
        with pytest.raises(BadAudio, match="silent"):
            refuse(silent)
    assert not at_level(silent).any()
