"""The three clips that ship with the package, spoken by free synthesisers, so that anybody may redistribute them.

Run on Debian after ``apt-get install flite festival festvox-us-slt-hts``. Writes stegolab/samples/*.flac (16 kHz,
mono, 16 bit, -23 dBFS RMS) and the README.md beside them. Both engines are deterministic: the same versions give the
same samples.
"""

from __future__ import annotations

import datetime
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from stegolab.errors import CannotWrite
from stegolab.files import check

RATE = 16_000  # hertz
LOUDNESS = -23.0  # dBFS RMS
PEAK = -3.0  # dBFS, never exceeded
MARGIN = 0.15  # seconds of silence kept at both ends


class Clip(NamedTuple):
    """``command`` reads the text from TEXT and writes WAV; both names are replaced by temporary files."""

    name: str
    voice: str
    command: tuple[str, ...]
    text: str


CLIPS = (
    Clip(
        name="photograph_slt",
        voice="cmu_us_slt_arctic_hts, American English, female (HTS)",
        command=("text2wave", "-eval", "(voice_cmu_us_slt_arctic_hts)", "TEXT", "-o", "WAV"),
        text="A photograph can carry a voice. Nobody who looks at the picture will notice that it speaks.",
    ),
    Clip(
        name="platform_rms",
        voice="cmu_us_rms, American English, male (clustergen)",
        command=("flite", "-voice", "rms", "-f", "TEXT", "-o", "WAV"),
        text="Every platform squeezes the pictures we share. This sentence came through unharmed.",
    ),
    Clip(
        name="morning_awb",
        voice="cmu_us_awb, Scottish English, male (clustergen)",
        command=("flite", "-voice", "awb", "-f", "TEXT", "-o", "WAV"),
        text="Good morning from inside a picture. The key opens the message, and the message is my voice.",
    ),
)

README = """# Speech samples

Three clips of synthesised speech, 16 kHz mono FLAC, about -23 dBFS RMS. Nobody's voice was recorded for them.
`python data_scripts/make_samples.py` wrote them, and this page, on {date}.

{clips}
Engines: {engines}, as packaged by Debian.

Licence: MIT, as the rest of the project, for which the texts were written. Flite, Festival and the three CMU voices are
free software under permissive licences of Carnegie Mellon University and the University of Edinburgh (on Debian:
/usr/share/doc/libflite1/copyright, /usr/share/doc/festvox-us-slt-hts/copyright), which allow any use and distribution
free of charge and lay no claim to the speech that the engines produce.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    if sys.argv[1:] if arguments is None else arguments:
        print("make_samples: takes no arguments", file=sys.stderr)
        return 1
    folder = Path(__file__).resolve().parent.parent / "stegolab" / "samples"
    folder.mkdir(exist_ok=True)
    for name in (*(f"{clip.name}.flac" for clip in CLIPS), "README.md"):
        try:
            check(folder / name)
        except CannotWrite as error:
            print(f"make_samples: {error}", file=sys.stderr)
            return 1
    try:
        clips = [(clip, loud(speak(clip))) for clip in CLIPS]
        engines = ", ".join(map(version, ("flite", "festival", "festvox-us-slt-hts")))
    except FileNotFoundError as missing:
        print(
            f"make_samples: no {missing.filename}: apt-get install flite festival festvox-us-slt-hts", file=sys.stderr
        )
        return 1
    for clip, samples in clips:
        soundfile.write(folder / f"{clip.name}.flac", samples, RATE, subtype="PCM_16")
    sections = "\n".join(describe(clip, samples) for clip, samples in clips)
    page = README.format(date=datetime.date.today().isoformat(), clips=sections, engines=engines)
    (folder / "README.md").write_text(page, encoding="utf-8")
    return 0


def speak(clip: Clip) -> NDArray[np.float64]:
    """The clip as spoken by its engine, at 16 kHz, with the silence at both ends cut to MARGIN."""
    with tempfile.TemporaryDirectory() as folder:
        text, wav = Path(folder) / "text", Path(folder) / "speech.wav"
        text.write_text(clip.text + "\n", encoding="utf-8")
        files = {"TEXT": str(text), "WAV": str(wav)}
        subprocess.run([files.get(word, word) for word in clip.command], check=True)
        samples, rate = soundfile.read(wav)
    samples = resample_poly(samples, RATE, rate)
    sounding = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    margin = round(MARGIN * RATE)
    return samples[max(0, sounding[0] - margin) : sounding[-1] + margin]


def loud(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The samples at LOUDNESS, or quieter if needed to keep the peak below PEAK."""
    gain = 10 ** (LOUDNESS / 20) / np.sqrt(np.mean(samples**2))
    return samples * min(gain, 10 ** (PEAK / 20) / np.abs(samples).max())


def describe(clip: Clip, samples: NDArray[np.float64]) -> str:
    command = " ".join(f"'{word}'" if "(" in word else word for word in clip.command)
    command = command.replace("TEXT", f"{clip.name}.txt").replace("WAV", f"{clip.name}.wav")
    return (
        f"## {clip.name}.flac\n\n{len(samples) / RATE:.1f} s. Voice: {clip.voice}.\n\n> {clip.text}\n\n    {command}\n"
    )


def version(package: str) -> str:
    query = ["dpkg-query", "-W", "-f=${Package} ${Version}", package]
    return subprocess.run(query, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
