"""What is shown: every figure speaks, stays small, and a slider hides no error."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from stegolab import show
from stegolab.audio import Speech
from stegolab.errors import BadAudio, BadImage, BadSpec

RNG = np.random.default_rng(0)
COVER = RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8)
VOICE = Speech((0.3 * np.sin(2 * np.pi * 440 * np.arange(5 * 16_000) / 16_000)).astype(np.float32), 16_000)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict]]:
    """What reached the display: (object, keywords) in order."""
    seen: list[tuple[Any, dict]] = []
    monkeypatch.setattr("IPython.display.display", lambda *objects, **keywords: seen.append((objects[0], keywords)))
    return seen


def decoded(shown: list[tuple[Any, dict]]) -> tuple[Image.Image, str]:
    """The one picture that was displayed, and its alternative text."""
    [(bundle, keywords)] = shown
    [kind] = [kind for kind in bundle if kind.startswith("image/")]
    return Image.open(io.BytesIO(base64.b64decode(bundle[kind]))), keywords["metadata"][kind]["alt"]


def test_a_figure_carries_its_alternative_text(shown: list) -> None:
    show.figure(Figure(figsize=(2, 1)), "Nothing is drawn.")
    picture, alt = decoded(shown)
    assert (picture.format, alt) == ("PNG", "Nothing is drawn.")
    assert shown[0][0]["text/plain"] == alt  # for who reads the notebook as text


def test_a_figure_without_alternative_text_is_refused(shown: list) -> None:
    with pytest.raises(BadSpec, match="alt"):
        show.figure(Figure(), "  ")
    assert not shown


def test_the_same_figure_gives_the_same_bytes(shown: list) -> None:
    for _ in range(2):
        show.waveforms({"voice": VOICE})
    assert shown[0][0] == shown[1][0]


def test_a_figure_from_pyplot_is_closed_and_not_shown_twice(shown: list) -> None:
    import matplotlib.pyplot as plt

    drawn, _ = plt.subplots()
    show.figure(drawn, "Empty axes.")
    assert not plt.fignum_exists(drawn.number)


ROUTINES: dict[str, Callable[[], None]] = {
    "pictures": lambda: show.pictures({"cover": COVER, "grey": COVER[..., 0], "unit": COVER / 255}),
    "difference": lambda: show.difference(COVER, COVER ^ np.uint8(1)),
    "waveforms": lambda: show.waveforms({"noisy": VOICE, "clean": Speech(VOICE.samples[::2], 8000)}),
    "spectrogram": lambda: show.spectrogram({"noisy": VOICE, "clean": Speech(VOICE.samples[::2], 8000)}),
}


@pytest.mark.parametrize("routine", ROUTINES)
def test_every_routine_draws_something_small_and_says_what(routine: str, shown: list) -> None:
    ROUTINES[routine]()
    picture, alt = decoded(shown)
    assert picture.width == pytest.approx(100 * show.WIDTH, abs=2)
    assert np.ptp(np.asarray(picture.convert("L"))) > 100  # ink on paper
    assert len(alt) > 20
    assert len(base64.b64decode(next(iter(shown[0][0].values())))) < 120_000


def test_pictures_are_shown_as_they_are(shown: list) -> None:
    """Flat pictures keep their colour: no normalisation, no swapped channels."""
    flat = {
        "white": np.full((30, 40, 3), 255, np.uint8),
        "red": np.full((30, 40, 3), [255, 0, 0], np.uint8),
        "grey": np.full((30, 40), 64, np.uint8),
        "half": np.full((30, 40), 0.5),
    }
    show.pictures(flat)
    picture, alt = decoded(shown)
    middle = np.asarray(picture)[2 * picture.height // 3]
    found = [middle[(2 * index + 1) * picture.width // 8] for index in range(4)]
    assert np.allclose(found, [[255] * 3, [255, 0, 0], [64] * 3, [127] * 3], atol=6)
    assert "white; red; grey; half" in alt


def test_pictures_of_any_shape_stand_in_one_row_of_one_height(shown: list) -> None:
    show.pictures({"wide": np.zeros((30, 90), np.uint8), "tall": np.zeros((60, 30), np.uint8)})
    dark = np.asarray(decoded(shown)[0].convert("L")) < 16
    left, right = dark[:, : dark.shape[1] // 2].sum(0), dark[:, -dark.shape[1] // 20]
    assert abs(int(np.median(left)) - int(right.sum())) < 8


@pytest.mark.parametrize("image", [COVER.astype(int), COVER[..., :2], COVER / 1.0, COVER[:0]])
def test_what_is_no_picture_is_refused(image: np.ndarray, shown: list) -> None:
    with pytest.raises(BadImage, match="odd"):
        show.pictures({"odd": image})
    assert not shown


images = arrays(np.uint8, (4, 5, 3))


@given(cover=images, stego=images, gain=st.floats(0.5, 20))
def test_the_amplified_difference_is_odd_around_grey(cover: np.ndarray, stego: np.ndarray, gain: float) -> None:
    there = show.amplified(cover, stego, gain).astype(int) - 128
    back = show.amplified(stego, cover, gain).astype(int) - 128
    inside = (np.abs(there) < 127) & (np.abs(back) < 127)
    assert (np.abs(there + back)[inside] <= 1).all()
    assert (there[inside] == np.rint(gain * (stego.astype(float) - cover))[inside]).all()
    assert (show.amplified(cover, cover, gain) == 128).all()


def test_a_difference_needs_equal_shapes(shown: list) -> None:
    with pytest.raises(BadImage, match="resize"):
        show.difference(COVER, COVER[1:])


def test_nothing_to_draw_is_refused(shown: list) -> None:
    for routine in (show.pictures, show.waveforms, show.spectrogram):
        with pytest.raises(BadSpec, match="nothing to draw"):
            routine({})


def test_axes_have_units(shown: list, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(show, "figure", lambda figure, *rest, **keywords: drawn.append(figure))
    show.waveforms({"voice": VOICE})
    show.spectrogram({"voice": VOICE})
    labels = {axes.get_xlabel() for figure in drawn for axes in figure.axes if axes.get_xlabel()}
    labels |= {axes.get_ylabel() for figure in drawn for axes in figure.axes}
    assert labels == {"time (s)", "amplitude", "frequency (kHz)", "level (dB)"}


def test_a_spectrogram_peaks_at_the_tone(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(show, "figure", lambda figure, *rest, **keywords: drawn.append(figure))
    show.spectrogram({"440 Hz": VOICE})
    mesh = drawn[0].axes[0].collections[0]
    level = np.asarray(mesh.get_array())  # (frequency, time)
    frequencies = np.linspace(0, 8, level.shape[0])
    assert frequencies[level.mean(axis=1).argmax()] == pytest.approx(0.44, abs=0.02)
    assert level.max() == pytest.approx(0) and level.min() == pytest.approx(-80)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100])
def test_the_player_plays_the_sound_that_was_given(rate: int) -> None:
    tone = Speech((0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)).astype(np.float32), rate)
    samples, heard = soundfile.read(io.BytesIO(show.mp3(tone)))
    assert heard == show.PLAYER_RATE and samples.ndim == 1
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() * heard / len(samples) == pytest.approx(440, abs=2)
    assert len(samples) / heard == pytest.approx(2, abs=0.2)
    assert np.abs(samples[heard // 2 : heard]).max() == pytest.approx(0.3, rel=0.1)


NOISE = Speech((0.1 * RNG.standard_normal(5 * 16_000)).astype(np.float32), 16_000)
CLIPS = sorted((Path(show.__file__).parent / "samples").glob("*.flac"))


@pytest.mark.parametrize("clip", [None, *CLIPS], ids=lambda clip: clip.stem if clip else "noise")
def test_five_seconds_embed_in_40_kilobytes(clip: Path | None, shown: list) -> None:
    show.audio(NOISE if clip is None else Speech(soundfile.read(clip, 5 * 16_000, dtype="float32")[0], 16_000), "clip")
    assert len(shown[0][0].data) < 40_000


def test_a_player_is_labelled(shown: list) -> None:
    show.audio(NOISE, 'before <the> "channel"')
    text = shown[0][0].data
    assert "<figcaption>before &lt;the&gt; &quot;channel&quot; (5.0 s)</figcaption>" in text
    assert re.search(
        r'aria-label="before &lt;the&gt; &quot;channel&quot; \(5.0 s\)" src="data:audio/mpeg;base64,', text
    )


@pytest.mark.parametrize("samples", [[], [0.0, np.nan], [np.inf]])
def test_what_cannot_be_played_is_refused(samples: list, shown: list) -> None:
    with pytest.raises(BadAudio):
        show.audio(Speech(np.array(samples, np.float32), 16_000), "odd")
    assert not shown


def test_a_slider_is_its_static_twin_headlessly(shown: list) -> None:
    calls: list[dict] = []
    show.slider(lambda **values: calls.append(values), quality=[10, 50, 90], gain=[1, 2])
    assert calls == [{"quality": 50, "gain": 2}] and not shown


def test_a_slider_follows_its_static_twin_and_moves(shown: list, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEGOLAB_HEADLESS", "0")
    calls: list[int] = []

    def draw(quality: int) -> None:
        assert calls or not shown  # the twin comes before any widget
        calls.append(quality)

    show.slider(draw, quality=[10, 50, 90])
    knob = shown[0][0].children[0]
    assert calls[0] == 50 and knob.value == 50
    knob.value = 90
    assert calls[-1] == 90


@pytest.mark.parametrize("headless", ["0", "1"])
def test_a_slider_hides_no_error(headless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEGOLAB_HEADLESS", headless)
    with pytest.raises(ZeroDivisionError):
        show.slider(lambda quality: 1 // 0, quality=[1])


def test_a_slider_without_choices_is_refused() -> None:
    with pytest.raises(BadSpec, match="quality"):
        show.slider(lambda quality: None, quality=[])


def test_the_palette_can_be_told_apart_in_grey() -> None:
    """Okabe & Ito's colours are distinct, and the first four differ from white by contrast enough to be lines."""
    assert len(set(show.PALETTE)) == 8
    for colour in show.PALETTE[:4]:
        luminance = np.dot(np.power(to_rgb(colour), 2.2), [0.2126, 0.7152, 0.0722])
        assert 1.05 / (luminance + 0.05) > 2.8  # the ratio of WCAG 2.1
