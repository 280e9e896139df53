"""Many channels to one: the coefficients of ITU-R BS.775, and no cancellation."""

import warnings

import av
import numpy as np
import pytest
import soundfile

from stegolab.audio import OutOfPhaseWarning, read_audio
from stegolab.audio.downmix import Downmix, coefficients, named
from tests.voice import speak

VOICE = speak(0.5).samples
OTHER = np.roll(speak(0.5, seed=3).samples[::-1], 1234)
HALF, MINUS_3_DB = 0.5, np.sqrt(0.5)


def film(path, channels: np.ndarray, layout: str) -> None:
    """Sound (n, channels) with a layout that the file declares."""
    with av.open(str(path), "w", format="wav") as container:
        stream = container.add_stream("pcm_f32le", rate=16_000, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels, np.float32).reshape(1, -1), "flt", layout)
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


@pytest.mark.parametrize(
    "number, gain",
    [(0, HALF), (1, HALF), (2, MINUS_3_DB), (3, 0), (4, HALF * MINUS_3_DB), (5, HALF * MINUS_3_DB)],
)
@pytest.mark.parametrize("layout", ["5.1", None])
def test_each_channel_of_5_1_has_its_coefficient(tmp_path, number, gain, layout):
    """The centre, which carries the speech of films, counts -3 dB and not a sixth; the bass channel is left out."""
    channels = np.zeros((len(VOICE), 6), np.float32)
    channels[:, number] = VOICE
    channels[:, 0] += 0.1 * OTHER  # so that there is something to hear without it
    if layout:
        film(tmp_path / "film.wav", channels, layout)
    else:
        soundfile.write(tmp_path / "film.wav", channels, 16_000, subtype="FLOAT")
    heard = read_audio(tmp_path / "film.wav").samples
    np.testing.assert_allclose(heard, gain * VOICE + 0.05 * OTHER, atol=1e-6)


@pytest.mark.parametrize(
    "left, right, wanted",
    [
        (VOICE, VOICE, VOICE),
        (VOICE, 0 * VOICE, VOICE / 2),  # mono in one channel
        (VOICE, OTHER, (VOICE + OTHER) / 2),
        (VOICE + 0.5 * OTHER, VOICE - 0.5 * OTHER, VOICE),  # left and right of mid and side
        (VOICE, -0.4 * VOICE, 0.3 * VOICE),  # partly out of phase: 1.8 dB less than their powers
    ],
)
def test_stereo_is_the_mean_of_both(tmp_path, left, right, wanted):
    soundfile.write(tmp_path / "in.wav", np.stack([left, right], axis=1), 16_000, subtype="FLOAT")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heard = read_audio(tmp_path / "in.wav")
    np.testing.assert_allclose(heard.samples, wanted, atol=1e-6)
    assert heard.notes == ()


@pytest.mark.parametrize(
    "left, right, taken",
    [
        (VOICE, -VOICE, 1),
        (0.9 * VOICE, -VOICE, 2),
        (VOICE + 0.01 * OTHER, 0.02 * OTHER - VOICE, 1),  # the residue is not the speech
        (VOICE, -0.8 * VOICE, 1),
    ],
)
def test_channels_that_cancel_give_the_stronger_one_and_say_so(tmp_path, left, right, taken):
    soundfile.write(tmp_path / "in.wav", np.stack([left, right], axis=1), 16_000, subtype="FLOAT")
    with pytest.warns(OutOfPhaseWarning, match=rf"in\.wav: .* channel {taken} ") as caught:
        heard = read_audio(tmp_path / "in.wav")
    np.testing.assert_allclose(heard.samples, (left, right)[taken - 1], atol=1e-6)
    assert heard.notes == (str(caught[0].message),)


@pytest.mark.parametrize("ratio, lost", [(1, -3.0103), (0, 0), (-0.5, 10 * np.log10(1.25 / 0.25)), (-1, np.inf)])
def test_what_is_lost_is_counted_against_independent_channels(ratio, lost):
    mix = Downmix(("FL", "FR"))
    for part in np.array_split(np.stack([VOICE, ratio * VOICE], axis=1), 7):
        mix.push(part)
    assert mix.lost == pytest.approx(lost, abs=1e-3)


def test_layouts_without_a_front_pair_or_without_names_are_averaged():
    assert coefficients(("FC",)) == 1
    np.testing.assert_allclose(coefficients(("AUX", "AUX", "AUX", "AUX")), 0.25)
    assert named(("NONE",) * 6)[3] == "LFE"
    assert named(("NONE",) * 4) == ("NONE",) * 4
    assert named(("FL", "FR", "FC", "BC", "BL", "BR"))[3] == "BC"
