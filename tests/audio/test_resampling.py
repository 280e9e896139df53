"""Another rate, block by block: in step, as many samples as the rates say, and the blocks make no difference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.audio.resampling import Resampler
from stegolab.speech.conditioning import whole

RATES = [8_000, 22_050, 44_100, 44_101, 48_000]


@pytest.mark.parametrize("rate", RATES)
@settings(max_examples=10)
@given(n=st.integers(0, 30_000), cuts=st.lists(st.integers(0, 30_000), max_size=6))
def test_blocks_make_no_difference_to_the_last_bit(rate, n, cuts):
    samples = (0.1 * np.random.default_rng(n).standard_normal(n)).astype(np.float32)
    stage = Resampler(rate, 16_000)
    parts = [stage.push(part) for part in np.split(samples, sorted(min(cut, n) for cut in cuts))]
    found = np.concatenate([*parts, stage.flush()])
    assert len(found) == -(-n * 16_000 // rate)
    np.testing.assert_array_equal(found, whole(Resampler(rate, 16_000), samples))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("back", [False, True])
def test_it_is_the_same_sound_at_the_same_time_without_clicks_at_its_ends(rate, back):
    one, other = (16_000, rate) if back else (rate, 16_000)

    def sound(rate: int, n: int) -> np.ndarray:
        return (0.4 + 0.3 * np.cos(2 * np.pi * 440 * np.arange(n) / rate)).astype(np.float32)

    found = whole(Resampler(one, other), sound(one, one // 2))
    wanted = sound(other, len(found))
    np.testing.assert_allclose(found[other // 50 : -other // 50], wanted[other // 50 : -other // 50], atol=2e-3)
    np.testing.assert_allclose(found, wanted, atol=0.05)
    np.testing.assert_allclose(whole(Resampler(one, other), np.full(one // 2, 0.4, np.float32)), 0.4, atol=1e-3)
