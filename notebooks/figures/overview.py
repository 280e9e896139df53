"""Draw the README's picture: one clip's whole way into a photograph, through a platform, and out again.

    python notebooks/figures/overview.py [OUT.png]

Nothing in it is staged: the words "bit for bit" are drawn only after the assertion that they hold.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

import stegolab
from stegolab import data, show
from stegolab.channel import spec
from stegolab.files import replacing

OUT = Path(__file__).with_suffix(".png")
COVER, CLIP, SECONDS, PLATFORM = "astronaut", "morning_awb", 2.0, "resize:0.5,jpeg:75"
TOP, LEFT, ROWS, COLUMNS = 0, 90, 260, 300  # the detail that is drawn, in pixels of the cover; even numbers
WIDTH, DOTS = 10.0, 160  # inches, dots an inch
GAIN = 10


def main(out: Path) -> None:
    """Hide, attack, reveal, and write the picture of it to ``out``."""
    speech = stegolab.read_audio(data.sample_speech()[CLIP])
    speech = stegolab.Speech(speech.samples[: round(SECONDS * speech.rate)], speech.rate)
    cover = data.sample_covers()[COVER]
    stego = stegolab.hide(speech, cover, "ready for the stars")
    received = spec.parse(PLATFORM)(stego.picture.rgb)
    revealed = stegolab.reveal(received, "ready for the stars")
    assert revealed.report["payload_sha256"] == stego.report["payload_sha256"]
    drawn = draw(speech, cover, stego, received, revealed)
    with replacing(out) as temporary:
        drawn.savefig(temporary, dpi=DOTS, facecolor="white")
        _with_palette(temporary)


def draw(
    speech: stegolab.Speech,
    cover: NDArray[np.uint8],
    stego: stegolab.Stego,
    received: NDArray[np.uint8],
    revealed: stegolab.Revealed,
) -> Figure:
    """A detail of the four pictures above, to one scale; the speech that went in and came out below."""
    show.style()
    drawn = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    above, below = drawn.subfigures(2, 1, squeeze=False, height_ratios=(2.7, 2.3), hspace=0.02).ravel()
    sent = stego.report
    before, after = (f"{image.shape[1]} × {image.shape[0]}" for image in (cover, received))
    share = received[..., 0].size / cover[..., 0].size
    pictures = {
        f"cover, {before}\n(a detail)": cover,
        "stego,\nspeech inside": stego.picture.rgb,
        f"stego − cover, × {GAIN}\n(grey: no change)": show.amplified(cover, stego.picture.rgb, GAIN),
        f"what the platform returned\n{after}, JPEG 75": received,
    }
    for axes, (title, image) in zip(above.subplots(1, 4), pictures.items(), strict=True):
        _detail(axes, image, scale=image.shape[0] / cover.shape[0])
        axes.set_title(title, fontsize=11)
    sounds = {
        f"sent: {speech.seconds:.1f} s of speech, {sent['payload_bits'] / 1000:.1f} kbit when coded": speech,
        f"revealed: recovered bit for bit from {share:.0%} of the pixels": revealed.speech,
    }
    column = below.subplots(2, 1, sharex=True, sharey=True)
    for axes, color, (title, sound) in zip(column, show.PALETTE, sounds.items(), strict=False):
        axes.plot(np.arange(len(sound.samples)) / sound.rate, sound.samples, color=color, linewidth=0.5)
        axes.set_title(title, loc="left", fontsize=11)
        axes.set(ylabel="amplitude", xlim=(0, speech.seconds), ylim=(-0.75, 0.75))
    column[-1].set_xlabel("time (s)")
    return drawn


def _detail(axes: Axes, image: NDArray[np.uint8], scale: float) -> None:
    """Draw the detail of an image ``scale`` times the cover's size, within a dashed frame of the cover's."""
    top, left, rows, columns = (round(scale * length) for length in (TOP, LEFT, ROWS, COLUMNS))
    middle, centre = ROWS / 2, COLUMNS / 2
    extent = (centre - columns / 2, centre + columns / 2, middle + rows / 2, middle - rows / 2)
    axes.imshow(image[top : top + rows, left : left + columns], extent=extent, interpolation="lanczos")
    axes.set(xlim=(0, COLUMNS), ylim=(ROWS, 0))
    axes.set_axis_off()
    if scale < 1:
        axes.add_patch(Rectangle((0, 0), COLUMNS, ROWS, fill=False, edgecolor="0.5", linestyle="--", clip_on=False))


def _with_palette(path: Path) -> None:
    """Store the PNG in 256 colours: a quarter of the size. Chosen by coverage, or rare colours go."""
    from PIL import Image

    with Image.open(path) as image:
        reduced = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    reduced.save(path, "PNG", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
