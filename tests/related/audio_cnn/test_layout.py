"""Sound as planes: laying out and reading are inverse, and neither makes anything louder."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stegolab.errors import BadSpec
from stegolab.related.audio_cnn.layout import LAYOUTS, layout_named

KINDS = st.sampled_from(sorted(LAYOUTS))


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=count).astype(np.float32)


@given(KINDS, st.integers(1, 900), st.integers(8, 17))
def test_reading_undoes_laying(kind, count, side):
    layout, samples = layout_named(kind, side), noise(count)
    planes = layout.lay(samples)
    found = layout.read(planes)
    assert planes.shape == (len(planes), layout.planes, side, side)
    assert planes.dtype == found.dtype == np.float32
    assert len(found) == len(planes) * layout.hop - layout.overlap
    assert np.allclose(found[:count], samples, atol=1e-5)
    assert np.allclose(found[count:], 0, atol=1e-5)


@given(KINDS, st.integers(1, 900), st.integers(8, 17))
def test_energy_is_kept(kind, count, side):
    samples = noise(count)
    assert np.square(layout_named(kind, side).lay(samples)).sum() == pytest.approx(np.square(samples).sum(), rel=1e-4)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_tile_is_begun_only_when_needed(kind):
    layout = layout_named(kind, 16)
    full = 3 * layout.hop - layout.overlap
    assert len(layout.lay(noise(full))) == 3
    assert len(layout.lay(noise(full + 1))) == 4


def test_the_waveform_is_written_as_one_reads():
    plane = layout_named("waveform", 8).lay(np.arange(64, dtype=np.float32))[0, 0]
    assert list(plane[0, :3]) == [0, 1, 2]
    assert list(plane[:3, 0]) == [0, 8, 16]


def test_a_row_of_the_spectrum_is_a_frequency():
    side, row = 32, 9
    tone = np.cos(2 * np.pi * row / 62 * np.arange(900)).astype(np.float32)
    real, imaginary = layout_named("stft", side).lay(tone)[0]
    power = (real**2 + imaginary**2)[:, 2:-4].sum(1)
    assert power.argmax() == row
    assert power[row - 2 : row + 3].sum() > 0.99 * power.sum()


def test_reading_the_spectrum_averages_noise():
    """With two numbers per sample, half the power of white noise on the planes belongs to no sound."""
    layout = layout_named("stft", 32)
    planes = noise(40 * 2 * 32 * 32).reshape(40, 2, 32, 32)
    assert np.square(layout.read(planes)).sum() == pytest.approx(np.square(planes).sum() / 2, rel=0.05)


@pytest.mark.parametrize(("kind", "side"), [("mp3", 32), ("waveform", 7)])
def test_what_is_no_payload_is_refused(kind, side):
    with pytest.raises(BadSpec):
        layout_named(kind, side)
