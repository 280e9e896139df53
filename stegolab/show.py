"""Pictures, sound and sliders for the notebooks: one style, alternative text, a static version of every widget.

Figures are displayed as PNG or JPEG with their alternative text in the output's metadata, where nbconvert finds it,
and again as plain text. The palette is Okabe & Ito's, which colour-blind readers can tell apart.

``STEGOLAB_HEADLESS=1`` in the environment leaves the widgets out and keeps their static versions; ``stegolab
notebooks`` and the tests set it.
"""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .audio import Speech, resample
from .errors import BadAudio, BadImage, BadSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Okabe & Ito 2008; black is last, because axes and text are black.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
WIDTH = 8.0  # inches: the text column of JupyterLab at 100 dots an inch
PLAYER_RATE = 16_000  # hertz


def style() -> None:
    """Make matplotlib draw in the house style: palette, light grid, no box, 100 dots per inch."""
    import matplotlib
    from matplotlib.rcsetup import cycler

    matplotlib.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=PALETTE),
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "figure.dpi": 100,
            "figure.figsize": (WIDTH, 3.2),
            "font.size": 10,
            "grid.alpha": 0.3,
            "image.cmap": "cividis",
            "legend.frameon": False,
            "savefig.dpi": 100,
        }
    )


def figure(drawn: Figure, alt: str, photographic: bool = False) -> None:
    """Display a matplotlib figure with alternative text, then close it.

    Args:
        drawn: the figure, from ``plt.subplots()`` or ``Figure()``.
        alt: one sentence for people who cannot see the figure: what it shows, and what to conclude.
        photographic: store as JPEG, a fifth of the size if photographs fill the figure.

    Raises:
        BadSpec: ``alt`` is empty.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    if not alt.strip():
        raise BadSpec("figure(alt=...) is empty: say in one sentence what the figure shows")
    buffer = io.BytesIO()
    kind = "image/jpeg" if photographic else "image/png"
    if photographic:
        drawn.savefig(buffer, format="jpeg", pil_kwargs={"quality": 88})
    else:
        _draw_in_few_colours(drawn, buffer)
    plt.close(drawn)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    display({kind: encoded, "text/plain": alt}, metadata={kind: {"alt": alt}}, raw=True)


def _draw_in_few_colours(drawn: Figure, buffer: io.BytesIO) -> None:
    """Store a plot, which has few colours, with a palette of 128 in half the bytes: notebooks have a size limit."""
    from PIL import Image

    full = io.BytesIO()
    drawn.savefig(full, format="png")
    few = Image.open(full).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few.save(buffer, "PNG", optimize=True)


def pictures(images: Mapping[str, NDArray[Any]], alt: str | None = None) -> None:
    """Show images in one row under their titles, all of one height.

    Args:
        images: title -> (rows, columns, 3) or (rows, columns); uint8, or floats in [0, 1].
        alt: alternative text; a list of the titles by default.

    Raises:
        BadImage: an array of another shape or type.
    """
    for title, image in images.items():
        if not _is_picture(image):
            raise BadImage(f"{title}: {image.dtype} of shape {image.shape}; pictures are uint8 or floats in [0, 1]")
    widths = [image.shape[1] / image.shape[0] for image in images.values()]  # at height 1
    drawn, row = _axes(1, len(images), WIDTH / (sum(widths) or 1) + 0.3, width_ratios=widths)
    for axes, (title, image) in zip(row, images.items(), strict=True):
        axes.imshow(image, cmap="gray", vmin=0, vmax=255 if image.dtype == np.uint8 else 1)
        axes.set_title(title)
        axes.set_axis_off()
    figure(drawn, alt or f"Pictures side by side: {'; '.join(images)}.", photographic=True)


def difference(cover: NDArray[np.uint8], stego: NDArray[np.uint8], gain: float = 10, alt: str | None = None) -> None:
    """Show cover, stego and their :func:`amplified` difference side by side.

    Raises:
        BadImage: the shapes differ.
    """
    grey = amplified(cover, stego, gain)
    largest = int(np.abs(stego.astype(int) - cover.astype(int)).max())
    alt = alt or f"Cover, stego, and their difference times {gain:g} around grey; no value changed by over {largest}."
    pictures({"cover": cover, "stego": stego, f"difference × {gain:g}": grey}, alt)


def amplified(cover: NDArray[np.uint8], stego: NDArray[np.uint8], gain: float = 10) -> NDArray[np.uint8]:
    """``128 + gain * (stego - cover)``, rounded and clipped: mid-grey where nothing changed. Shape of the inputs.

    Raises:
        BadImage: the shapes differ.
    """
    if cover.shape != stego.shape:
        raise BadImage(f"cover is {cover.shape}, stego {stego.shape}: resize one before taking the difference")
    return np.clip(np.rint(128 + gain * (stego.astype(float) - cover.astype(float))), 0, 255).astype(np.uint8)


def waveforms(sounds: Mapping[str, Speech], alt: str | None = None) -> None:
    """Draw each waveform in its own row, on one time axis (seconds) and one amplitude axis (full scale = 1)."""
    drawn, column = _axes(len(sounds), 1, 1.1 * len(sounds) + 0.6, sharex=True, sharey=True)
    for axes, color, (label, speech) in zip(column, PALETTE * len(sounds), sounds.items(), strict=False):
        axes.plot(np.arange(len(speech.samples)) / speech.rate, speech.samples, color=color, linewidth=0.5)
        axes.set_title(label, loc="left")
        axes.set_ylabel("amplitude")
    column[-1].set_xlabel("time (s)")
    durations = "; ".join(f"{label}, {speech.seconds:.1f} s" for label, speech in sounds.items())
    figure(drawn, alt or f"Waveforms on one time axis: {durations}.")


def spectrogram(sounds: Mapping[str, Speech], floor: float = -80, alt: str | None = None) -> None:
    """Draw the log-magnitude spectrograms side by side, in decibels below the loudest point of each.

    Args:
        sounds: label -> speech. Windows are 32 ms (Hann), hops 8 ms.
        floor: darkest shade, in dB (negative).
        alt: alternative text; the labels by default.
    """
    from scipy.signal import stft

    drawn, row = _axes(1, len(sounds), 2.8, sharey=True)
    for axes, (label, speech) in zip(row, sounds.items(), strict=True):
        window = min(round(0.032 * speech.rate), len(speech.samples))
        frequency, time, values = stft(speech.samples, speech.rate, nperseg=window, noverlap=window - window // 4)
        power = np.abs(values) ** 2  # (frequency, time)
        level = 10 * np.log10(np.maximum(power / max(power.max(), 1e-20), 10 ** (floor / 10)))
        shown = axes.pcolormesh(time, frequency / 1000, level, vmin=floor, vmax=0, shading="auto", rasterized=True)
        axes.set(title=label, xlabel="time (s)")
        axes.grid(False)
    row[0].set_ylabel("frequency (kHz)")
    drawn.colorbar(shown, ax=list(row), label="level (dB)")
    figure(drawn, alt or f"Spectrograms side by side: {'; '.join(sounds)}.", photographic=True)


def audio(speech: Speech, label: str) -> None:
    """Display a labelled player. The sound is embedded as 16 kHz mono MP3: 3 to 5 kB a second, plays everywhere.

    It is only for listening; measurements use the samples.

    Raises:
        BadAudio: there are no samples, or some are not numbers.
    """
    from IPython.display import HTML, display

    encoded = base64.b64encode(mp3(speech)).decode("ascii")
    caption = html.escape(f"{label} ({speech.seconds:.1f} s)")
    player = f'<audio controls aria-label="{caption}" src="data:audio/mpeg;base64,{encoded}"></audio>'
    display(HTML(f"<figure><figcaption>{caption}</figcaption>{player}</figure>", metadata={"alt": caption}))


def mp3(speech: Speech) -> bytes:
    """``speech`` as a 16 kHz mono MP3 file, at a variable rate of 24 to 40 kbit/s.

    Raises:
        BadAudio: there are no samples, or some are not numbers.
    """
    import soundfile

    if not len(speech.samples) or not np.isfinite(speech.samples).all():
        raise BadAudio("nothing to play: the speech is empty or holds values that are not numbers")
    samples = resample(speech, PLAYER_RATE).samples
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(samples, -1, 1), PLAYER_RATE, format="MP3", compression_level=0.7)
    return buffer.getvalue()


def slider(draw: Callable[..., object], /, **choices: Sequence[Any]) -> None:
    """Let the reader change the arguments of ``draw``: a static figure first, with sliders below it.

    Args:
        draw: displays something (with :func:`figure`, :func:`audio`, ...) for one value of each argument.
        choices: argument name -> the values its slider steps through; it starts at the middle one.

    The static version is ``draw`` at the middle of every range, called outside any widget, so its errors are raised
    here in every kind of run. Headlessly (see the top of this module) there is no widget.

    Raises:
        BadSpec: an argument without choices.
    """
    for name, values in choices.items():
        if not len(values):
            raise BadSpec(f"slider({name}=...) has no values to choose from")
    middle = {name: values[len(values) // 2] for name, values in choices.items()}
    draw(**middle)
    if headless():
        return
    import ipywidgets
    from IPython.display import display

    sliders = {
        name: ipywidgets.SelectionSlider(
            options=list(values), value=middle[name], description=name.replace("_", " "), continuous_update=False
        )
        for name, values in choices.items()
    }
    display(ipywidgets.VBox([*sliders.values(), ipywidgets.interactive_output(draw, sliders)]))


def headless() -> bool:
    """Whether ``STEGOLAB_HEADLESS`` asks for static output only."""
    return os.environ.get("STEGOLAB_HEADLESS", "0") not in ("", "0")


def _axes(rows: int, columns: int, height: float, **layout: Any) -> tuple[Figure, NDArray[Any]]:
    """A figure of the standard width and its axes, flattened; no global state, so nothing is displayed twice.

    ``layout``: what ``Figure.subplots`` takes, such as ``sharex``.
    """
    from matplotlib.figure import Figure

    if not rows * columns:
        raise BadSpec("nothing to draw: give at least one title and its picture or sound")
    drawn = Figure(figsize=(WIDTH, height), layout="constrained")
    return drawn, drawn.subplots(rows, columns, squeeze=False, **layout).ravel()


def _is_picture(image: NDArray[Any]) -> bool:
    shaped = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    floating = np.issubdtype(image.dtype, np.floating) and bool(((image >= 0) & (image <= 1)).all())
    return shaped and image.size > 0 and (image.dtype == np.uint8 or floating)
